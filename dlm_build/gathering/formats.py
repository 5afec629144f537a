"""Files that may be weights, recognised by their bytes: an address need not end in what it serves. Arrays and rasters
that hold more than labels, too: what the author shows decides what a runner writes.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Any

from msgspec.structs import replace

from dlm_build.disk import disk_errors
from dlm_build.members import find_member, model_table
from dlm_build.records import Archive, Item, Member
from dlm_build.store import Store
from dlm_build.unpacking.formats import holds_scores, model_format
from dlm_build.weight_files import SINGLE_SUFFIXES

_SHOWN = (".npy", ".npz", ".tif", ".tiff")


def with_formats(item: Item, archive: Archive, manifest: dict[str, Any], store: Store) -> Archive:
    """`archive`; of the one file that it is, of named weights and of files so called, what their bytes are."""
    serialized = model_table(manifest).get("serializedFile")
    names = [entry.name for entry in item.archive] + ([serialized] if isinstance(serialized, str) else [])
    found = [find_member(archive.members, name) for name in names]
    named = {member.path for member in found if member}

    def looked_at(member: Member) -> bool:
        suffix = PurePosixPath(member.path).suffix.lower()
        whole = archive.kind == "file" and member.sha256 == archive.sha256
        return whole or member.path in named or suffix in ("", *_SHOWN, *SINGLE_SUFFIXES)

    return replace(
        archive, members=tuple(_told(member, store) if looked_at(member) else member for member in archive.members)
    )


def _told(member: Member, store: Store) -> Member:
    path = store.path(member.sha256)
    with disk_errors(path):
        if member.path.lower().endswith(_SHOWN):
            return replace(member, scores=holds_scores(path))
        return replace(member, format=model_format(path))
