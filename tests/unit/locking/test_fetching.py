"""Filling the store: only what is missing, four at a time, failures named."""

from __future__ import annotations

import time
from pathlib import Path
from threading import Event as Flag
from typing import Any

import pytest

from dlm_build.errors import HashMismatch, InfraError, ItemHostile, SourceGone
from dlm_build.locking import fill_store
from dlm_build.locking.fetching import AT_ONCE, completed
from dlm_build.progress import Event, Notify, silent
from dlm_build.records import Lock, Package
from dlm_build.store import Store, Stored
from tests.unit.locking.test_files import BASE
from tests.unit.locking.worlds import FakeFetch, a_package, a_wheel, asking, sha256


def packages(count: int) -> tuple[dict[str, bytes], tuple[Package, ...]]:
    served = {f"https://channel.example/noarch/p{n}-1-0.conda": b"x" * (n + 1) for n in range(count)}
    rows = tuple(
        a_package(
            name=f"p{n}",
            version="1",
            build="0",
            subdir="noarch",
            filename=f"p{n}-1-0.conda",
            url=url,
            sha256=sha256(data),
            size=len(data),
        )
        for n, (url, data) in enumerate(served.items())
    )
    return served, rows


def lock_of(*rows: Package, installer: tuple[Package, ...] = ()) -> Lock:
    return Lock(plan=asking(), base=BASE, installer_base=BASE, packages=rows, installer=installer, created_by="x")


def test_everything_arrives_once(tmp_path: Path) -> None:
    served, rows = packages(20)
    store, fetch, events = Store(tmp_path), FakeFetch(served), list[Event]()
    fill_store(lock_of(*rows, installer=rows[:2]), fetch, store, events.append)
    assert all(store.has(row.sha256) for row in rows)
    assert sorted(url for url, _ in fetch.asked) == sorted(served)
    assert fetch.most <= AT_ONCE
    assert [event.done for event in events] == sorted(event.done or 0 for event in events)
    assert (events[-1].done, events[-1].total) == (210, 210)
    again = FakeFetch({})
    fill_store(lock_of(*rows), again, store, silent)
    assert again.asked == []


def test_only_channels_and_the_index_are_trusted(tmp_path: Path) -> None:
    published = a_wheel(channel="", url="https://stranger.example/affine-2.4.0-py3-none-any.whl", sha256=sha256(b"s"))
    indexed = a_wheel(sha256=sha256(b"i"))
    conda = a_package(sha256=sha256(b"c"))
    fetch = FakeFetch({published.url: b"s", indexed.url: b"i", conda.url: b"c"})
    fill_store(lock_of(published, indexed, conda), fetch, Store(tmp_path), silent)
    assert dict(fetch.asked) == {published.url: False, indexed.url: True, conda.url: True}


@pytest.mark.parametrize("kind", [SourceGone, HashMismatch, InfraError])
def test_a_failure_names_the_package_and_keeps_its_kind(kind: type[InfraError], tmp_path: Path) -> None:
    class Broken(FakeFetch):
        def download(self, url: str, store: Store, **rest: Any) -> Stored:
            if "p7-" in url:
                raise kind("it is not there", "do this")
            return super().download(url, store, **rest)

    served, rows = packages(20)
    with pytest.raises(kind, match=r"package p7-1-0\.conda: it is not there") as caught:
        fill_store(lock_of(*rows), Broken(served), Store(tmp_path), silent)
    assert caught.value.hint == "do this" and caught.value.message.startswith("package p7")


def test_after_a_failure_nothing_more_is_begun_and_what_runs_ends(tmp_path: Path) -> None:
    ended = list[str]()

    class Slow(FakeFetch):
        def download(self, url: str, store: Store, *, notify: Notify, **rest: Any) -> Stored:
            if "p0-" in url:
                time.sleep(0.1)
                raise InfraError("the cable is out")
            try:
                for done in range(2000):
                    time.sleep(0.005)
                    notify(Event(step="gather", text=url, done=done))
            except Exception:
                ended.append(url)
                raise
            raise AssertionError("it was not stopped")

    served, rows = packages(20)
    with pytest.raises(InfraError, match="the cable is out"):
        fill_store(lock_of(*rows), Slow(served), Store(tmp_path), silent)
    until = time.monotonic() + 10
    while len(ended) < AT_ONCE - 1 and time.monotonic() < until:
        time.sleep(0.01)
    assert AT_ONCE - 1 <= len(ended) <= AT_ONCE


def test_after_a_failure_nobody_waits_for_a_silent_server(tmp_path: Path) -> None:
    silence = Flag()

    class Silent(FakeFetch):
        def download(self, url: str, store: Store, **rest: Any) -> Stored:
            if "p0-" in url:
                raise InfraError("the cable is out")
            silence.wait(60)
            raise AssertionError("nobody waits for this")

    served, rows = packages(3)
    started = time.monotonic()
    with pytest.raises(InfraError, match="the cable is out"):
        fill_store(lock_of(*rows), Silent(served), Store(tmp_path), silent)
    assert time.monotonic() - started < 30
    silence.set()


def test_a_lock_file_from_elsewhere_is_checked_again(tmp_path: Path) -> None:
    smuggled = a_package(filename="../../numpy-2.1.3-py311h0_0.conda")
    with pytest.raises(ItemHostile, match="lock: package numpy: file name"):
        fill_store(lock_of(smuggled), FakeFetch({}), Store(tmp_path), silent)


def test_size_and_md5_are_those_of_the_bytes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored = store.add_bytes(b"hello")
    bare = a_package(sha256=stored.sha256, size=None, md5=None)
    assert (completed(bare, store).size, completed(bare, store).md5) == (5, "5d41402abc4b2a76b9719d911017c592")
    assert completed(a_wheel(sha256=stored.sha256, size=None), store).md5 is None
