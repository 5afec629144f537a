"""Standard error for as long as somebody can hear it; work goes on where nobody can."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from threading import main_thread
from typing import IO, Any


class Heard:
    """Standard error, written to by any thread. Its failures are nobody's who writes.

    A terminal that was hung up or a full disk below a log loses no build. Who closes a pipe has heard enough: that is
    an interruption, as it is on standard output.
    """

    def __init__(self) -> None:
        self._stream = sys.stderr  # bars put something else in its place meanwhile

    def write(self, text: str) -> int:
        with _unfailing(self._stream):
            self._stream.write(text)
        return len(text)

    def flush(self) -> None:
        with _unfailing(self._stream):
            self._stream.flush()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _unfailing(stream: IO[str]) -> Iterator[None]:
    try:
        yield
    except OSError as problem:
        silence(stream)
        if isinstance(problem, BrokenPipeError):
            signal.pthread_kill(main_thread().ident or 0, signal.SIGINT)


def silence(stream: IO[str]) -> None:
    """What it still holds and could not write goes nowhere, and so does what is written from now on."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())
