"""One object out of several: lists of one-key objects, and the same fields told in two places."""

from __future__ import annotations

from dlm_build.findings import Kind
from dlm_build.findings.dialects import ListOfObjects, SeveralObjects
from dlm_build.findings.reading import NotAnObject
from dlm_build.items.document import Number, Value, described
from dlm_build.items.node import Node


def as_object(node: Node) -> Node:
    """A list of objects that share no key, as one object; the first of several whole ones; anything else as it is."""
    if isinstance(node.value, dict):
        return node
    rows = [row for row in node.rows() if not row.absent]
    if not rows or not all(isinstance(row.value, dict) for row in rows):
        return node
    if len(rows) == 1:
        node.find(NotAnObject)
        return rows[0]
    pairs = [pair for row in rows for pair in row.members()]
    if len(pairs) == len(dict(pairs)):
        node.find(ListOfObjects, count=len(rows))
        return node.made_of(dict(pairs))
    node.find(SeveralObjects, count=len(rows))
    return rows[0]


def overlaid(upper: Node, lower: Node, kind: type[Kind]) -> Node:
    """Both told as one: `upper` wins wherever it says something, member by member; disagreement is a `kind`."""
    if upper.absent or lower.absent:
        return lower if upper.absent and not lower.absent else upper
    if isinstance(upper.value, dict) and isinstance(lower.value, dict):
        members = dict(lower.members())
        for name, node in upper.members():
            members[name] = overlaid(node, members[name], kind) if name in members else node
        return upper.made_of(members)
    if not _same(upper.value, lower.value):
        lower.find(kind, found=described(lower.value), other=upper.pointer, used=described(upper.value))
    return upper


def _same(one: Value, other: Value) -> bool:
    """Whether they say the same, however they are written: `"1.5"` and 1.50 are one number."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    return one == other or _plain(one) == _plain(other)


def _plain(value: Value) -> object:
    text = value.raw if isinstance(value, Number) else value.strip() if isinstance(value, str) else None
    if text is None:
        return value
    try:
        return float(text)
    except ValueError:
        return text
