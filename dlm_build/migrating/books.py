"""What is known of where everything of the old item went: what stands in the new one, is said there, or is noted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from dlm_build.items.display import phrase
from dlm_build.items.node import Node
from dlm_build.migrating.kept import FIELDS
from dlm_build.migrating.records import Notes, step
from dlm_build.migrating.said import is_replaced
from dlm_build.migrating.source import Source, plain
from dlm_build.records import Item

Document = dict[str, Any]
_HOMES = {"runtime": "dlm:runtime", "archive": "dlm:archive", "data": "dlm:data", "inputs": "dlm:inputs",
          "outputs": "dlm:outputs"}  # fmt: skip
_GENERAL = frozenset(("", "/assets", "/stac_extensions"))
"""Pointers of notes that are not about all that is below them."""
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+)*(?:[.-]?(?:alpha|beta|rc)[.0-9]*)?")
_WORDS = re.compile(r"[^\s/:@<>]+")
_ROW = "*"
"""In place of the number of a row."""
_Place = tuple[str, ...]
_Mark = tuple[str, Any]


class Leaf(NamedTuple):
    """One value of the old item, and where it stood."""

    pointer: str
    value: Any


class Books:
    """What is known of where everything went."""

    def __init__(self, source: Source, made: Document, notes: Notes) -> None:
        self.made, self.notes = made, notes
        if source.properties.pointer != "/properties":
            notes.moved(source.properties.pointer, "/properties")
        for name, member in (source.properties.elsewhere or {}).items():  # where they are a list of objects
            notes.moved(member.pointer, f"/properties/{step(plain(name))}")
        self._standing = frozenset(_standing(made))
        self._homes = _homes(source)
        self._dropped = notes.at["dropped"] - _GENERAL
        self._said = _said_of_fields(source.item)
        self._told: dict[tuple[str, ...], tuple[set[str], set[str]]] = {}

    def has(self, leaf: Leaf) -> bool:
        """Whether anything accounts for it; what does for most of them is asked first."""
        if self._stands(leaf.pointer, leaf.value):
            return True
        home = self.home(leaf.pointer)
        if home is not None and self._is_said(home, leaf.value):
            return True
        parents = list(parents_of(leaf.pointer))
        if leaf.pointer == "/stac_version" and _VERSION.fullmatch(str(leaf.value)):
            return True
        if parents[0] == "/stac_extensions" and is_replaced(leaf.value):
            return True
        if not self._dropped.isdisjoint((leaf.pointer, *parents)):
            return True
        places = [place for one in self._places(leaf.pointer) for place in (one, *self._places(one))]
        if any(self._stands(place, leaf.value) for place in places):
            return True
        said = {*places, *(parent for one in places for parent in parents_of(one))}
        return not self.notes.said.isdisjoint(said) or not self.notes.at["assumed"].isdisjoint(places)

    def _stands(self, pointer: str, value: Any) -> bool:
        place = tuple([_ROW if name.isdigit() else name for name in _steps(pointer)])
        return any((place, mark) in self._standing for mark in _marks(value))

    def home(self, pointer: str) -> tuple[str, ...] | None:
        """Where DLM has it today, below the properties; None for what is in no part."""
        for one in (pointer, *parents_of(pointer)):
            if one in self._homes:
                return (*self._homes[one], *_steps(pointer[len(one) :]))
        return None

    def _places(self, pointer: str) -> list[str]:
        """Where in the new document the value may be."""
        found = [pointer]
        for one in (pointer, *parents_of(pointer)):
            found += [f"{moved}{pointer[len(one) :]}" for moved in self.notes.places.get(one, ())]
        if not pointer.startswith(("/properties/", "/assets/", "/links/")):
            found.append(f"/properties{pointer}")
        home = self.home(pointer)
        if home is not None:
            found.append(pointer_of(home))
        return found

    def _is_said(self, home: tuple[str, ...], value: Any) -> bool:
        """Whether the fields that are read at `home` say it; the new item says what they do."""
        told, words = self._told_at(_field_names(home))
        text = _canonical(value)
        return text in told or (isinstance(value, str) and bool(told) and {*_WORDS.findall(text)} <= words)

    def _told_at(self, names: tuple[str, ...]) -> tuple[set[str], set[str]]:
        """What the fields there say, and the words of those and of the fields beside them."""
        names = next((home for home in self._said if names[: len(home)] == home), names)
        if names not in self._told:
            told = {one for field, said in self._said.items() if field[: len(names)] == names for one in said}
            beside = {one for field, said in self._said.items() if field[:-1] == names[:-1] for one in said}
            self._told[names] = told, {word for one in beside for word in _WORDS.findall(one)}
        return self._told[names]


def pointer_of(home: tuple[str, ...]) -> str:
    return "".join(f"/{step(name)}" for name in ("properties", *home))


def parents_of(pointer: str) -> Iterator[str]:
    while "/" in pointer[1:]:
        pointer = pointer.rpartition("/")[0]
        yield pointer
    yield ""


def _steps(pointer: str) -> list[str]:
    return [name.replace("~1", "/").replace("~0", "~") for name in pointer.split("/")[1:]]


def _standing(value: Any, place: _Place = ()) -> Iterator[tuple[_Place, _Mark]]:
    """What stands where in a document. Rows of a list may move up, so their numbers are left out."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _standing(member, (*place, _ROW if name.isdigit() else name))
    elif isinstance(value, list):
        for row in value:
            yield from _standing(row, (*place, _ROW))
    else:
        yield from ((place, mark) for mark in _marks(value))


