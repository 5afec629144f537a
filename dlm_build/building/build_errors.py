"""Why a build failed, in words a user can act on."""

from __future__ import annotations

import re

from dlm_build.building.buildx import Progress
from dlm_build.docker_client import START_DOCKER, engine_problem, last_line
from dlm_build.errors import DlmBuildError, InfraError, SourceGone, shown
from dlm_build.installing import installing_problem

_NETWORK = ("dial tcp", "no such host", "i/o timeout", "tls handshake", "failed to do request", "too many requests")


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
    return (
        _base_problem(text) or engine_problem(text) or InfraError(f"the build failed: {last_line(text)}", START_DOCKER)
    )


def _base_problem(text: str) -> DlmBuildError | None:
    found = re.search(r"failed to resolve source metadata for (\S+?):? ", text)
    if found is None:
        return None
    name = shown(found[1])
    if any(sign in text.lower() for sign in _NETWORK):
        return InfraError(
            f"the registry of {name} cannot be reached: {last_line(text)}",
            "set a mirror in the settings ([registries.\"docker.io\"] mirrors), or try again",
        )  # fmt: skip
    return SourceGone(
        f"the registry no longer has {name}", "`dlm-build bases check` names living bases; --base takes another"
    )
