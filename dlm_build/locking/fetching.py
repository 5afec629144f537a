"""Bringing the bytes of a lock into the store: what is there is not fetched again, four at a time, hash decides."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from threading import Lock as Mutex
from typing import Protocol

from msgspec.structs import replace

from dlm_build.disk import refuse_full
from dlm_build.errors import DlmBuildError
from dlm_build.locking.grammar import checked
from dlm_build.progress import Event, Notify
from dlm_build.records import Lock, Package
from dlm_build.store import CHUNK, Store, Stored
from dlm_build.threads import Threads

AT_ONCE = 4


class Downloads(Protocol):
    """The part of `fetch.Fetcher` that is needed here."""

    def download(
        self, url: str, store: Store, *, expect: str | None, size: int | None, notify: Notify, trusted: bool = False
    ) -> Stored: ...


def fill_store(lock: Lock, fetch: Downloads, store: Store, notify: Notify) -> None:
    """Make sure every package of `lock` is in the store.

    Raises HashMismatch where other bytes are served, InfraError or SourceGone where none are or no space is left for
    them, ItemHostile for a lock file whose fields break the grammar.
    """
    wanted = {package.sha256: checked(package, "lock") for package in (*lock.packages, *lock.installer)}
    missing = [package for sha256, package in wanted.items() if not store.has(sha256)]
    if missing:
        refuse_full("the packages", {store.root: sum(package.size or 0 for package in missing)})
        _fetch_all(missing, fetch, store, notify)


def _fetch_all(missing: Sequence[Package], fetch: Downloads, store: Store, notify: Notify) -> None:
    with Threads(AT_ONCE) as threads:
        progress = _Progress(missing, threads.telling(notify))

        def one(package: Package) -> None:
            stored = _fetch(package, fetch, store, progress.of(package))
            progress.moved(package, stored.size)

        threads.each(one, missing)


def _fetch(package: Package, fetch: Downloads, store: Store, notify: Notify) -> Stored:
    """A URL is trusted unless a stranger wrote it: only wheels of a published lock come from no channel."""
    trusted = bool(package.channel)
    try:
        return fetch.download(
            package.url, store, expect=package.sha256, size=package.size, notify=notify, trusted=trusted
        )
    except DlmBuildError as problem:
        problem.args = (f"package {package.filename}: {problem.message}",)
        problem.message = problem.args[0]
        raise


class _Progress:
    """One total over all downloads, whichever thread moves on."""

    def __init__(self, missing: Iterable[Package], notify: Notify) -> None:
        sizes = [package.size or 0 for package in missing]
        self._text = f"fetching {len(sizes)} packages"
        self._total = sum(sizes) if all(sizes) else None
        self._done: dict[str, int] = {}
        self._notify = notify
        self._mutex = Mutex()

    def of(self, package: Package) -> Notify:
        def heard(event: Event) -> None:
            if event.done is not None:
                self.moved(package, event.done)

        return heard

    def moved(self, package: Package, done: int) -> None:
        with self._mutex:
            self._done[package.sha256] = done
            total = self._total if self._total is None else max(self._total, sum(self._done.values()))
            self._notify(Event(step="lock", text=self._text, done=sum(self._done.values()), total=total))


def completed(package: Package, store: Store) -> Package:
    """`package` with its size, and for conda its md5, as the stored bytes have them."""
    size = store.path(package.sha256).stat().st_size
    if package.manager == "conda" and package.md5 is None:
        return replace(package, size=size, md5=_md5(package, store))
    return replace(package, size=size)


def _md5(package: Package, store: Store) -> str:
    digest = hashlib.md5(usedforsecurity=False)
    with store.path(package.sha256).open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()
