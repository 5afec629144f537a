"""`norm_type` with `statistics`, as MLM had it before 1.4, said as `value_scaling`: where that reads as the same."""

from __future__ import annotations

import json
from typing import Any

from dlm_build.errors import ItemInvalid
from dlm_build.items.mlm.scaling import Scaling, read_scaling
from dlm_build.items.node import Node
from dlm_build.items.reading import load
from dlm_build.migrating.records import Notes

Entry = dict[str, Any]
_OLD = ("norm_by_channel", "norm_type", "norm_clip", "norm_with_clip_values", "statistics")
_SPELLINGS: dict[str, dict[str, tuple[str, ...]]] = {
    "min-max": {"minimum": ("minimum", "min"), "maximum": ("maximum", "max")},
    "z-score": {"mean": ("mean",), "stddev": ("stddev", "std", "standard_deviation")},
}


def update_scaling(entry: Entry, place: str, notes: Notes) -> None:
    """Of one input. What is not understood, or would read as something else, stays as it was written."""
    old = [name for name in _OLD if entry.get(name) is not None]
    if entry.get("value_scaling") is not None or not entry.get("norm_type"):
        return
    before = _reading(entry)
    rows = next((rows for rows in _tries(entry) if before and _reading({"value_scaling": rows}) == before), None)
    if before in (None, Scaling()) or rows is None:
        if entry["norm_type"] != "none":
            notes.kept(f"{place}/norm_type", "as it was written: it is not known how to say it as value_scaling")
        return
    left = {name for name in old if name not in ("norm_type", "statistics") and entry[name] is not True}
    kept = left | _statistics_with_more(entry, rows)
    entry["value_scaling"] = rows
    for name in _OLD:
        if name in entry and name not in kept:
            del entry[name]
            notes.reworded(f"{place}/{name}")
    notes.assumed(f"{place}/value_scaling", f"from {', '.join(name for name in old if name not in kept)}")


def _reading(entry: Entry) -> Scaling | None:
    try:
        return read_scaling(Node.root(load(json.dumps(entry), "-")))
    except ItemInvalid:
        return None


def _tries(entry: Entry) -> list[list[Entry]]:
    """The numbers as they stand, under each of the two types that have them."""
    return [rows for kind in _SPELLINGS if (rows := [_row(kind, row) for row in _statistics(entry)]) and all(rows)]


def _row(kind: str, row: Entry) -> Entry:
    """Empty where a number is not there."""
    found = {name: next((row[one] for one in names if one in row), None) for name, names in _SPELLINGS[kind].items()}
    return {} if None in found.values() else {"type": kind, **found}


def _statistics(entry: Entry) -> list[Entry]:
    """A row a band; an object of lists, as the drafts had it, is turned into rows."""
    value = entry.get("statistics")
    if isinstance(value, dict):
        lists = {name: column for name, column in value.items() if isinstance(column, list)}
        if not lists:
            return [value]
        length = min(map(len, lists.values()))
        return [{name: column[index] for name, column in lists.items()} for index in range(length)]
    rows = value if isinstance(value, list) else []
    return rows if all(isinstance(row, dict) for row in rows) else []


def _statistics_with_more(entry: Entry, rows: list[Entry]) -> set[str]:
    """Statistics that say more than the scaling has of them stay beside it."""
    used = [sum(value is not None for value in row.values()) for row in _statistics(entry)]
    is_whole = used == [len(row) - 1 for row in rows]
    return set() if is_whole else {"statistics"}
