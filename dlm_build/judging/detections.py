"""Things found, in another order: which of the output's answers which of the author's.

Where scores decide the order, two that differ in their last digit change places on another machine. What is found at
one place, with the same texts and whole numbers, is the same thing; its numbers are compared afterwards.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy.typing as npt

BOXES = frozenset(("bbox", "box", "bounds", "extent", "bounding_box", "xyxy", "xywh"))
OUTLINES = frozenset(
    ("coordinates", "polygon", "points", "vertices", "exterior", "segmentation", "contour", "posList", "pos")
)
"""Keys of positions: lists of them, or of their numbers one after the other."""
COLUMNS = frozenset(("boxes", "bboxes"))
"""Keys of a box for each thing, beside lists of as many labels or scores."""
MOST = 2000
"""Things to be paired; more are compared in their order."""
SAME = 0.02
"""Share of its own longest side by which a thing may lie elsewhere and is surely the same."""
DEPTH = 5
"""How deep a thing is looked into: a polygon with holes in a multipolygon has its positions in the fourth list."""
_APART = 1e30
"""Farther than any two places, so that what is called alike comes first."""


def in_order(mine: list[Any], theirs: list[Any]) -> list[Any]:
    """`mine`, each where its own is in `theirs`; as it is where they are not things with places."""
    if not 1 < len(theirs) == len(mine) <= MOST:
        return mine
    pairs = _paired([_thing(row) for row in mine], [_thing(row) for row in theirs])
    return [mine[index] for index in pairs] if pairs else mine


def columns_in_order(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """The same of lists side by side: `{"boxes": […], "labels": […], "scores": […]}`."""
    key = next((key for key in theirs if key in COLUMNS), None)
    ours, authors = _lists(mine), _lists(theirs)
    if key is None or key not in ours or set(ours) != set(authors):
        return mine
    count = len(theirs[key])
    if not 1 < count <= MOST or any(len(column) != count for column in (*ours.values(), *authors.values())):
        return mine
    pairs = _paired([_row(ours, key, index) for index in range(count)], [_row(authors, key, i) for i in range(count)])
    return {**mine, **{name: [column[index] for index in pairs] for name, column in ours.items()}} if pairs else mine


def _lists(value: dict[str, Any]) -> dict[str, list[Any]]:
    """Without what is said once of all, such as the name of the picture."""
    return {name: column for name, column in value.items() if isinstance(column, list)}


_Thing = tuple[list[float], str]
"""Its place, and what it is called."""


def _paired(mine: Sequence[_Thing | None], theirs: Sequence[_Thing | None]) -> list[int]:
    """For each of theirs the index of mine: its own, where that is the same thing; of the others the one that is called
    the same and lies nearest.
    """
    import numpy as np

    ours, authors = ([thing for thing in things if thing] for things in (mine, theirs))
    if len(ours) != len(mine) or len(authors) != len(theirs) or len({len(place) for place, _ in ours + authors}) != 1:
        return []
    numbers = {name: number for number, (_, name) in enumerate(ours + authors)}
    places, wanted = (_clipped([place for place, _ in things]) for things in (ours, authors))
    names, called = (np.array([numbers[name] for _, name in things]) for things in (ours, authors))
    same = (names == called) & (abs(places - wanted).max(axis=1) <= SAME * _sides(wanted))
    taken = np.where(same, np.inf, 0.0)
    pairs = np.arange(len(authors))
    for index in np.flatnonzero(~same):
        apart = abs(places - wanted[index]).max(axis=1) + _APART * (names != called[index]) + taken
        pairs[index] = apart.argmin()
        taken[pairs[index]] = np.inf
    return [int(index) for index in pairs]


def _clipped(places: list[list[float]]) -> npt.NDArray[Any]:
    """So that no two are farther apart than what is called otherwise, or than a float can tell."""
    import numpy as np

    return np.clip(np.array(places, np.float64), -_APART / 4, _APART / 4)


def _sides(places: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """The longest of each: the smaller of what its numbers may mean, two corners, or one and the sides."""
    import numpy as np

    half = places.shape[1] // 2
    first, second = places[:, :half], places[:, half:]
    sides: npt.NDArray[Any] = np.minimum(abs(second - first).max(axis=1), abs(second).max(axis=1))
    return sides


def _thing(row: Any) -> _Thing | None:
    if not isinstance(row, dict):
        return None
    place = _place(row)
    return (place, _called(row)) if place else None


def _row(columns: dict[str, Any], key: str, index: int) -> _Thing | None:
    place = _extent(columns[key][index], box=True)
    return (place, _called({name: column[index] for name, column in columns.items()})) if place else None


def _place(row: dict[str, Any], depth: int = DEPTH) -> list[float] | None:
    """Of the first shape in it, or in an object of it, as a GeoJSON feature has it."""
    if not depth:
        return None
    for key, value in row.items():
        is_box = key in BOXES
        if (is_box or key in OUTLINES) and (place := _extent(value, box=is_box)):
            return place
    inner = [value for value in row.values() if isinstance(value, dict)]
    return next((place for value in inner if (place := _place(value, depth - 1))), None)


def _extent(shape: Any, *, box: bool) -> list[float] | None:
    """Of a box its numbers; of other shapes the first two coordinates' smallest and largest."""
    if box and isinstance(shape, list) and len(shape) in (4, 6) and all(map(is_number, shape)):
        return [float(number) for number in shape]
    positions = list(_positions(shape))
    if not positions:
        return None
    across, along = ([position[axis] for position in positions] for axis in (0, 1))
    return [min(across), min(along), max(across), max(along)]


def _positions(shape: Any, depth: int = DEPTH) -> list[list[float]]:
    if not depth or not isinstance(shape, list):
        return []
    if len(shape) > 1 and all(map(is_number, shape)):
        return [shape]
    return [position for part in shape for position in _positions(part, depth - 1)]


def is_number(value: Any) -> bool:
    """Of a size that a float has."""
    return isinstance(value, float) or (type(value) is int and abs(value) < 1 << 1000)


def _called(value: Any, depth: int = DEPTH) -> str:
    """The texts and whole numbers of a row, apart from its shape."""
    if isinstance(value, dict) and depth:
        kept = ((key, inner) for key, inner in sorted(value.items()) if key not in BOXES | OUTLINES | COLUMNS)
        return " ".join(f"{key}={_called(inner, depth - 1)}" for key, inner in kept)
    return "" if isinstance(value, float | list | dict) else repr(value)
