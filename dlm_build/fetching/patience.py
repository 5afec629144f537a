"""How long to wait for a server, and how often to ask again."""

from __future__ import annotations

import email.utils
import random
from collections.abc import Mapping

from dlm_build.records import Record

BUSY = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Statuses that may be different the next time."""


class Patience(Record, frozen=True, kw_only=True):
    """Seconds, except where said."""

    attempts: int = 6
    """Requests in a row without progress."""
    connect_attempts: int = 3
    """… where nothing answers at all."""
    connect: float = 20.0
    read: float = 60.0
    """Silence on an open connection."""
    answer: float = 300.0
    """For a whole small answer."""
    window: float = 60.0
    slowest: int = 1024
    """Bytes per second, over a window, below which a download counts as stalled."""
    first_pause: float = 0.5
    longest_pause: float = 60.0
    longest_wait: float = 600.0
    """Of a server's Retry-After that is still honoured."""

    def pause(self, attempt: int) -> float:
        """Before asking again after `attempt` failures: exponential, with full jitter."""
        ceiling = min(self.longest_pause, self.first_pause * 2 ** min(attempt, 20))
        return random.uniform(0, ceiling)  # noqa: S311 - not a secret


def retry_after(headers: Mapping[str, str]) -> float | None:
    """Seconds that the server asks for. A date is read against the server's own clock; ours may be wrong."""
    value = headers.get("retry-after", "").strip()
    if value.isdecimal():
        return float(value) if len(value) < 10 else float("inf")
    try:
        until = email.utils.parsedate_to_datetime(value)
        now = email.utils.parsedate_to_datetime(headers.get("date", ""))
        return max(0.0, (until - now).total_seconds())
    except (TypeError, ValueError, OverflowError):
        return None
