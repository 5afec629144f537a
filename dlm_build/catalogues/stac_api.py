"""Pages and searches of a STAC API or an OGC API, by pystac-client, whose requests go through our own door."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from urllib.parse import parse_qsl, urlencode, urlsplit

import pystac
from pystac_client import ItemSearch
from pystac_client.exceptions import APIError, ParametersError
from pystac_client.stac_api_io import StacApiIO

from dlm_build.catalogues.asked import Asked
from dlm_build.catalogues.documents import Opened, dissected, features
from dlm_build.catalogues.found import Found, as_found
from dlm_build.catalogues.reader import Reader, Text, is_url, unanswered
from dlm_build.errors import InfraError, ItemHostile, ItemInvalid
from dlm_build.fetching.urls import shown_url

PAGE = 50
"""Items asked for at once: of a page much larger than that, 4 MiB would not be enough."""
_SMALLER = "ask for fewer at once: add `limit=10` to the address"


class DoorIO(StacApiIO):  # type: ignore[misc,unused-ignore]
    """Everything pystac-client asks for is asked of the Reader, and nothing twice."""

    def __init__(self, reader: Reader, first: Text) -> None:
        super().__init__(max_retries=None)
        self._reader = reader
        self._first: Text | None = first
        self._asked: set[str] = set()
        self.page = first
        """The one read last."""

    def read_text(self, source: Any, *args: Any, **kwargs: Any) -> str:
        """As pystac-client's, but never a file of this machine."""
        if not isinstance(source, pystac.Link) and not is_url(str(source)):
            raise ItemHostile(f"{shown_url(self.page.place)}: leads to {shown_url(str(source))}", "use a web address")
        return str(super().read_text(source, *args, **kwargs))

    def request(
        self,
        href: str,
        method: str | None = None,
        headers: dict[str, str] | None = None,  # noqa: ARG002 - theirs; a stranger's link sets no header of ours
        parameters: dict[str, Any] | None = None,
    ) -> str:
        """GET alone: no other way of asking is needed to read."""
        if (method or "GET").upper() != "GET":
            raise InfraError(
                f"{shown_url(self.page.place)}: its next page must be asked for by {method}", "give a smaller search"
            )
        url = self._reader.target(with_query(href, parameters or {}), self.page.base)
        if url in self._asked:
            raise InfraError(f"{shown_url(url)}: is its own next page", "tell the server's operator")
        self._asked.add(url)
        if self._first is not None and url == self._first.place:
            self.page, self._first = self._first, None
        else:
            self._reader.refuse_endless()
            self.page = self._reader.linked(url)
        return self.page.text

    def json_loads(self, txt: str, *_args: Any, **_kwargs: Any) -> dict[str, Any]:
        """A page whose features keep the text they were published as."""
        page = _page(txt, self.page)
        return {**page.head, "features": list(features(page, shown_url(self.page.place)))}


def paged(reader: Reader, first: Text) -> Iterator[Found]:
    """The items on the page `first` and on all that follow."""
    io = DoorIO(reader, first)
    with translated(first):
        for page in io.get_pages(first.place):
            yield from (as_found(part, io.page) for part in page["features"])


def searched(reader: Reader, url: str, start: Text, asked: Asked) -> Iterator[Found]:
    """What the search at `url` answers for the id and the collection asked for."""
    io = DoorIO(reader, start)
    with translated(start):
        search = ItemSearch(
            url=reader.target(url, start.base),
            method="GET",
            max_items=None,
            limit=PAGE,
            ids=[asked.id] if asked.id is not None else None,
            collections=[asked.collection] if asked.collection is not None else None,
            stac_io=io,
        )
        for page in search.pages_as_dicts():
            yield from (as_found(part, io.page) for part in page["features"])


def collections(reader: Reader, first: Text) -> Iterator[tuple[dict[str, Any], Text]]:
    """The collections of an API, each with the page that lists it."""
    io = DoorIO(reader, first)
    with translated(first):
        for page in io.get_pages(first.place):
            rows = page.get("collections")
            yield from ((row, io.page) for row in (rows if isinstance(rows, list) else []) if isinstance(row, dict))


@contextmanager
def translated(start: Text) -> Iterator[None]:
    """What pystac and its client raise over an answer becomes ours."""
    try:
        yield
    except (APIError, ParametersError, pystac.STACError, NotImplementedError) as problem:
        raise unanswered(problem, start.place) from problem
    except (KeyError, TypeError, ValueError, AttributeError) as problem:  # theirs, over JSON of another shape
        raise unanswered(problem, start.place) from problem


def with_query(url: str, parameters: dict[str, Any]) -> str:
    """`url` asking for `parameters` too; they replace what it asked for by the same names."""
    if not parameters:
        return url
    parts = urlsplit(url)
    kept = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if name not in parameters]
    asked = [*kept, *((name, str(value)) for name, value in parameters.items())]
    return parts._replace(query=urlencode(asked, errors="backslashreplace")).geturl()


def _page(text: str, page: Text) -> Opened:
    try:
        found = dissected(text, shown_url(page.place))
    except ItemInvalid as problem:
        raise ItemInvalid(problem.message, _SMALLER) from problem
    if found is None:
        raise InfraError(f"{shown_url(page.place)}: the answer is not JSON", "give the address of the item itself")
    return found
