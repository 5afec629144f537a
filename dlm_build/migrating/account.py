"""The account: every value of the old item stands in the new one, or is said there in other words, or a note names it.

What nothing accounts for is put under `dlm:` where DLM has it, if reading the item again then gives the same model;
else it is noted as dropped. So no part of the migration can lose something in silence.
"""

from __future__ import annotations

import copy
import json
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any, NamedTuple

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items.display import phrase
from dlm_build.items.document import Value
from dlm_build.items.node import Node
from dlm_build.migrating.kept import FIELDS, model_of, reread
from dlm_build.migrating.records import Notes, step
from dlm_build.migrating.said import is_replaced
from dlm_build.migrating.secrets import without_userinfo
from dlm_build.migrating.source import Source, plain
from dlm_build.records import Item

Document = dict[str, Any]
_HOMES = {"runtime": "dlm:runtime", "archive": "dlm:archive", "data": "dlm:data", "inputs": "dlm:inputs",
          "outputs": "dlm:outputs"}  # fmt: skip
_GENERAL = frozenset(("", "/assets", "/stac_extensions"))
"""Pointers of notes that are not about all that is below them."""
_VERSION = re.compile(r"v?[0-9]+(?:\.[0-9]+)*(?:[.-]?(?:alpha|beta|rc)[.0-9]*)?")
_WORDS = re.compile(r"[^\s/:@<>]+")
_QUOTED = 160
_FEWEST, _READ = 8, 20_000
"""How often an item is read again at least, and of how many values in all; an item has some hundred."""
_ROW = "*"
"""In place of the number of a row."""
_Place = tuple[str, ...]
_Mark = tuple[str, Any]


class _Leaf(NamedTuple):
    pointer: str
    value: Any


