"""JSON outputs and tables: scores by class, and documents such as lists of detections, number by number, shape by
shape."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from dlm_build.errors import shown
from dlm_build.judging.detections import BOXES, COLUMNS, OUTLINES, columns_in_order, in_order, is_number
from dlm_build.judging.places import NAMED_CORNERS, NAMED_POSITIONS, NAMED_SIDES, with_places
from dlm_build.judging.values import array_checks, figure_checks, number_checks
from dlm_build.records import Check, ComparisonPolicy

if TYPE_CHECKING:
    import numpy.typing as npt

SHOWN_GROUPS = 12
"""Kinds of numbers of a document that are reported, the worst first; every one is compared."""
_AMONG, _ALONE = 0.05, 5e-3
"""The size of a position: as a share of what all of its kind are spread over, else of its largest coordinate."""
_DRAWN = (
    ("box", BOXES), ("corners", NAMED_CORNERS), ("sides", NAMED_SIDES), ("outline", OUTLINES | NAMED_POSITIONS),
    ("boxes", COLUMNS),
)  # fmt: skip
"""Shapes by the keys of their numbers."""


def json_checks(actual: Any, expected: Any, policy: ComparisonPolicy, *, own_form: bool = False) -> tuple[Check, ...]:
    """Where scores are promised, those by class name or a list of them; of any other document the structure, texts and
    whole numbers must be equal, shapes near by their own size, and the other numbers near.

    `own_form`: the file was written by dlm-build's own runner, so a list around the one scene, or names for classes
    and results, are its choice and not the model's.
    """
    if own_form:
        actual, expected = _scene(actual), _by_place(_scene(expected))
    if policy.task == "class-scores" and (own_form or _keys(actual) == _keys(expected)):
        actual, expected = _by_label(actual), _by_label(expected)
    if own_form and isinstance(actual, dict) and isinstance(expected, list):
        actual = [*actual.values()]
    mine, theirs = (_scores(value, policy) for value in (actual, expected))
    if mine is None or theirs is None:
        if own_form:
            actual, expected = _bare(actual), _bare(expected)
        if _is_layer(actual) and _is_layer(expected):
            actual = {**actual, "name": expected["name"]}
        return document_checks(actual, expected, policy, "JSON")
    if own_form and isinstance(actual, list) and isinstance(expected, dict) and len(mine) == len(theirs):
        mine = dict(zip(theirs, mine.values(), strict=True))
    if set(mine) != set(theirs):
        names = ", ".join(mine)[:80], ", ".join(theirs)[:80]
        return (Check(name="classes", passed=False, measured=names[0], limit=names[1]),)
    return _class_scores([mine[name] for name in theirs], list(theirs.values()), policy)


def _is_layer(value: Any) -> bool:
    """Features of GeoJSON with a name, which GDAL takes from the file that it writes."""
    return isinstance(value, dict) and value.get("type") == "FeatureCollection" and "name" in value


def _class_scores(mine: list[float], theirs: list[float], policy: ComparisonPolicy) -> tuple[Check, ...]:
    import numpy as np

    return array_checks(np.asarray([mine]), np.asarray([theirs]), policy)


def _scene(value: Any) -> Any:
    """What is in a list of one list or object: one answer for the batch of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list | dict) else value


def _by_place(value: Any) -> Any:
    """An object whose keys are places, `{"0": …, "1": …}`, as the list that it is."""
    if not isinstance(value, dict) or not value:
        return value
    places = [str(place) for place in range(len(value))]
    return [value[place] for place in places] if set(value) == {*places} else value


def _keys(value: Any) -> set[str]:
    """Of the rows of a list."""
    return {key for row in value if isinstance(row, dict) for key in row} if isinstance(value, list) else set()


def _by_label(value: Any) -> Any:
    """Rows of a label and its score, `[{"label": …, "score": …}, …]`, as one object: their order is that of scores."""
    rows = [_labelled(row) for row in value] if isinstance(value, list) else []
    named = dict(row for row in rows if row)
    return named if named and len(named) == len(rows) else value