def _marks(value: Any) -> tuple[_Mark, ...]:
    """Two values are the same where they share one: a number may be written as a text."""
    if isinstance(value, bool):
        return (("truth", value),)
    if isinstance(value, str):
        return (("text", value.strip()),)
    return (("number", value), ("text", str(value)))


def _homes(source: Source) -> dict[str, tuple[str, ...]]:
    """Pointer of every part, and of what moved into it or got another name → where DLM has it today."""
    found: dict[str, tuple[str, ...]] = {}
    for part, name in _HOMES.items():
        _add_homes(getattr(source.told, part), (name,), found)
    return found


def _add_homes(node: Node, home: tuple[str, ...], found: dict[str, tuple[str, ...]]) -> None:
    found.setdefault(node.pointer, home)
    for name, member in (node.elsewhere or {}).items():
        _add_homes(member, (*home, plain(name)), found)


def _said_of_fields(item: Item) -> dict[tuple[str, ...], set[str]]:
    """What each field of the item says, by where DLM has it."""
    said = {field.home: field.of(item) for field in FIELDS}
    written = {field.home: field.written for field in FIELDS}
    return {home: set() if one is None else {*_texts(written[home](one))} for home, one in said.items()}


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, dict | list):
        for row in value.values() if isinstance(value, dict) else value:
            yield from _texts(row)
    else:
        yield _canonical(value)


def _canonical(value: Any) -> str:
    """Equal for what is the same, however it is written."""
    if isinstance(value, bool):
        return "true" if value else "false"
    text = str(value).strip().removeprefix("./")
    try:
        return str(float(text))
    except ValueError:
        return phrase(text)


def _field_names(home: tuple[str, ...]) -> tuple[str, ...]:
    """As the fields have it: some stood elsewhere."""
    match tuple(name for name in home if not name.isdigit()):
        case ("dlm:inputs", ("batch" | "channels" | "height" | "width") as side):
            return ("dlm:inputs", "input_tensors", side)
        case ("dlm:inputs", "dtype" | "data_type"):
            return ("dlm:data", "dtype")
        case ("dlm:inputs" | "dlm:data", "test_file", "selected_bands"):
            return ("dlm:inputs", "selected_bands")
        case ("dlm:inputs", "test_file", *rest):
            return ("dlm:data", "test_file", *rest)
        case names:
            return names
