"""Files that an item names as if they were in its archive, and publishes as assets of their own beside it."""

from __future__ import annotations

from pathlib import Path

from msgspec.structs import replace

from dlm_build.errors import HashMismatch, ItemHostile, ItemInvalid, shown
from dlm_build.findings.archive import FileBesideArchive
from dlm_build.gathering.assets import checked_path, is_own_server, place_of
from dlm_build.gathering.outside import Outside
from dlm_build.members import asset_beside, find_member
from dlm_build.progress import Event
from dlm_build.records import Archive, Asset, Finding, Item, Member
from dlm_build.store import Store, Stored
from dlm_build.unpacking.names import Blame, checked_name, folded

NUMBERS_OF_ONNX = (".data", "_data")
"""What torch.onnx and optimum append to a model's name for the file of its numbers, where these are not in it."""


def with_assets(item: Item, archive: Archive, outside: Outside) -> tuple[Archive, tuple[Finding, ...]]:
    """`archive` with the sample, the expected output and the environment file that only the item's assets have, and
    with the file of numbers that an ONNX file alone may need.

    What the archive itself has comes first, but for an environment that is named by an asset's key. Raises SourceGone,
    ItemHostile or HashMismatch as for the archive.
    """
    members = list(archive.members)
    findings = []
    for name in dict.fromkeys((*_named(item), *_numbers(archive))):
        asset = asset_beside(name, item, archive.href)
        inside = find_member(archive.members, name) is not None
        if asset is None or (inside and not _is_environment(name, asset, item)):
            continue
        if any(member.asset == asset.key for member in members):
            continue
        outside.notify(Event(step="gather", text=f"{shown(name)} {shown(asset.href)}"))
        members.append(_fetched(asset, item, tuple(members), outside))
        if not inside:
            findings.append(_said(name, asset))
    return replace(archive, members=tuple(sorted(members, key=lambda m: m.path))), tuple(findings)


def _is_environment(name: str, asset: Asset, item: Item) -> bool:
    """Whether the item means the asset by that name, whatever the archive has of it."""
    return name == item.runtime.requirement_file == asset.key


def _named(item: Item) -> list[str]:
    sample = (item.sample.input, item.sample.expected) if item.sample else ()
    return [name for name in (*sample, item.runtime.requirement_file) if name]


def _numbers(archive: Archive) -> list[str]:
    alone = archive.members if archive.kind == "file" else ()
    models = [member.path for member in alone if member.path.lower().endswith(".onnx")]
    return [path + end for path in models for end in NUMBERS_OF_ONNX]


def _fetched(asset: Asset, item: Item, others: tuple[Member, ...], outside: Outside) -> Member:
    """The asset's file, at a path that none of `others` has."""
    fetch, store, notify = outside.fetch, outside.store, outside.notify
    place = place_of(asset, item)
    if place.url is not None:
        trusted = is_own_server(item, place.url)
        stored = fetch.download(place.url, store, expect=asset.sha256, size=asset.size, notify=notify, trusted=trusted)
    else:
        stored = _local(asset, str(place.path), store)
    path = _free_path(place.name, asset.key, stored.sha256, others)
    return Member(path=path, size=stored.size, sha256=stored.sha256, asset=asset.key)


def _free_path(name: str, key: str, sha256: str, others: tuple[Member, ...]) -> str:
    """`name`, else `<key>/<name>`, else below a name that only these bytes have."""
    taken = {folded(member.path) for member in others}
    taken |= {folder for path in taken for folder in _folders(path)}
    files = {folded(member.path) for member in others}
    for path in (name, *_below_key(key, name)):
        if folded(path) not in taken and not files.intersection(_folders(folded(path))):
            return path
    return f"asset-{sha256}/{name}"


def _below_key(key: str, name: str) -> tuple[str, ...]:
    """None where the key cannot name a folder."""
    try:
        return (checked_name(f"{key}/{name}", Blame(name)),)
    except (ItemHostile, ItemInvalid):
        return ()


def _folders(path: str) -> list[str]:
    parts = path.split("/")
    return ["/".join(parts[:depth]) for depth in range(1, len(parts))]


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
