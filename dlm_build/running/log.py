"""What a container says, both ends kept."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterable
from threading import Lock, Thread

TAIL_CHARACTERS = 16_384
LAST_WORDS = 10.0
"""Seconds for the rest of the log to arrive after the container has ended."""


class Log:
    """Keeps the first and the last half of `limit` bytes of what is added; the rest is counted and dropped.

    Lines that begin with `mark` are the harness's words to us, and no part of what is shown.
    """

    def __init__(self, limit: int, mark: str = "") -> None:
        self._marked = re.compile(rb"\n?" + re.escape(mark.encode()) + rb" ([^\n]*)\n") if mark else None
        self._half = max(1, limit // 2)
        self._head = bytearray()
        self._tail: deque[bytes] = deque()
        self._tail_size = 0
        self._dropped = 0
        self._lock = Lock()

    def add(self, chunk: bytes) -> None:
        with self._lock:
            room = self._half - len(self._head)
            self._head += chunk[:room]
            rest = chunk[room:]
            if rest:
                self._tail.append(rest)
                self._tail_size += len(rest)
            while self._tail_size > self._half:
                self._shorten(self._tail_size - self._half)

    def _shorten(self, excess: int) -> None:
        first = self._tail.popleft()
        kept = first[excess:]
        if kept:
            self._tail.appendleft(kept)
        self._tail_size -= len(first) - len(kept)
        self._dropped += len(first) - len(kept)

    def content(self) -> bytes:
        return self._marked.sub(b"", self._whole()) if self._marked else self._whole()

    def told(self) -> bytes:
        """The last of the harness's words to us; empty where there are none."""
        found = self._marked.findall(self._whole()) if self._marked else []
        return bytes(found[-1]) if found else b""

    def _whole(self) -> bytes:
        with self._lock:
            cut = f"\n[… {self._dropped} bytes cut …]\n".encode() if self._dropped else b""
            return bytes(self._head) + cut + b"".join(self._tail)

    def tail(self) -> str:
        """The end of it as text that can be shown: no control characters but newline and tab."""
        text = self.content()[-4 * TAIL_CHARACTERS :].decode("utf-8", "replace").replace("\r\n", "\n")
        safe = "".join(sign if sign.isprintable() or sign in "\n\t" else "\N{REPLACEMENT CHARACTER}" for sign in text)
        return safe[-TAIL_CHARACTERS:]


def follow(chunks: Iterable[bytes], log: Log) -> Thread:
    """Add `chunks` to `log` in the background until they end or the connection breaks."""

    def work() -> None:
        from docker.errors import DockerException
        from requests.exceptions import RequestException

        try:
            for chunk in chunks:
                log.add(chunk)
        except (DockerException, RequestException, OSError, ValueError):
            log.add(b"\n[the engine stopped sending]\n")

    thread = Thread(target=work, name="container log", daemon=True)
    thread.start()
    return thread
