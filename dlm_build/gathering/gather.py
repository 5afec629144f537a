"""The story of gathering: archive, manifest, source, environment files, and whether names and files agree."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlm_build.archives import Parcel, Unpacked, unpack
from dlm_build.errors import HashMismatch, shown
from dlm_build.fetching.pages import StoodIn
from dlm_build.findings.archive import ArchiveNameFoundElsewhere, ArchiveNameMissing
from dlm_build.gathering.assets import Place, checked_path, choose_archive, found_outside, is_own_server, place_of
from dlm_build.gathering.beside import with_assets
from dlm_build.gathering.environment_files import collect
from dlm_build.gathering.formats import with_formats
from dlm_build.gathering.lfs import behind_pointer
from dlm_build.gathering.manifest import read_manifest
from dlm_build.gathering.outside import Outside
from dlm_build.gathering.sources import Sources
from dlm_build.members import asset_beside, find_member, members_named, model_table, normalised
from dlm_build.progress import Event
from dlm_build.records import Archive, Asset, Finding, Item, Materials


def gather(item: Item, outside: Outside, *, allow_unpinned: bool = False) -> Materials:
    """Everything behind the item's hrefs, its bytes in the store.

    Raises ItemInvalid, ItemHostile, Unpinned, SourceGone, HashMismatch, ResourceExceeded or InfraError.
    """
    archive, about_archive = _archive(item, outside)
    archive, about_assets = with_assets(item, archive, outside)
    manifest, about_manifest = read_manifest(archive, outside.store)
    archive = with_formats(item, archive, manifest, outside.store)
    sources = Sources(outside.programs, outside.store, outside.notify, allow_hosts=outside.allow_hosts)
    needed = needs_source(item, archive, manifest)
    source, about_source = sources.gather(item, allow_unpinned=allow_unpinned, needed=needed)
    files, about_files = collect(item, archive, manifest, source, outside)
    findings = (
        *about_archive,
        *about_assets,
        *_names_agree(item, archive),
        *about_manifest,
        *about_source,
        *about_files,
    )
    return Materials(archive=archive, manifest=manifest, environment_files=files, source=source, findings=findings)


def needs_source(item: Item, archive: Archive, manifest: dict[str, Any]) -> bool:
    """Whether anything could use the source: a command, a handler, or an environment that is declared only there.

    Without any of them a model runs from its file alone, or not at all; the plan tells which.
    """
    runtime = item.runtime
    if runtime.docker.run or runtime.handler or model_table(manifest).get("handler"):
        return True
    wanted = runtime.requirement_file
    if not wanted or wanted.startswith(("https://", "http://")):
        return False
    return find_member(archive.members, wanted) is None and asset_beside(wanted, item, archive.href) is None


def _archive(item: Item, outside: Outside) -> tuple[Archive, tuple[Finding, ...]]:
    asset = choose_archive(item)
    place = place_of(asset, item)
    outside.notify(Event(step="gather", text=f"model archive {shown(asset.href)}"))
    findings: tuple[Finding, ...] = ()
    if place.url is not None:
        unpacked, findings = _remote(item, asset, place, outside)
    else:
        unpacked, findings = _local(item, asset, place, outside)
    archive = Archive(
        href=asset.href, sha256=unpacked.sha256, size=unpacked.size, kind=unpacked.kind, members=unpacked.members
    )
    return archive, findings


def _remote(item: Item, asset: Asset, place: Place, outside: Outside) -> tuple[Unpacked, tuple[Finding, ...]]:
    fetch, store, notify = outside.fetch, outside.store, outside.notify
    assert place.url is not None
    trusted = is_own_server(item, place.url)
    findings: tuple[Finding, ...] = ()
    try:
        stored = fetch.download(place.url, store, expect=asset.sha256, size=asset.size, notify=notify, trusted=trusted)
    except StoodIn as problem:
        stored, findings = behind_pointer(problem, asset, fetch, store, notify)
    parcel = Parcel(name=place.name, packed=place.packed, promised=asset.sha256, known=stored.sha256)
    return unpack(store.path(stored.sha256), store, notify, parcel), findings


def _local(item: Item, asset: Asset, place: Place, outside: Outside) -> tuple[Unpacked, tuple[Finding, ...]]:
    assert place.path is not None
    path = checked_path(Path(place.path), asset)
    size = path.stat().st_size
    if asset.size not in (None, size):
        raise HashMismatch(
            f"{asset.pointer}: model archive {shown(asset.href)} has {size} bytes, the item promises {asset.size}",
            "the archive changed after the item was written: update `file:size` if that was meant",
        )
    parcel = Parcel(name=place.name, packed=place.packed, promised=asset.sha256)
    return unpack(path, outside.store, outside.notify, parcel), found_outside(path, asset, item)


def _names_agree(item: Item, archive: Archive) -> tuple[Finding, ...]:
    """What the item lists as members against the members."""
    findings = []
    for entry in item.archive:
        found = find_member(archive.members, entry.name)
        if found is None:
            twins = len(members_named(archive.members, entry.name))
            several = f"; {twins} members have that base name" if twins else ""
            findings.append(ArchiveNameMissing.at(item.pointers.archive, found=entry.name, several=several))
        elif found.path != normalised(entry.name):
            findings.append(ArchiveNameFoundElsewhere.at(item.pointers.archive, found=entry.name, path=found.path))
    return tuple(findings)
