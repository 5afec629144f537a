"""Layers of a root file system as they lie on this disk: an image's, a tree's, a context's, and small fixed ones."""

from __future__ import annotations

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from dlm_build.errors import HashMismatch
from dlm_build.records import ContextFile
from dlm_build.store import CHUNK, Store
from dlm_build.unpacking.layers import read_layer
from dlm_build.unpacking.tar_entries import Content, Entry

Read = Callable[[int], None]
"""Hears of bytes read."""


class ImageLayer(NamedTuple):
    """A layer as registries and engines hand it out: a tar, mostly compressed."""

    path: Path
    read: Read
    sha256: str = ""
    """What its bytes must be; empty where they were checked when they were written."""

    @property
    def size(self) -> int:
        return self.path.stat().st_size

    def entries(self) -> Iterator[tuple[Entry, Content]]:
        digest = hashlib.sha256()

        def heard(chunk: bytes) -> None:
            self.read(len(chunk))
            if self.sha256:
                digest.update(chunk)

        yield from read_layer(self.path, heard)
        if self.sha256 not in ("", digest.hexdigest()):
            raise HashMismatch(
                f"{self.path}: sha256 is {digest.hexdigest()}, promised was {self.sha256}",
                "remove that file from the store and run again; it is fetched anew",
            )


class TreeLayer(NamedTuple):
    """A folder of this disk, in the order in which image builders walk theirs."""

    root: Path
    read: Read

    @property
    def size(self) -> int:
        return sum(entry.size for entry, _ in self.entries())

    def entries(self) -> Iterator[tuple[Entry, Content]]:
        yield from self._below(self.root, "")

    def _below(self, folder: Path, inside: str) -> Iterator[tuple[Entry, Content]]:
        with os.scandir(folder) as found:
            rows = sorted(found, key=lambda row: row.name)
        for row in rows:
            told, path = row.stat(follow_symlinks=False), f"{inside}{row.name}"
            mode = stat.S_IMODE(told.st_mode)
            if stat.S_ISLNK(told.st_mode):
                yield Entry(path, "symlink", mode, 0, os.readlink(row.path)), iter(())  # noqa: PTH115 - as written
            elif stat.S_ISDIR(told.st_mode):
                yield Entry(path, "folder", mode), iter(())
                yield from self._below(Path(row.path), f"{path}/")
            else:
                yield Entry(path, "file", mode, told.st_size), _bytes_of(Path(row.path), told.st_size, self.read)


class RowsLayer(NamedTuple):
    """One tree of a context, without writing it anywhere."""

    tree: str
    """The folder's name in the context."""
    files: tuple[ContextFile, ...]
    store: Store
    read: Read

    @property
    def size(self) -> int:
        return sum(row.size for row in self._rows().values())

    def entries(self) -> Iterator[tuple[Entry, Content]]:
        rows = self._rows()
        folders = {parent.as_posix() for path in rows for parent in PurePosixPath(path).parents} - {"."}
        for path in sorted({*rows, *folders}, key=lambda path: path.split("/")):
            if path in folders:
                yield Entry(path, "folder", 0o755), iter(())
            else:
                yield Entry(path, "file", rows[path].mode, rows[path].size), self._content(rows[path])

    def _rows(self) -> dict[str, ContextFile]:
        top = f"{self.tree}/"
        return {row.path.removeprefix(top): row for row in self.files if row.path.startswith(top)}

    def _content(self, row: ContextFile) -> Content:
        if row.text is None:
            return _bytes_of(self.store.path(row.sha256), row.size, self.read)
        return iter((row.text.encode(),))


class FixedLayer(NamedTuple):
    """Entries that are known beforehand, with their bytes."""

    rows: tuple[tuple[Entry, bytes], ...]

    @property
    def size(self) -> int:
        return 0

    def entries(self) -> Iterable[tuple[Entry, Content]]:
        return ((entry, iter((data,))) for entry, data in self.rows)


def _bytes_of(path: Path, size: int, read: Read) -> Content:
    """Exactly `size` bytes: a file that changes while it is read must not shift all that follows."""
    with path.open("rb", buffering=0) as stream:
        left = size
        while left:
            data = stream.read(min(left, CHUNK))
            if not data:
                raise OSError(errno.EIO, "the file became shorter while it was read", str(path))
            left -= len(data)
            read(len(data))
            yield data
