"""The formats by name, and what every one of them is told."""

from __future__ import annotations

from importlib import import_module
from typing import Protocol

from dlm_build.checking.records import LETTERS, Checked, LeftOut, Letter, Summary
from dlm_build.errors import shown
from dlm_build.records import Record

FORMATS = {
    "list": "listing",
    "json": "jsons",
    "jsonl": "jsons",
    "sarif": "sarif",
    "junit": "junit",
    "markdown": "markdown",
    "html": "html",
}
"""Name and module."""


class Look(Record, frozen=True, kw_only=True):
    """How it is to look. `width` and `colour` are the terminal's."""

    width: int = 100
    colour: bool = False
    verbose: bool = False
    """Hygiene too; it is counted otherwise. The formats for programs have all findings always."""
    quiet: bool = False
    """One line an item."""
    fail_under: Letter | None = None


class Format(Protocol):
    def begin(self) -> str:
        """What stands before all items."""

    def item(self, checked: Checked) -> str:
        """What can be said of one at once; may be nothing."""

    def end(self, summary: Summary) -> str:
        """The rest."""


def open_format(name: str, look: Look) -> Format:
    """`name` is one of FORMATS."""
    module = import_module(f"dlm_build.checking.formats.{FORMATS[name]}")
    made: Format = module.make(name, look)
    return made


def left_out_line(summary: Summary, *, names: int) -> str:
    """Of the files that are no items; the first `names` of them by name. Empty where there are none."""
    rows = summary.left_out
    if not rows:
        return ""
    told = [f"{shown(one.origin, 300)} ({one.what})" for one in rows[:names]]
    more = [f"and {len(rows) - names:,} more"] if len(rows) > names > 0 else []
    one = len(rows) == 1
    said = f"{len(rows):,} file{' is no STAC item' if one else 's are no STAC items'}, and left out"
    return said + (f": {', '.join((*told, *more))}" if told else "")


def below(letter: Letter, limit: Letter | None) -> bool:
    """Whether a grade is worse than the one asked for."""
    return limit is not None and LETTERS.index(letter) > LETTERS.index(limit)


class Tally:
    """Counts items as they pass."""

    def __init__(self) -> None:
        self._grades = dict.fromkeys(LETTERS, 0)
        self._ranks = {"error": 0, "warning": 0, "info": 0}
        self._left_out: list[LeftOut] = []

    def add(self, checked: Checked) -> None:
        self._grades[checked.grade.letter] += 1
        for finding in checked.findings:
            self._ranks[finding.severity] += 1

    def leave_out(self, one: LeftOut) -> None:
        self._left_out.append(one)

    @property
    def summary(self) -> Summary:
        return Summary(
            items=sum(self._grades.values()),
            grades={letter: count for letter, count in self._grades.items()},  # noqa: C416
            build=self._ranks["error"],
            verification=self._ranks["warning"],
            hygiene=self._ranks["info"],
            left_out=tuple(self._left_out),
        )
