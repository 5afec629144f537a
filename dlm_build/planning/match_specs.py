"""The line of a conda environment: a name with versions and builds, maybe a channel, in any of conda's spellings."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from rattler import MatchSpec

LONGEST = 400
_PLAIN = re.compile(
    r"(?:(?P<channel>[A-Za-z0-9][A-Za-z0-9._/-]*)::)?(?P<name>[A-Za-z0-9_][A-Za-z0-9_.-]*)"
    r"(?P<rest>[A-Za-z0-9._+*!<>=~,| -]*)"
)
_FIELD = re.compile(r'[\[,] ?(\w+)="')
_HASHES = frozenset({"md5", "sha256"})
_SUBDIRS = ("linux-64", "noarch")
_UNDERSTOOD = _HASHES | {"build", "namespace", "subdir"}
"""Fields that a package may be asked for by in brackets; its version and an allowed channel are not written so."""


class Spec(NamedTuple):
    name: str
    channel: str
    rest: str
    """Everything behind the name, spaces around operators left out."""
    hashes: bool = False
    """Whether it says what the package's bytes are."""


def spec_of(text: str) -> Spec | None:
    """None for what is no package of conda, or one by its address."""
    if len(text) > LONGEST:
        return None
    plain = _PLAIN.fullmatch(text.strip())
    if plain is None:
        return _as_conda_reads(text)
    rest = re.sub(r"\s*([<>=!~,|]+)\s*", r"\1", plain["rest"].strip())
    rest = rest if not rest or rest[0] in "<>=!~" else f"={'='.join(rest.split())}"
    return Spec(plain["name"].lower(), channel_name(plain["channel"] or ""), rest)


def channel_name(text: str) -> str:
    """Of a channel that is given with its platform, or by the address where the ecosystem has it; else `text`."""
    for subdir in _SUBDIRS:
        text = text.rstrip("/").removesuffix(f"/{subdir}")
    if "://" not in text:
        return text
    from rattler import Channel
    from rattler.exceptions import InvalidChannelError, InvalidUrlError

    try:
        asked = Channel(text)
        return asked.name if asked.name and Channel(asked.name).base_url == asked.base_url else text
    except (InvalidChannelError, InvalidUrlError):
        return text


def _as_conda_reads(text: str) -> Spec | None:
    """Brackets, an address of a channel and older spellings, of which all but the plain parts must mean nothing."""
    from rattler import MatchSpec
    from rattler.exceptions import InvalidMatchSpecError

    try:
        read = MatchSpec(text, strict=False)
    except InvalidMatchSpecError:
        return None
    fields = set(_FIELD.findall(str(read)))
    if fields - _UNDERSTOOD or (read.subdir or _SUBDIRS[0]) not in _SUBDIRS or read.name is None:
        return None
    channel = f"{read.channel.name}::" if read.channel else ""
    found = _PLAIN.fullmatch(f"{channel}{read.name.normalized}{_rest(read)}")
    return Spec(found["name"], found["channel"] or "", found["rest"], bool(fields & _HASHES)) if found else None


def _rest(read: MatchSpec) -> str:
    version, build = read.version or ("*" if read.build else ""), read.build
    if build:
        is_range = re.search(r"[<>!~,|]", version)
        return f"{version} {build}" if is_range else f"={version.lstrip('=')}={build}"
    return version if version[:1] in ("", *"<>=!~") else f"={version}"
