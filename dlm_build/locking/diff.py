"""What changed between two plans, in lines a person can read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from dlm_build.errors import shown
from dlm_build.records import Plan

UNSHOWN = ("decisions", "findings")
"""They say why, not what."""


def lock_diff(old: Plan, new: Plan) -> tuple[str, ...]:
    """One line per field that differs, e.g. `environment.conda: + numpy >=2 - numpy >=1`."""
    before, after = _plain(old), _plain(new)
    for name in UNSHOWN:
        before.pop(name, None)
        after.pop(name, None)
    return tuple(_changes("", before, after))


def _plain(plan: Plan) -> dict[str, Any]:
    plain: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(plan))
    return plain


def _changes(path: str, old: Any, new: Any) -> Iterator[str]:
    if old == new:
        return
    if isinstance(old, dict) and isinstance(new, dict):
        for name in dict.fromkeys((*old, *new)):
            yield from _changes(f"{path}.{name}" if path else name, old.get(name), new.get(name))
    elif isinstance(old, list) and isinstance(new, list):
        yield from _list_changes(path, old, new)
    else:
        yield f"{path}: {_short(old)} → {_short(new)}"


def _list_changes(path: str, old: list[Any], new: list[Any]) -> Iterator[str]:
    before, after = _keyed(old), _keyed(new)
    if before is None or after is None:
        yield f"{path}: {_short(old)} → {_short(new)}"
        return
    added = [f"+ {_short(key)}" for key in after if key not in before]
    gone = [f"- {_short(key)}" for key in before if key not in after]
    if added or gone:
        yield f"{path}: {' '.join((*added, *gone))}"
    elif list(before) != list(after):
        yield f"{path}: order {_short(list(before))} → {_short(list(after))}"
    for key in (key for key in before if key in after):
        yield from _changes(f"{path}[{_short(key)}]", before[key], after[key])


def _keyed(rows: list[Any]) -> dict[Any, Any] | None:
    """Rows by what names them; None where nothing does, or two are named alike."""
    keys = [_key(row) for row in rows]
    return None if None in keys or len(set(keys)) != len(keys) else dict(zip(keys, rows, strict=True))


def _key(row: Any) -> Any:
    if isinstance(row, dict):
        return next((row[name] for name in ("path", "index", "name") if name in row), None)
    return row if isinstance(row, str) else None


def _short(value: Any) -> str:
    if value is None:
        return "none"
    return shown(value, 100)
