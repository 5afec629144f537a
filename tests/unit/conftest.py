"""Unit tests cannot reach the world even by mistake: programs and sockets are refused."""

from __future__ import annotations

import socket
import subprocess
from collections.abc import Iterator
from typing import Any, NoReturn

import pytest
from hypothesis import settings

# A change is judged by itself, not by luck or load; `--hypothesis-profile default` looks further.
settings.register_profile("same", derandomize=True, deadline=None)
settings.load_profile("same")


@pytest.fixture(autouse=True)
def no_world(monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Iterator[None]:
    """`@pytest.mark.loopback` opens sockets to 127.0.0.1; `@pytest.mark.programs` lets proc's own tests start one."""

    def refused_program(*args: Any, **kwargs: Any) -> NoReturn:
        raise AssertionError(f"a unit test started a program: {args}")

    def refused_connect(self: socket.socket, address: Any) -> NoReturn:
        raise AssertionError(f"a unit test opened a connection: {address}")

    if not request.node.get_closest_marker("programs"):
        monkeypatch.setattr(subprocess.Popen, "__init__", refused_program)
    if not request.node.get_closest_marker("loopback"):
        monkeypatch.setattr(socket.socket, "connect", refused_connect)
    yield
