"""The container images that an item names, asked for at their registries: is it there, and under which digest."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import NoReturn

from dlm_build.config import Settings
from dlm_build.errors import DlmBuildError, InfraError, ItemHostile, ItemInvalid
from dlm_build.fetch import HttpFetcher, Response
from dlm_build.fetching.peek import HURRIED
from dlm_build.findings.online import CouldNotBeAsked, ImageDigest, ImageGone, ImageNotAsked
from dlm_build.items.locations import meaning_of
from dlm_build.oci import parse_reference, qualified
from dlm_build.records import Finding, Item
from dlm_build.registry import Registry

MOST = 8
"""Images of one item that are asked for."""


class StrangersWeb:
    """The door to HTTP for a name that an item chose: only the operator's own mirrors are trusted."""

    def __init__(self, fetch: HttpFetcher, settings: Settings) -> None:
        self._fetch = fetch
        self._mirrors = tuple(
            f"{mirror.rstrip('/')}/" for registry in settings.registries.values() for mirror in registry.mirrors
        )

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        return self._fetch.get(url, limit=limit, headers=headers, trusted=trusted and url.startswith(self._mirrors))

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        return self._fetch.head(url, headers=headers, trusted=trusted and url.startswith(self._mirrors))

    def download(self, *_: object, **__: object) -> NoReturn:
        raise AssertionError("no layer of a stranger's image is fetched")


def image_findings(item: Item, settings: Settings) -> tuple[Finding, ...]:
    """One for each image: its digest of today, that it is gone, that nobody answered, or was asked."""
    named = dict.fromkeys(_named(item))
    if not named:
        return ()
    fetch = HttpFetcher(settings, patience=HURRIED)
    try:
        registry = Registry(StrangersWeb(fetch, settings), settings)
        return tuple(finding for place in list(named)[:MOST] for finding in _asked(*place, registry))
    finally:
        fetch.close()


def _named(item: Item) -> Iterator[tuple[str, str]]:
    """Each image with its pointer, in the order of the item."""
    docker = item.runtime.docker
    if docker.image_name:
        tag = f":{docker.tag}" if docker.tag and "@" not in docker.image_name else ""
        yield f"{docker.image_name}{tag}", item.pointers.image
    for asset in item.assets:
        if image := meaning_of(asset).image:
            yield image, f"{asset.pointer}/href"


def _asked(image: str, pointer: str, registry: Registry) -> Iterator[Finding]:
    reference = qualified(image)
    found = parse_reference(reference)
    if found is None:
        return
    repository, digest = found["repository"], found["digest"]
    try:
        if digest:
            registry.manifest(repository, digest)
            return
        today = registry.manifest(repository, found["tag"] or "latest").digest
    except InfraError as problem:
        yield CouldNotBeAsked.at(pointer, found=reference, why=problem.message, how=problem.hint)
    except (ItemHostile, ItemInvalid) as problem:
        yield ImageNotAsked.at(pointer, found=reference, why=problem.message)
    except DlmBuildError as problem:
        yield ImageGone.at(pointer, found=reference, why=problem.message)
    else:
        yield ImageDigest.at(pointer, found=reference, digest=today, pinned=f"{repository}@{today}")
