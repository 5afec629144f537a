"""Lines and columns: of findings, and of errors that are told as findings. Only a check pays for looking them up."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec.structs import replace

from dlm_build.errors import DlmBuildError
from dlm_build.items.document import Document, Position, nearest
from dlm_build.items.reading import item_of, load
from dlm_build.records import Finding, Item


def read_with_positions(text: str, origin: str) -> Item:
    """`read_item`, with the line and column of every finding. Raises the same errors."""
    document = load(text, origin)
    item = item_of(document)
    return replace(item, findings=located(item.findings, document))


def located(findings: Iterable[Finding], document: Document) -> tuple[Finding, ...]:
    """Each with the line and column of its pointer, or of the nearest parent where the field itself is missing."""
    places = document.places()
    return tuple(placed(finding, places) for finding in findings)


def placed(finding: Finding, places: Mapping[str, Position]) -> Finding:
    """One of them, by the positions of a document."""
    position = nearest(places, finding.pointer) or places.get("")
    if finding.line is not None or position is None:
        return finding
    return replace(finding, line=position.line, column=position.column)


def as_finding(error: DlmBuildError) -> Finding:
    """An item that could not be read, as the one finding there is. Without a place in it, the code is the outcome."""
    place = error.place
    if place and place.line is None and not place.pointer:
        place = place._replace(line=1, column=1)  # it is about the document
    return Finding(
        code=place.code if place else str(error.outcome),
        severity="error",
        pointer=place.pointer if place else "",
        message=place.what if place else error.message,
        hint=error.hint,
        line=place.line if place else None,
        column=place.column if place else None,
    )
