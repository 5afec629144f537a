"""Many items into one folder: what each file is called, and what became of each item."""

from __future__ import annotations

import re

from dlm_build.checking.records import LeftOut
from dlm_build.migrating.records import Note
from dlm_build.records import Record

_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_LONGEST = 120


class Moved(Record, frozen=True, kw_only=True):
    """One item: the file that it was written to, or why it was not."""

    origin: str
    file: str | None = None
    kept: tuple[Note, ...] = ()
    dropped: tuple[Note, ...] = ()
    assumed: tuple[Note, ...] = ()
    outcome: str | None = None
    """Of `errors.Outcome`, where there is no file."""
    problem: str = ""
    fix: str = ""


class AllMoved(Record, frozen=True, kw_only=True):
    """In the order in which they were found."""

    items: tuple[Moved, ...]
    left_out: tuple[LeftOut, ...] = ()
    """Files of a folder that are no items."""


class Names:
    """A file for each item, called after its id as STAC advises; those of one id are numbered, and none is replaced."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def of(self, item_id: str) -> str:
        stem = _UNSAFE.sub("-", item_id)[:_LONGEST].strip(".-") or "item"
        number, name = 1, stem
        while name.lower() in self._taken:  # some file systems tell no capitals apart
            number += 1
            name = f"{stem}-{number}"
        self._taken.add(name.lower())
        return f"{name}.json"
