"""What lies inside a document that is not one item: which way of looking fits which kind."""

from __future__ import annotations

from collections.abc import Iterator

from dlm_build.catalogues import ckan
from dlm_build.catalogues.apis import Api
from dlm_build.catalogues.asked import Asked, Bounds, Unread
from dlm_build.catalogues.documents import Kind, Opened, features, kind_of
from dlm_build.catalogues.found import Found, as_found
from dlm_build.catalogues.reader import Reader, Text, is_url
from dlm_build.catalogues.static import Walk
from dlm_build.errors import ItemInvalid
from dlm_build.fetching.urls import shown_place, shown_url

_WORDS: dict[Kind, str] = {
    "features": "a FeatureCollection, such as a search answers",
    "api": "the landing page of a STAC API",
    "ogc": "the landing page of an OGC API",
    "collections": "a list of collections, as an API gives it",
    "collection-api": "a collection of an API",
    "ckan": "an answer of CKAN",
}


def word_for(document: Opened) -> str:
    """The right word for it, with its article."""
    kind = kind_of(document)
    if kind == "catalogue":
        head = document.head
        is_collection = head["type"] == "Collection" if head.get("type") else "extent" in head
        return "a STAC Collection" if is_collection else "a STAC Catalog"
    if kind == "ckan" and isinstance(result := document.head.get("result"), dict) and "resources" in result:
        return "a CKAN dataset"
    if kind == "features" and not document.head:
        return f"a list of {len(document.parts)} entries"
    return _WORDS[kind]


def _elsewhere(text: Text, document: Opened) -> ItemInvalid:
    """A page of an API that was saved: its items are where the API is."""
    links = [link for link in document.links("items", "search", "data", "self") if is_url(link)]
    hint = f"give {shown_url(links[0])}" if links else "give its address, or an answer with items in it"
    return ItemInvalid(f"{shown_place(text.place)}: this is {word_for(document)}, saved; no item is in this file", hint)


class Inside:
    """Everything that may be found from one document, straight ahead where the id is known."""

    def __init__(self, reader: Reader, asked: Asked, bounds: Bounds, *, everything: bool) -> None:
        self._reader, self._asked, self._bounds = reader, asked, bounds
        self._api = Api(reader, asked, all_collections=everything)

    def items(self, text: Text, document: Opened) -> Iterator[Found | Unread]:
        """Lazily. Raises a DlmBuildError where the way ends.

        What an item says of its collection counts in answers alone: elsewhere the way to it has told already.
        """
        wanted = self._asked.collection if kind_of(document) in ("features", "api") else None
        for one in self._items(text, document):
            if isinstance(one, Unread) or wanted is None or one.collection in (None, wanted):
                yield one

    def _items(self, text: Text, document: Opened) -> Iterator[Found | Unread]:
        kind = kind_of(document)
        if kind == "catalogue":
            return Walk(self._reader, self._asked, self._bounds).items(text, document)
        if kind == "ckan":
            return ckan.items(self._reader, text, document, wanted=self._asked.id)
        if not is_url(text.place):
            if kind != "features":
                raise _elsewhere(text, document)
            return iter([as_found(part, text) for part in features(document, text.place)])
        if kind == "features":
            return self._api.answer(text)
        if kind == "collections":
            return self._api.collections(text)
        if kind == "collection-api":
            return self._api.collection(text, document.head)
        return self._api.landing(text, document)
