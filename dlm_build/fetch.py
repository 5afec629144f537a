"""The door to the network: every byte dlm-build reads from a URL, or sends to one, comes through here.

A trusted URL is the operator's own (settings, the ITEM argument): http, https and file are served. Any other comes
from a stranger's item: https only, to public addresses only, unless its host is in `network.allow_hosts`. Failures
that may pass are tried again; what is left becomes an error that says what to set.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from dlm_build.config import Settings
from dlm_build.errors import InfraError, ResourceExceeded
from dlm_build.fetching.addresses import public_addresses
from dlm_build.fetching.patience import Patience
from dlm_build.fetching.urls import Address, checked_url, shown_url
from dlm_build.progress import Notify, silent
from dlm_build.records import Record
from dlm_build.store import Store, Stored

if TYPE_CHECKING:
    from dlm_build.fetching.sending import Sender
    from dlm_build.fetching.tries import Tries
    from dlm_build.fetching.wire import Answer, Wire


class Response(Record, frozen=True, kw_only=True):
    """What a server answered, redirects followed. Header names are in lower case."""

    status: int
    headers: dict[str, str] = {}
    body: bytes = b""
    url: str
    """Where the answer came from in the end."""

    def found(self) -> Response:
        """Itself, when the status is a success. Raises SourceGone, with what to correct."""
        from dlm_build.fetching.tries import refuse_missing

        refuse_missing(self.status, self.url)
        return self


class Asker(Protocol):
    """Asks for what is small. Fakes in tests, of this and of Fetcher, serve only the URLs they were told."""

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        """A small answer of at most `limit` bytes, whatever its status; see Response.found.

        Raises InfraError when there is none, ResourceExceeded when it is larger, ItemHostile for a forbidden URL.
        """
        ...

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        """Status and headers alone."""
        ...


class Fetcher(Asker, Protocol):
    """Fetches files too."""

    def download(
        self,
        url: str,
        store: Store,
        *,
        expect: str | None,
        size: int | None,
        notify: Notify,
        trusted: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Stored:
        """The file at `url` as an object of the store; nothing is asked where `expect` is there already.

        Raises SourceGone, HashMismatch (against `expect` or `size`), InfraError, ResourceExceeded or ItemHostile.
        """
        ...


class HttpFetcher:
    """The real one, with proxies, certificates and allowed hosts from the settings. Safe for threads."""

    def __init__(
        self,
        settings: Settings,
        *,
        patience: Patience | None = None,
        sleep: Callable[[float], None] = time.sleep,
        notify: Notify = silent,
        find: Callable[[str, int], tuple[str, ...]] = public_addresses,
    ) -> None:
        self._settings = settings
        self._patience = patience or Patience()
        self._sleep, self._notify, self._find = sleep, notify, find
        self._wire: Wire | None = None

    def close(self) -> None:
        """Let go of open connections; the next request opens new ones."""
        if self._wire:
            self._wire.close()

    def get(self, url: str, *, limit: int, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        """See Fetcher."""
        return self._asked("GET", url, limit, headers or {}, trusted)

    def head(self, url: str, *, headers: Mapping[str, str] | None = None, trusted: bool = False) -> Response:
        """See Fetcher."""
        return self._asked("HEAD", url, 0, headers or {}, trusted)

    def download(
        self,
        url: str,
        store: Store,
        *,
        expect: str | None,
        size: int | None,
        notify: Notify,
        trusted: bool = False,
        headers: Mapping[str, str] | None = None,
    ) -> Stored:
        """See Fetcher. Two processes that want the same URL fetch it once."""
        from dlm_build.fetching.download import Download, Wanted, copied

        address = self._checked(url, trusted)  # first: what is in the store must not decide whether a URL is allowed
        if found := _present(expect, store):
            return found
        wanted = Wanted(url=url, trusted=trusted, expect=expect, size=size, headers=dict(headers or {}))
        if address.scheme == "file":
            return copied(Path(address.path), wanted, store)
        with store.locked(f"{wanted.key}.download"):
            if found := _present(expect, store):
                return found
            return Download(wanted, store, notify, self._patience).run(self._open(), self._tries())

    def sender(self) -> Sender:
        """For requests that change something at a server the operator named."""
        from dlm_build.fetching.sending import Sender

        return Sender(self._open(), self._tries)

    def _tries(self) -> Tries:
        from dlm_build.fetching.tries import Tries

        return Tries(self._patience, self._sleep, self._notify)

    def _checked(self, url: str, trusted: bool) -> Address:
        return checked_url(url, trusted=trusted, allow_hosts=self._settings.network.allow_hosts)

    def _open(self) -> Wire:
        from dlm_build.fetching.wire import Wire

        if self._wire is None:
            network = self._settings.network
            self._wire = Wire(self._settings.environment, network.allow_hosts, self._patience, self._find)
        return self._wire

    def _asked(self, method: str, url: str, limit: int, headers: Mapping[str, str], trusted: bool) -> Response:
        from dlm_build.fetching.tries import refuse_busy
        from dlm_build.fetching.wire import Trouble

        address = self._checked(url, trusted)
        if address.scheme == "file":
            return _file_response(method, address, limit)
        tries = self._tries()
        while True:
            try:
                with self._open().exchange(method, url, headers, trusted) as answer:
                    refuse_busy(answer)
                    body = b"" if method == "HEAD" else self._body(answer, limit)
                    return Response(status=answer.status, headers=answer.headers, body=body, url=answer.address.url)
            except Trouble as trouble:
                tries.failed(trouble)

    def _body(self, answer: Answer, limit: int) -> bytes:
        from dlm_build.fetching.wire import Trouble

        body, until = bytearray(), time.monotonic() + self._patience.answer
        for chunk in answer.chunks():
            body += chunk
            _refuse_longer(len(body), limit, answer.address.url)
            if time.monotonic() > until:
                raise Trouble(f"{answer.address.shown}: no whole answer in {self._patience.answer:.0f} s", "try later")
        return bytes(body)


def _present(expect: str | None, store: Store) -> Stored | None:
    if expect is None or not store.has(expect):
        return None
    return Stored(sha256=expect, size=store.path(expect).stat().st_size)


def _refuse_longer(size: int, limit: int, url: str) -> None:
    if size > limit:
        raise ResourceExceeded(f"{shown_url(url)}: the answer is longer than {limit} bytes", "give the right address")


def _file_response(method: str, address: Address, limit: int) -> Response:
    path = Path(address.path)
    if not path.is_file():
        return Response(status=404, url=address.url)
    headers = {"content-length": str(path.stat().st_size)}
    if method == "HEAD":
        return Response(status=200, headers=headers, url=address.url)
    try:
        with path.open("rb") as stream:
            body = stream.read(limit + 1)
    except OSError as problem:
        raise InfraError(f"{shown_url(address.url)}: {problem.strerror}", "make it readable") from problem
    _refuse_longer(len(body), limit, address.url)
    return Response(status=200, headers=headers, body=body, url=address.url)
