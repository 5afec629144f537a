"""Writing ``.conda`` packages whose bytes depend only on their contents."""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, BinaryIO, cast

from tests.stack.apt import find_program
from tests.stack.layers import EPOCH
from tests.stack.shell import pipe_into

PLACEHOLDER = "/opt/stack_placeholder" + "_placehold" * 20
_ZIP_TIME = (2024, 1, 1, 0, 0, 0)


@dataclass(frozen=True)
class Content:
    """Bytes to be read once."""

    stream: IO[bytes]
    size: int

    @classmethod
    def of(cls, data: bytes) -> Content:
        return cls(io.BytesIO(data), len(data))


@dataclass(frozen=True)
class Row:
    """One file or symbolic link of a package."""

    path: str
    content: Content
    mode: int = 0o644
    link: str = ""
    has_placeholder: bool = False

    @classmethod
    def script(cls, path: str, body: str) -> Row:
        """A command run by the python of the prefix it is installed in."""
        text = f"#!{PLACEHOLDER}/bin/python\n{body}"
        return cls(path, Content.of(text.encode()), 0o755, has_placeholder=True)


@dataclass(frozen=True)
class Recipe:
    """What a package says about itself."""

    name: str
    version: str
    build: str
    depends: tuple[str, ...]
    license: str
    uploaded: str  # a date, or date and time, UTC
    noarch: bool = False
    entry_points: tuple[str, ...] = ()

    @property
    def subdir(self) -> str:
        return "noarch" if self.noarch else "linux-64"

    @property
    def stem(self) -> str:
        return f"{self.name}-{self.version}-{self.build}"

    def index(self) -> dict[str, object]:
        """The contents of ``info/index.json``."""
        when = datetime.fromisoformat(self.uploaded.replace("Z", "+00:00"))
        seconds = (when if when.tzinfo else when.replace(tzinfo=UTC)).timestamp()
        index: dict[str, object] = {
            "name": self.name,
            "version": self.version,
            "build": self.build,
            "build_number": 0,
            "depends": list(self.depends),
            "license": self.license,
            "subdir": self.subdir,
            "timestamp": int(seconds * 1000),
        }
        if self.noarch:
            return {**index, "noarch": "python"}
        return {**index, "arch": "x86_64", "platform": "linux"}


def write_package(recipe: Recipe, rows: Iterable[Row], channel: Path) -> Path:
    """Write a package into its platform's folder of the channel."""
    folder = channel / recipe.subdir
    folder.mkdir(parents=True, exist_ok=True)
    packed, info = folder / f".pkg-{recipe.stem}.tar.zst", folder / f".info-{recipe.stem}.tar.zst"
    listed = _write_tar(packed, rows)
    _write_tar(info, _info_rows(recipe, listed))
    target = folder / f"{recipe.stem}.conda"
    fresh = folder / f".{target.name}.new"
    with zipfile.ZipFile(fresh, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(zipfile.ZipInfo("metadata.json", _ZIP_TIME), '{"conda_pkg_format_version": 2}')
        for part in (packed, info):
            _store(archive, part)
    fresh.replace(target)
    return target


def _store(archive: zipfile.ZipFile, part: Path) -> None:
    member = zipfile.ZipInfo(part.name.removeprefix("."), _ZIP_TIME)
    member.file_size = part.stat().st_size  # known ahead, pythons agree on the bytes of the header
    with part.open("rb") as source, archive.open(member, "w") as target:
        while chunk := source.read(1 << 20):
            target.write(chunk)
    part.unlink()


def _write_tar(path: Path, rows: Iterable[Row]) -> list[dict[str, object]]:
    """Write rows to a compressed tar; returns their entries for ``info/paths.json``."""
    with pipe_into([find_program("zstd"), "-q", "-3", "-T0", "-c"], path) as packer:
        target = cast(BinaryIO, packer.stdin)
        with tarfile.open(fileobj=target, mode="w|", format=tarfile.PAX_FORMAT) as archive:
            return [_add(archive, row) for row in rows]


def _add(archive: tarfile.TarFile, row: Row) -> dict[str, object]:
    info = tarfile.TarInfo(row.path)
    info.mtime, info.mode = EPOCH, row.mode
    if row.link:
        info.type, info.linkname = tarfile.SYMTYPE, row.link
        archive.addfile(info)
        return {"_path": row.path, "path_type": "softlink", "sha256": hashlib.sha256().hexdigest(), "size_in_bytes": 0}
    info.size = row.content.size
    hashed = _Hashing(row.content.stream)
    archive.addfile(info, cast(IO[bytes], hashed))
    entry = {"_path": row.path, "path_type": "hardlink", "sha256": hashed.digest(), "size_in_bytes": info.size}
    return {**entry, "prefix_placeholder": PLACEHOLDER, "file_mode": "text"} if row.has_placeholder else entry


class _Hashing:
    """A stream that hashes what is read from it."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self._hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        data = self._stream.read(size)
        self._hash.update(data)
        return data

    def digest(self) -> str:
        return self._hash.hexdigest()


def _info_rows(recipe: Recipe, listed: list[dict[str, object]]) -> list[Row]:
    ordered = sorted(listed, key=lambda entry: str(entry["_path"]))
    files = {
        "info/about.json": {"license": recipe.license, "summary": f"{recipe.name} for the dlm-build test stack"},
        "info/index.json": recipe.index(),
        "info/paths.json": {"paths": ordered, "paths_version": 1},
    }
    if recipe.noarch:
        link = {"type": "python", "entry_points": list(recipe.entry_points)}
        files["info/link.json"] = {"noarch": link, "package_metadata_version": 1}
    texts = {path: json.dumps(value, indent=1, sort_keys=True).encode() for path, value in files.items()}
    rows = [Row(path, Content.of(text)) for path, text in texts.items()]
    names = "".join(f"{entry['_path']}\n" for entry in ordered)
    return [*rows, Row("info/files", Content.of(names.encode()))]
