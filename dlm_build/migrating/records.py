"""What a migration gives: the new document, and everything about it that somebody should look at."""

from __future__ import annotations

from typing import Any

from dlm_build.errors import shown
from dlm_build.migrating.secrets import without_userinfo
from dlm_build.records import Record


class Note(Record, frozen=True, kw_only=True):
    """One field, and why it is what it is. Texts are escaped."""

    pointer: str
    """JSON pointer: of what was kept or assumed, into the new document; of what was dropped, into the old one."""
    reason: str


class Migrated(Record, frozen=True, kw_only=True):
    document: dict[str, Any]
    """A STAC item that satisfies the schemas of STAC and of MLM."""
    kept: tuple[Note, ...] = ()
    """What MLM has no field for, under the item's old prefix; our reader finds it there."""
    dropped: tuple[Note, ...] = ()
    """What could not be carried."""
    assumed: tuple[Note, ...] = ()
    """What the schemas ask for and the item does not say, or says otherwise."""


class Notes:
    """Collects them in the order of writing; and, for the account at the end, where what moved stands now."""

    def __init__(self) -> None:
        self._found: dict[str, dict[Note, None]] = {"kept": {}, "dropped": {}, "assumed": {}}
        """In the order of writing, each once."""
        self.at: dict[str, set[str]] = {"kept": set(), "dropped": set(), "assumed": set()}
        """The pointers as they are, by the kind of note."""
        self.places: dict[str, list[str]] = {}
        """Pointer into the old document → into the new one, where its value stands, or those of its members do."""
        self.said: set[str] = set()
        """Pointers into the old document whose value is said in other words."""

    def kept(self, pointer: str, reason: str) -> None:
        self._add("kept", pointer, reason)

    def dropped(self, pointer: str, reason: str) -> None:
        self._add("dropped", pointer, reason)

    def assumed(self, pointer: str, reason: str) -> None:
        self._add("assumed", pointer, reason)

    def moved(self, pointer: str, place: str) -> None:
        self.places.setdefault(pointer, []).append(place)

    def reworded(self, pointer: str) -> None:
        self.said.add(pointer)

    def take(self, others: Notes) -> None:
        for name, notes in others._found.items():
            self._found[name] |= notes
            self.at[name] |= others.at[name]
        for pointer, places in others.places.items():
            self.places.setdefault(pointer, []).extend(places)
        self.said |= others.said

    def migrated(self, document: dict[str, Any]) -> Migrated:
        return Migrated(document=document, **{name: tuple(notes) for name, notes in self._found.items()})

    def _add(self, name: str, pointer: str, reason: str) -> None:
        self.at[name].add(pointer)
        note = Note(pointer=shown(pointer, 400), reason=shown(without_userinfo(reason), 400))
        self._found[name].setdefault(note)


def step(name: str) -> str:
    """As it is written in a JSON pointer."""
    return name.replace("~", "~0").replace("/", "~1")
