"""A server for the length of a `with`: started, waited for, ended by pid."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stack.processes import end

PATIENCE = 90.0
"""Seconds until a server must answer."""


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


@contextmanager
def running(argv: Sequence[str | Path], port: int, log: Path, env: Mapping[str, str] | None = None) -> Iterator[None]:
    """Run a program until the end of the `with`, from the moment it listens on `port`."""
    with log.open("ab") as stream:
        program = subprocess.Popen(
            [str(word) for word in argv], stdin=subprocess.DEVNULL, stdout=stream, stderr=stream,
            env={**os.environ, **(env or {})}, cwd=log.parent,
        )  # fmt: skip
    try:
        _await(program, port, log)
        yield
    finally:
        program.terminate()
        try:
            program.wait(15)
        except subprocess.TimeoutExpired:
            end(program.pid, 1)


def _await(program: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if program.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError(f"{program.args!r} does not answer: {log.read_text(errors='replace')[-2000:]}")
