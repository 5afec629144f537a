"""Places whose numbers stand under names of their own: `lon` and `lat` of each row, or the four edges of a box.

Four kilometres are a thousandth of a northing in metres and no small error, so these numbers are compared as the
positions and boxes that they are.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import compress
from typing import Any

from dlm_build.judging.detections import is_number

_CORNERS = (
    ("xmin", "ymin", "xmax", "ymax"), ("minx", "miny", "maxx", "maxy"), ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"), ("west", "south", "east", "north"),
)  # fmt: skip
_SIDES = (("x", "y", "width", "height"), ("x", "y", "w", "h"))
_ANY = ("x", "y")
"""Of a diagram, too, such as an hour and what was measured then: no position where one of them is counted."""
_POSITIONS = (("lon", "lat"), ("longitude", "latitude"), ("lng", "lat"), ("easting", "northing"), _ANY)

NAMED_CORNERS = frozenset(map(", ".join, _CORNERS))
NAMED_SIDES = frozenset(map(", ".join, _SIDES))
NAMED_POSITIONS = frozenset(map(", ".join, _POSITIONS))
"""Keys under which the numbers of each are gathered."""


def with_places(mine: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Two lists of as many rows, with such numbers gathered in one list where a row of both has them: a thing that was
    not found has none.

    A row alone stays as it is: nothing tells how far apart its kind lies. What may be a position is held to the limits
    of numbers as well: its names may mean another thing.
    """
    told = {name for keys in {tuple(row) for row in theirs if isinstance(row, dict)} for name in _by_name(keys)}
    for names in filter(told.issuperset, (*_CORNERS, *_SIDES, *_POSITIONS)):
        having = [_has(row, names) and _has(other, names) for row, other in zip(theirs, mine, strict=True)]
        if sum(having) > 1 and not (names == _ANY and _is_counted([*compress(theirs, having)])):
            mine, theirs = (
                [_gathered(row, names) if has else row for row, has in zip(rows, having, strict=True)]
                for rows in (mine, theirs)
            )
    return mine, theirs


def _has(row: Any, names: tuple[str, ...]) -> bool:
    if not isinstance(row, dict):
        return False
    found = _by_name(row)
    return all(is_number(row.get(found.get(name))) for name in names)


def _is_counted(rows: list[dict[str, Any]]) -> bool:
    found = [_by_name(row) for row in rows]
    return any(all(type(row[keys[name]]) is int for row, keys in zip(rows, found, strict=True)) for name in _ANY)


def _gathered(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = _by_name(row)
    keys = [found[name] for name in names]
    rest = row if names in _POSITIONS else {key: value for key, value in row.items() if key not in keys}
    return {**rest, ", ".join(names): [row[key] for key in keys]}


def _by_name(row: Iterable[str]) -> dict[str, str]:
    """The keys by their names; those of XML's attributes begin with `@`."""
    return {key.lower().removeprefix("@"): key for key in row}
