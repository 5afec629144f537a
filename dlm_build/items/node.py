"""A place in a document: its value, its pointer, and a way to say what is odd about it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any

import msgspec
from msgspec.structs import replace

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.findings import Kind
from dlm_build.findings.documents import FieldInvalid
from dlm_build.findings.reading import ContradictionSpellings, EmptyField, OtherSpelling
from dlm_build.items.document import Document, Value, child, described
from dlm_build.items.limits import MAX_ROWS
from dlm_build.records import Finding

MAX_ALIKE = 50
"""Findings of one code that are kept; the rest are counted."""


class Log:
    """Collects findings in the order of reading, each code once per pointer."""

    def __init__(self, document: Document) -> None:
        self.document = document
        self._findings = {(finding.code, finding.pointer): finding for finding in document.findings}
        self._counts: dict[str, int] = {}

    def add(self, finding: Finding) -> None:
        place = (finding.code, finding.pointer)
        if place in self._findings:
            return
        count = self._counts[finding.code] = self._counts.get(finding.code, 0) + 1
        if count <= MAX_ALIKE:
            self._findings[place] = finding

    @property
    def findings(self) -> tuple[Finding, ...]:
        return (*self._findings.values(), *self._uncounted())

    def _uncounted(self) -> Iterator[Finding]:
        last = {finding.code: finding for finding in self._findings.values()}
        for code, count in self._counts.items():
            if count > MAX_ALIKE:
                what = f"and {count - MAX_ALIKE} more like this"
                yield replace(last[code], pointer="", message=what, hint="", evidence="")


def said(text: str) -> str | None:
    """None where there is nothing in it."""
    return text if text.strip() else None


class Node(msgspec.Struct, eq=False, gc=False):
    """`value` is None where the field is missing, null or an empty text: all three mean "not said"."""

    log: Log
    place: str | tuple[Node, str | int]
    """The pointer, or a parent and the key in it: most pointers are never asked for."""
    value: Value
    elsewhere: Mapping[str, Node] | None = None
    """Members that do not stand below `pointer`; see `made_of`."""

    @classmethod
    def root(cls, document: Document) -> Node:
        """The document itself, with a log of its own."""
        value = document.value
        return cls(Log(document), "", said(value) if isinstance(value, str) else value)

    @property
    def pointer(self) -> str:
        place = self.place
        if isinstance(place, str):
            return place
        parent, key = place
        above = parent.place if isinstance(parent.place, str) else parent.pointer
        pointer = self.place = child(above, key)
        return pointer

    @property
    def absent(self) -> bool:
        return self.value is None

    def made_of(self, members: Mapping[str, Node]) -> Node:
        """An object in this place whose members come from anywhere and keep their own pointers."""
        return Node(self.log, self.place, {name: node.value for name, node in members.items()}, members)

    def at(self, name: str) -> Node:
        """The member as it stands, absent or not; nothing is noted."""
        if self.elsewhere and name in self.elsewhere:
            return self.elsewhere[name]
        fields = self.value
        value = fields.get(name) if isinstance(fields, dict) else None
        if isinstance(value, str) and not value.strip():
            value = None
        return Node(self.log, (self, name), value)

    def get(self, name: str, *other_names: str) -> Node:
        """The field under the first of its names that says something; other spellings and disagreement are noted."""
        fields = self.value
        if not isinstance(fields, dict):
            return Node(self.log, (self, name), None)
        for other in other_names:
            if other in fields:
                return self._of_several((name, *other_names), fields)
        if name not in fields:
            return Node(self.log, (self, name), None)
        node = self.at(name)
        if node.value is None:
            node.find(EmptyField)
        return node

    def _of_several(self, names: tuple[str, ...], fields: Mapping[str, Value]) -> Node:
        spelled = {one: self.at(one) for one in names if one in fields}
        for node in spelled.values():
            if node.value is None:
                node.find(EmptyField)
        return self.chosen(names[0], spelled) or Node(self.log, (self, names[0]), None)

    def chosen(self, name: str, spelled: Mapping[str, Node], *, usual: bool = False) -> Node | None:
        """The first of these that says something; None where none does. `usual`: any of the spellings will do."""
        chosen: Node | None = None
        for spelling, node in spelled.items():
            if node.value is None:
                continue
            if chosen is None:
                chosen = node
                if spelling != name and not usual:
                    node.find(OtherSpelling, wanted=name)
            elif node.value != chosen.value:
                said = {"found": described(node.value), "used": described(chosen.value)}
                node.find(ContradictionSpellings, **said, other=chosen.pointer)
        return chosen

    def has(self, name: str) -> bool:
        return isinstance(self.value, dict) and name in self.value

    def every(self, names: Iterable[str]) -> list[Node]:
        """Those of these members that are there, as they stand."""
        fields = self.value
        return [self.at(name) for name in names if name in fields] if isinstance(fields, dict) else []

    def names(self) -> tuple[str, ...]:
        """Of the members of an object; of anything else, none. ItemInvalid where there are too many."""
        fields = self.value
        if not isinstance(fields, dict):
            return ()
        if len(fields) > MAX_ROWS:
            raise self._too_long(len(fields))
        return tuple(fields)

    def members(self) -> list[tuple[str, Node]]:
        """Of an object; of anything else, none. ItemInvalid where there are too many."""
        return [(name, self.at(name)) for name in self.names()]

    def changed(self, name: str, change: Callable[[Node], Node]) -> Node:
        """With one member changed, where it has it; itself where `change` gives the same node back."""
        if not self.has(name):
            return self
        before = self.at(name)
        after = change(before)
        return self if after is before else self.made_of({**dict(self.members()), name: after})

    def rows(self) -> list[Node]:
        """Of a list; of anything else, none. ItemInvalid where there are too many."""
        rows = []
        for index, row in enumerate(self.values()):
            if isinstance(row, str) and not row.strip():
                row = None
            rows.append(Node(self.log, (self, index), row))
        return rows

    def values(self) -> list[Value]:
        """Of the rows of a list, as they stand; of anything else, none. ItemInvalid where there are too many."""
        rows = self.value
        if not isinstance(rows, list):
            return []
        if len(rows) > MAX_ROWS:
            raise self._too_long(len(rows))
        return rows

    def _too_long(self, length: int) -> ItemInvalid:
        return self.invalid(f"has {length:,} entries", f"keep it under {MAX_ROWS:,}; link a table instead")

    def object(self, example: str) -> Node:
        """Itself, where it is an object or absent; else ItemInvalid with `example` as the fix."""
        if self.value is None or isinstance(self.value, dict):
            return self
        raise self.invalid(f"must be an object, but is {described(self.value)}", f"write {example}")

    def find(self, kind: type[Kind], **found: Any) -> None:
        """Log a finding of that kind here."""
        self.log.add(kind.at(self.pointer, **found))

    def invalid(self, what: str, fix: str, kind: type[Kind] = FieldInvalid) -> ItemInvalid:
        return self.log.document.invalid(self.pointer, what, fix, kind)

    def hostile(self, what: str, fix: str = "") -> ItemHostile:
        return self.log.document.hostile(self.pointer, what, fix)
