"""What an old document says: the `Item`, the parts of the model under today's DLM names, and everything besides."""

from __future__ import annotations

import copy
from typing import Any, NamedTuple

from dlm_build.items.dialects import with_properties
from dlm_build.items.display import DESCRIPTION, display_text
from dlm_build.items.dlm.generation import Generation
from dlm_build.items.dlm.parts import CURRENT, Parts, read_parts, spoken
from dlm_build.items.document import Document, Number, Value
from dlm_build.items.marks import spellings
from dlm_build.items.mlm import item as mlm
from dlm_build.items.node import Node
from dlm_build.items.overlay import as_object
from dlm_build.records import Item

_ARCHITECTURES = ("dlm:architecture", "dml:architecture", "model:architecture", "architecture")
_CORE = frozenset(
    ("type", "stac_version", "stac_extensions", "id", "geometry", "bbox", "links", "assets", "collection", "properties")
)
_PROPERTIES = frozenset(("title", "name", "description", "license", "created", "updated", "datetime", "providers"))
"""Which the drafts kept beside the properties."""


class Source(NamedTuple):
    """Plain JSON, numbers as numbers; `rest` and `beside` have what no part and no core field is."""

    item: Item
    root: Node
    parts: dict[str, Any]
    """`runtime`, `data`, `inputs`, `outputs`: objects, empty where the item has none."""
    architecture: dict[str, Any]
    architecture_node: Node
    rest: dict[str, Any]
    """Properties."""
    beside: dict[str, Any]
    """Members of the item itself."""
    told: Parts
    """The parts, each member with its place in the document."""

    @property
    def properties(self) -> Node:
        return self.root.at("properties")


def read_source(item: Item, document: Document) -> Source:
    """`document` is what `item` was read from."""
    root = with_properties(Node.root(document))
    root = mlm.respelled(root) if item.dialect == mlm.NAME else root
    properties = root.at("properties")
    places = (properties, root)
    generations = spoken(places) if item.dialect.startswith("dlm/") else []
    parts = read_parts(places, generations)
    architecture_node = _architecture_node(places)
    architecture = _architecture(architecture_node)
    taken = {id(place): _fields_of_parts(place, generations) | {*_ARCHITECTURES} for place in places}
    rest = _plain_members(properties, taken[id(properties)])
    beside = _plain_members(root, taken[id(root)] | _CORE)
    for name in _PROPERTIES & beside.keys():
        value = beside.pop(name)
        if rest.get(name) is None:
            rest[name] = value
    return Source(item, root, _objects(parts), architecture, architecture_node, rest, beside, parts)


def read_again(source: Source) -> Source:
    """The same, so that what is taken out of the one stays in the other."""
    return source._replace(parts=copy.deepcopy(source.parts), architecture=dict(source.architecture))


def own_text(node: Node) -> Any:
    """As it was written, where it is a text; for what its reader takes as one."""
    value = plain(node.value)
    return value.strip() if isinstance(value, str) else display_text(node, DESCRIPTION)


def plain(value: Value) -> Any:
    """Numbers become numbers; halves of characters, which no UTF-8 has, are replaced."""
    if isinstance(value, str):
        return value if value.isascii() else value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, Number):
        return int(value.raw) if value.raw.lstrip("-").isdigit() else float(value.raw)
    if isinstance(value, list):
        return [plain(row) for row in value]
    if isinstance(value, dict):
        return {plain(name): plain(member) for name, member in value.items()}
    return value


def _fields_of_parts(place: Node, generations: list[Generation]) -> set[str]:
    """Names of the fields of `place` that hold parts of a model, in these generations or today's."""
    every = [*generations, CURRENT]
    found = {name for one in every for part in Parts._fields for name in getattr(one.names, part)}
    loose = tuple(name for one in every for name in one.loose)
    beginnings = tuple(name for name in loose if name.endswith(":"))
    begun = [name for name, _ in place.members() if beginnings and name.startswith(beginnings)]
    return {spelling for name in found for spelling in spellings(name)} | set(loose) | set(begun)


def _plain_members(node: Node, taken: set[str] | frozenset[str]) -> dict[str, Any]:
    return {plain(name): plain(member.value) for name, member in node.members() if name not in taken}


def _objects(parts: Parts) -> dict[str, Any]:
    values = {name: plain(getattr(parts, name).value) for name in ("runtime", "data", "inputs", "outputs")}
    return {name: value if isinstance(value, dict) else {} for name, value in values.items()}


def _architecture_node(places: tuple[Node, ...]) -> Node:
    found = [place.at(name) for place in places for name in _ARCHITECTURES if not place.at(name).absent]
    return as_object(found[0]) if found else places[0].at(_ARCHITECTURES[0])


def _architecture(node: Node) -> dict[str, Any]:
    value = plain(node.value)
    if isinstance(value, str):
        return {"type": value}
    return value if isinstance(value, dict) else {}
