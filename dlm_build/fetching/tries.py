"""What an answer's status means, and how often a failed exchange is tried again."""

from __future__ import annotations

from collections.abc import Callable

from dlm_build.errors import AccessRefused, InfraError, SourceGone
from dlm_build.fetching.patience import BUSY, Patience, retry_after
from dlm_build.fetching.urls import shown_url
from dlm_build.fetching.wire import Answer, Trouble
from dlm_build.progress import Event, Notify, silent

WORTH_TELLING = 5.0
"""Seconds of a pause that is no pause any more to who watches."""


class Tries:
    """Counts failures in a row, pauses between them, and gives up with an InfraError."""

    def __init__(self, patience: Patience, sleep: Callable[[float], None], notify: Notify = silent) -> None:
        self._patience, self._sleep, self._notify = patience, sleep, notify
        self._failures = 0

    def progressed(self) -> None:
        self._failures = 0

    def failed(self, trouble: Trouble) -> None:
        """Pause, or raise InfraError where another try would not help."""
        self._failures += 1
        limit = self._patience.connect_attempts if trouble.unreached else self._patience.attempts
        wait = trouble.wait
        if wait is not None and wait > self._patience.longest_wait:
            raise InfraError(f"{trouble.message}; it asks to wait {wait:.0f} s", "try again later, or name a mirror")
        if trouble.lasting or self._failures >= limit:
            times = f" ({self._failures} tries)" if self._failures > 1 else ""
            raise InfraError(trouble.message + times, trouble.hint) from trouble
        pause = max(wait or 0.0, self._patience.pause(self._failures - 1))
        if pause >= WORTH_TELLING:
            self._notify(Event(step="wait", text=f"{trouble.message}; asking again in {pause:.0f} s"))
        self._sleep(pause)


def refuse_busy(answer: Answer) -> None:
    """Raises Trouble for statuses that may pass."""
    if answer.status in BUSY:
        trouble = Trouble(
            f"{answer.address.shown}: the server answers {answer.status}", "try again later, or name a mirror"
        )
        trouble.wait = retry_after(answer.headers)
        raise trouble


def refuse_missing(status: int, url: str) -> None:
    """Raises SourceGone for every status but success, AccessRefused for 401."""
    if status in (404, 410):
        raise SourceGone(f"{shown_url(url)}: is not there ({status})", "correct the address, or publish the file again")
    if status in (401, 403, 407):
        kind = AccessRefused if status == 401 else SourceGone
        raise kind(
            f"{shown_url(url)}: access is refused ({status})", "make the file public; dlm-build sends no credentials"
        )
    if not 200 <= status < 300:
        raise SourceGone(f"{shown_url(url)}: the server answers {status}", "correct the address")
