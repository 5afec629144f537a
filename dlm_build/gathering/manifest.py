"""The manifest inside an archive, as TorchServe and Multi Model Server write it."""

from __future__ import annotations

from typing import Any

import msgspec

from dlm_build.errors import ItemHostile, ItemInvalid, shown
from dlm_build.findings.archive import ManifestNamesMissingMember
from dlm_build.members import model_table
from dlm_build.records import Archive, Finding, Member
from dlm_build.store import Store
from dlm_build.unpacking.names import Blame, checked_name

PLACES = ("MAR-INF/MANIFEST.json", "MANIFEST.json")
"""TorchServe and Multi Model Server 1.0; Multi Model Server 0.x."""
LIMIT = 1 << 20
_NAMES = ("serializedFile", "modelFile", "requirementsFile", "configFile")


def read_manifest(archive: Archive, store: Store) -> tuple[dict[str, Any], tuple[Finding, ...]]:
    """The manifest, {} where there is none, and what it names that is not there.

    Raises ItemInvalid where it is not a JSON object, ItemHostile where it names a place outside the archive.
    """
    member = next((found for place in PLACES if (found := archive.member(place))), None)
    if member is None or archive.kind == "file":
        return {}, ()
    manifest = _decoded(member, store)
    named = _named_members(manifest, Blame(member.path, "manifest"))
    missing = [(field, name) for field, name in named if archive.member(name) is None]
    return manifest, tuple(
        ManifestNamesMissingMember.at("", place=member.path, field=field, found=name) for field, name in missing
    )


def requirements_of(manifest: dict[str, Any]) -> str | None:
    """The member that the manifest calls its requirements file."""
    name = model_table(manifest).get("requirementsFile")
    return name if isinstance(name, str) and name else None


def _decoded(member: Member, store: Store) -> dict[str, Any]:
    if member.size > LIMIT:
        raise ItemInvalid(f"archive: {member.path} has {member.size} bytes", "a manifest has a few hundred")
    try:
        manifest = msgspec.json.decode(store.path(member.sha256).read_bytes())
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError) as problem:
        raise ItemInvalid(
            f"archive: {member.path} is not JSON: {shown(str(problem))}", "write the archive anew"
        ) from problem
    if not isinstance(manifest, dict):
        raise ItemInvalid(f"archive: {member.path} is not a JSON object", "write the archive anew")
    return manifest


def _named_members(manifest: dict[str, Any], blame: Blame) -> list[tuple[str, str]]:
    """Field and member name, where a field names a member. A bare handler name is TorchServe's own."""
    table = model_table(manifest)
    named = [(field, table[field]) for field in _NAMES if isinstance(table.get(field), str) and table[field]]
    handler = table.get("handler")
    if isinstance(handler, str) and handler:
        file = handler.partition(":")[0]
        if "/" in file or "\\" in file or file.endswith(".py"):
            named.append(("handler", file))
    checked = [(field, checked_name(name, blame)) for field, name in named]
    if not all(name for _, name in checked):
        raise ItemHostile(f"{blame.archive}: names the archive itself as a member", "write the archive anew")
    return checked
