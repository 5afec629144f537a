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


def item_field(root: Node, model: Entry | None, name: str, *others: str) -> Node:
    """A field that belongs in the properties alone; from elsewhere with a finding."""
    home = root.get("properties")
    found = said(home, name, *others)
    for place in (*([model.node] if model else []), root):
        if found.absent and not place.at(name).absent:
            found = place.at(name)
            found.find(FieldMisplaced, name=name, place=home.pointer)
    return found


def asset_field(root: Node, model: Entry | None, name: str) -> Node:
    """A field that the model's asset may have of its own, else the item's."""
    if model and not model.node.at(name).absent:
        return model.node.at(name)
    return item_field(root, None, name)


def said(node: Node, name: str, *others: str) -> Node:
    """The first of these that says something, as one of several things that may be said: no finding."""
    return next((at for other in (name, *others) if not (at := node.at(other)).absent), node.at(name))


def rows_of(node: Node) -> list[Node]:
    """The rows of a list, or the one thing that stands in its place."""
    if node.absent or isinstance(node.value, list):
        return [row for row in node.rows() if not row.absent]
    return [node]


def rows_of_list(node: Node) -> list[Node]:
    """As `rows_of`, where a list is asked for: one thing alone is a finding."""
    if not node.absent and not isinstance(node.value, list):
        node.find(OneNotAList, found=described(node.value))
    return rows_of(node)


def first_of(node: Node) -> Node:
    return next(iter(rows_of(node)), node)


def find(node: Node, kind: type[Kind], fix: str, **found: Any) -> None:
    """A finding that all dialects share, with the fix as this one spells it."""
    node.log.add(replace(kind.at(node.pointer, **found), hint=fix))
