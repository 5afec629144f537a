"""The SIF container format: a header, a table of descriptors, and the objects they describe.

Written here and not by a program, so that it says nothing of the hour or the machine: no identifier, no times, no
owner. Version 01 of the format, which every Singularity and Apptainer since 3.0 reads.
"""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dlm_build.errors import InfraError, shown

_LAUNCH = b"#!/usr/bin/env run-singularity\n"
_MAGIC = b"SIF_MAGIC"
_VERSION, _AMD64 = b"01", b"02"
_HEADER = struct.Struct("<32s10s3s3s16s8q")
DESCRIPTOR = struct.Struct("<i?III7q128s384s")
_PARTITION = struct.Struct("<ii3s")
_SQUASHFS, _PRIMARY_SYSTEM = 1, 2
TABLE, _SLOTS = 4096, 48
"""Where the descriptors begin, and how many there is room for."""
DATA = TABLE + _SLOTS * DESCRIPTOR.size
_ALIGNED = 4096
ONE_GROUP = 0xF0000000 | 1
_SUPERBLOCK = struct.Struct("<4s36xQ")
"""Magic, and the bytes in use."""

DEFINITION, PARTITION, JSON = 0x4001, 0x4004, 0x4006
"""Kinds of objects."""
METADATA = "inspect-metadata.json"


class Object(NamedTuple):
    """One object of a SIF, as its descriptor tells."""

    kind: int
    name: str
    offset: int
    size: int


def partition_offset(definition: bytes) -> int:
    """Where the root file system begins: after the definition."""
    return _aligned(_aligned(DATA) + len(definition))


def finish(part: Path, definition: bytes, metadata: bytes) -> None:
    """Make a SIF of the file system that lies in `part` at `partition_offset`: texts, descriptors, header.

    The metadata, which `apptainer inspect` shows, comes last, so that it can be replaced. Raises OSError.
    """
    offset = partition_offset(definition)
    with part.open("r+b") as out:
        size = out.seek(0, os.SEEK_END) - offset
        texts = (Object(DEFINITION, "Singularity", _aligned(DATA), len(definition)), definition)
        root = Object(PARTITION, "rootfs", offset, size)
        _write_frame(out, (texts[0], root), metadata)
        out.seek(texts[0].offset)
        out.write(definition)


def replace_metadata(part: Path, metadata: bytes) -> None:
    """Give a SIF that `finish` made other metadata, and nothing else another byte. Raises InfraError or OSError."""
    kept = tuple(item for item in objects_of(part) if item.kind != JSON)
    if [item.kind for item in kept] != [DEFINITION, PARTITION]:
        raise _broken(part, "was not made by dlm-build, or is signed already")
    with part.open("r+b") as out:
        out.truncate(kept[-1].offset + kept[-1].size)
        _write_frame(out, kept, metadata)


def _write_frame(out: BinaryIO, kept: tuple[Object, ...], metadata: bytes) -> None:
    place = _aligned(kept[-1].offset + kept[-1].size)
    objects = (*kept, Object(JSON, METADATA, place, len(metadata)))
    end = place + len(metadata)
    for offset, data in ((place, metadata), (TABLE, table(objects)), (0, header(end, len(objects)))):
        out.seek(offset)
        out.write(data)
    out.flush()


def read_metadata(path: Path) -> bytes:
    """Raises InfraError where there is none."""
    found = next((item for item in objects_of(path) if item.name == METADATA), None)
    if found is None:
        raise _broken(path, "was not made by dlm-build")
    with path.open("rb") as stream:
        stream.seek(found.offset)
        return stream.read(found.size)


def objects_of(path: Path) -> tuple[Object, ...]:
    """What a SIF holds. Raises InfraError where it is none, or is not whole; OSError where it cannot be read."""
    with path.open("rb") as stream:
        raw = stream.read(DATA)
        length = stream.seek(0, os.SEEK_END)
        if len(raw) < DATA or raw[32 : 32 + len(_MAGIC)] != _MAGIC:
            raise _broken(path, "is no SIF")
        found = tuple(_objects(raw))
        for item in found:
            if item.offset < DATA or item.offset + item.size > length:
                raise _broken(path, f"is cut short: {item.name} ends at {item.offset + item.size} of {length} bytes")
        _check_file_system(stream, path, found)
    return found


@contextmanager
def reading(path: Path) -> Iterator[None]:
    """Raises InfraError where the file is there and cannot be read, in place of OSError."""
    try:
        yield
    except OSError as problem:
        raise InfraError(
            f"cannot read {shown(str(path), 300)}: {problem.strerror or problem}",
            "make it, and the folders above it, readable for the user who runs dlm-build",
        ) from problem


def _check_file_system(stream: BinaryIO, path: Path, objects: Sequence[Object]) -> None:
    root = [item for item in objects if item.kind == PARTITION]
    if len(root) != 1:
        raise _broken(path, f"has {len(root)} file systems")
    stream.seek(root[0].offset)
    raw = stream.read(_SUPERBLOCK.size)
    magic, used = _SUPERBLOCK.unpack(raw) if len(raw) == _SUPERBLOCK.size else (b"", 0)
    if magic != b"hsqs" or not 0 < used <= root[0].size:
        raise _broken(path, "holds no whole squashfs")


def _aligned(offset: int) -> int:
    return offset + -offset % _ALIGNED


def header(end: int, count: int) -> bytes:
    """Of a file of `end` bytes that holds `count` objects."""
    return _HEADER.pack(
        _LAUNCH, _MAGIC, _VERSION, _AMD64, bytes(16),
        0, 0, _SLOTS - count, _SLOTS, TABLE, _SLOTS * DESCRIPTOR.size, DATA, end - DATA,
    )  # fmt: skip


def table(objects: Sequence[Object]) -> bytes:
    """Their descriptors, and empty ones up to the table's end."""
    rows, end = b"", DATA
    for number, item in enumerate(objects, 1):
        extra = _PARTITION.pack(_SQUASHFS, _PRIMARY_SYSTEM, _AMD64) if item.kind == PARTITION else b""
        padded = item.offset + item.size - end
        rows += DESCRIPTOR.pack(
            item.kind, True, number, ONE_GROUP, 0, item.offset, item.size, padded, 0, 0, 0, 0,
            item.name.encode(), extra,
        )  # fmt: skip
        end += padded
    return rows.ljust(_SLOTS * DESCRIPTOR.size, b"\0")


def _objects(raw: bytes) -> list[Object]:
    rows = (DESCRIPTOR.unpack_from(raw, TABLE + number * DESCRIPTOR.size) for number in range(_SLOTS))
    return [Object(row[0], row[12].rstrip(b"\0").decode("utf-8", "replace"), row[5], row[6]) for row in rows if row[1]]


def _broken(path: Path, what: str) -> InfraError:
    return InfraError(f"{path} {what}", "make it again; the disk may be full or failing")
