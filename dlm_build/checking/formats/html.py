"""One page without scripts or anything from elsewhere. Every text goes through `html.escape`."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from dlm_build import __version__
from dlm_build.checking.formats.table import Format, Look, left_out_line
from dlm_build.checking.records import LETTERS, MEANINGS, Checked, Letter, Summary
from dlm_build.errors import shown_lines
from dlm_build.records import Finding

_RANKS = (("error", "Blocks the build"), ("warning", "Blocks verification"), ("info", "Hygiene"))
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --dim: #777; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  overflow-wrap: anywhere; }
h1 { font-size: 1.4rem; } h3 { font-size: .9rem; margin: 1rem 0 .3rem; color: var(--dim); font-weight: 600; }
code, .where { font: .87em ui-monospace, monospace; }
.where, .dim { color: var(--dim); }
.grade { display: inline-block; min-width: 1.6em; text-align: center; border-radius: .3em; font-weight: 700;
  color: #fff; padding: 0 .3em; }
.A, .B { background: #2a7d46; } .C, .D { background: #9a6700; } .E, .F { background: #b3261e; }
.tally { display: flex; flex-wrap: wrap; gap: .4rem 1.4rem; padding: 0; list-style: none; }
details { border-top: 1px solid var(--line); padding: .5rem 0; }
summary { cursor: pointer; display: flex; flex-wrap: wrap; gap: 0 .7rem; align-items: baseline; }
summary .counts { margin-left: auto; color: var(--dim); font-size: .9em; }
ul.findings { list-style: none; padding: 0; margin: 0; }
ul.findings li { border-left: 3px solid; padding: .1rem 0 .1rem .8rem; margin: .5rem 0; }
ul.findings .error { border-color: #b3261e; } ul.findings .warning { border-color: #d29922; }
ul.findings .info { border-color: #6b8fb5; }
.fix { display: block; color: #2a7d46; } @media (prefers-color-scheme: dark) { .fix { color: #6fce8f; } }
"""


def make(_name: str, look: Look) -> Format:
    return Html(look)


class Html:
    def __init__(self, look: Look) -> None:
        self._look = look
        self._items: list[str] = []

    def begin(self) -> str:
        return (
            '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
            '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
            "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'\">\n"
            f"<title>dlm-build check</title>\n<style>{_STYLE}</style>\n</head>\n<body>\n<h1>dlm-build check</h1>\n"
        )

    def item(self, checked: Checked) -> str:
        self._items.append("\n".join(self._item(checked)))
        return ""

    def end(self, summary: Summary) -> str:
        tally = "".join(
            f"<li>{_badge(letter)} {summary.grades[letter]} <span class=dim>{escape(_short(letter))}</span></li>"
            for letter in LETTERS
            if summary.grades[letter]
        )
        noun = "item" if summary.items == 1 else "items"
        foot = f'<p class="dim">{summary.items:,} {noun}, checked by dlm-build {escape(__version__)}</p>'
        line = left_out_line(summary, names=len(summary.left_out) if self._look.verbose else 0)
        aside = [f'<p class="dim">{_text(line)}</p>'] if line else []
        return "\n".join((f'<ul class="tally">{tally}</ul>', *self._items, *aside, foot, "</body>", "</html>", ""))

    def _item(self, checked: Checked) -> Iterator[str]:
        name = checked.id if checked.id is not None else "(unread)"
        said = checked.title if checked.id is not None else checked.origin
        title = f" {_text(said)}" if said and said != checked.id else ""
        yield "<details open>" if self._opens(checked) else "<details>"
        counts = ", ".join(
            f"{count} {word}"
            for rank, word in (("error", "build"), ("warning", "verification"), ("info", "hygiene"))
            if (count := sum(finding.severity == rank for finding in checked.findings))
        )
        yield (
            f"<summary>{_badge(checked.grade.letter)} <b>{_text(name)}</b>{title}"
            f'<span class="counts">{counts or "no findings"}</span></summary>'
        )
        yield f'<p class="where">{_text(checked.origin)}{_dialect(checked)}</p>'
        yield f"<p>{_text(checked.grade.in_words)}</p>"
        for rank, heading in _RANKS:
            findings = [finding for finding in checked.findings if finding.severity == rank]
            if findings and (rank != "info" or self._look.verbose):
                yield f'<h3>{heading}</h3><ul class="findings">{"".join(map(_finding, findings))}</ul>'
        if checked.grade.lifts:
            steps = "".join(
                f'<li><span class="where">{_text(lift.pointer)}</span> {_text(lift.fix)}</li>'
                for lift in checked.grade.lifts
            )
            yield f"<h3>To reach {checked.grade.next}</h3><ol>{steps}</ol>"
        yield "</details>"

    def _opens(self, checked: Checked) -> bool:
        return not self._look.quiet and len(self._items) < 3 and checked.grade.letter != "A"


def _finding(finding: Finding) -> str:
    place = f"{finding.line}:{finding.column} " if finding.line else ""
    fix = f'<span class="fix">Fix: {_text(finding.hint)}</span>' if finding.hint else ""
    where = f'<span class="where">{place}{_text(finding.pointer)}</span>'
    said = f"<code>{_text(finding.code)}</code> {where}<br>{_text(finding.message)}{fix}"
    return f'<li class="{finding.severity}">{said}</li>'


def _badge(letter: str) -> str:
    return f'<span class="grade {letter}">{letter}</span>'


def _short(letter: Letter) -> str:
    return MEANINGS[letter].partition(":")[0]


def _dialect(checked: Checked) -> str:
    if checked.dialect is None:
        return ""
    version = f" {checked.dialect_version}" if checked.dialect_version else ""
    reason = f", by {checked.dialect_reason}" if checked.dialect_reason else ""
    return f" · {_text(checked.dialect + version + reason)}"


def _text(text: str) -> str:
    return escape(shown_lines(text))
