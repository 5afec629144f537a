"""Catalogues and collections that are plain files: their `child` and `item` links are followed, and no others."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from dlm_build.catalogues.asked import Asked, Bounds, SourceText, Unread
from dlm_build.catalogues.documents import Opened, file_behind, kind_of, opened
from dlm_build.catalogues.found import Found
from dlm_build.catalogues.reader import Reader, Text, is_url
from dlm_build.errors import DlmBuildError, ItemInvalid, ResourceExceeded
from dlm_build.fetching.urls import shown_place


class _Door(NamedTuple):
    """A catalogue that was linked to and not read yet."""

    place: str
    depth: int


class Walk:
    """One way through a catalogue; every document is read once, however often it is linked to."""

    def __init__(self, reader: Reader, asked: Asked, bounds: Bounds) -> None:
        self._reader, self._asked, self._deepest = reader, asked, bounds.depth
        self._seen: set[str] = set()
        self._doors: list[_Door] = []

    def items(self, root: Text, document: Opened) -> Iterator[Found | Unread]:
        """Items of a catalogue before those of its children. Raises ResourceExceeded where it goes too far."""
        self._known(root.base)
        self._known(root.place)
        yield from self._catalogue(root, document, 0)
        while self._doors:
            place, depth = self._doors.pop()
            yield from self._read(place, depth)

    def _read(self, place: str, depth: int) -> Iterator[Found | Unread]:
        """What a link leads to, catalogue or item: its own document says which, the link may be wrong."""
        self._reader.refuse_endless()
        try:
            found = self._reader.linked(place)
            if behind := file_behind(found.text):
                place = self._reader.target(behind, found.base)
                if self._known(place):
                    return
                found = self._reader.linked(place)
            document = opened(found.text, place)
        except DlmBuildError as problem:
            yield Unread(place, problem)
            return
        kind = kind_of(document)
        if kind == "item":
            source = SourceText(text=found.text, origin=place)
            yield Found(lambda: source)
        elif kind == "catalogue" and document is not None:
            yield from self._catalogue(found, document, depth)
        else:
            what = f"{shown_place(place)}: no file of a catalogue, but an answer of an API"
            yield Unread(place, ItemInvalid(what, "give that address as ITEM"))

    def _catalogue(self, text: Text, document: Opened, depth: int) -> Iterator[Found | Unread]:
        items, bad_items = self._targets(text, document.links("item"))
        children, bad_children = self._targets(text, document.links("child"))
        yield from (*bad_items, *bad_children)
        if depth < self._deepest:
            self._doors += [_Door(place, depth + 1) for place in reversed(children)]
        elif children:
            what = f"{shown_place(text.place)}: lies {depth} catalogues deep and has more below it"
            yield Unread(text.place, ResourceExceeded(what, "give that catalogue as ITEM"))
        for place in items:
            yield from self._read(place, depth)

    def _known(self, place: str) -> bool:
        """Whether it was linked to before; from now on it was."""
        key = _key(place)
        known = key in self._seen
        self._seen.add(key)
        return known

    def _targets(self, text: Text, hrefs: list[str]) -> tuple[list[str], list[Unread]]:
        """Places not seen before, those that speak of the wanted id first."""
        places: list[str] = []
        problems: list[Unread] = []
        for href in hrefs:
            try:
                place = self._reader.target(href, text.base)
            except DlmBuildError as problem:
                problems.append(Unread(text.place, problem))
                continue
            if not self._known(place):
                places.append(place)
        wanted = self._asked.id
        return (sorted(places, key=lambda place: wanted not in unquote(place)) if wanted else places), problems


def _key(place: str) -> str:
    """One for all spellings of an address: servers link to the same page with and without `f=json`."""
    if not is_url(place):
        return place
    parts = urlsplit(place)
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name != "f"]
    return parts._replace(
        query=urlencode(query, errors="backslashreplace"), fragment="", path=parts.path.rstrip("/")
    ).geturl()
