"""What a root file system is, whatever holds it: one digest, made while its entries pass by.

It covers path, type, permission bits, content and link targets. Owners and times are not part of it: a SIF has none of
its own. Nor is what only one of the engines has, or puts over it when it starts a container.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from queue import Queue
from threading import Thread

from dlm_build.unpacking.layers import END, Content, Entry, packed_header, padding

LEFT_OUT = frozenset(
    (".singularity.d", ".exec", ".run", ".shell", ".test", "environment", "singularity", "dev", "proc", "sys")
)
"""Folders and links at the top that count with nothing of them."""
MOUNT_POINTS = frozenset(
    ("", "dlm", "dlm/in", "dlm/out", "etc", "etc/hosts", "etc/resolv.conf", "home", "root", "tmp", "var", "var/tmp")
)
"""Do not count themselves, while what lies in them does: a SIF has them in any case."""
_SMALL = 64 << 10
"""Bytes that are hashed sooner than they are handed over."""
_PIECE = 256 << 10
"""Bytes that are passed on at a time."""
_HASHERS, _WAITING = 4, 16
"""Threads, and the pieces that may wait for each."""


class RootfsDigest:
    """Takes entries in any order; hard links after the file they share."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, int, str]] = {}

    def add(self, entry: Entry, sha256: str = "") -> None:
        """`sha256` of a file's content."""
        if entry.kind == "hardlink":
            self._rows[entry.path] = self._rows[entry.target]
        else:
            told = sha256 if entry.kind == "file" else entry.target
            mode = 0o777 if entry.kind == "symlink" else entry.mode
            self._rows[entry.path] = (entry.kind, mode, told)

    def digest(self) -> str:
        """`sha256:…`"""
        whole = hashlib.sha256()
        for path, (kind, mode, told) in sorted(self._rows.items()):
            if counts(path):
                whole.update(f"{path}\0{kind}\0{mode:o}\0{told}\n".encode("utf-8", "surrogateescape"))
        return f"sha256:{whole.hexdigest()}"


def counts(path: str) -> bool:
    return path not in MOUNT_POINTS and path.partition("/")[0] not in LEFT_OUT


def as_tar(entries: Iterable[tuple[Entry, Content]], digest: RootfsDigest) -> Iterator[bytes]:
    """The entries as one tar in pieces; `digest` has heard of all of them at the end."""
    hashed: list[tuple[Entry, str | Future[str]]] = []
    with Hashers() as hashers:
        yield from _gathered(_packed(entries, hashers, hashed))
        for entry, told in hashed:
            digest.add(entry, told if isinstance(told, str) else told.result())


def _packed(
    entries: Iterable[tuple[Entry, Content]], hashers: Hashers, hashed: list[tuple[Entry, str | Future[str]]]
) -> Iterator[bytes]:
    for entry, content in entries:
        yield packed_header(entry)
        if entry.kind != "file":
            hashed.append((entry, ""))
        elif entry.size <= _SMALL:
            whole = b"".join(content)
            hashed.append((entry, hashlib.sha256(whole).hexdigest()))
            yield whole
        else:
            queue = hashers.next()
            for piece in content:
                queue.put(piece)
                yield piece
            result: Future[str] = Future()
            queue.put(result)
            hashed.append((entry, result))
        yield padding(entry.size)
    yield END


class Hashers:
    """Threads that hash one content each at a time: without its own instructions sha256 is slower than a disk."""

    def __init__(self) -> None:
        self._queues: list[Queue[bytes | Future[str] | None]] = [Queue(_WAITING) for _ in range(_HASHERS)]
        self._threads = [Thread(target=_hash, args=(queue,), daemon=True) for queue in self._queues]

    def __enter__(self) -> Hashers:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_ended: object) -> None:
        for queue in self._queues:
            queue.put(None)
        for thread in self._threads:
            thread.join()

    def next(self) -> Queue[bytes | Future[str] | None]:
        """The least busy one: takes pieces, then the promise to keep."""
        return min(self._queues, key=Queue.qsize)


def _hash(queue: Queue[bytes | Future[str] | None]) -> None:
    digest = hashlib.sha256()
    while (item := queue.get()) is not None:
        if isinstance(item, Future):
            item.set_result(digest.hexdigest())
            digest = hashlib.sha256()
        else:
            digest.update(item)


def _gathered(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: every piece wakes the program that reads them."""
    held: list[bytes] = []
    size = 0
    for piece in pieces:
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            if len(piece) >= _SMALL:  # not worth a copy
                yield b"".join(held[:-1])
                yield piece
            else:
                yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)
