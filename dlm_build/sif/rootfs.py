"""What a root file system is, whatever holds it: one digest, made while its entries pass by.

It covers path, type, permission bits, content and link targets. Owners and times are not part of it: a SIF has none of
its own. Nor is what only one of the engines has, or puts over it when it starts a container.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from blake3 import blake3

from dlm_build.unpacking.tar_entries import END, Content, Entry, packed_header, padding

LEFT_OUT = frozenset(
    (".singularity.d", ".exec", ".run", ".shell", ".test", "environment", "singularity", "dev", "proc", "sys")
)
"""Folders and links at the top that count with nothing of them."""
MOUNT_POINTS = frozenset(
    ("", "dlm", "dlm/in", "dlm/out", "etc", "etc/hosts", "etc/resolv.conf", "home", "root", "tmp", "var", "var/tmp")
)
"""Do not count themselves, while what lies in them does: a SIF has them in any case."""
_PIECE = 256 << 10
"""Bytes that are passed on at a time."""
_LARGE = 64 << 10
"""Bytes that are not worth a copy."""


class RootfsDigest:
    """Takes entries in any order; hard links after the file they share."""

    def __init__(self) -> None:
        self._rows: dict[str, tuple[str, int, str]] = {}

    def add(self, entry: Entry, content: str = "") -> None:
        """`content` of a file: the BLAKE3 of it."""
        if entry.kind == "hardlink":
            self._rows[entry.path] = self._rows[entry.target]
        else:
            told = content if entry.kind == "file" else entry.target
            mode = 0o777 if entry.kind == "symlink" else entry.mode
            self._rows[entry.path] = (entry.kind, mode, told)

    def digest(self) -> str:
        """`blake3:…`"""
        whole = blake3()
        for path, (kind, mode, told) in sorted(self._rows.items()):
            if counts(path):
                whole.update(f"{path}\0{kind}\0{mode:o}\0{told}\n".encode("utf-8", "surrogateescape"))
        return f"blake3:{whole.hexdigest()}"


def counts(path: str) -> bool:
    return path not in MOUNT_POINTS and path.partition("/")[0] not in LEFT_OUT


def as_tar(entries: Iterable[tuple[Entry, Content]], digest: RootfsDigest) -> Iterator[bytes]:
    """The entries as one tar; `digest` has heard of all of them at the end.

    In large pieces: every piece wakes the program that reads them.
    """
    held: list[bytes] = []
    size = 0
    for piece in _packed(entries, digest):
        held.append(piece)
        size += len(piece)
        if size >= _PIECE:
            if len(piece) >= _LARGE:
                yield b"".join(held[:-1])
                yield piece
            else:
                yield b"".join(held)
            held, size = [], 0
    yield b"".join(held)


def _packed(entries: Iterable[tuple[Entry, Content]], digest: RootfsDigest) -> Iterator[bytes]:
    for entry, content in entries:
        yield packed_header(entry)
        if entry.kind != "file":
            digest.add(entry)
            continue
        heard = blake3()
        for piece in content:
            heard.update(piece)
            yield piece
        yield padding(entry.size)
        digest.add(entry, heard.hexdigest())
    yield END
