"""A look at an address: status, headers and the first bytes, in little time, whatever the size of what is there."""

from __future__ import annotations

import re
import time
from collections.abc import Callable

from dlm_build.config import Settings
from dlm_build.errors import InfraError
from dlm_build.fetching.addresses import public_addresses
from dlm_build.fetching.patience import Patience
from dlm_build.fetching.tries import Tries, refuse_busy
from dlm_build.fetching.urls import checked_url
from dlm_build.fetching.wire import Answer, Trouble, Wire
from dlm_build.magic import HEAD
from dlm_build.records import Record

HURRIED = Patience(attempts=2, connect_attempts=1, connect=5, read=10, answer=15, longest_pause=1, longest_wait=2)
"""At most half a minute for one address."""
_RANGE = re.compile(r"bytes \d+-\d+/(\d{1,19})")
_PART = {"range": f"bytes=0-{HEAD - 1}"}


class Glimpse(Record, frozen=True, kw_only=True):
    """What an address answered, redirects followed."""

    status: int
    headers: dict[str, str]
    """Names in lower case."""
    head: bytes
    """At most the first `magic.HEAD` bytes."""
    size: int | None
    """Of the whole file, where the server says it."""
    url: str
    """Where the answer came from in the end."""


class Peeker:
    """Looks at addresses, by the same rules of addresses as every download. Safe for threads.

    HEAD is not used: one GET of the first bytes tells all that it does, and what it cannot; a server that does not
    know ranges is left in the middle of its answer.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        patience: Patience = HURRIED,
        find: Callable[[str, int], tuple[str, ...]] = public_addresses,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._allow_hosts, self._patience, self._sleep = settings.network.allow_hosts, patience, sleep
        self._wire = Wire(settings.environment, settings.network.allow_hosts, patience, find)

    def close(self) -> None:
        self._wire.close()

    def peek(self, url: str, *, trusted: bool = False) -> Glimpse:
        """Raises ItemHostile or ItemInvalid for a URL that may not be asked, InfraError where no answer comes."""
        checked_url(url, trusted=trusted, allow_hosts=self._allow_hosts)
        tries = Tries(self._patience, self._sleep)
        headers = _PART
        while True:
            try:
                with self._wire.exchange("GET", url, headers, trusted) as answer:
                    if answer.status == 416 and headers:
                        headers = {}  # an empty file has no first bytes
                        continue
                    refuse_busy(answer)
                    return self._glimpse(answer)
            except Trouble as trouble:
                tries.failed(trouble)

    def _glimpse(self, answer: Answer) -> Glimpse:
        head, until = b"", time.monotonic() + self._patience.answer
        for chunk in answer.chunks():
            head += chunk
            if len(head) >= HEAD:
                break
            if time.monotonic() > until:
                raise InfraError(f"{answer.address.shown}: its first bytes do not come", "try again later")
        return Glimpse(
            status=answer.status, headers=answer.headers, head=head[:HEAD], size=_size(answer, len(head)),
            url=answer.address.url,
        )  # fmt: skip


def _size(answer: Answer, got: int) -> int | None:
    if answer.status == 206:
        found = _RANGE.fullmatch(answer.headers.get("content-range", ""))
        return int(found[1]) if found else None
    length = answer.headers.get("content-length", "")
    return int(length) if length.isdecimal() and len(length) < 20 else (got if got < HEAD else None)
