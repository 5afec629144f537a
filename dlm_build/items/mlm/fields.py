"""Looking up fields where MLM lets them stand: properties, the model's asset, by mistake the item itself.

MLM asks for an explicit null where nothing applies, so an empty field is no finding here.
"""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from dlm_build.findings import Kind
from dlm_build.findings.mlm import FieldMisplaced, OneNotAList
from dlm_build.items.document import described
from dlm_build.items.mlm.roles import Entry
from dlm_build.items.node import Node
from dlm_build.records import Record


class Where(Record, frozen=True, kw_only=True):
    """The places of one item where its fields may stand."""

    root: Node
    properties: Node
    model: Entry | None

    def item_field(self, name: str, *others: str) -> Node:
        """A field that belongs in the properties alone; from elsewhere with a finding."""
        field = said(self.properties, name, *others)
        return field if field.value is not None else self._misplaced(name) or field

    def asset_field(self, name: str) -> Node:
        """A field that the model's asset may have of its own, else the item's."""
        if self.model and self.model.node.has(name) and (own := self.model.node.at(name)).value is not None:
            return own
        return self.item_field(name)

    def _misplaced(self, name: str) -> Node | None:
        for place in (self.model.node, self.root) if self.model else (self.root,):
            if place.has(name) and (misplaced := place.at(name)).value is not None:
                misplaced.find(FieldMisplaced, name=name, place=self.properties.pointer)
                return misplaced
        return None


def said(node: Node, name: str, *others: str) -> Node:
    """The first of these that says something, as one of several things that may be said: no finding."""
    field = node.at(name)
    if others and field.value is None:
        return next((other for other in node.every(others) if other.value is not None), field)
    return field


def rows_of(node: Node) -> list[Node]:
    """The rows of a list, or the one thing that stands in its place."""
    if isinstance(node.value, list):
        return [row for row in node.rows() if row.value is not None]
    return [] if node.value is None else [node]


def rows_of_list(node: Node) -> list[Node]:
    """As `rows_of`, where a list is asked for: one thing alone is a finding."""
    if node.value is not None and not isinstance(node.value, list):
        node.find(OneNotAList, found=described(node.value))
    return rows_of(node)


def first_of(node: Node) -> Node:
    rows = rows_of(node)
    return rows[0] if rows else node


def find(node: Node, kind: type[Kind], fix: str, **found: Any) -> None:
    """A finding that all dialects share, with the fix as this one spells it."""
    node.log.add(replace(kind.at(node.pointer, **found), hint=fix))
