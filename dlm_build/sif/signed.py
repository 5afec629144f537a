"""A signed SIF without a byte that is free to change: what no signature covers has one value that it may have.

Signatures cover the objects, their descriptors and a part of the header. The rest (times, counts, what lies between
objects and after the last) is fixed here after signing, and compared afterwards.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import BinaryIO, NamedTuple

from dlm_build.errors import HashMismatch, shown
from dlm_build.sif.sif_file import DATA, DESCRIPTOR, ONE_GROUP, TABLE, Object, header, objects_of, table
from dlm_build.store import CHUNK

SIGNATURE = 0x4005
_NO_GROUP = 0xF0000000
_SIGNER = struct.Struct("<i20s")
"""In a signature's descriptor: the kind of hash, and the key's fingerprint."""
FIX = "get the file again from where it was published, or check it with the --sha256 told there"


class Row(NamedTuple):
    """A descriptor as it lies in the file."""

    kind: int
    used: bool
    number: int
    group: int
    linked: int
    offset: int
    size: int
    padded: int
    created: int
    modified: int
    user: int
    owner: int
    name: bytes
    extra: bytes

    @property
    def signer(self) -> str:
        """Of a signature: the fingerprint of the key that is said to have made it."""
        return str(_SIGNER.unpack_from(self.extra)[1].hex().upper())


def without_times(part: Path) -> None:
    """Take from a file that was just signed what tells of the hour and of who signed. Raises OSError."""
    with part.open("r+b") as out:
        rows = _rows(out)
        for slot, row in enumerate(rows):
            if row.kind == SIGNATURE:
                out.seek(TABLE + slot * DESCRIPTOR.size)
                out.write(_fixed(row, row.number))
        size = out.seek(0, os.SEEK_END)
        out.seek(0)
        out.write(header(size, len(rows)))


def signers(path: Path) -> tuple[str, ...]:
    """Fingerprints of who is said to have signed, each once. Raises InfraError for what is no whole SIF."""
    objects_of(path)
    with path.open("rb") as stream:
        return tuple(dict.fromkeys(row.signer for row in _rows(stream) if row.kind == SIGNATURE))


def check_frame(path: Path) -> int:
    """How many objects are to be signed. Raises HashMismatch where a byte that no signature covers is another."""
    objects = objects_of(path)
    signed = tuple(item for item in objects if item.kind != SIGNATURE)
    with path.open("rb") as stream:
        rows = _rows(stream)
        size = stream.seek(0, os.SEEK_END)
        stream.seek(0)
        if stream.read(DATA) != _frame(signed, rows[len(signed) :], size) or _anything_between(stream, objects):
            raise HashMismatch(
                f"{shown(str(path), 300)} was changed outside of what its signature covers, or not signed by dlm-build",
                FIX,
            )
    return len(signed)


def _frame(signed: tuple[Object, ...], signatures: tuple[Row, ...], size: int) -> bytes:
    """Header and descriptors as they have to be."""
    rows = table(signed)[: len(signed) * DESCRIPTOR.size]
    rows += b"".join(_fixed(row, number) for number, row in enumerate(signatures, len(signed) + 1))
    return header(size, len(signed) + len(signatures)).ljust(TABLE, b"\0") + rows.ljust(DATA - TABLE, b"\0")


def _fixed(row: Row, number: int) -> bytes:
    """A signature's descriptor: free are its place and length, and whose it is."""
    extra = row.extra[: _SIGNER.size].ljust(len(row.extra), b"\0")
    place = (row.offset, row.size, row.size)
    return DESCRIPTOR.pack(SIGNATURE, True, number, _NO_GROUP, ONE_GROUP, *place, 0, 0, 0, 0, bytes(128), extra)


def _anything_between(stream: BinaryIO, objects: tuple[Object, ...]) -> bool:
    """Whether objects overlap, lie in another order, or leave room for anything but zeros."""
    end = DATA
    for item in objects:
        if item.offset < end:
            return True
        stream.seek(end)
        while end < item.offset:
            piece = stream.read(min(item.offset - end, CHUNK))
            if not piece or any(piece):
                return True
            end += len(piece)
        end = item.offset + item.size
    return stream.seek(0, os.SEEK_END) != end


def _rows(stream: BinaryIO) -> tuple[Row, ...]:
    stream.seek(TABLE)
    every = (Row(*fields) for fields in DESCRIPTOR.iter_unpack(stream.read(DATA - TABLE)))
    return tuple(row for row in every if row.used)
