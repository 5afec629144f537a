"""A web that answers what it was told and refuses the rest, folders of catalogues, and how a test asks."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from itertools import count
from pathlib import Path
from typing import Any

from dlm_build.catalogues import Asked, Bounds, SourceText, Unread, every, resolve
from dlm_build.errors import InfraError
from dlm_build.fetch import Response
from dlm_build.fetching.urls import checked_url
from dlm_build.progress import Event
from dlm_build.store import Store, Stored
from tests.unit.items.samples_of_items import GOOD

SITE = "https://models.example.org"


class Web:
    """Serves documents by URL, under the same rules for trusted and other addresses as the real door."""

    def __init__(self, pages: Mapping[str, object] | None = None) -> None:
        self.pages: dict[str, object] = dict(pages or {})
        self.asked: list[tuple[str, bool]] = []

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        assert headers is not None and "json" in headers["accept"]
        checked_url(url, trusted=trusted)
        self.asked.append((url, trusted))
        if url not in self.pages:
            return Response(status=404, url=url)
        page = self.pages[url]
        if isinstance(page, Exception):
            raise page
        body = page.encode() if isinstance(page, str) else json.dumps(page).encode()
        assert len(body) <= limit
        return Response(status=200, body=body, url=url)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        raise AssertionError(f"asked for the head of {url}")

    def download(self, url: str, store: Store, **_how: Any) -> Stored:
        raise AssertionError(f"downloaded {url}")

    def count(self, url: str) -> int:
        return sum(1 for asked, _ in self.asked if asked == url)


class World:
    """The doors, with a web that may be empty."""

    def __init__(self, pages: Mapping[str, object] | None = None, stdin: bytes = b"") -> None:
        self.fetch = Web(pages)
        self.told: list[str] = []
        self._ticks = count()
        self._stdin = stdin

    def notify(self, event: Event) -> None:
        self.told.append(event.text)

    def clock(self) -> float:
        return float(next(self._ticks))

    def stdin(self) -> bytes:
        return self._stdin

    def resolve(self, href: str | Path, bounds: Bounds | None = None, **asked: Any) -> SourceText:
        return resolve(Asked(href=str(href), **asked), self, bounds or Bounds(seconds=1e9))

    def every(self, href: str | Path, bounds: Bounds | None = None, **asked: Any) -> list[SourceText | Unread]:
        return list(every(Asked(href=str(href), **asked), self, bounds or Bounds(seconds=1e9)))


def model(name: str, **more: Any) -> dict[str, Any]:
    return {**GOOD, "id": name, "links": [], **more}


def catalogue(*links: tuple[str, str], name: str = "root", kind: str = "Catalog") -> dict[str, Any]:
    extent: dict[str, Any] = {"extent": {}} if kind == "Collection" else {}
    rows = [{"rel": rel, "href": href} for rel, href in links]
    return {"type": kind, "stac_version": "1.0.0", "id": name, "description": name, "links": rows, **extent}


def features(*items: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": list(items), **more}


def write(folder: Path, files: Mapping[str, object]) -> Path:
    """Files by name; returns the first."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(content if isinstance(content, str) else json.dumps(content))
    return folder / next(iter(files))


def ids(rows: Sequence[SourceText | Unread]) -> list[Any]:
    """Of those that were read; a problem fails the test."""
    return [json.loads(read(row).text)["id"] for row in rows]


def read(row: SourceText | Unread) -> SourceText:
    if isinstance(row, Unread):
        raise row.problem
    return row


def problems(rows: Sequence[SourceText | Unread]) -> list[str]:
    return [row.problem.message for row in rows if isinstance(row, Unread)]


BROKEN = InfraError("the connection broke", "try later")