def _labelled(row: Any) -> tuple[str, Any] | None:
    if not isinstance(row, dict) or len(row) != 2:
        return None
    label, score = sorted(row.values(), key=lambda value: not isinstance(value, str))
    return (label, score) if isinstance(label, str) and is_number(score) else None


def _bare(value: Any) -> Any:
    """Each result without the lists of one around it: the axis of the one scene, or of the one thing found in it."""
    if isinstance(value, dict):
        return {name: _alone(result) for name, result in value.items()}
    return [_alone(result) for result in value] if isinstance(value, list) else value


def _alone(value: Any) -> Any:
    while isinstance(value, list) and len(value) == 1:
        value = value[0]
    return value


def _scores(value: Any, policy: ComparisonPolicy) -> dict[str, float] | None:
    """`{"class": score}` or `[score, …]` in order; None for any other JSON, and where all are whole numbers."""
    if policy.task not in ("class-scores", "probabilities") or not isinstance(value, dict | list):
        return None
    pairs = list(value.items() if isinstance(value, dict) else enumerate(value))
    if not any(isinstance(score, float) for _, score in pairs) or not all(is_number(score) for _, score in pairs):
        return None
    return {str(name): float(score) for name, score in pairs}


class _Place(NamedTuple):
    pointer: str
    kind: str
    """The pointer without the positions in lists."""
    drawn: str = ""
    """`box`, `outline` or `boxes` below a key of one or of several; `corners` or `sides` where names tell which."""

    def member(self, key: str) -> _Place:
        return _Place(f"{self.pointer}/{key}", f"{self.kind}/{key}", _drawn(key))

    def row(self, number: int) -> _Place:
        return _Place(f"{self.pointer}/{number}", f"{self.kind}/*", "box" if self.drawn == "boxes" else self.drawn)


def _drawn(key: str) -> str:
    return next((drawn for drawn, keys in _DRAWN if key in keys), "")


class _Figure(NamedTuple):
    """A shape as lists of coordinates; of a box its two corners, or one and the sides."""

    mine: list[list[float]]
    theirs: list[list[float]]
    drawn: str
    """As in its place; `outline` of what has not as many numbers as a box."""


class _Near(NamedTuple):
    """What has to be near rather than equal, by kind."""

    numbers: dict[str, list[tuple[float, float]]]
    figures: dict[str, list[_Figure]]


def document_checks(actual: Any, expected: Any, policy: ComparisonPolicy, kind: str) -> tuple[Check, ...]:
    """The structure first; then what has to be near, the worst first. `kind` is what the checks call it."""
    name, near = f"{kind} content", _Near({}, {})
    different = next(_differences(actual, expected, _Place("", ""), near), None)
    if different:
        where, mine, theirs = different
        detail = f"first difference at {shown(where or '/')}"
        return (Check(name=name, passed=False, measured=mine, limit=theirs, detail=detail),)
    checks = [check for place, pairs in near.numbers.items() for check in _numbers(place, pairs, policy)]
    checks += [_figures(place, figures, policy) for place, figures in near.figures.items()]
    worst = sorted(checks, key=lambda check: -(check.ratio or 0.0))[:SHOWN_GROUPS]
    return (Check(name=name, passed=True, detail="structure, texts and whole numbers"), *worst)


def _differences(mine: Any, theirs: Any, place: _Place, near: _Near) -> Iterator[tuple[str, str, str]]:
    """(pointer, measured, wanted) wherever the two differ; shapes, and numbers with a fraction, go to `near`."""
    if isinstance(theirs, dict) and isinstance(mine, dict):
        if set(mine) != set(theirs):
            yield place.pointer, f"keys {shown(sorted(mine))}", f"keys {shown(sorted(theirs))}"
            return
        mine = columns_in_order(mine, theirs)
        for key, value in theirs.items():
            yield from _differences(mine[key], value, place.member(key), near)
    elif isinstance(theirs, list) and isinstance(mine, list):
        if len(mine) != len(theirs):
            yield place.pointer, f"{len(mine)} entries", f"{len(theirs)} entries"
        elif place.drawn and (figure := _figure(mine, theirs, place.drawn)):
            near.figures.setdefault(place.kind, []).append(figure)
        elif {*map(type, mine), *map(type, theirs)} == {float}:  # of long vectors much faster than one by one
            near.numbers.setdefault(place.row(0).kind, []).extend(zip(mine, theirs, strict=True))
        else:
            rows, wanted = with_places(in_order(mine, theirs), theirs)
            for number, value in enumerate(wanted):
                yield from _differences(rows[number], value, place.row(number), near)
    elif is_number(mine) and is_number(theirs) and float in (type(mine), type(theirs)):
        near.numbers.setdefault(place.kind, []).append((float(mine), float(theirs)))
    elif type(mine) is not type(theirs) or mine != theirs:
        yield place.pointer, _told(mine), _told(theirs)


