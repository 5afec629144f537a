"""What long work tells whoever watches: typed events, never prints. The command line draws them."""

from __future__ import annotations

from collections.abc import Callable

from dlm_build.records import Record


class Event(Record, frozen=True, kw_only=True):
    """`done` and `total` count `unit`s; both None for a plain line of talk."""

    step: str
    """What it is a part of, in one word: of a build `read`, `gather`, `lock`, `build`, `sif`, `run`; else `wait`, …"""
    text: str
    done: int | None = None
    total: int | None = None
    unit: str = "bytes"


Notify = Callable[[Event], None]


def silent(_event: Event) -> None:
    """For callers that do not watch."""
