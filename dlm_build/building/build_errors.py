"""Why a build or a question to the engine failed, in words a user can act on."""

from __future__ import annotations

import re

from dlm_build.building.buildx import Progress
from dlm_build.errors import DlmBuildError, InfraError, SourceGone, shown
from dlm_build.installing import installing_problem

_WITHOUT = "or make a SIF alone, which needs no Docker: --to sif"
_ENGINE_HINT = f"start Docker, or set `host` under [docker] in the settings (see `dlm-build doctor`); {_WITHOUT}"
_GONE = (
    "cannot connect to the docker daemon", "error during connect", "connection refused", "connection reset",
    "closing transport", "transport is closing", "error reading from server", "unexpected eof", "broken pipe",
    "connection aborted", "no such file or directory: '/", "filenotfounderror", "failed to dial", "graceful_stop",
    "server shutting down", "context canceled", "session terminated",
)  # fmt: skip
_NETWORK = ("dial tcp", "no such host", "i/o timeout", "tls handshake", "failed to do request", "too many requests")


def engine_problem(text: str, address: str = "") -> InfraError | None:
    """The engine is missing, out of reach, or away; None where `text` says nothing of it."""
    where = f" at {shown(address)}" if address else ""
    low = text.lower()
    if "permission denied" in low and ("docker" in low or "connect" in low):
        return InfraError(
            "this user may not talk to Docker (permission denied on its socket)",
            f"add the user to the group `docker`, use rootless Docker, or run as root; {_WITHOUT}",
        )
    if "'buildx' is not a docker command" in low or "unknown command: docker buildx" in low:
        return InfraError("Docker has no buildx here", "install the package docker-buildx or docker-buildx-plugin")
    if any(sign in low for sign in _GONE):
        return InfraError(f"Docker does not answer{where}: {_cause(text)}", _ENGINE_HINT)
    return None


def _cause(text: str) -> str:
    """What the operating system said, without the layers that carried it here."""
    said = re.findall(r"\[Errno \d+\] ([A-Za-z ]+)|Error\(\d+, '([A-Za-z ]+)'", text)
    return "".join(said[-1]).lower() if said else _last(text)


def build_problem(progress: Progress, stderr_tail: str) -> DlmBuildError:
    """The error for a build that ended with another status than 0."""
    text = "\n".join((progress.error, *progress.plain)) or stderr_tail
    everything = "\n".join((text, *progress.talk()))
    if "no space left on device" in everything.lower():
        return InfraError(
            "the disk Docker keeps its images on is full",
            "free space there (`docker system df`, `docker buildx prune`), then run the same command again",
        )
    if ended := re.search(r"did not complete successfully: exit code: (\d+)", text):
        return installing_problem(int(ended[1]), progress.talk())
    return _base_problem(text) or engine_problem(text) or InfraError(f"the build failed: {_last(text)}", _ENGINE_HINT)


def _base_problem(text: str) -> DlmBuildError | None:
    found = re.search(r"failed to resolve source metadata for (\S+?):? ", text)
    if found is None:
        return None
    name = shown(found[1])
    if any(sign in text.lower() for sign in _NETWORK):
        return InfraError(
            f"the registry of {name} cannot be reached: {_last(text)}",
            "set a mirror in the settings ([registries.\"docker.io\"] mirrors), or try again",
        )  # fmt: skip
    return SourceGone(
        f"the registry no longer has {name}", "`dlm-build bases check` names living bases; --base takes another"
    )


def _last(text: str) -> str:
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return shown(lines[-1].removeprefix("ERROR: "), 400) if lines else "it said nothing"
