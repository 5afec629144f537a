"""Tables as text (csv, tsv, numbers in columns): rows as objects, so that they are compared as documents are.

Imported by the decoder's child only; what it reads is a stranger's.
"""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Sequence
from typing import Any

_SEPARATORS = (",", "\t", ";")
_VECTOR = 32
"""Columns without names from which on they are the numbers of one kind, as an embedding's are."""
_WHOLE = re.compile(r"[+-]?(?:0|[1-9][0-9]{0,17})")
_REAL = re.compile(r"[+-]?(?:[0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))(?:[eE][+-]?[0-9]{1,3})?")
_OUTLINE = re.compile(
    r"((?:SRID=\d+;)?(?:MULTI)?(?:POINT|LINESTRING|POLYGON)(?: ?Z?M?)) ?(\([-+.0-9eE(), ]*\))", re.IGNORECASE
)
_BETWEEN = re.compile(r"[^(),]+")
"""Well-known text, which is what a table makes of a geometry; and of it a position, or the space between two lists."""


def read_table(text: str) -> list[Any] | None:
    """Each row by the names of its columns, which the first line gives, else by their numbers; None for other text.

    So many columns without names are one vector: a list. Every row has as many cells as the first. What is separated by
    spaces alone, or not at all, has to be numbers, but for the names.
    """
    rows = _cells(text)
    if len({*map(len, rows)}) != 1:
        return None
    names: Sequence[Any] = rows[0]
    if all(isinstance(name, str) and name for name in names) and len({*names}) == len(names):
        rows = rows[1:]
    elif len(names) >= _VECTOR:
        return rows
    else:
        names = range(len(names))
    return [dict(zip(map(str, names), row, strict=True)) for row in rows] or None


def _cells(text: str) -> list[list[Any]]:
    """Nothing where it is no table."""
    first = text.partition("\n")[0]
    separator = max(_SEPARATORS, key=first.count)
    if separator in first:
        try:
            found = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True, strict=True)
            return [[cell_value(cell) for cell in row] for row in found if row]
        except csv.Error:
            return []
    rows = [[cell_value(cell) for cell in line.split()] for line in text.splitlines() if line.strip()]
    named = bool(rows) and all(isinstance(cell, str) for cell in rows[0])
    return [] if any(isinstance(cell, str) for row in rows[named:] for cell in row) else rows


def cell_value(cell: str) -> Any:
    """A number where it is written as one; what looks like an identifier (`007`, 20 digits) stays text.

    Lists, objects and geometries are what they say, as they are in JSON and GeoJSON.
    """
    bare = cell.strip()
    if _WHOLE.fullmatch(bare):
        return int(bare)
    if _REAL.fullmatch(bare):
        return float(bare)
    if bare[:1] in ("[", "{"):
        return json_value(bare)
    outline = _OUTLINE.fullmatch(bare)
    if outline is None:
        return bare
    kind, positions = outline.groups()
    coordinates = _read(_BETWEEN.sub(_as_list, positions).replace("(", "[").replace(")", "]"), None)
    return bare if coordinates is None else {"type": kind.strip().upper(), "coordinates": coordinates}


def _as_list(position: re.Match[str]) -> str:
    numbers = position[0].split()
    return f"[{','.join(numbers)}]" if numbers else ""


def json_value(text: str) -> Any:
    """A list or an object as what it says; other text as it is."""
    return _read(text, text) if text[:1] in ("[", "{") else text


def _read(text: str, otherwise: Any) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return otherwise
