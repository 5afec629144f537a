"""Geometries as bytes, as GeoPackage keeps them (a header of its own, then well-known binary), read as GeoJSON's.

Imported by the decoder's child only; what it reads is a stranger's. Every loop goes over bytes that are there, whatever
number of parts they claim to hold.
"""

from __future__ import annotations

import struct
from typing import Any

_ENVELOPES = (0, 32, 48, 48, 64)
"""Bytes of the smallest and largest coordinates in the header, by the number that its flags give."""
_HEADER = 8
_POINT, _LINE, _POLYGON = 1, 2, 3
_KINDS = ("Point", "LineString", "Polygon", "MultiPoint", "MultiLineString", "MultiPolygon", "GeometryCollection")
_COLLECTION = len(_KINDS)
_MEASURED = (("", 2), (" Z", 3), (" M", 3), (" ZM", 4))
"""What each thousand of a type says of its positions: height, measure or both, and how many numbers that makes."""
DEPTH = 16
"""How deep collections may lie in each other."""


def read_geometry(blob: bytes) -> dict[str, Any]:
    """Type and coordinates; of a collection its geometries. Raises ValueError for what is none, curves among it."""
    envelope = blob[3] >> 1 & 7 if len(blob) > _HEADER and blob[:2] == b"GP" else len(_ENVELOPES)
    if envelope >= len(_ENVELOPES):
        raise ValueError("holds a geometry without the header of GeoPackage")
    try:
        return _Reader(blob, _HEADER + _ENVELOPES[envelope]).geometry()
    except struct.error:
        raise ValueError("holds a geometry that ends before its last position") from None


class _Reader:
    def __init__(self, raw: bytes, start: int) -> None:
        self._raw, self._at = raw, start

    def geometry(self, depth: int = DEPTH) -> dict[str, Any]:
        order = "<" if self._numbers("<B", 1)[0] else ">"
        code = self._count(order)
        thousands, kind = divmod(code, 1000)
        if not depth or thousands >= len(_MEASURED) or not 1 <= kind <= _COLLECTION:
            raise ValueError(f"holds a geometry of type {code}{'' if depth else ' in too many others'}")
        suffix, axes = _MEASURED[thousands]
        name = _KINDS[kind - 1] + suffix
        if kind == _COLLECTION:
            return {"type": name, "geometries": self._parts(order, depth)}
        return {"type": name, "coordinates": self._coordinates(kind, order, axes, depth)}

    def _coordinates(self, kind: int, order: str, axes: int, depth: int) -> list[Any]:
        if kind == _POINT:
            return [*self._numbers(f"{order}{axes}d", 8 * axes)]
        if kind == _LINE:
            return self._line(order, axes)
        if kind == _POLYGON:
            return [self._line(order, axes) for _ in range(self._count(order))]
        return [part.get("coordinates", part) for part in self._parts(order, depth)]

    def _parts(self, order: str, depth: int) -> list[dict[str, Any]]:
        return [self.geometry(depth - 1) for _ in range(self._count(order))]

    def _line(self, order: str, axes: int) -> list[list[float]]:
        count = self._count(order) * axes
        if 8 * count > len(self._raw):  # `struct` makes a list of so many before it looks at what there is
            raise struct.error
        numbers = self._numbers(f"{order}{count}d", 8 * count)
        return [[*numbers[start : start + axes]] for start in range(0, count, axes)]

    def _count(self, order: str) -> int:
        return int(self._numbers(f"{order}I", 4)[0])

    def _numbers(self, form: str, length: int) -> tuple[Any, ...]:
        numbers = struct.unpack_from(form, self._raw, self._at)
        self._at += length
        return numbers
