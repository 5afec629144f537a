"""One item, checked: read, graded, and every finding with its line and column. Pure; nothing is asked of any network.

check_text(text, origin) -> Checked     for any text: what cannot be read is a grade F that says why
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from msgspec.structs import replace

from dlm_build.checking.grading import grade_of
from dlm_build.checking.parts import Offer, offer_of, place
from dlm_build.checking.records import MEANINGS, Checked, Grade
from dlm_build.errors import DlmBuildError, Outcome, UsageError
from dlm_build.findings.completeness import ImageWithoutDigest
from dlm_build.items.dialects import recognised
from dlm_build.items.document import Position
from dlm_build.items.positions import as_finding, placed
from dlm_build.items.reading import item_of, load
from dlm_build.records import Finding, Item

_RANKS = {"error": 0, "warning": 1, "info": 2}
_IN_PLACE_OF = {"nothing-runs-the-weights": "weights-need-code", "source-refused": "source-has-no-repository"}
"""A gap that says what a reader's finding says, and at a higher rank."""
_SAID_BY = {"address-not-allowed": "weights-over-http"}
"""What asking finds, and a gap that says the same of an address that is not asked."""
_SAYS_MORE = {
    "source-not-there": ("source-refused",),
    "allowed-here": ("address-not-allowed", "weights-over-http", "source-refused"),
}
"""What asking finds, by the settings of this site, and a gap that knows no settings."""

Ask = Callable[[Item], tuple[Finding, ...]]
"""Finds out more about an item, for instance from the servers it names."""


def check_text(text: str, origin: str, ask: Ask | None = None) -> Checked:
    """The item in `text`, checked. `origin` is the path or URL it came from, or `-`. Never raises for any text."""
    try:
        document = load(text, origin)
    except DlmBuildError as problem:
        return unread(problem, origin)
    try:
        item = item_of(document)
    except DlmBuildError as problem:
        id_, dialect = recognised(document)
        return replace(unread(problem, origin), id=id_, dialect=dialect)
    return checked_item(item, document.places(), ask(item) if ask else ())


def checked_item(item: Item, places: Mapping[str, Position], more: tuple[Finding, ...] = ()) -> Checked:
    """An item that was read, with `more` findings that others made about it."""
    offer = offer_of(item)
    gaps = _gaps(item, offer)
    dropped = {_IN_PLACE_OF.get(gap.code) for gap in gaps}
    own = [finding for finding in item.findings if finding.code not in dropped]
    findings = sorted((*own, *_each_once(gaps, more)), key=lambda finding: _RANKS[finding.severity])
    return Checked(
        origin=item.origin,
        id=item.id,
        title=item.title,
        sha256=item.sha256,
        dialect=item.dialect,
        dialect_version=item.dialect_version,
        dialect_reason=item.dialect_reason,
        grade=grade_of(item, offer),
        findings=tuple([placed(finding, places) for finding in findings]),
    )


def _each_once(gaps: list[Finding], more: tuple[Finding, ...]) -> list[Finding]:
    """The gaps, and what asking found, without what the other says as well or better."""
    if not more:
        return gaps
    better = {(code, finding.pointer) for finding in more for code in _SAYS_MORE.get(finding.code, ())}
    left = [gap for gap in gaps if (gap.code, gap.pointer) not in better]
    known = {(gap.code, gap.pointer) for gap in left}
    return left + [finding for finding in more if known.isdisjoint(_sayings(finding))]


def _sayings(finding: Finding) -> set[tuple[str, str]]:
    return {(code, finding.pointer) for code in (finding.code, _SAID_BY.get(finding.code, ""))}


def _gaps(item: Item, offer: Offer) -> list[Finding]:
    """What the parts lack, where the reader has not said it already."""
    said = {finding.code for finding in item.findings}
    gaps = [finding for part in offer.parts for finding in (part.gap, *part.more, *part.others) if finding]
    if offer.weights.state == "missing":
        gaps = [gap for gap in gaps if gap.code not in ("no-checksum", "nothing-runs-the-weights")]
    if "no-sample" in said | {gap.code for gap in gaps}:
        gaps = [gap for gap in gaps if gap.code != "no-expected-output"]
    return [gap for gap in (*gaps, *offer.doubts, *_image(item, said)) if gap.code not in said]


def _image(item: Item, said: set[str]) -> tuple[Finding, ...]:
    docker = item.runtime.docker
    if not docker.image_name or "@sha256:" in docker.image_name or "image-floats" in said:
        return ()
    name = f"{docker.image_name}:{docker.tag}" if docker.tag else docker.image_name
    return (ImageWithoutDigest.at(place(item, item.pointers.image), found=name),)


# --- what could not be read --------------------------------------------------------------------------------------


def unread(problem: DlmBuildError, origin: str) -> Checked:
    """Grade F: the error as the only finding."""
    outcome = Outcome.INFRA if isinstance(problem, UsageError) else problem.outcome
    finding = as_finding(problem)
    return Checked(origin=origin, grade=Grade(letter="F", meaning=MEANINGS["F"]), findings=(finding,), outcome=outcome)
