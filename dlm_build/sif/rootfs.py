"""What a root file system is, whatever holds it: one digest, made while its entries pass by.

It covers path, type, permission bits, content and link targets. Owners and times are not part of it: a SIF has none of
its own. Nor is what only one of the engines has, or puts over it when it starts a container.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from dlm_build.unpacking.layers import END, Content, Entry, packed_header, padding

LEFT_OUT = frozenset(
    (".singularity.d", ".exec", ".run", ".shell", ".test", "environment", "singularity", "dev", "proc", "sys")
)
"""Folders and links at the top that count with nothing of them."""
MOUNT_POINTS = frozenset(
    ("", "dlm", "dlm/in", "dlm/out", "etc", "etc/hosts", "etc/resolv.conf", "home", "root", "tmp", "var", "var/tmp")
)
"""Do not count themselves, while what lies in them does: a SIF has them in any case."""


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
    for entry, content in entries:
        yield packed_header(entry)
        if entry.kind != "file":
            digest.add(entry)
            continue
        hashed = hashlib.sha256()
        for piece in content:
            hashed.update(piece)
            yield piece
        yield padding(entry.size)
        digest.add(entry, hashed.hexdigest())
    yield END
