"""Copies of the example whose weights are another at every repetition, and one whose weights are large."""

from __future__ import annotations

import hashlib
import io
import json
import os
import random
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

import numpy as np

from tests.benchmarks.place import EXAMPLE
from tests.stack.shell import StackError

ARCHIVE, WEIGHTS, EXPECTED = "model.mar", "model.onnx", "expected.tif"
LARGE = "weights.bin"
CHUNK = 16 << 20


@dataclass
class Members:
    """The example's archive, held in memory."""

    item: dict[str, Any] = field(default_factory=lambda: json.loads((EXAMPLE / "item.json").read_text()))
    content: dict[str, bytes] = field(default_factory=lambda: _content(EXAMPLE / ARCHIVE))

    def write(self, folder: Path) -> Path:
        """The item, with the archive beside it and the right checksum in it. Returns the item's path."""
        return write_item(self.item, pack(self.content), folder)


def _content(archive: Path) -> dict[str, bytes]:
    with zipfile.ZipFile(archive) as opened:
        return {name: opened.read(name) for name in opened.namelist()}


def pack(content: Mapping[str, bytes]) -> bytes:
    """A zip of stored members."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as archive:
        for name, data in content.items():
            archive.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
    return packed.getvalue()


def write_item(item: dict[str, Any], archive: bytes, folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / ARCHIVE).write_bytes(archive)
    return seal(item, hashlib.sha256(archive).hexdigest(), len(archive), folder)


def seal(item: dict[str, Any], sha256: str, size: int, folder: Path) -> Path:
    """Write the item with the checksum and the size of the archive beside it."""
    asset = item["assets"]["model_archive"] | {"file:checksum": f"1220{sha256}", "file:size": size}
    path = folder / "item.json"
    path.write_text(json.dumps(item | {"assets": {"model_archive": asset}}, indent=1))
    return path


def other_weights(content: bytes) -> bytes:
    """The same file but for the last bits of one trained number: other bytes, and the same answers.

    The numbers are looked for rather than parsed, so that it works for ONNX and for MLflow's raw tensors alike.
    """
    start, length = max((_numbers(content, at) for at in range(4)), key=lambda run: run[1])
    if length < 256:
        raise StackError("no trained numbers found in the weights file", "is the example still an ONNX file?")
    chance = random.SystemRandom()
    at = start + 4 * chance.randrange(length // 4, length * 3 // 4)
    return content[:at] + bytes([content[at] ^ chance.randrange(1, 256)]) + content[at + 1 :]


def _numbers(content: bytes, offset: int) -> tuple[int, int]:
    """Where the longest run of little-endian floats of ordinary size begins, and how many they are."""
    values = np.frombuffer(content, "<f4", (len(content) - offset) // 4, offset)
    with np.errstate(invalid="ignore"):
        odd = np.flatnonzero(~((np.abs(values) < 10) & (np.abs(values) > 1e-9)))
    edges = np.concatenate(([-1], odd, [len(values)]))
    longest = int(np.argmax(np.diff(edges)))
    return offset + 4 * int(edges[longest] + 1), int(np.diff(edges)[longest]) - 1


# --- the large one -----------------------------------------------------------------------------------------------


def write_large(folder: Path, size: int) -> Path:
    """The example with one more weights file of ``size`` zero bytes, stored; a sparse archive, so it takes no disk.

    The archive has data at both ends of the hole, as any such file does. Returns the item's path.
    """
    folder.mkdir(parents=True, exist_ok=True)
    members, archive = Members(), folder / ARCHIVE
    with archive.open("wb") as raw, zipfile.ZipFile(cast(IO[bytes], _Sparse(raw)), "w", zipfile.ZIP_STORED) as packed:
        for name, data in members.content.items():
            packed.writestr(zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0)), data)
        with packed.open(zipfile.ZipInfo(LARGE, (1980, 1, 1, 0, 0, 0)), "w", force_zip64=True) as member:
            for start in range(0, size, CHUNK):
                member.write(bytes(min(CHUNK, size - start)))
    members.item["properties"]["dlm:archive"].append({"name": LARGE, "role": ["model weight"]})
    with archive.open("rb") as stream:
        digest = hashlib.file_digest(stream, "sha256").hexdigest()
    return seal(members.item, digest, archive.stat().st_size, folder)


class _Sparse(io.RawIOBase):
    """A file in which long runs of zeros become holes."""

    def __init__(self, target: IO[bytes]) -> None:
        self._target = target

    def writable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        return self._target.seek(offset, whence)

    def tell(self) -> int:
        return self._target.tell()

    def write(self, data: Any) -> int:
        chunk = bytes(data)
        if len(chunk) >= 1 << 20 and chunk == bytes(len(chunk)):
            self._target.seek(len(chunk), os.SEEK_CUR)
            return len(chunk)
        return self._target.write(chunk)
