"""Who the item is and since when: core STAC fields that every dialect shares. Nothing here can stop a build."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dlm_build.errors import shown
from dlm_build.findings import identity as kinds
from dlm_build.findings.mlm import FieldMisplaced
from dlm_build.items.display import DESCRIPTION, display_text
from dlm_build.items.document import Number, described
from dlm_build.items.node import Node
from dlm_build.records import Record

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.,Zz+ -]{1,40})?")

_EARLIEST = "2010"
"""Before any framework that could run a model existed."""


class Identity(Record, frozen=True, kw_only=True):
    id: str
    title: str | None
    description: str | None
    license: str | None
    date: str | None
    date_pointer: str | None


def identity(root: Node, sha256: str) -> Identity:
    properties = root.get("properties")
    date, pointer = _date(properties)
    return Identity(
        id=_id(root, sha256),
        title=display_text(_said(root, "title", "name")),
        description=display_text(_said(root, "description"), DESCRIPTION, lines=True),
        license=_license(_said(root, "license")),
        date=date,
        date_pointer=pointer,
    )


def _said(root: Node, *names: str) -> Node:
    """In the properties, else beside them, where a collection has it."""
    own, beside = root.get("properties").get(*names), root.at(names[0])
    if not own.absent or beside.absent:
        return own
    beside.find(FieldMisplaced, name=names[0], place="/properties")
    return beside


def _id(root: Node, sha256: str) -> str:
    node = root.get("id")
    if isinstance(node.value, Number):
        node.find(kinds.IdIsANumber, found=node.value.raw)
    elif not isinstance(node.value, str):
        node, odd = Node(node.log, node.pointer, None), node
        what = "is missing" if odd.absent else f"must be a text, but is {described(odd.value)}"
        node.find(kinds.NoId, what=what)
    return display_text(node) or f"item-{sha256[:12]}"


def _license(node: Node) -> str | None:
    if isinstance(node.value, dict):
        node.find(kinds.LicenseIsAnObject)
        return display_text(node.get("title", "name", "id"))
    return display_text(node)


def _date(properties: Node) -> tuple[str | None, str | None]:
    """The first readable of `created`, `updated`, `datetime`, and where it stands."""
    early = False
    for name in ("created", "updated", "datetime"):
        node = properties.at(name)  # a `datetime` of null is what STAC asks for
        if date := instant(node):
            if date < _EARLIEST:
                node.find(kinds.DateTooEarly, found=date)
                early = True
                continue
            if name == "datetime":
                node.find(kinds.DateFromDatetime, found=date)
            return date, node.pointer
    if not early:
        properties.find(kinds.NoDate)
    return None, None


def instant(node: Node) -> str | None:
    """ISO 8601 UTC to the second; a time without a zone is taken as UTC."""
    if node.value is None:
        return None
    raw = node.value.strip().upper() if isinstance(node.value, str) else ""
    if _DATE.fullmatch(raw):
        try:
            moment = datetime.fromisoformat(raw)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
                if len(raw) > 10:
                    node.find(kinds.DateWithoutZone, found=shown(raw))
            return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        except (ValueError, OverflowError):
            pass
    node.find(kinds.UnreadableDate, found=described(node.value))
    return None
