"""Which Python the environment gets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from dlm_build.errors import shown
from dlm_build.findings.planning import PythonTooOld, PythonUnsupported
from dlm_build.planning.dates import parse_instant
from dlm_build.planning.decided import Decided, decided, invalid, noticed
from dlm_build.planning.tables import FrameworkRow
from dlm_build.planning.versions import numbers

OLDEST = (3, 7)
"""Of the code that dlm-build puts into the container."""
SETTLED = timedelta(days=730)
"""A Python this old has wheels and packages of everything; geospatial ones are late."""


def decide_python(
    declared: tuple[str, str] | None,
    row: FrameworkRow,
    as_of: datetime | None,
    releases: Mapping[str, str],
    pointer: str,
) -> Decided[str]:
    """`declared` is a version specifier, or several with `|` between them, and where it stands; `pointer` is where one
    would be declared.

    `releases` are those that may be chosen at all. Raises ItemInvalid where no usable Python satisfies it.
    """
    usable = [python for python in releases if numbers(python) >= OLDEST]
    supported = supported_pythons(row, releases)
    if declared is None and not supported:
        return _too_old(usable[0], row, pointer)
    if declared is None:
        return _undeclared(supported, row, as_of, releases)
    text, place = declared
    wanted = _specifiers(text, place)
    fitting = [python for python in usable if fits(python, wanted)]
    if not fitting:
        hint = f"ask for one of {', '.join(usable)}; dlm-build's own code in the container needs one of them"
        raise invalid(place, f"no usable Python is {shown(text)}", hint)
    both = [python for python in fitting if python in supported]
    chosen = settled(both or fitting, as_of, releases)
    outcome = decided("python", chosen, chosen, f"python {shown(text)} is declared", place)
    if both or not row.python:
        return outcome
    other = ", ".join(row.python)
    return noticed(outcome, PythonUnsupported.at(place, found=text, framework=row.version, other=other))


def supported_pythons(row: FrameworkRow, releases: Mapping[str, str]) -> list[str]:
    """By the row and by what is put into the container."""
    of_row = row.python or _of_its_time(row, releases)
    return [python for python in releases if numbers(python) >= OLDEST and python in of_row]


def _too_old(oldest: str, row: FrameworkRow, pointer: str) -> Decided[str]:
    note = PythonTooOld.at(pointer, framework=row.version, found=", ".join(row.python), used=oldest)
    return noticed(decided("python", oldest, oldest, note.message, f"row {row.version}"), note)


def _undeclared(
    supported: list[str], row: FrameworkRow, as_of: datetime | None, releases: Mapping[str, str]
) -> Decided[str]:
    chosen = settled(supported, as_of, releases)
    when = f"by {as_of.date()}" if as_of else "by now"
    if not row.is_known:
        return decided("python", chosen, chosen, f"the newest that was two years old {when}, else the oldest")
    reason = f"the newest that {row.version} supports and that was two years old {when}, else its oldest"
    return decided("python", chosen, chosen, reason, f"row {row.version}")


def _of_its_time(row: FrameworkRow, releases: Mapping[str, str]) -> list[str]:
    """For a row that does not list them: those out half a year before it."""
    released = parse_instant(row.released) if row.released else None
    return [python for python, day in releases.items() if released is None or _age(day, released) >= SETTLED / 4]


def settled(pythons: Iterable[str], as_of: datetime | None, releases: Mapping[str, str]) -> str:
    """The newest that was settled by then, else the oldest."""
    ordered = sorted(pythons, key=numbers)
    old_enough = [python for python in ordered if _age(releases[python], as_of or _latest(releases)) >= SETTLED]
    return old_enough[-1] if old_enough else ordered[0]


def fits(python: str, wanted: Iterable[SpecifierSet]) -> bool:
    """Whether any patch release of `python` is wanted by any of them."""
    return any(one.contains(f"{python}.{patch}") for one in wanted for patch in range(31))


def _specifiers(text: str, place: str) -> list[SpecifierSet]:
    try:
        return [SpecifierSet(one if len(text) <= 100 else "bad") for one in text.split("|")]
    except InvalidSpecifier:
        raise invalid(place, f"python {shown(text)} is not a version", "write it as python=3.11") from None


def _age(released: str, at: datetime) -> timedelta:
    instant = parse_instant(released)
    assert instant is not None  # a date of our own table
    return at - instant


def _latest(releases: Mapping[str, str]) -> datetime:
    """Two years after the newest one but one: without a date, all but the newest are settled."""
    newest = parse_instant(sorted(releases.values())[-2])
    assert newest is not None
    return newest + SETTLED
