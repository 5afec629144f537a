"""JUnit XML, for CI: a case per item, which fails where something blocks the build or the grade is too low."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import escape, quoteattr

from dlm_build.checking.formats.table import Format, Look, below
from dlm_build.checking.records import Checked, LeftOut, Letter, Summary
from dlm_build.errors import shown, shown_lines
from dlm_build.records import Finding


def make(_name: str, look: Look) -> Format:
    return Junit(look.fail_under)


class Junit:
    def __init__(self, fail_under: Letter | None) -> None:
        self._fail_under = fail_under
        self._cases: list[str] = []
        self._failures = self._errors = 0

    def begin(self) -> str:
        return '<?xml version="1.0" encoding="UTF-8"?>\n'

    def item(self, checked: Checked) -> str:
        self._cases.append("\n".join(self._case(checked)))
        return ""

    def end(self, summary: Summary) -> str:
        self._cases += map(_skipped, summary.left_out)
        counts = (
            f'tests="{len(self._cases)}" failures="{self._failures}" errors="{self._errors}" '
            f'skipped="{len(summary.left_out)}" time="0"'
        )
        suite = f'<testsuite name="dlm-build check" {counts}>'
        return "\n".join((f"<testsuites {counts}>", suite, *self._cases, "</testsuite>", "</testsuites>", ""))

    def _case(self, checked: Checked) -> Iterator[str]:
        name = shown(checked.id, 200) if checked.id is not None else shown(checked.origin, 300)
        file = _attribute(shown(checked.origin, 300))
        kind = _attribute(checked.dialect or "unread")
        yield f'<testcase name={_attribute(name)} classname={kind} file={file} time="0">'
        yield f'<properties><property name="grade" value="{checked.grade.letter}"/></properties>'
        blocking = [finding for finding in checked.findings if finding.severity == "error"]
        if checked.outcome is not None:
            self._errors += 1
            yield _element("error", blocking[0].message, checked.outcome, blocking)
        elif blocking or below(checked.grade.letter, self._fail_under):
            self._failures += 1
            short = f"grade {checked.grade.letter}: {checked.grade.meaning}"
            yield _element("failure", short, "below-grade" if not blocking else blocking[0].code, blocking)
        if rest := [finding for finding in checked.findings if finding not in blocking]:
            yield f"<system-out>{_text(_lines(rest))}</system-out>"
        yield "</testcase>"


def _skipped(one: LeftOut) -> str:
    origin = _attribute(shown(one.origin, 300))
    message = _attribute(f"no STAC item: {one.what}")
    return f'<testcase name={origin} classname="no item" file={origin} time="0"><skipped message={message}/></testcase>'


def _element(name: str, message: str, kind: str, findings: list[Finding]) -> str:
    return (
        f"<{name} message={_attribute(shown(message, 500))} type={_attribute(kind)}>{_text(_lines(findings))}</{name}>"
    )


def _lines(findings: list[Finding]) -> str:
    return "\n".join(map(_line, findings))


def _line(finding: Finding) -> str:
    place = f"{finding.line}:{finding.column}: " if finding.line else ""
    pointer = f"{finding.pointer}: " if finding.pointer else ""
    fix = f" (fix: {finding.hint})" if finding.hint else ""
    return f"{place}{finding.code}: {pointer}{finding.message}{fix}"


def _text(text: str) -> str:
    """Every character that XML 1.0 does not have is one that `shown_lines` spells out."""
    return escape(shown_lines(text))


def _attribute(text: str) -> str:
    return quoteattr(shown_lines(text).replace("\n", " "))
