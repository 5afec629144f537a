"""NetCDF's classic formats, whose numbers lie plainly behind a header: its variables. (NetCDF-4 is HDF5.)

Imported by the decoder's child only; what it reads is a stranger's. Every array is laid over bytes that are there.
"""

from __future__ import annotations

import math
import struct
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from dlm_build.judging.variables import ATTRIBUTES, Variable, plain

if TYPE_CHECKING:
    import numpy.typing as npt

_TYPES = ("i1", "S1", ">i2", ">i4", ">f4", ">f8", "u1", ">u2", ">u4", ">i8", ">u8")
"""Of elements, by their number, which begins at 1."""
_DIMENSIONS, _VARIABLES, _ATTRIBUTES = 10, 11, 12
_COUNTS, _PLACES = {1: ">I", 2: ">I", 5: ">Q"}, {1: ">I", 2: ">Q", 5: ">Q"}
"""How numbers of things, and places in the file, are written, by the version of the format."""
_STREAMED = (1 << 32) - 1
"""Instead of the number of records: as many as there are."""


class _Dimension(NamedTuple):
    name: str
    length: int
    """0 of the one along which records are added."""


class _Stored(NamedTuple):
    name: str
    dimensions: list[_Dimension]
    said: dict[str, Any]
    dtype: str
    start: int

    @property
    def in_records(self) -> bool:
        return bool(self.dimensions) and not self.dimensions[0].length

    def shape(self, records: int) -> tuple[int, ...]:
        return tuple(one.length or records for one in self.dimensions)

    @property
    def bytes_of_record(self) -> int:
        return math.prod(one.length for one in self.dimensions[1:]) * int(self.dtype[-1])


def read_netcdf(path: Path, most: int) -> list[Variable] | None:
    """None where nobody wrote how many records there are. Raises ValueError for what is broken, or decodes to more than
    so many bytes.
    """
    import numpy as np

    raw = np.memmap(path, np.uint8, "r")
    header = _Header(raw)
    if header.records == _STREAMED:
        return None
    stored = header.variables()
    size = sum(math.prod(one.shape(header.records)) * int(one.dtype[-1]) for one in stored)
    if size > most:
        raise ValueError(f"decodes to {size} bytes, more than {most}")
    added = [one for one in stored if one.in_records]
    # Each part of a record begins at a multiple of four bytes, but for the only one.
    apart = added[0].bytes_of_record if len(added) == 1 else sum(_padded(one.bytes_of_record) for one in added)
    return [_variable(one, raw, header.records, apart) for one in stored]


def _variable(one: _Stored, raw: npt.NDArray[Any], records: int, apart: int) -> Variable:
    import numpy as np

    shape, dtype = one.shape(records), np.dtype(one.dtype)
    inner = [math.prod(shape[axis + 1 :]) * dtype.itemsize for axis in range(len(shape))]
    steps = [apart, *inner[1:]] if one.in_records else inner
    last = one.start + sum((length - 1) * step for length, step in zip(shape, steps, strict=True)) + dtype.itemsize
    if math.prod(shape) and last > raw.size:
        raise ValueError(f"{one.name} ends at byte {last} of {raw.size}")
    values: npt.NDArray[Any] = np.ndarray(shape, dtype, raw, one.start if math.prod(shape) else 0, steps)
    return Variable(one.name, values, one.said, [dimension.name for dimension in one.dimensions] == [one.name])


class _Header:
    def __init__(self, raw: npt.NDArray[Any]) -> None:
        self._raw, self._at = raw, 4
        self._version = int(raw[3])
        self.records = self._count()

    def variables(self) -> list[_Stored]:
        try:
            dimensions = [_Dimension(self._name(), self._count()) for _ in range(self._length(_DIMENSIONS))]
            self._attributes()
            return [self._stored(dimensions) for _ in range(self._length(_VARIABLES))]
        except (struct.error, IndexError):
            raise ValueError("its header is broken") from None

    def _stored(self, dimensions: list[_Dimension]) -> _Stored:
        name = self._name()
        along = [dimensions[self._count()] for _ in range(self._count())]
        said = self._attributes()
        dtype, _size = self._dtype(), self._count()
        return _Stored(name, along, said, dtype, self._number(_PLACES[self._version]))

    def _attributes(self) -> dict[str, Any]:
        found = [self._attribute() for _ in range(self._length(_ATTRIBUTES))]
        return {name: plain(value) for name, value in found if name in ATTRIBUTES}

    def _attribute(self) -> tuple[str, Any]:
        import numpy as np

        name, dtype, count = self._name(), self._dtype(), self._count()
        values = self._bytes(count * int(dtype[-1]))
        return name, values if dtype == "S1" else np.frombuffer(values, dtype)

    def _dtype(self) -> str:
        return _TYPES[self._number(">I") - 1]

    def _length(self, kind: int) -> int:
        """Of a list of such things, which may be absent."""
        told, count = self._number(">I"), self._count()
        if told not in (0, kind) or (not told and count):
            raise ValueError("its header is broken")
        return count

    def _name(self) -> str:
        return self._bytes(self._count()).decode(errors="backslashreplace")

    def _count(self) -> int:
        return self._number(_COUNTS[self._version])

    def _number(self, form: str) -> int:
        return int(struct.unpack(form, self._bytes(struct.calcsize(form)))[0])

    def _bytes(self, length: int) -> bytes:
        found = self._raw[self._at : self._at + length].tobytes()
        if len(found) < length:
            raise ValueError("its header is broken")
        self._at += _padded(length)
        return found


def _padded(length: int) -> int:
    return -(-length // 4) * 4
