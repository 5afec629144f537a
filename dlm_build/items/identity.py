"""Who the item is and since when: core STAC fields that every dialect shares. Nothing here can stop a build."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from dlm_build.errors import shown
from dlm_build.items.display import DESCRIPTION, display_text
from dlm_build.items.document import Number, described
from dlm_build.items.node import Node
from dlm_build.records import Record

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?:[Tt ][0-9:.,Zz+ -]{1,40})?")


class Identity(Record, frozen=True, kw_only=True):
    id: str
    title: str | None
    description: str | None
    license: str | None
    date: str | None
    date_pointer: str | None


def identity(root: Node, sha256: str) -> Identity:
    properties = root.get("properties")
    date, pointer = _date(root, properties)
    return Identity(
        id=_id(root, sha256),
        title=display_text(properties.get("title", "name")),
        description=display_text(properties.get("description"), DESCRIPTION, lines=True),
        license=_license(properties.get("license")),
        date=date,
        date_pointer=pointer,
    )


def _id(root: Node, sha256: str) -> str:
    node = root.get("id")
    if isinstance(node.value, Number):
        what = f"is the number {node.value.raw}; read as a text"
        node.note("id-is-a-number", "info", what, f'write "{node.value.raw}"')
    elif not isinstance(node.value, str):
        node, odd = Node(node.log, node.pointer, None), node
        what = "is missing" if odd.absent else f"must be a text, but is {described(odd.value)}"
        node.note("no-id", "info", f"{what}; named after its content", 'write "id": "my-model"')
    return display_text(node) or f"item-{sha256[:12]}"


def _license(node: Node) -> str | None:
    if isinstance(node.value, dict):
        node.note("license-is-an-object", "info", "is an object; its title is used", 'write "license": "MIT"')
        return display_text(node.get("title", "name", "id"))
    return display_text(node)


def _date(root: Node, properties: Node) -> tuple[str | None, str | None]:
    """The first readable of `created`, `updated`, `datetime`, and where it stands."""
    for name in ("created", "updated", "datetime"):
        node = properties.get(name)
        if date := _instant(node):
            if name == "datetime":
                what = "is taken as the item's date, since `created` is not given; it may be a scene's date instead"
                node.note("date-from-datetime", "warning", what, 'add "created": "2021-01-31T00:00:00Z"')
            return date, node.pointer
    what = "no date is given: packages will not be limited to those of the item's time"
    root.get("properties").note("no-date", "warning", what, 'add "created": "2021-01-31T00:00:00Z"')
    return None, None


def _instant(node: Node) -> str | None:
    """ISO 8601 UTC to the second; a time without a zone is taken as UTC."""
    if node.absent:
        return None
    raw = node.value.strip().upper() if isinstance(node.value, str) else ""
    if _DATE.fullmatch(raw):
        try:
            moment = datetime.fromisoformat(raw)
            if moment.tzinfo is None:
                moment = moment.replace(tzinfo=UTC)
                if len(raw) > 10:
                    node.note("date-without-zone", "info", f'"{shown(raw)}" has no time zone; read as UTC', "append Z")
            return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
        except (ValueError, OverflowError):
            pass
    what = f"is not a date that can be read: {described(node.value)}; left out"
    node.note("unreadable-date", "warning", what, 'write "2021-01-31T00:00:00Z"')
    return None