def account_for(source: Source, made: Document, place: str, notes: Notes) -> None:
    """Adds to `made` and to `notes` what was carried nowhere; notes what was carried without its password."""
    books = _Books(source, made, notes)
    leaves = list(_leaves(source.root.log.document.value, "", books))
    lost = [leaf for leaf in leaves if not books.has(leaf)]
    lost = _keep(lost, books, place, max(_FEWEST, _READ // (len(leaves) + 1)))
    for pointer, leaf in _together(lost, leaves).items():
        what = f"{_quoted(leaf.value)}: " if pointer == leaf.pointer else ""
        notes.dropped(pointer, f"{what}{_why(pointer, books)}")


def _leaves(value: Value, pointer: str, books: _Books) -> Iterator[_Leaf]:
    """What is null, blank or empty says nothing."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{pointer}/{step(name)}", books)
    elif isinstance(value, list):
        for index, row in enumerate(value):
            yield from _leaves(row, f"{pointer}/{index}", books)
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        leaf = _Leaf(pointer, plain(value))
        if isinstance(leaf.value, str) and without_userinfo(leaf.value) != leaf.value:
            books.notes.dropped(pointer, "the name and the password in front of the host; the address is carried bare")
            leaf = leaf._replace(value=without_userinfo(leaf.value))
        yield leaf


def _together(lost: list[_Leaf], leaves: list[_Leaf]) -> dict[str, _Leaf]:
    """By pointer; of what is lost as a whole, the pointer of the whole."""
    all_of, lost_of = (Counter(one for leaf in some for one in _parents(leaf.pointer)) for some in (leaves, lost))
    found: dict[str, _Leaf] = {}
    for leaf in lost:
        whole = [one for one in _parents(leaf.pointer) if one.count("/") > 1 and all_of[one] == lost_of[one]]
        found.setdefault(whole[-1] if whole and lost_of[whole[-1]] > 1 else leaf.pointer, leaf)
    return found


class _Books:
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

    def has(self, leaf: _Leaf) -> bool:
        """Whether anything accounts for it; what does for most of them is asked first."""
        if self._stands(leaf.pointer, leaf.value):
            return True
        home = self.home(leaf.pointer)
        if home is not None and self._is_said(home, leaf.value):
            return True
        parents = list(_parents(leaf.pointer))
        if leaf.pointer == "/stac_version" and _VERSION.fullmatch(str(leaf.value)):
            return True
        if parents[0] == "/stac_extensions" and is_replaced(leaf.value):
            return True
        if not self._dropped.isdisjoint((leaf.pointer, *parents)):
            return True
        places = [place for one in self._places(leaf.pointer) for place in (one, *self._places(one))]
        if any(self._stands(place, leaf.value) for place in places):
            return True
        said = {*places, *(parent for one in places for parent in _parents(one))}
        return not self.notes.said.isdisjoint(said) or not self.notes.at["assumed"].isdisjoint(places)

    def _stands(self, pointer: str, value: Any) -> bool:
        place = tuple([_ROW if name.isdigit() else name for name in _steps(pointer)])
        return any((place, mark) in self._standing for mark in _marks(value))

    def home(self, pointer: str) -> tuple[str, ...] | None:
        """Where DLM has it today, below the properties; None for what is in no part."""
        for one in (pointer, *_parents(pointer)):
            if one in self._homes:
                return (*self._homes[one], *_steps(pointer[len(one) :]))
        return None

    def _places(self, pointer: str) -> list[str]:
        """Where in the new document the value may be."""
        found = [pointer]
        for one in (pointer, *_parents(pointer)):
            found += [f"{moved}{pointer[len(one) :]}" for moved in self.notes.places.get(one, ())]
        if not pointer.startswith(("/properties/", "/assets/", "/links/")):
            found.append(f"/properties{pointer}")
        home = self.home(pointer)
        if home is not None:
            found.append(_pointer_of(home))
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


def _why(pointer: str, books: _Books) -> str:
    if books.home(pointer) is not None:
        return "not a part of the model as it is read, and under dlm: it would be read as something else"
    return "there is no place for it in the new item"


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _parents(pointer: str) -> Iterator[str]:
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


def _keep(lost: list[_Leaf], books: _Books, place: str, most: int) -> list[_Leaf]:
    """Puts them where DLM has them, if the model stays the same. Gives those that have no such place.

    All at once, else halves of them, and so on: every try reads the item again, `most` times at most.
    """
    homes = {leaf.pointer: home for leaf in lost if (home := books.home(leaf.pointer))}
    before = model_of(reread(books.made, place)) if homes else None
    kept: set[str] = set()
    untried = [[leaf for leaf in lost if leaf.pointer in homes]]
    while untried and most > 0:
        some = untried.pop()
        properties = copy.deepcopy(books.made["properties"])
        put = [leaf for leaf in some if _put(properties, homes[leaf.pointer], leaf.value)]
        if not put:
            continue
        most -= 1
        if _reads_as(before, {**books.made, "properties": properties}, place):
            books.made["properties"] = properties
            kept |= {leaf.pointer for leaf in put}
        elif len(put) > 1:
            untried += [put[len(put) // 2 :], put[: len(put) // 2]]
    for pointer in [leaf.pointer for leaf in lost if leaf.pointer in kept]:
        books.notes.kept(_pointer_of(homes[pointer]), "as it was written; nothing is read of it")
    return [leaf for leaf in lost if leaf.pointer not in kept]


def _pointer_of(home: tuple[str, ...]) -> str:
    return "".join(f"/{step(name)}" for name in ("properties", *home))


def _reads_as(before: Any, document: Document, place: str) -> bool:
    try:
        return bool(model_of(reread(document, place)) == before)
    except (ItemInvalid, ItemHostile):
        return False


def _put(properties: Document, home: tuple[str, ...], value: Any) -> bool:
    """Puts the value there; False where something else is, or its list is not."""
    fields: Any = properties
    for name in home[:-1]:
        if isinstance(fields, list) and name.isdigit() and int(name) < len(fields):
            fields = fields[int(name)]
        elif isinstance(fields, dict):
            fields = fields.setdefault(name, {})
        else:
            return False
    if not isinstance(fields, dict) or home[-1] in fields:
        return False
    fields[home[-1]] = value
    return True
