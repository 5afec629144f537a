"""Ways into an API from whichever of its pages was given: straight to the item where its id is known."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from typing import Any
from urllib.parse import urlsplit

import msgspec

from dlm_build.catalogues.asked import Asked, SourceText, Unread
from dlm_build.catalogues.documents import Opened, kind_of, opened
from dlm_build.catalogues.found import Found, item_place
from dlm_build.catalogues.listing import listed
from dlm_build.catalogues.reader import Reader, Text
from dlm_build.errors import ItemInvalid, SourceGone, shown
from dlm_build.fetching.urls import shown_url

NEIGHBOURS = 500
"""Items that are looked through, where a server has none with the id asked for, to name those like it."""


class Api:
    """One API, of STAC or of OGC."""

    def __init__(self, reader: Reader, asked: Asked, *, all_collections: bool) -> None:
        self._reader, self._asked, self._all = reader, asked, all_collections

    def landing(self, text: Text, document: Opened) -> Iterator[Found | Unread]:
        """From the landing page: by a search where there is one, else by its list of collections."""
        if searches := document.links("search"):
            yield from self._search(searches[0], text)
            return
        rows = self._follow(document.links("data")[0], text)
        listing = opened(rows.text, shown_url(rows.place))
        if kind_of(listing) != "collections":
            raise ItemInvalid(f"{shown_url(rows.place)}: is no list of collections", "give the item's own address")
        yield from self.collections(rows)

    def answer(self, text: Text) -> Iterator[Found]:
        """From a page of items: of a search, of a collection, or of a plain file on a server."""
        path = urlsplit(text.place).path.rstrip("/")
        if self._asked.id is not None and path.endswith("/search"):
            yield from self._search(text.place, text)
        elif self._asked.id is not None and path.endswith("/items"):
            yield from self._items(text.place, text, text)
        else:
            yield from self._paged(text)

    def collection(self, text: Text, row: dict[str, Any]) -> Iterator[Found | Unread]:
        """From what the API says of one collection."""
        if hrefs := Opened(head=row).links("items"):
            yield from self._items(hrefs[0], text)
        else:
            what = f"{shown_url(text.place)}: the collection {shown(row.get('id'), 60)} links to no items"
            yield Unread(text.place, ItemInvalid(what, "give the item's own address"))

    def collections(self, text: Text) -> Iterator[Found | Unread]:
        """From the list of collections: into the one asked for, or all where everything is wanted."""
        from dlm_build.catalogues.stac_api import collections

        wanted, ids = self._asked.collection, []
        for row, page in collections(self._reader, text):
            id_ = str(row.get("id"))
            ids.append(id_)
            if wanted == id_ or (wanted is None and self._all):
                yield from self.collection(page, row)
            if wanted == id_:
                return
        if wanted is not None or not self._all:
            raise self._unnamed(text, ids)

    def _unnamed(self, text: Text, ids: list[str]) -> ItemInvalid:
        wanted = self._asked.collection
        there = f"there are {', '.join(listed(ids))}" if ids else "there is none"
        what = "a list of collections, not one model item" if wanted is None else f"no collection {shown(wanted, 60)}"
        example = f", e.g. `--collection {shown(ids[0], 60)}`" if ids else ""
        return ItemInvalid(
            f"{shown_url(text.place)}: {what}; {there}",
            f"name the collection and the item: --collection, --id{example}",
        )

    def _items(self, href: str, text: Text, page: Text | None = None) -> Iterator[Found]:
        """The item itself at `<items>/<id>`, where the id is known and the server has it; else the pages."""
        found = self._direct(href, text)
        if found is not None:
            source = SourceText(text=found.text, origin=found.place)
            yield Found(lambda: source)
        else:
            pages = self._paged(page or self._follow(href, text))
            yield from pages if self._asked.id is None else islice(pages, NEIGHBOURS)

    def _direct(self, href: str, text: Text) -> Text | None:
        if self._asked.id is None:
            return None
        own = item_place(self._reader.target(href, text.base), self._asked.id)
        try:
            return self._follow(own, text)
        except SourceGone:
            return None  # the pages tell what is there instead

    def _search(self, href: str, text: Text) -> Iterator[Found]:
        from dlm_build.catalogues.stac_api import searched

        none = True
        for one in searched(self._reader, href, text, self._asked):
            none = False
            yield one
        if none and self._asked.id is not None:
            anything = msgspec.structs.replace(self._asked, id=None)
            yield from islice(searched(self._reader, href, text, anything), NEIGHBOURS)

    def _paged(self, first: Text) -> Iterator[Found]:
        from dlm_build.catalogues.stac_api import paged

        yield from paged(self._reader, first)

    def _follow(self, href: str, text: Text) -> Text:
        place = self._reader.target(href, text.base)
        self._reader.refuse_endless()
        return self._reader.linked(place)
