"""Image layers as gzip'd tars whose bytes depend only on the files in them."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

EPOCH = 1704067200  # 2024-01-01: the time of every file and image made here
Member = tuple[tarfile.TarInfo, bytes | Path]


@dataclass(frozen=True)
class Layer:
    """A finished layer: its file, the digest of the file and that of the tar inside."""

    path: Path
    digest: str
    diff_id: str


class _Hashed(io.RawIOBase):
    """Passes writes on and hashes them."""

    def __init__(self, target: BinaryIO) -> None:
        self.target = target
        self.hash = hashlib.sha256()

    def writable(self) -> bool:
        return True

    def write(self, data: object) -> int:
        chunk = bytes(cast(bytes, data))
        self.hash.update(chunk)
        return self.target.write(chunk)

    @property
    def digest(self) -> str:
        return "sha256:" + self.hash.hexdigest()


def write_layer(path: Path, members: Iterable[Member]) -> Layer:
    """Write a layer with the members in the order given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as raw:
        outer = _Hashed(raw)
        with gzip.GzipFile(filename="", mode="wb", compresslevel=5, fileobj=cast(BinaryIO, outer), mtime=0) as packed:
            inner = _Hashed(cast(BinaryIO, packed))
            with tarfile.open(fileobj=cast(BinaryIO, inner), mode="w|", format=tarfile.GNU_FORMAT) as archive:
                for info, content in members:
                    _add(archive, info, content)
    return Layer(path, outer.digest, inner.digest)


def _add(archive: tarfile.TarFile, info: tarfile.TarInfo, content: bytes | Path) -> None:
    if isinstance(content, Path):
        with content.open("rb") as stream:
            archive.addfile(info, stream)
    else:
        archive.addfile(info, io.BytesIO(content))


def file_member(name: str, data: bytes, mode: int = 0o644) -> Member:
    """A plain file owned by root."""
    info = tarfile.TarInfo(name)
    info.size, info.mode, info.mtime = len(data), mode, EPOCH
    return info, data


def link_member(name: str, target: str) -> Member:
    """A symbolic link owned by root."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname, info.mode, info.mtime = tarfile.SYMTYPE, target, 0o777, EPOCH
    return info, b""


def tree_members(root: Path) -> Iterator[Member]:
    """Everything below a root file system except the contents of its /dev, sorted by name."""
    with tarfile.open(fileobj=io.BytesIO(), mode="w") as helper:
        for path in sorted(root.rglob("*")):
            name = path.relative_to(root).as_posix()
            if name.startswith("dev/"):
                continue
            info = helper.gettarinfo(path, name)
            if info is None:
                continue
            info.mtime, info.uname, info.gname = EPOCH, "", ""
            yield info, path if info.isreg() else b""
