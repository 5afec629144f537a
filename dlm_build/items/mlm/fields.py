"""Looking up fields where MLM lets them stand: properties, the model's asset, by mistake the item itself.

MLM asks for an explicit null where nothing applies, so an empty field is a finding for those alone that always apply.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, TypeVar

from msgspec.structs import replace

from dlm_build.errors import ItemInvalid
from dlm_build.findings import Kind
from dlm_build.findings.mlm import FieldLeftOut, FieldMisplaced, FieldUnknown, NamesNotAList, OneNotAList
from dlm_build.findings.reading import EmptyField
from dlm_build.items.document import described
from dlm_build.items.mlm.roles import Entry
from dlm_build.items.node import Node
from dlm_build.records import Record

T = TypeVar("T")
_MAY_BE_NULL = frozenset(("mlm:accelerator", "mlm:input", "mlm:output"))
"""An answer, or told by a finding of its own."""


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
        model = self.model.node if self.model else None
        if model and not (own := own_field(model, name)).absent:
            return own
        return self.item_field(name)

    def _misplaced(self, name: str) -> Node | None:
        for place in (self.model.node, self.root) if self.model else (self.root,):
            if place.has(name) and (misplaced := place.at(name)).value is not None:
                misplaced.find(FieldMisplaced, name=name, place=self.properties.pointer)
                return misplaced
        if name not in _MAY_BE_NULL and self.properties.has(name):
            self.properties.at(name).find(EmptyField)
        return None


def own_field(node: Node, name: str) -> Node:
    """A field of an asset, by its own name or with an underscore in it."""
    other = name.replace(":", "_")
    return node.get(name, other) if node.has(other) else node.at(name)


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


def entries_of(node: Node, known: frozenset[str], example: str) -> list[Node]:
    """The inputs or outputs that are listed; `known` are the fields of one. What is none of them is a finding, with
    `example` as its fix.
    """
    value = node.value
    if says_nothing(node):
        return []
    if isinstance(value, dict) and known.isdisjoint(value) and all(isinstance(one, dict) for one in value.values()):
        node.find(NamesNotAList, count=len(value), found=", ".join(value))
        return [one for _, one in node.members()]
    rows = rows_of_list(node) if isinstance(value, dict) else rows_of(node)
    return [row for row in rows if isinstance(row.value, dict) or lenient(row, lambda one: one.object(example), None)]


def says_nothing(node: Node) -> bool:
    rows = node.values() if isinstance(node.value, list) else [node.value]
    return not any(row.strip() if isinstance(row, str) else row for row in rows)


def note_unknown(node: Node, known: frozenset[str], today: frozenset[str]) -> None:
    """Notes members of an object that no version of MLM knows, where they are of no other extension either."""
    if not isinstance(node.value, dict) or known.issuperset(node.value):
        return
    for name in node.value.keys() - known:
        if ":" not in name:
            near = get_close_matches(name.lower(), today, 1, 0.75)
            fix = f"rename it to `{near[0]}`, if that is what it is" if near else "say it in the description"
            node.at(name).find(FieldUnknown, fix=fix)


def first_of(node: Node) -> Node:
    rows = rows_of(node)
    return rows[0] if rows else node


def lenient(node: Node, read: Callable[[Node], T], otherwise: T) -> T:
    """What `read` makes of a field that no build rests on; where it cannot be what it says, a finding and `otherwise`.

    What no honest item has is refused all the same.
    """
    try:
        return read(node)
    except ItemInvalid as refused:
        pointer, what = (refused.place.pointer, refused.place.what) if refused.place else (node.pointer, str(refused))
        node.log.add(FieldLeftOut.at(pointer, found=what, fix=refused.hint))
        return otherwise


def find(node: Node, kind: type[Kind], fix: str, **found: Any) -> None:
    """A finding that all dialects share, with the fix as this one spells it."""
    node.log.add(replace(kind.at(node.pointer, **found), hint=fix))
