"""What the code of a finding means, at length."""

from __future__ import annotations

import difflib

from dlm_build.errors import UsageError, shown
from dlm_build.findings.kinds import Kind, every_kind
from dlm_build.records import Record

RANKS = {
    "error": "blocks the build",
    "warning": "blocks verification, or lets the result change under the same item",
    "info": "hygiene: read all the same",
}
"""In the words of the other formats, with what more there is to a rank behind `,` or `:`."""


class Explanation(Record, frozen=True, kw_only=True):
    code: str
    rank: str
    message: str
    """With `…` where an item's own values stand."""
    fix: str
    paragraphs: tuple[str, ...]


class Explanations(Record, frozen=True, kw_only=True):
    """All findings there are, by rank and name."""

    findings: tuple[Explanation, ...]


def explain(code: str) -> Explanation:
    """Raises UsageError for a code that there is not, with the nearest."""
    kinds = every_kind()
    wanted = code.strip().lower().replace("_", "-")
    if wanted not in kinds:
        raise UsageError(f"there is no finding with the code {shown(code, 60)}", _nearest(wanted, kinds))
    return _explained(kinds[wanted])


def _explained(kind: type[Kind]) -> Explanation:
    return Explanation(
        code=kind.code,
        rank=RANKS[kind.severity],
        message=kind.title(),
        fix=kind.fix_template(),
        paragraphs=kind.paragraphs(),
    )


def _nearest(code: str, kinds: dict[str, type[Kind]]) -> str:
    near = difflib.get_close_matches(code[:80], list(kinds), n=5, cutoff=0.5)
    near = near or [known for known in kinds if code and code in known][:5]
    return f"the nearest are {', '.join(near)}" if near else "`dlm-build check --explain all` lists them"


def explain_all() -> Explanations:
    order = list(RANKS)
    kinds = sorted(every_kind().values(), key=lambda kind: (order.index(kind.severity), kind.code))
    return Explanations(findings=tuple(map(_explained, kinds)))
