"""The account: every value of the old item stands in the new one, or is said there in other words, or a note names it.

What nothing accounts for is put under `dlm:` where DLM has it, if reading the item again then gives the same model;
else it is noted as dropped. So no part of the migration can lose something in silence.
"""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items.document import Value
from dlm_build.migrating.books import Books, Leaf, parents_of, pointer_of
from dlm_build.migrating.kept import model_of, reread
from dlm_build.migrating.records import Notes, step
from dlm_build.migrating.secrets import without_userinfo
from dlm_build.migrating.source import Source, plain

Document = dict[str, Any]
_QUOTED = 160
_FEWEST, _READ = 8, 20_000
"""How often an item is read again at least, and of how many values in all; an item has some hundred."""


def account_for(source: Source, made: Document, place: str, notes: Notes) -> None:
    """Adds to `made` and to `notes` what was carried nowhere; notes what was carried without its password."""
    books = Books(source, made, notes)
    leaves = list(_leaves(source.root.log.document.value, "", books))
    lost = [leaf for leaf in leaves if not books.has(leaf)]
    lost = _keep(lost, books, place, max(_FEWEST, _READ // (len(leaves) + 1)))
    for pointer, leaf in _together(lost, leaves).items():
        what = f"{_quoted(leaf.value)}: " if pointer == leaf.pointer else ""
        notes.dropped(pointer, f"{what}{_why(pointer, books)}")


def _leaves(value: Value, pointer: str, books: Books) -> Iterator[Leaf]:
    """What is null, blank or empty says nothing."""
    if isinstance(value, dict):
        for name, member in value.items():
            yield from _leaves(member, f"{pointer}/{step(name)}", books)
    elif isinstance(value, list):
        for index, row in enumerate(value):
            yield from _leaves(row, f"{pointer}/{index}", books)
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        leaf = Leaf(pointer, plain(value))
        if isinstance(leaf.value, str) and without_userinfo(leaf.value) != leaf.value:
            books.notes.dropped(pointer, "the name and the password in front of the host; the address is carried bare")
            leaf = leaf._replace(value=without_userinfo(leaf.value))
        yield leaf


def _together(lost: list[Leaf], leaves: list[Leaf]) -> dict[str, Leaf]:
    """By pointer; of what is lost as a whole, the pointer of the whole."""
    all_of, lost_of = (Counter(one for leaf in some for one in parents_of(leaf.pointer)) for some in (leaves, lost))
    found: dict[str, Leaf] = {}
    for leaf in lost:
        whole = [one for one in parents_of(leaf.pointer) if one.count("/") > 1 and all_of[one] == lost_of[one]]
        found.setdefault(whole[-1] if whole and lost_of[whole[-1]] > 1 else leaf.pointer, leaf)
    return found


def _why(pointer: str, books: Books) -> str:
    if books.home(pointer) is not None:
        return "not a part of the model as it is read, and under dlm: it would be read as something else"
    return "there is no place for it in the new item"


def _quoted(value: Any) -> str:
    text = value if isinstance(value, str) else json.dumps(value)
    return text if len(text) <= _QUOTED else f"{text[:_QUOTED]}…"


def _keep(lost: list[Leaf], books: Books, place: str, most: int) -> list[Leaf]:
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
        books.notes.kept(pointer_of(homes[pointer]), "as it was written; nothing is read of it")
    return [leaf for leaf in lost if leaf.pointer not in kept]


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
