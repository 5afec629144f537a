"""JSON outputs: scores by class, and documents such as lists of detections, number by number."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from dlm_build.errors import shown
from dlm_build.judging.values import array_checks, number_checks
from dlm_build.records import Check, ComparisonPolicy

SHOWN_GROUPS = 12
"""Kinds of numbers of a document that are reported, the worst first; every one is compared."""


def json_checks(actual: Any, expected: Any, policy: ComparisonPolicy, *, own_form: bool = False) -> tuple[Check, ...]:
    """Scores by class name or a list of numbers are class scores; of any other document the structure, texts and
    whole numbers must be equal, and the other numbers near.

    `own_form`: the file was written by dlm-build's own runner, so a list around the one scene, or names for classes,
    are its choice and not the model's.
    """
    if own_form:
        actual, expected = _scene(actual), _scene(expected)
    mine, theirs = _scores(actual), _scores(expected)
    if mine is None or theirs is None:
        return tuple(_document(actual, expected, policy))
    if own_form and isinstance(actual, list) != isinstance(expected, list) and len(mine) == len(theirs):
        mine = dict(zip(theirs, mine.values(), strict=True))
    if set(mine) != set(theirs):
        names = ", ".join(mine)[:80], ", ".join(theirs)[:80]
        return (Check(name="classes", passed=False, measured=names[0], limit=names[1]),)
    return _class_scores([mine[name] for name in theirs], list(theirs.values()), policy)


def _class_scores(mine: list[float], theirs: list[float], policy: ComparisonPolicy) -> tuple[Check, ...]:
    import numpy as np

    arrays = [np.asarray([scores], dtype=np.float32) for scores in (mine, theirs)]
    return array_checks(arrays[0], arrays[1], policy, picture=False)


def _scene(value: Any) -> Any:
    """What is in a list of one list or object: one answer for the batch of one."""
    return value[0] if isinstance(value, list) and len(value) == 1 and isinstance(value[0], list | dict) else value


def _scores(value: Any) -> dict[str, float] | None:
    """`{"class": score}` or `[score, …]` in order; None for any other JSON."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    scores = {str(k): float(v) for k, v in pairs if _is_number(v)}
    size = len(value) if isinstance(value, dict | list) else 0
    return scores if size and len(scores) == size else None


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _document(actual: Any, expected: Any, policy: ComparisonPolicy) -> Iterator[Check]:
    groups: dict[str, list[tuple[float, float]]] = {}
    different = next(_differences(actual, expected, ("", ""), groups), None)
    if different:
        where, mine, theirs = different
        detail = f"first difference at {shown(where or '/')}"
        yield Check(name="JSON content", passed=False, measured=mine, limit=theirs, detail=detail)
        return
    yield Check(name="JSON content", passed=True, detail="structure, texts and whole numbers")
    checks = [check for name, pairs in groups.items() for check in _numbers(name, pairs, policy)]
    yield from sorted(checks, key=lambda check: -(check.ratio or 0.0))[:SHOWN_GROUPS]


def _differences(
    mine: Any, theirs: Any, place: tuple[str, str], groups: dict[str, list[tuple[float, float]]]
) -> Iterator[tuple[str, str, str]]:
    """(pointer, measured, wanted) wherever the two differ; numbers with a fraction go to `groups` instead.

    `place` is the pointer and the kind: the same without the positions in lists.
    """
    if isinstance(theirs, dict) and isinstance(mine, dict):
        if set(mine) != set(theirs):
            yield place[0], f"keys {shown(sorted(mine))}", f"keys {shown(sorted(theirs))}"
            return
        for key, value in theirs.items():
            yield from _differences(mine[key], value, (f"{place[0]}/{key}", f"{place[1]}/{key}"), groups)
    elif isinstance(theirs, list) and isinstance(mine, list):
        if len(mine) != len(theirs):
            yield place[0], f"{len(mine)} entries", f"{len(theirs)} entries"
            return
        for number, value in enumerate(theirs):
            yield from _differences(mine[number], value, (f"{place[0]}/{number}", f"{place[1]}/*"), groups)
    elif _is_number(mine) and _is_number(theirs) and float in (type(mine), type(theirs)):
        groups.setdefault(place[1], []).append((float(mine), float(theirs)))
    elif type(mine) is not type(theirs) or mine != theirs:
        yield place[0], _told(mine), _told(theirs)


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
