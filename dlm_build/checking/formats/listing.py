"""A list for a terminal. All text of an item has been escaped when it was found; it is escaped once more here."""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator

from dlm_build.checking.formats.table import Format, Look, left_out_line
from dlm_build.checking.records import Checked, Grade, Lift, Summary
from dlm_build.errors import shown, shown_lines
from dlm_build.hrefs import without_query
from dlm_build.records import Finding

_LETTERS = {"A": "42;30", "B": "42;30", "C": "43;30", "D": "43;30", "E": "41;97", "F": "41;97"}
_RANKS = {
    "error": ("✗", "31", "blocks the build"),
    "warning": ("!", "33", "blocks verification"),
    "info": ("·", "34", "hygiene"),
}
_SHORT = 48
"""Characters of a path that is written before every line number."""
_NAME = re.compile(r"[A-Za-z0-9._~%+-]{1,60}")
"""Of the document behind a URL, where it is short and plain."""
_BOLD, _DIM, _FIX = "1", "2", "32"


def make(_name: str, look: Look) -> Format:
    return Listing(look)


class Listing:
    def __init__(self, look: Look) -> None:
        self._look = look
        self._width = max(60, min(look.width, 120))

    def begin(self) -> str:
        return ""

    def item(self, checked: Checked) -> str:
        return "\n".join(self._lines(checked)) + "\n"

    def end(self, summary: Summary) -> str:
        return self._grades(summary) + self._left_out(summary)

    def _left_out(self, summary: Summary) -> str:
        line = left_out_line(summary, names=len(summary.left_out) if self._look.verbose else 0)
        if not line:
            return ""
        which = "it" if len(summary.left_out) == 1 else "them"
        return "\n".join(self._wrapped(line if self._look.verbose else f"{line}; -v names {which}", "", _DIM)) + "\n"

    def _grades(self, summary: Summary) -> str:
        if summary.items < 2:
            return ""
        grades = "  ".join(
            f"{self._painted(f' {letter} ', _LETTERS[letter])} {count}"
            for letter, count in summary.grades.items()
            if count
        )
        return f"{summary.items:,} items   {grades}\n"

    def _lines(self, checked: Checked) -> Iterator[str]:
        yield from self._head(checked)
        if self._look.quiet:
            return
        chosen = [f for f in checked.findings if self._look.verbose or f.severity != "info"]
        last = ""
        for finding in chosen:
            if finding.severity != last:
                yield f"  {self._painted(_RANKS[finding.severity][2], _DIM)}"
                last = finding.severity
            yield from self._finding(finding, checked)
        if left := len(checked.findings) - len(chosen):
            yield self._painted(f"  {left} of hygiene; -v shows {'it' if left == 1 else 'them'}", _DIM)
        yield from self._lifts(checked.grade)
        yield ""

    def _head(self, checked: Checked) -> Iterator[str]:
        letter = checked.grade.letter
        mark = self._painted(f" {letter} ", _LETTERS[letter])
        name = _cut(checked.id, 80) if checked.id is not None else "(unread)"
        origin = shown(checked.origin, 300)
        if self._look.quiet:
            why = f"  {checked.findings[0].code}" if checked.outcome else ""
            yield f"{mark} {name}  {self._painted(origin, _DIM)}{why}"
            return
        title = f"  {_cut(checked.title, 100)}" if checked.title and checked.title != checked.id else ""
        yield f"{mark} {self._painted(name, _BOLD)}{title}"
        yield f"    {origin}"
        if checked.dialect is not None:
            yield from self._wrapped(_dialect(checked), "    ", _DIM)
        yield from self._wrapped(shown_lines(checked.grade.in_words), "    ")

    def _finding(self, finding: Finding, checked: Checked) -> Iterator[str]:
        mark, colour, _ = _RANKS[finding.severity]
        place = f"{_file(checked.origin)}:{finding.line}:{finding.column}" if finding.line else _file(checked.origin)
        pointer = f"  {self._painted(shown(finding.pointer, 200), _DIM)}" if finding.pointer else ""
        yield f"    {self._painted(mark, colour)} {place}  {self._painted(finding.code, colour)}{pointer}"
        yield from self._wrapped(shown_lines(finding.message), "        ")
        if finding.hint:
            yield from self._wrapped(f"fix: {shown_lines(finding.hint)}", "        ", _FIX)

    def _lifts(self, grade: Grade) -> Iterator[str]:
        if not grade.lifts:
            return
        yield f"  {self._painted(f'to reach {grade.next}', _BOLD)}"
        for number, lift in enumerate(grade.lifts, 1):
            yield from self._wrapped(f"{number}. {_lift(lift)}", "    ", hanging="       ")

    def _wrapped(self, text: str, indent: str, colour: str = "", hanging: str | None = None) -> Iterator[str]:
        """Broken at spaces only, so that what is to be pasted stays whole."""
        lines = textwrap.wrap(
            text, self._width, initial_indent=indent, subsequent_indent=hanging if hanging is not None else indent,
            break_long_words=False, break_on_hyphens=False,
        )  # fmt: skip
        for line in lines:
            yield self._painted(line, colour) if colour else line

    def _painted(self, text: str, colour: str) -> str:
        return f"\x1b[{colour}m{text}\x1b[0m" if self._look.colour else text


def _cut(text: str, limit: int) -> str:
    """An id or a title. Both come cut already, so how long they are in the item is not known here."""
    clean = shown(text, 1000)
    return clean if len(clean) <= limit else f"{clean[:limit]}…"


def _file(origin: str) -> str:
    """As an editor opens it, where that is short; else its last part. The whole stands above all findings."""
    if "://" in origin:
        last = without_query(origin).rstrip("/").rpartition("/")[2]
        return last if _NAME.fullmatch(last) else "item"
    return shown(origin if len(origin) <= _SHORT else origin.rpartition("/")[2], 80)


def _lift(lift: Lift) -> str:
    """With its place: the finding that has it too may be hygiene, which is not shown."""
    return f"{shown(lift.pointer, 200)}: {shown_lines(lift.fix)}" if lift.pointer else shown_lines(lift.fix)


def _dialect(checked: Checked) -> str:
    version = f" {shown(checked.dialect_version, 40)}" if checked.dialect_version else ""
    reason = f", by {shown(checked.dialect_reason, 300)}" if checked.dialect_reason else ""
    return f"{shown(checked.dialect or '', 40)}{version}{reason}"