def _told(value: Any) -> str:
    if isinstance(value, dict | list):
        return f"{'an object' if isinstance(value, dict) else 'a list'} of {len(value)}"
    return shown(value, 60)


def _numbers(name: str, pairs: list[tuple[float, float]], policy: ComparisonPolicy) -> Iterator[Check]:
    import numpy as np
    from msgspec.structs import replace

    mine, theirs = np.asarray(pairs, dtype=np.float64).T
    for check in number_checks(mine, theirs, policy):
        yield replace(check, detail=f"{len(pairs)} numbers at {shown(name or '/')}")


# --- shapes ------------------------------------------------------------------------------------------------------


def _figure(mine: list[Any], theirs: list[Any], drawn: str) -> _Figure | None:
    """None where they are no shapes alike, or have whole numbers alone, which are compared as such."""
    flat = all(map(is_number, theirs))
    if drawn == "boxes" and not flat:  # a single box may stand there without a list around it
        return None
    is_box = drawn != "outline" and flat and len(theirs) in (4, 6)
    ours, authors = (_positions(shape, len(shape) // 2 if is_box else 2) for shape in (mine, theirs))
    if not ours or not authors or [*map(len, ours)] != [*map(len, authors)]:
        return None
    if not any(isinstance(number, float) for row in (*ours, *authors) for number in row):
        return None
    return _Figure(ours, authors, drawn if is_box else "outline")


def _positions(shape: list[Any], together: int) -> list[list[float]]:
    """Its positions, each of one to four numbers, `together` of a flat list; nothing where it is none."""
    if all(map(is_number, shape)):
        flat = len(shape) > 3 and len(shape) % together == 0
        rows = [shape[start : start + together] for start in range(0, len(shape), together)] if flat else [shape]
    else:
        rows = [row if isinstance(row, list) and all(map(is_number, row)) else [] for row in shape]
    return rows if rows and len({*map(len, rows)}) == 1 and 0 < len(rows[0]) <= 4 else []


def _figures(name: str, figures: list[_Figure], policy: ComparisonPolicy) -> Check:
    import numpy as np
    from msgspec.structs import replace

    pairs = [(np.array(one.mine, np.float64), np.array(one.theirs, np.float64), one.drawn) for one in figures]
    alone = [theirs[0] for _, theirs, _ in pairs if len(theirs) == 1]
    apart = _AMONG * _spread(np.array(alone)) if len({*map(len, alone)}) == 1 else 0.0
    sized = [
        (mine, theirs, _size(theirs, drawn) or apart or _ALONE * _largest(theirs)) for mine, theirs, drawn in pairs
    ]
    return replace(figure_checks(sized, policy), detail=f"{len(figures)} shapes at {shown(name or '/')}")


def _size(theirs: npt.NDArray[Any], drawn: str) -> float:
    """Its longest side; 0 where it has none. Of a box the smaller of what its numbers may mean: corners, or sides."""
    size = 0.0 if drawn == "sides" else _spread(theirs)
    sides = float(abs(theirs[1]).max()) if drawn not in ("corners", "outline") else 0.0
    return min(size, sides) if size and sides else size or sides


def _spread(positions: npt.NDArray[Any]) -> float:
    return float((positions.max(axis=0) - positions.min(axis=0)).max())


def _largest(theirs: npt.NDArray[Any]) -> float:
    return float(abs(theirs).max()) or 1.0
