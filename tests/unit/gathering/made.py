"""Items, archives and fetchers for the tests of gathering."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from dlm_build.errors import SourceGone
from dlm_build.fetch import Response
from dlm_build.proc import Finished
from dlm_build.progress import Notify
from dlm_build.records import Asset, Item, Runtime
from dlm_build.store import Store, Stored


def asset(href: str, key: str = "model", roles: tuple[str, ...] = (), **more: Any) -> Asset:
    return Asset(key=key, href=href, pointer=f"/assets/{key}", roles=roles, **more)


def item(*assets: Asset, origin: str = "/items/item.json", runtime: Runtime | None = None, **more: Any) -> Item:
    return Item(
        id="m",
        origin=origin,
        sha256="0" * 64,
        dialect="dlm/runtime",
        runtime=runtime or Runtime(),
        assets=assets,
        **more,
    )


def with_runtime(given: Item, **runtime: Any) -> Item:
    return msgspec.structs.replace(given, runtime=Runtime(**runtime))


def write_zip(path: Path, members: Mapping[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name, data in members.items():
            archive.writestr(zipfile.ZipInfo(name), data)  # with no time of its own: equal members, equal bytes
    return path


class FakeFetcher:
    """Serves the URLs it was told, and refuses every other."""

    def __init__(self, pages: Mapping[str, bytes] | None = None) -> None:
        self.pages = dict(pages or {})
        self.trusted: dict[str, bool] = {}
        self.asked: list[str] = []

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        self.trusted[url] = trusted
        self.asked.append(url)
        if url not in self.pages:
            return Response(status=404, url=url)
        return Response(status=200, body=self.pages[url], url=url)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        raise AssertionError(f"nobody asks for {url} this way")

    def download(
        self,
        url: str,
        store: Store,
        *,
        expect: str | None,
        size: int | None,
        notify: Notify,
        trusted: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Stored:
        self.trusted[url] = trusted
        self.asked.append(url)
        if url not in self.pages:
            raise SourceGone(f"{url}: is not there (404)", "correct the address")
        return store.add_stream([self.pages[url]], expect)


class NoPrograms:
    """Refuses every program."""

    def run(self, argv: Sequence[str], **options: Any) -> Finished:
        raise AssertionError(f"a program was started: {argv}")
