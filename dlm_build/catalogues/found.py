"""One item that lies inside something larger, read when it is wanted."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple
from urllib.parse import quote, urljoin, urlsplit

from dlm_build.catalogues.asked import SourceText
from dlm_build.catalogues.documents import Part, id_of
from dlm_build.catalogues.reader import Text, is_url, plain, same_server
from dlm_build.errors import DlmBuildError, shown


class Found(NamedTuple):
    """An item, or what its catalogue says is one."""

    read: Callable[[], SourceText]
    """Raises what reading raises."""
    told: tuple[str, ...] | None = None
    """What `--id` may say for it, where that is known without reading it."""
    collection: str | None = None

    def names(self) -> tuple[str, ...]:
        """What `--id` may say for it; nothing where its text cannot be read, which is said when it is."""
        if self.told is not None:
            return self.told
        try:
            source = self.read()
            own = id_of(source.text, source.origin)
        except DlmBuildError:
            own = None
        return (own,) if own is not None else ()

    def label(self) -> str:
        """For lists; escaped."""
        names = [shown(name, 60) for name in self.names()] or ["(no id)"]
        return f"{names[0]} ({names[1]})" if len(names) > 1 else names[0]


def as_found(part: Part, page: Text) -> Found:
    """An item of a page or of a file."""
    return Found(lambda: _cut(part, page), (part.id,) if part.id is not None else (), part.collection)


def _cut(part: Part, page: Text) -> SourceText:
    if is_url(page.place):
        return SourceText(text=part.text, origin=_own_place(part, page))
    line = page.text.count("\n", 0, part.offset)
    column = part.offset - (page.text.rfind("\n", 0, part.offset) + 1)
    return SourceText(text="\n" * line + " " * column + part.text, origin=page.place)  # so findings have their place


def _own_place(part: Part, page: Text) -> str:
    """Its self link, on the same server only: elsewhere it would borrow a trust that is not its own.

    Without one it is `<items>/<id>`, as both kinds of API have it.
    """
    try:
        own = urljoin(page.base, part.self_href) if part.self_href else ""
    except ValueError:
        own = ""
    if is_url(own) and same_server(page.place, own):
        return plain(own)
    if part.id is not None and urlsplit(page.place).path.endswith("/items"):
        return item_place(page.place, part.id)
    return page.place


def item_place(items: str, item_id: str) -> str:
    """Where an API has the item of that id: at `<items>/<id>`."""
    parts = urlsplit(items)
    name = quote(item_id, safe="", errors="backslashreplace")
    return parts._replace(path=f"{parts.path.rstrip('/')}/{name}", query="").geturl()
