"""Looking up fields where MLM lets them stand: properties, the model's asset, by mistake the item itself.

MLM asks for an explicit null where nothing applies, so an empty field is a finding for those alone that always apply.
"""

from __future__ import annotations

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any, NamedTuple, TypeVar

from msgspec.structs import replace

from dlm_build.errors import ItemInvalid
from dlm_build.findings import Kind
from dlm_build.findings.mlm import FieldLeftOut, FieldMisplaced, FieldUnknown, NamesNotAList, OneNotAList
from dlm_build.findings.reading import EmptyField
from dlm_build.items.document import described
from dlm_build.items.mlm.roles import Entry
from dlm_build.items.node import Node

T = TypeVar("T")
_NULL_IS_AN_ANSWER = frozenset(("mlm:accelerator",))


class Where(NamedTuple):
    """The places of one item where its fields may stand."""

    root: Node
    properties: Node
    model: Entry | None

    def item_field(self, name: str, *others: str) -> Node:
        """A field that belongs in the properties alone; from elsewhere with a finding."""
        return self._field((self.model.node, self.root) if self.model else (self.root,), name, *others)

    def asset_field(self, name: str) -> Node:
        """A field that the model's asset may have of its own, else the item's."""
        other = name.replace(":", "_")
        own = self.model.node if self.model else None
        if own and (own.has(name) or own.has(other)) and not (field := own.get(name, other)).absent:
            return field
        return self._field((self.root,), name)

    def _field(self, elsewhere: tuple[Node, ...], name: str, *others: str) -> Node:
        field = said(self.properties, name, *others)
        if field.value is not None:
            return field
        for place in elsewhere:
            if place.has(name) and (misplaced := place.at(name)).value is not None:
                misplaced.find(FieldMisplaced, name=name, place=self.properties.pointer)
                return misplaced
        if name not in _NULL_IS_AN_ANSWER and self.properties.has(name):
            self.properties.at(name).find(EmptyField)
        return field


def said(node: Node, name: str, *others: str) -> Node:
    """The first of these that says something, as one of several things that may be said: no finding."""
    field = node.at(name)
    if others and field.value is None:
        return next((at for other in others if node.has(other) and (at := node.at(other)).value is not None), field)
    return field


def rows_of(node: Node) -> list[Node]:
    """The rows of a list, or the one thing that stands in its place."""
    if node.value is None:
        return []
    return [row for row in node.rows() if row.value is not None] if isinstance(node.value, list) else [node]


def rows_of_list(node: Node) -> list[Node]:
    """As `rows_of`, where a list is asked for: one thing alone is a finding."""
    if node.value is not None and not isinstance(node.value, list):
        node.find(OneNotAList, found=described(node.value))
    return rows_of(node)


def entries_of(node: Node, known: frozenset[str]) -> list[Node]:
    """The inputs or outputs that are listed; `known` are the fields of one. What is none of them is a finding."""
    value = node.value
    if isinstance(value, list | dict) and not value:
        node.find(EmptyField)
        return []
    if isinstance(value, dict) and known.isdisjoint(value) and all(isinstance(one, dict) for one in value.values()):
        node.find(NamesNotAList, count=len(value), found=", ".join(value))
        return [one for _, one in node.members()]
    rows = rows_of_list(node) if isinstance(value, dict) else rows_of(node)
    return [row for row in rows if isinstance(row.value, dict) or lenient(row, _as_entry, None)]


def _as_entry(row: Node) -> Node:
    return row.object('{"name": …, "bands": …}, or leave it out')


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
    return next(iter(rows_of(node)), node)


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
