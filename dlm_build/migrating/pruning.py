"""The largest part of a value that a schema allows: what breaks it is taken out, as little as will do."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

_MOST_TRIES = 3_000
_MOST_MEMBERS = 3
"""That are taken out of one object."""


GONE = object()
"""Nothing of it is left."""
Fits = Callable[[Any], bool]


class _Enough(Exception):
    """It was tried often enough."""


def pruned(value: Any, fits: Fits) -> Any:
    """`value` itself where it fits; else without rows and members that do not; GONE where that does not help."""
    try:
        return _pruned(value, _counted(fits))
    except _Enough:
        return GONE


def _counted(fits: Fits) -> Fits:
    tries = 0

    def counted(value: Any) -> bool:
        nonlocal tries
        tries += 1
        if tries > _MOST_TRIES:
            raise _Enough
        return fits(value)

    return counted


def _pruned(value: Any, fits: Fits) -> Any:
    if fits(value):
        return value
    if isinstance(value, list):
        rows = [_pruned(row, lambda one: fits([one])) for row in value]
        kept = [row for row in rows if row is not GONE]
        return kept if kept and fits(kept) else GONE
    if isinstance(value, dict):
        return _smaller({name: member for name, member in value.items() if member is not None}, fits)
    return GONE


def _smaller(value: dict[str, Any], fits: Fits) -> Any:
    """With a part of one member in place of the whole; else without as few members as will do, and parts of those."""
    if fits(value):
        return value
    for name, member in value.items():
        part = _pruned(member, _beside(value, name, fits)) if isinstance(member, dict | list) else GONE
        if part is not GONE:
            return {**value, name: part}
    for count in range(1, _MOST_MEMBERS + 1):
        for names in combinations(value, count):
            rest = {name: member for name, member in value.items() if name not in names}
            if fits(rest):
                return _with_parts(value, rest, fits)
    return GONE


def _beside(value: dict[str, Any], name: str, fits: Fits) -> Fits:
    return lambda member: fits({**value, name: member})


def _with_parts(value: dict[str, Any], rest: dict[str, Any], fits: Fits) -> dict[str, Any]:
    for name in value.keys() - rest.keys():
        part = _pruned(value[name], _beside(rest, name, fits))
        if part is not GONE:
            rest = {**rest, name: part}
    return rest
