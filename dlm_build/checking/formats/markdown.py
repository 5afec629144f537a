"""GitHub's Markdown, for a comment. An item's text makes no link, no mention, no picture and no HTML."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dlm_build.checking.formats.table import Format, Look, left_out_line
from dlm_build.checking.records import Checked, Lift, Summary
from dlm_build.errors import shown, shown_lines
from dlm_build.records import Finding

_RANKS = (("error", "Blocks the build"), ("warning", "Blocks verification"), ("info", "Hygiene"))
_MARKS = re.compile(r"([\\`*_{}\[\]()#+!|~-])")


def make(_name: str, look: Look) -> Format:
    return Markdown(look)


class Markdown:
    def __init__(self, look: Look) -> None:
        self._look = look
        self._rows: list[str] = []
        self._sections: list[str] = []

    def begin(self) -> str:
        return "# dlm-build check\n\n"

    def item(self, checked: Checked) -> str:
        counts = " | ".join(str(sum(f.severity == rank for f in checked.findings)) for rank, _ in _RANKS)
        name = code(checked.id) if checked.id is not None else "unread"
        self._rows.append(f"| **{checked.grade.letter}** | {_cell(name)} | {counts} | {_cell(code(checked.origin))} |")
        if not self._look.quiet:
            self._sections.append("\n".join(self._section(checked)))
        return ""

    def end(self, summary: Summary) -> str:
        head = "| Grade | Item | Build | Verification | Hygiene | Where |\n|---|---|--:|--:|--:|---|\n"
        return (
            _grades(summary)
            + head
            + "".join(f"{row}\n" for row in self._rows)
            + "".join(f"\n{part}\n" for part in (*self._sections, *self._left_out(summary)))
        )

    def _left_out(self, summary: Summary) -> Iterator[str]:
        if line := left_out_line(summary, names=0):
            rows = [f"- {code(one.origin)}: {plain(one.what)}" for one in summary.left_out if self._look.verbose]
            yield "\n".join((f"{line}.", *([""] if rows else []), *rows))

    def _section(self, checked: Checked) -> Iterator[str]:
        yield f"## {checked.grade.letter}: {code(checked.id if checked.id is not None else checked.origin)}\n"
        where = f"{code(checked.origin)}: " if checked.id is not None else ""
        yield f"{where}{plain(checked.grade.in_words)}\n"
        for rank, heading in _RANKS:
            findings = [finding for finding in checked.findings if finding.severity == rank]
            if findings and (rank != "info" or self._look.verbose):
                yield f"**{heading}**\n"
                yield "\n".join(map(_finding, findings)) + "\n"
            elif findings:
                yield f"{len(findings)} of hygiene.\n"
        if checked.grade.lifts:
            yield f"**To reach {checked.grade.next}**\n"
            yield "\n".join(f"{n}. {_lift(lift)}" for n, lift in enumerate(checked.grade.lifts, 1)) + "\n"


def _grades(summary: Summary) -> str:
    """How many items have which grade, where there are several."""
    if summary.items < 2:
        return ""
    grades = ", ".join(f"**{letter}** {count:,}" for letter, count in summary.grades.items() if count)
    return f"{summary.items:,} items: {grades}\n\n"


def _finding(finding: Finding) -> str:
    place = f" at {finding.line}:{finding.column}" if finding.line else ""
    pointer = f" {code(finding.pointer)}" if finding.pointer else ""
    fix = f"\\\n  Fix: {code(finding.hint)}" if finding.hint else ""
    return f"- `{finding.code}`{place}{pointer}: {plain(finding.message)}{fix}"


def _lift(lift: Lift) -> str:
    return f"{code(lift.pointer)}: {code(lift.fix)}" if lift.pointer else code(lift.fix)


def _cell(text: str) -> str:
    """A bar would end a cell of a table, even inside code."""
    return text.replace("|", "¦")


def code(text: str) -> str:
    """As a span of code, in which nothing is read but its own fence: it can be pasted as it stands."""
    clean = shown(text, 1000)
    longest = max(map(len, re.findall("`+", clean)), default=0)
    fence = "`" * (longest + 1)
    space = " " if clean.startswith("`") or clean.endswith("`") or not clean.strip() else ""
    return f"{fence}{space}{clean}{space}{fence}"


def plain(text: str) -> str:
    """As text: every mark escaped, entities and tags made harmless, addresses and mentions left unlinked."""
    clean = shown_lines(text).replace("\n", " ")
    clean = _MARKS.sub(r"\\\1", clean.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;"))
    clean = clean.replace("://", ":&#8203;//").replace("@", "@&#8203;")
    return re.sub(r"(?i)\bwww\.", lambda found: f"{found.group()[:-1]}&#8203;.", clean)
