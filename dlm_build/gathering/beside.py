"""Files that an item names as if they were in its archive, and publishes as assets of their own beside it."""

from __future__ import annotations

import posixpath
from pathlib import Path

from msgspec.structs import replace

from dlm_build.errors import HashMismatch, shown
from dlm_build.fetch import Fetcher
from dlm_build.findings.archive import FileBesideArchive
from dlm_build.gathering.assets import checked_path, is_own_server, place_of
from dlm_build.members import find_member
from dlm_build.progress import Event, Notify
from dlm_build.records import Archive, Asset, Finding, Item, Member
from dlm_build.store import Store, Stored


def with_assets(
    item: Item, archive: Archive, doors: tuple[Fetcher, Store], notify: Notify
) -> tuple[Archive, tuple[Finding, ...]]:
    """`archive` with the sample, the expected output and the environment file that only the item's assets have.

    What the archive itself has comes first. Raises SourceGone, ItemHostile or HashMismatch as for the archive.
    """
    members = list(archive.members)
    findings = []
    for name in dict.fromkeys(_named(item)):
        asset = _asset(name, item, archive)
        if asset is None or _is_there(name, members):
            continue
        notify(Event(step="gather", text=f"{shown(name)} {shown(asset.href)}"))
        member = _fetched(asset, item, doors, notify)
        if all(member.path != other.path for other in members):
            members.append(member)
        findings.append(_said(name, asset))
    return replace(archive, members=tuple(sorted(members, key=lambda m: m.path))), tuple(findings)


def _named(item: Item) -> list[str]:
    sample = (item.sample.input, item.sample.expected) if item.sample else ()
    return [name for name in (*sample, item.runtime.requirement_file) if name]


def _asset(name: str, item: Item, archive: Archive) -> Asset | None:
    """By its key, else by the one href with that base name; never the archive itself."""
    others = [asset for asset in item.assets if asset.href != archive.href]
    by_key = [asset for asset in others if asset.key == name]
    base = posixpath.basename(name)
    by_name = [asset for asset in others if place_name(asset) == base]
    found = by_key or by_name
    return found[0] if len(found) == 1 else None


def place_name(asset: Asset) -> str:
    return posixpath.basename(asset.href.partition("?")[0].partition("#")[0])


def _is_there(name: str, members: list[Member]) -> bool:
    return find_member(members, name) is not None


def _fetched(asset: Asset, item: Item, doors: tuple[Fetcher, Store], notify: Notify) -> Member:
    fetch, store = doors
    place = place_of(asset, item)
    if place.url is not None:
        trusted = is_own_server(item, place.url)
        stored = fetch.download(place.url, store, expect=asset.sha256, size=asset.size, notify=notify, trusted=trusted)
    else:
        stored = _local(asset, str(place.path), store)
    return Member(path=place.name, size=stored.size, sha256=stored.sha256)


def _local(asset: Asset, path: str, store: Store) -> Stored:
    stored = store.add_file(checked_path(Path(path), asset, what="file"), expect=asset.sha256)
    if asset.size not in (None, stored.size):
        raise HashMismatch(
            f"{asset.pointer}: {shown(asset.href)} has {stored.size} bytes, the item promises {asset.size}",
            "the file changed after the item was written: update `file:size` if that was meant",
        )
    return stored


def _said(name: str, asset: Asset) -> Finding:
    return FileBesideArchive.at(asset.pointer, found=name)
