"""Looking up among members what somebody named: the exact path, else the only file with that base name. Pure.

A name may also be that of an asset beside the archive, by its key or by the end of its address.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from posixpath import basename
from typing import Any

from dlm_build.model_asset import path_of
from dlm_build.records import Asset, Item, Member


def find_member(members: Iterable[Member], name: str) -> Member | None:
    """By path, else by base name where only one member has it."""
    wanted, rows = normalised(name), tuple(members)
    exact = next((member for member in rows if member.path == wanted), None)
    named = () if exact else members_named(rows, wanted)
    return exact or (named[0] if len(named) == 1 else None)


def members_named(members: Iterable[Member], name: str) -> tuple[Member, ...]:
    """All with the base name of `name`, wherever they lie."""
    base = basename(normalised(name))
    return tuple(member for member in members if base and basename(member.path) == base)


def model_table(manifest: Mapping[str, Any]) -> dict[str, Any]:
    """The `model` object of an archive's manifest, first letters in lower case; {} where there is none."""
    table = manifest.get("model") or manifest.get("Model")
    if not isinstance(table, dict):
        return {}
    return {str(key)[:1].lower() + str(key)[1:]: value for key, value in table.items()}


def asset_beside(name: str, item: Item, model: str) -> Asset | None:
    """The asset of that key, else the only one whose address ends so, else has that base name; none at `model`."""
    others = [asset for asset in item.assets if asset.href != model]
    if by_key := [asset for asset in others if asset.key == name]:
        return by_key[0]
    wanted = normalised(name)
    for end in (wanted, basename(wanted)):
        found = [asset for asset in others if end and f"/{normalised(path_of(asset.href))}".endswith(f"/{end}")]
        if found:
            return found[0] if len(found) == 1 else None
    return None


def normalised(name: str) -> str:
    """As members are spelled: forward slashes, no leading `./` or `/`."""
    return "/".join(part for part in name.strip().replace("\\", "/").split("/") if part not in ("", "."))
