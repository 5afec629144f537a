"""Channels: which names an item may use, and where each is served at this site."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TypeVar

from dlm_build.config import Settings
from dlm_build.disk import is_full, more_space
from dlm_build.errors import InfraError, ItemInvalid, UsageError, shown
from dlm_build.locking.talk import trimmed
from dlm_build.records import Record

T = TypeVar("T")
_MIRROR = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+|file:///)[A-Za-z0-9._~+%,:/-]*")

DEFAULTS = "defaults"
"""No channel, but what conda calls several ones elsewhere. The first has everything but R."""


class Served(Record, frozen=True, kw_only=True):
    """One channel and the base URLs that serve it, the first to be tried first; all end with `/`."""

    name: str
    urls: tuple[str, ...]
    mirrored: bool
    """True where the URLs come from the settings."""


def served_channels(names: Sequence[str], settings: Settings, origin: str) -> tuple[Served, ...]:
    """Every channel of `names`, in order of priority.

    Raises ItemInvalid for a channel this site does not allow.
    """
    return tuple(_served(name, settings, origin) for name in names if name != "nodefaults")


def allowed_channels(settings: Settings) -> tuple[Served, ...]:
    """All channels an item may name at this site."""
    names = dict.fromkeys((*settings.channels.allowed, *settings.channels.mirrors))
    return tuple(_served(name, settings, "[channels] allowed") for name in names)


def from_mirrors(channels: Sequence[Served], ask: Callable[[dict[str, str]], T]) -> T:
    """Ask the first mirrors; where one does not answer, ask again with the next ones.

    `ask` is told the base URL of each channel. Raises InfraError where none answers.
    """
    from rattler.exceptions import GatewayError

    attempts = max((len(channel.urls) for channel in channels), default=1)
    for attempt in range(attempts):
        bases = {channel.name: channel.urls[min(attempt, len(channel.urls) - 1)] for channel in channels}
        try:
            return ask(bases)
        except GatewayError as problem:
            if attempt + 1 == attempts:
                raise _unreachable(str(problem), bases) from problem
    raise AssertionError("unreachable: at least one attempt is made")


def home_url(name: str) -> str:
    """Where a channel lives when no mirror is set, as the conda ecosystem's own libraries have it."""
    from rattler import Channel

    if name == DEFAULTS:
        from dlm_build.locking.condalock import DEFAULT_CHANNELS_UNIX

        return f"{DEFAULT_CHANNELS_UNIX[0]}/"
    return Channel(name).base_url


def _served(name: str, settings: Settings, origin: str) -> Served:
    if mirrors := settings.channels.mirrors.get(name):
        return Served(name=name, urls=tuple(_mirror(name, url) for url in mirrors), mirrored=True)
    if name not in settings.channels.allowed:
        raise ItemInvalid(
            f"{origin}: channel {shown(name)} is not allowed here (allowed: {', '.join(settings.channels.allowed)})",
            "use an allowed channel, or add this one to `[channels] allowed` in the settings",
        )
    return Served(name=name, urls=(home_url(name),), mirrored=False)


def _mirror(name: str, url: str) -> str:
    if not _MIRROR.fullmatch(url):
        raise UsageError(
            f"settings: `[channels.mirrors] {name}` = {shown(url)} is not an https://, http:// or file:/// URL",
            "correct that URL; user names and passwords do not belong in it",
        )
    return url.rstrip("/") + "/"


def _unreachable(talk: str, bases: dict[str, str]) -> InfraError:
    blamed = {name: base for name, base in bases.items() if base in talk} or bases
    named = ", ".join(f"{name} at {base}" for name, base in blamed.items())
    if is_full(talk):
        return InfraError(f"cannot keep what conda channel {named} told:\n{trimmed(talk, lines=4)}", more_space())
    key = f"[channels.mirrors] {next(iter(blamed), 'conda-forge')}"
    return InfraError(
        f"cannot read conda channel {named}:\n{trimmed(talk, lines=4)}",
        f'check the network, or set `{key} = ["URL"]` in the settings',
    )
