"""One container: created, checked, started, and removed whatever happens."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Thread
from typing import TYPE_CHECKING, Any

from dlm_build.docker_client import doing
from dlm_build.running.log import LAST_WORDS, Log, follow
from dlm_build.running.options import DockerOrder, container_options
from dlm_build.running.sandbox import check, restrictions

if TYPE_CHECKING:
    from docker import DockerClient

REMOVALS = 5
"""Attempts to remove a container while the engine does not answer, half a second longer apart each time."""


class DockerBox:
    """A started container as the watcher sees it."""

    def __init__(self, engine: DockerClient, name: str, sandbox: tuple[str, ...]) -> None:
        self._engine = engine
        self._name = name
        self.sandbox = sandbox

    def state(self) -> Mapping[str, Any]:
        with doing("look at the container"):
            inspected: dict[str, Any] = self._engine.api.inspect_container(self._name)
            state: dict[str, Any] = inspected["State"]
            return state

    def stats(self) -> Mapping[str, Any]:
        from docker.errors import APIError

        with doing("read the container's use of memory"):
            try:
                sample: dict[str, Any] = self._engine.api.stats(self._name, stream=False, one_shot=True)
            except APIError:
                return {}  # it has just ended
            return sample

    def overgrown(self) -> str | None:
        return None  # its scratch file systems have sizes of their own

    def kill(self) -> None:
        from docker.errors import APIError

        with doing("end the container"), suppress(APIError):
            self._engine.api.kill(self._name)


@contextmanager
def container(engine: DockerClient, info: Mapping[str, Any], order: DockerOrder, log: Log) -> Iterator[DockerBox]:
    """Start the container of `order`; what it says goes to `log`. Raises InfraError when it cannot be started."""
    options = container_options(order)
    stream, reader = None, None
    try:
        with doing("create the container"):
            engine.containers.create(**options)
            sandbox = restrictions(engine.api.inspect_container(order.name), info)
        check(sandbox)
        with doing("start the container"):
            stream = engine.api.attach(order.name, stdout=True, stderr=True, stream=True, logs=False)
            reader = follow(stream, log)
            engine.api.start(order.name)
        yield DockerBox(engine, order.name, sandbox)
        reader.join(LAST_WORDS)
    finally:
        remove(engine, order.name)
        if stream is not None:
            _hang_up(stream, reader)


def _hang_up(stream: Any, reader: Thread | None) -> None:
    """End the log's connection: `close` wakes the reader, and only the response frees the socket."""
    from docker.errors import DockerException

    with suppress(DockerException, OSError, AttributeError):
        stream.close()
    if reader is not None:
        reader.join(LAST_WORDS)
    with suppress(OSError, AttributeError):
        stream._response.close()


def remove(engine: DockerClient, name: str) -> bool:
    """Remove the container with all its processes. False when the engine does not answer: the next start does it."""
    from docker.errors import DockerException, NotFound
    from requests.exceptions import RequestException

    for attempt in range(REMOVALS):
        try:
            engine.api.remove_container(name, v=True, force=True)
            return True
        except NotFound:
            return True
        except (DockerException, RequestException, OSError):
            time.sleep(0.5 * (attempt + 1))
    return False
