"""Which row of a framework's table a declared version means."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version

from dlm_build.errors import shown
from dlm_build.planning.dates import parse_instant
from dlm_build.planning.decided import invalid
from dlm_build.planning.tables import Framework, FrameworkRow
from dlm_build.records import Record

Numbers = tuple[int, ...]
LONGEST = 64
"""Characters; no real version is longer, and numbers of thousands of digits are not parsed."""


class Picked(Record, frozen=True, kw_only=True):
    """A row, the version to install, and why."""

    row: FrameworkRow
    version: str
    """`X.Y.Z`, or `X.Y` where any patch will do."""
    reason: str
    exists: bool = True
    """False where the declared version is not in the table and the nearest row stands in."""


def numbers(text: str) -> Numbers:
    """The release part; () where there is none."""
    try:
        return Version(text).release if len(text) <= LONGEST else ()
    except InvalidVersion:
        return ()


def pick(table: Framework, declared: str | None, as_of: datetime | None, pointer: str) -> Picked:
    """The row for a version as published at `pointer`. Raises ItemInvalid where it is no version at all."""
    if not table.is_known:
        return _as_said(declared)
    if declared is None or not declared.strip():
        offered = _offered(table.rows, as_of)
        row = _newest(offered or _installable(table.rows)[:1])
        reason = f"newest {_by(as_of)}" if offered else "the oldest that can be installed"
        return Picked(row=row, version=_version(table, row), reason=f"no version is declared; {reason}")
    text = _plain(declared)
    if len(text) <= LONGEST and (asked := numbers(text)):
        return _pick_version(table, asked, as_of)
    if len(text) <= LONGEST and text[:1] in set("<>=~!"):
        return _pick_range(table, text, as_of, pointer)
    known = f"{table.rows[0].version} to {table.rows[-1].version}"
    raise invalid(pointer, f"{shown(declared)} is not a version", f"write a version of {table.name} such as {known}")


def _plain(declared: str) -> str:
    """Without a `v` or `=` in front, and without `.x` behind."""
    return re.sub(r"^(v|==?)\s*(?=\d)|(\.[x*])+$", "", declared.strip().lower())


def _as_said(declared: str | None) -> Picked:
    """Of a framework that is in no table: its environment installs what it says, so any version will do, and none."""
    text = _plain(declared or "")
    version = Version(text).public if numbers(text) else ""
    reason = "declared" if version else "no one version is declared; the environment decides"
    return Picked(row=FrameworkRow(version=version, cuda=(), cuda_default=""), version=version, reason=reason)


def _pick_version(table: Framework, asked: Numbers, as_of: datetime | None) -> Picked:
    if table.rows_are == "minors" and len(asked) >= 2:
        rows = [row for row in table.rows if numbers(row.version)[:2] == asked[:2]]
        if rows:
            text = ".".join(map(str, asked))
            return Picked(row=rows[0], version=text, reason=f"declared; the table has {rows[0].version}")
    matching = [row for row in table.rows if _starts(numbers(row.version), asked)]
    if len(asked) >= 3 and matching:
        return Picked(row=matching[0], version=matching[0].version, reason="declared")
    if matching:
        offered = _offered(matching, as_of)
        row = _newest(offered or _installable(matching)[:1] or matching)
        exact = _text(asked)
        reason = f"{exact} is declared; " + (f"newest {exact}.* {_by(as_of)}" if offered else f"the first {exact}.*")
        return Picked(row=row, version=_version(table, row), reason=reason)
    return _nearest(table, asked)


def _nearest(table: Framework, asked: Numbers) -> Picked:
    row = min(_installable(table.rows), key=lambda row: distance(numbers(row.version), asked))
    reason = f"{_text(asked)} is not a known version of {table.name}; {row.version} is the nearest"
    return Picked(row=row, version=_version(table, row), reason=reason, exists=False)


def _pick_range(table: Framework, text: str, as_of: datetime | None, pointer: str) -> Picked:
    try:
        wanted = SpecifierSet(text)
    except InvalidSpecifier:
        raise invalid(pointer, f"{shown(text)} is not a version", "write one version, such as 1.5.1") from None
    rows = [row for row in table.rows if wanted.contains(row.version)]
    if not rows:
        raise invalid(pointer, f"no known {table.name} is {shown(text)}", "write one version, such as 1.5.1")
    row = _newest(_offered(rows, as_of) or rows[:1])
    return Picked(row=row, version=_version(table, row), reason=f"{text} is declared; newest of those {_by(as_of)}")


def distance(one: Numbers, other: Numbers) -> Numbers:
    """Compares by major, then minor, then patch; within another major, the end towards `other` is the nearest."""
    mine, theirs = (*one, 0, 0, 0)[:3], (*other, 0, 0, 0)[:3]
    if mine[0] != theirs[0]:
        towards = -1 if mine[0] < theirs[0] else 1
        return (abs(mine[0] - theirs[0]), towards * mine[1], towards * mine[2])
    if mine[1] != theirs[1]:
        towards = -1 if mine[1] < theirs[1] else 1
        return (0, abs(mine[1] - theirs[1]), towards * mine[2])
    return (0, 0, abs(mine[2] - theirs[2]))


def _offered(rows: Iterable[FrameworkRow], as_of: datetime | None) -> list[FrameworkRow]:
    """Those one could install by then."""
    kept = []
    latest: datetime | None = None
    for row in rows:
        released = parse_instant(row.released) if row.released else None
        # a row without a date is no older than the one before it
        latest = max(filter(None, (latest, released)), default=None)
        if row.python and (as_of is None or latest is None or latest <= as_of):
            kept.append(row)
    return kept


def _installable(rows: Iterable[FrameworkRow]) -> list[FrameworkRow]:
    return [row for row in rows if row.python]


def _newest(rows: Sequence[FrameworkRow]) -> FrameworkRow:
    return max(rows, key=lambda row: numbers(row.version))


def _starts(whole: Numbers, start: Numbers) -> bool:
    start = start[: len(whole)]
    return whole[: len(start)] == start


def _version(table: Framework, row: FrameworkRow) -> str:
    return _text(numbers(row.version)[:2]) if table.rows_are == "minors" else row.version


def _text(version: Numbers) -> str:
    return ".".join(map(str, version))


def _by(as_of: datetime | None) -> str:
    return f"released by {as_of.date()}" if as_of else "there is"
