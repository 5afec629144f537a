"""What a TIFF says of its numbers, from the tags of its first directory: no picture library reads it in this process.

Sources: TIFF 6.0, sections 2 (directories) and 19 (SampleFormat); libtiff's description of BigTIFF.
"""

from __future__ import annotations

import os
import struct
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

SAMPLES_PER_PIXEL, SAMPLE_FORMAT = 277, 339
REAL = 3
"""SampleFormat of IEEE floating point."""
_SHORT = 3
_TAGS_LIMIT = 1024
"""Of one directory; real ones have some twenty."""


class _Form(NamedTuple):
    """How the numbers of one kind of TIFF are laid out, as `struct` words it, without the order of bytes."""

    first: str
    """From the beginning of the file to where its first directory lies."""
    entries: str
    """How many entries a directory has."""
    entry: str
    """Tag, type, number of values, and the values where they fit, else where they lie."""
    place: str


_FORMS = {42: _Form("4xI", "H", "HHI4s", "I"), 43: _Form("8xQ", "Q", "HHQ8s", "Q")}
_ORDERS = {b"II": "<", b"MM": ">"}


def real_bands(path: Path) -> int:
    """Number of bands of a TIFF whose pixels are real numbers; 0 of any other file. Raises OSError."""
    with path.open("rb") as stream:
        try:
            tags = _tags(stream)
        except struct.error:  # it ends too early
            return 0
    return tags.get(SAMPLES_PER_PIXEL, 1) if tags.get(SAMPLE_FORMAT) == REAL else 0


def _tags(stream: BinaryIO) -> dict[int, int]:
    """The first value of either tag, where the first directory has it."""
    order = _ORDERS.get(stream.read(2))
    version = _read(stream, 2, f"{order}H")[0] if order else 0
    form = _FORMS.get(version)
    if form is None:
        return {}
    (directory,) = _read(stream, 0, f"{order}{form.first}")
    (count,) = _read(stream, directory, f"{order}{form.entries}")
    rows = [_read(stream, stream.tell(), f"{order}{form.entry}") for _ in range(min(count, _TAGS_LIMIT))]
    told = {}
    for tag, kind, number, field in rows:
        if tag in (SAMPLES_PER_PIXEL, SAMPLE_FORMAT) and kind == _SHORT:
            (place,) = struct.unpack(f"{order}{form.place}", field)
            apart = number * struct.calcsize("H") > len(field)
            told[tag] = _read(stream, place, f"{order}H")[0] if apart else struct.unpack_from(f"{order}H", field)[0]
    return told


def _read(stream: BinaryIO, place: int, layout: str) -> tuple[Any, ...]:
    """Raises struct.error where the file ends before."""
    size = struct.calcsize(layout)
    if place + size > os.fstat(stream.fileno()).st_size:
        raise struct.error
    stream.seek(place)
    return struct.unpack(layout, stream.read(size))
