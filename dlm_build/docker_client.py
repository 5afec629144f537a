"""The door to a Docker engine: the SDK's client, opened here and nowhere else, and its troubles told as ours."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from dlm_build.errors import InfraError, shown
from dlm_build.records import Image

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
_WITHOUT = "or make a SIF alone, which needs no Docker: --to sif"
START_DOCKER = f"start Docker, or set `host` under [docker] in the settings (see `dlm-build doctor`); {_WITHOUT}"
_GONE = (
    "cannot connect to the docker daemon", "error during connect", "connection refused", "connection reset",
    "closing transport", "transport is closing", "error reading from server", "unexpected eof", "broken pipe",
    "connection aborted", "no such file or directory: '/", "filenotfounderror", "failed to dial", "graceful_stop",
    "server shutting down", "context canceled", "session terminated", "read timed out",
)  # fmt: skip


@contextmanager
def connected(environment: Mapping[str, str], seconds: int) -> Iterator[DockerClient]:
    """A client of the engine that DOCKER_HOST names, which may take `seconds` for each answer.

    Raises InfraError where nothing answers, and for what the SDK or the HTTP library below it raises in the block.
    """
    import docker
    from docker.errors import DockerException
    from requests.exceptions import RequestException

    try:
        client = docker.DockerClient.from_env(environment=dict(environment), timeout=seconds)
        try:
            yield client
        finally:
            client.close()
    except (DockerException, RequestException) as problem:
        known = engine_problem(str(problem), environment.get("DOCKER_HOST") or DEFAULT_ADDRESS)
        raise known or InfraError(f"Docker refused: {shown(str(problem), 400)}", "see `dlm-build doctor`") from problem


@contextmanager
def doing(what: str) -> Iterator[None]:
    """Turns what one question to the engine raises into InfraError("cannot <what>: …")."""
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        yield
    except ImageNotFound as problem:
        raise InfraError(f"cannot {what}: the engine has no such image", "run `dlm-build build` again") from problem
    except (DockerException, RequestException, OSError) as problem:
        explained = getattr(problem, "explanation", None)
        reason = shown(explained, 300) if explained else _strerror(problem)
        raise InfraError(f"cannot {what}: {reason}", "`dlm-build doctor` says what the engine lacks") from problem


def id_of(client: DockerClient, image: Image) -> str | None:
    """The engine's name for the image by what it is, never by its tag; None where the engine has it no more."""
    from docker.errors import ImageNotFound

    for digest in image.digests:
        with suppress(ImageNotFound):
            return str(client.images.get(digest).id)
    return None


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
        return InfraError(f"Docker does not answer{where}: {_cause(text)}", START_DOCKER)
    return None


def last_line(text: str) -> str:
    """The last that a program said, which mostly is why it ended."""
    lines = [line for line in text.strip().splitlines() if line.strip()]
    return shown(lines[-1].removeprefix("ERROR: "), 400) if lines else "it said nothing"


def _cause(text: str) -> str:
    """What the operating system said, without the layers that carried it here."""
    said = re.findall(r"\[Errno \d+\] ([A-Za-z ]+)|Error\(\d+, '([A-Za-z ]+)'", text)
    return "".join(said[-1]).lower() if said else last_line(text)


def _strerror(problem: BaseException) -> str:
    """The same of an exception."""
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return shown(str(problem), 300)
