"""The Docker engine as runs use it: one connection, its troubles told as ours."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from dlm_build.config import Settings
from dlm_build.errors import InfraError, shown

if TYPE_CHECKING:
    from docker import DockerClient

DEFAULT_ADDRESS = "unix:///var/run/docker.sock"
ANSWER_SECONDS = 60
"""How long the engine may take to answer one request."""


@contextmanager
def connected(settings: Settings) -> Iterator[DockerClient]:
    """A client of the engine that the settings name. Raises InfraError when nothing answers."""
    import docker
    from docker.errors import DockerException

    try:
        # Asks the engine for its version, so it fails where there is none.
        client = docker.from_env(environment=dict(settings.environment), timeout=ANSWER_SECONDS)
    except DockerException as problem:
        address = settings.environment.get("DOCKER_HOST") or DEFAULT_ADDRESS
        raise InfraError(
            f"no Docker engine answers at {shown(address)}: {_cause(problem)}",
            "start Docker, or set docker.host in the settings (or DOCKER_HOST) to where it listens",
        ) from problem
    try:
        yield client
    finally:
        client.close()


def _cause(problem: BaseException) -> str:
    """What the operating system said, below the layers that carried it here."""
    seen: BaseException | None = problem
    while seen is not None:
        if isinstance(seen, OSError) and seen.strerror:
            return seen.strerror
        seen = seen.__cause__ or seen.__context__
    return shown(str(problem), 300)


@contextmanager
def told(doing: str) -> Iterator[None]:
    """Turns what the SDK and its HTTP library raise into InfraError("cannot <doing>: …")."""
    from docker.errors import DockerException, ImageNotFound
    from requests.exceptions import RequestException

    try:
        yield
    except ImageNotFound as problem:
        raise InfraError(f"cannot {doing}: the engine has no such image", "run `dlm-build build` again") from problem
    except (DockerException, RequestException, OSError) as problem:
        explained = getattr(problem, "explanation", None)
        reason = shown(explained, 300) if explained else _cause(problem)
        raise InfraError(f"cannot {doing}: {reason}", "`dlm-build doctor` says what the engine lacks") from problem
