"""What a migration gives: the new document, and everything about it that somebody should look at."""

from __future__ import annotations

from typing import Any

from dlm_build.errors import shown
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
    """Collects them in the order of writing."""

    def __init__(self) -> None:
        self._found: dict[str, list[Note]] = {"kept": [], "dropped": [], "assumed": []}

    def kept(self, pointer: str, reason: str) -> None:
        self._add("kept", pointer, reason)

    def dropped(self, pointer: str, reason: str) -> None:
        self._add("dropped", pointer, reason)

    def assumed(self, pointer: str, reason: str) -> None:
        self._add("assumed", pointer, reason)

    def take(self, others: Notes) -> None:
        for name, notes in others._found.items():
            self._found[name] += notes

    def migrated(self, document: dict[str, Any]) -> Migrated:
        return Migrated(document=document, **{name: tuple(notes) for name, notes in self._found.items()})

    def _add(self, name: str, pointer: str, reason: str) -> None:
        note = Note(pointer=shown(pointer, 400), reason=shown(reason, 400))
        if note not in self._found[name]:
            self._found[name].append(note)
