"""The parts of a model out of all generations of DLM fields that an item has. The newest wins; each keeps its place."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

from dlm_build.findings.dialects import (
    ContradictionGenerations,
    ContradictionPlaces,
    DmlPrefix,
    OldGeneration,
    OutsideProperties,
)
from dlm_build.findings.reading import EmptyField
from dlm_build.items.dlm import bare, engine, model, runtime
from dlm_build.items.dlm.generation import Generation
from dlm_build.items.dlm.spellings import completed_size, spelled
from dlm_build.items.marks import spellings
from dlm_build.items.node import Node
from dlm_build.items.overlay import overlaid

GENERATIONS = (runtime.GENERATION, engine.GENERATION, bare.GENERATION, model.GENERATION)
"""Newest first."""
CURRENT = runtime.GENERATION


class Parts(NamedTuple):
    """As the generation of 2021 has them; absent where the item does not have them."""

    runtime: Node
    archive: Node
    data: Node
    inputs: Node
    outputs: Node


class Told(NamedTuple):
    """One field that holds a part, and the generation it is of."""

    generation: Generation
    node: Node


def spoken(places: tuple[Node, ...]) -> list[Generation]:
    """Those the item speaks, the one that says what runs the model first, then the newest."""
    found = [one for one in GENERATIONS if any(one.marks.found(place.value) for place in places)]
    said = {one.name for one in found if any(not told.node.absent for told in _told("runtime", places, [one]))}
    return sorted(found, key=lambda one: one.name not in said)


def read_parts(places: tuple[Node, ...], generations: list[Generation]) -> Parts:
    """`places`: properties, then the document itself. Raises nothing of its own."""
    usual = bool(generations) and generations[0] != CURRENT
    newest_first = [one for one in GENERATIONS if one == CURRENT or one in generations]
    whole = {part: _whole(part, places, newest_first, usual) for part in Parts._fields}
    _note_old(places, newest_first)
    return _settled(Parts(**whole), usual)


def _whole(part: str, places: tuple[Node, ...], generations: list[Generation], usual: bool) -> Node:
    upper: Told | None = None
    for told in _told(part, places, generations):
        node = spelled(part, told.node, usual=usual or told.generation != CURRENT)
        if upper is None:
            upper = Told(told.generation, node)
            continue
        kind = ContradictionPlaces if told.generation == upper.generation else ContradictionGenerations
        upper = Told(upper.generation, overlaid(upper.node, node, kind))
    return upper.node if upper else places[0].at(_own_name(part, generations, usual))


def _own_name(part: str, generations: list[Generation], usual: bool) -> str:
    """Where the part would stand: as the item's oldest generation calls it, where it is of the old ones."""
    ordered = reversed(generations) if usual else generations
    names: list[tuple[str, ...]] = [getattr(one.names, part) for one in ordered]
    return next(name[0] for name in names if name)


def _told(part: str, places: tuple[Node, ...], generations: list[Generation]) -> Iterator[Told]:
    """The fields that hold a part: generations as given, within each the properties first."""
    for generation in generations:
        for place in places:
            for name in getattr(generation.names, part):
                yield from (Told(generation, node) for node in _fields(place, name, outside=place is not places[0]))
            if part == "runtime" and (loose := _loose(generation, place)):
                yield Told(generation, place.at(CURRENT.names.runtime[0]).made_of(loose))


def _fields(place: Node, name: str, *, outside: bool) -> Iterator[Node]:
    for spelling in spellings(name):
        if not place.has(spelling):
            continue
        node = place.at(spelling)
        if spelling != name:
            node.find(DmlPrefix, wanted=name)
        if outside:
            node.find(OutsideProperties)
        if node.absent:
            node.find(EmptyField)
        yield node


def _loose(generation: Generation, place: Node) -> dict[str, Node]:
    return {name: place.at(name) for name in place.names() if generation.is_loose(name)} if generation.loose else {}


def _note_old(places: tuple[Node, ...], generations: list[Generation]) -> None:
    """Once for each old generation, at the first field of it that is read."""
    for generation in generations:
        if generation == CURRENT:
            continue
        told = [one.node for part in Parts._fields for one in _told(part, places, [generation])]
        if told:
            first = next(iter(told[0].elsewhere.values())) if told[0].elsewhere else told[0]
            first.find(OldGeneration, title=generation.title)


def _settled(parts: Parts, usual: bool) -> Parts:
    """What moved between parts over the years: the sample and its bands stood in the inputs."""
    in_data, in_inputs = parts.data.at("test_file"), parts.inputs.at("test_file")
    sample = overlaid(in_data, in_inputs, ContradictionPlaces)
    data = parts.data
    if not in_inputs.absent and (data.absent or isinstance(data.value, dict)):
        data = data.made_of({**dict(data.members()), "test_file": sample})
    inputs = parts.inputs
    bands = sample.at("selected_bands")
    if not bands.absent and (inputs.absent or isinstance(inputs.value, dict)):
        chosen = overlaid(inputs.at("selected_bands"), bands, ContradictionPlaces)
        inputs = inputs.made_of({**dict(inputs.members()), "selected_bands": chosen})
    outputs = completed_size(parts.outputs, inputs) if usual else parts.outputs
    return parts._replace(data=data, inputs=inputs, outputs=outputs)
