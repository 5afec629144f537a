"""SARIF 2.1.0, for code scanning. Results come first and the rules after them, so that no result is kept.

A message of SARIF may hold links, `[text](target)`; an item's text must not make one.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any
from urllib.parse import quote

from dlm_build import __version__
from dlm_build.checking.formats.encoding import json_text
from dlm_build.checking.formats.table import Format, Look
from dlm_build.checking.records import Checked, Summary
from dlm_build.errors import shown, shown_lines
from dlm_build.fetching.urls import LONE_PERCENT, shown_url
from dlm_build.findings.kinds import Kind, every_kind
from dlm_build.records import Finding

_LEVELS = {"error": "error", "warning": "warning", "info": "note"}
_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"
_WEB = re.compile(r"(?!file:)[a-z][a-z0-9+.-]*://", re.IGNORECASE)


def make(_name: str, _look: Look) -> Format:
    return Sarif()


class Sarif:
    def __init__(self) -> None:
        self._rules: dict[str, int] = {}
        self._severities: dict[str, str] = {}
        self._between = ""

    def begin(self) -> str:
        return f'{{"$schema":"{_SCHEMA}","version":"2.1.0","runs":[{{"columnKind":"unicodeCodePoints","results":['

    def item(self, checked: Checked) -> str:
        text = ""
        for finding in checked.findings:
            text += f"{self._between}\n{json_text(self._result(finding, checked))}"
            self._between = ","
        return text

    def end(self, summary: Summary) -> str:
        kinds = every_kind()
        rules = [_rule(code, self._severities[code], kinds.get(code)) for code in self._rules]
        driver = {"name": "dlm-build", "semanticVersion": __version__, "rules": rules}
        told = f',"invocations":{json_text([_invocation(summary)])}' if summary.left_out else ""
        return f'\n],"tool":{{"driver":{json_text(driver)}}}{told}}}]}}\n'

    def _result(self, finding: Finding, checked: Checked) -> dict[str, Any]:
        index = self._rules.setdefault(finding.code, len(self._rules))
        self._severities.setdefault(finding.code, finding.severity)
        where = f"{finding.pointer}: " if finding.pointer else ""
        fix = f"\nFix: {finding.hint}" if finding.hint else ""
        return {
            "ruleId": finding.code,
            "ruleIndex": index,
            "level": _LEVELS[finding.severity],
            "message": {"text": _plain(f"{where}{finding.message}{fix}")},
            "locations": [_location(finding, checked)],
            "partialFingerprints": {"dlmBuildFinding/v2": _fingerprint(finding, checked)},
            "properties": {
                "grade": checked.grade.letter,
                "item": shown(checked.id or "", 200),
                **({"address": shown_url(checked.origin)} if _WEB.match(checked.origin) else {}),
            },
        }


def _invocation(summary: Summary) -> dict[str, Any]:
    """What the tool says of its own work: files that are no items are no results."""
    notes = [
        {
            "level": "note",
            "message": {"text": _plain(f"is no STAC item, and left out: {one.what}")},
            "locations": [{"physicalLocation": {"artifactLocation": {"uri": _uri(one.origin)}}}],
        }
        for one in summary.left_out
    ]
    return {"executionSuccessful": True, "toolExecutionNotifications": notes}


def _location(finding: Finding, checked: Checked) -> dict[str, Any]:
    physical: dict[str, Any] = {"artifactLocation": {"uri": _uri(checked.origin)}}
    if finding.line:
        physical["region"] = {"startLine": finding.line, "startColumn": finding.column or 1}
    location: dict[str, Any] = {"physicalLocation": physical}
    if finding.pointer:
        location["logicalLocations"] = [{"fullyQualifiedName": shown(finding.pointer, 1000), "kind": "property"}]
    return location


def _uri(origin: str) -> str:
    """A relative path stays relative: code scanning reads it from the root of the repository.

    So is what came from the web, without its scheme: code scanning refuses a whole log for one that is not the
    checkout's.
    """
    if _WEB.match(origin):
        return _on_the_web(origin)
    if origin.startswith("file://"):
        return _quoted_again(origin, "/:")
    if origin == "-":
        return "stdin"
    return ("file://" if origin.startswith("/") else "") + _quoted(origin, "/")


def _on_the_web(url: str) -> str:
    """Host and path; `?`, `#` and what stands before the host are left out."""
    place = re.split(r"[?#]", _WEB.sub("", url), maxsplit=1)[0]
    host, slash, path = place.partition("/")
    return _quoted(host.rpartition("@")[2], "") + slash + _quoted_again(path, "/")


def _quoted_again(text: str, safe: str) -> str:
    """Of what may have escapes in it already."""
    return _quoted(LONE_PERCENT.sub("%25", text), f"{safe}%")


def _quoted(text: str, safe: str) -> str:
    """A byte of a file's name that is no UTF-8 is itself again."""
    try:
        return quote(text, safe, errors="surrogateescape")
    except UnicodeEncodeError:
        return quote(text, safe, errors="backslashreplace")


def _fingerprint(finding: Finding, checked: Checked) -> str:
    """Stays when lines are added above: of the file, the item in it, the kind and the field.

    Of the file too, since ids are copied with items, and what cannot be read has none.
    """
    parts = (_uri(checked.origin), checked.id or "", finding.code, finding.pointer)
    return hashlib.sha256("\0".join(parts).encode("utf-8", "replace")).hexdigest()[:32]


def _rule(code: str, severity: str, kind: type[Kind] | None) -> dict[str, Any]:
    rule: dict[str, Any] = {"id": code, "defaultConfiguration": {"level": _LEVELS[severity]}}
    if kind is not None:
        rule["shortDescription"] = {"text": _plain(kind.title())}
        if paragraphs := kind.paragraphs():
            rule["fullDescription"] = {"text": _plain(paragraphs[0])}
        if help_text := "\n\n".join((*kind.paragraphs(), kind.fix_template())).strip():
            rule["help"] = {"text": _plain(help_text)}
    return rule


def _plain(text: str) -> str:
    """Without what a viewer takes for a link."""
    return shown_lines(text).replace("](", "] (")
