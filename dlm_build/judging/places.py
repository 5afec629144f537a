"""Places whose numbers stand under names of their own: `lon` and `lat` of each row, or the four edges of a box.

Four kilometres are a thousandth of a northing in metres and no small error, so these numbers are compared as the
positions and boxes that they are.
"""

from __future__ import annotations

from itertools import chain
from typing import Any

from dlm_build.judging.detections import is_number

_BOXES = (
    ("xmin", "ymin", "xmax", "ymax"), ("minx", "miny", "maxx", "maxy"), ("x1", "y1", "x2", "y2"),
    ("left", "top", "right", "bottom"), ("west", "south", "east", "north"),
    ("x", "y", "width", "height"), ("x", "y", "w", "h"),
)  # fmt: skip
_POSITIONS = (("lon", "lat"), ("longitude", "latitude"), ("lng", "lat"), ("easting", "northing"), ("x", "y"))

NAMED_BOXES = frozenset(map(", ".join, _BOXES))
NAMED_POSITIONS = frozenset(map(", ".join, _POSITIONS))
"""Keys under which the numbers of each are gathered."""


def with_places(mine: list[Any], theirs: list[Any]) -> tuple[list[Any], list[Any]]:
    """Two lists of rows, with such numbers gathered in one list where every row of both has them.

    A row alone stays as it is: nothing tells how far apart its kind lies. What may be a position is held to the limits
    of numbers as well: `x` and `y` may be an hour and what was measured then.
    """
    if len(theirs) < 2:
        return mine, theirs
    for names in (*_BOXES, *_POSITIONS):
        if all(_has(row, names) for row in chain(theirs, mine)):
            mine, theirs = ([_gathered(row, names) for row in rows] for rows in (mine, theirs))
    return mine, theirs


def _has(row: Any, names: tuple[str, ...]) -> bool:
    if not isinstance(row, dict):
        return False
    found = _by_name(row)
    return all(is_number(row.get(found.get(name))) for name in names)


def _gathered(row: dict[str, Any], names: tuple[str, ...]) -> dict[str, Any]:
    found = _by_name(row)
    keys = [found[name] for name in names]
    rest = row if names in _POSITIONS else {key: value for key, value in row.items() if key not in keys}
    return {**rest, ", ".join(names): [row[key] for key in keys]}


def _by_name(row: dict[str, Any]) -> dict[str, str]:
    return {key.lower(): key for key in row}
