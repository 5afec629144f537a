"""Looking up among members what somebody named: the exact path, else the only file with that base name. Pure."""

from __future__ import annotations

from collections.abc import Iterable
from posixpath import basename

from dlm_build.records import Member


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


def normalised(name: str) -> str:
    """As members are spelled: forward slashes, no leading `./` or `/`."""
    return "/".join(part for part in name.strip().replace("\\", "/").split("/") if part not in ("", "."))
