"""make_lock from end to end, on a real channel on disk with the other doors faked."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlm_build.config import Index
from dlm_build.locking import Outside, conda_lock_yaml, make_lock
from dlm_build.locking.installer import read_pins
from dlm_build.progress import Event, Notify, silent
from dlm_build.records import Lock, from_json, to_json
from dlm_build.store import MODE, OBJECT_TIME, Store, Stored
from tests.unit.locking.worlds import FakeRegistry, FakeUv, FileFetch, a_wheel, asking, pylock, sha256, site

INSTALLER = [
    a_wheel(name=w.name, version=w.version, filename=w.filename, sha256=w.sha256, size=w.size, url=f"https://index.example/{w.filename}")
    for w in read_pins().wheels
]  # fmt: skip
AFFINE = a_wheel(sha256=sha256(b"affine"))


class Fetch(FileFetch):
    """The channel's files, the wheel, and stand-ins for the installer's bytes under their pinned names."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.served = {**self.served, AFFINE.url: b"affine"}

    def download(
        self, url: str, store: Store, *, expect: str | None, size: int | None, notify: Notify, trusted: bool = False
    ) -> Stored:
        if pinned := next((w for w in INSTALLER if w.url == url), None):
            path = store.path(pinned.sha256)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(b"stand-in")
            path.chmod(MODE)  # a store does not read again what nobody touched
            os.utime(path, (OBJECT_TIME, OBJECT_TIME))
            return Stored(sha256=pinned.sha256, size=8)
        return super().download(url, store, expect=expect, size=size, notify=notify, trusted=trusted)


def made(channel: Path, folder: Path, events: list[Event] | None = None) -> Lock:
    uv = FakeUv(pylock(AFFINE), pylock(*INSTALLER))
    heard = events if events is not None else []
    plan = asking("tool", pip=("affine",), as_of="2024-06-01T00:00:00Z")
    return make_lock(plan, Outside(Fetch(channel), uv, FakeRegistry(), Store(folder), site(channel), heard.append))


def test_every_name_becomes_bytes_in_the_store(channel: Path, tmp_path: Path) -> None:
    events: list[Event] = []
    lock = made(channel, tmp_path, events)
    store = Store(tmp_path)
    names = [package.name for package in lock.packages]
    assert sorted(names[:2]) == ["part", "python"] and names[2:] == ["tool", "affine"]
    assert all(store.has(package.sha256) for package in (*lock.packages, *lock.installer))
    assert all(package.size for package in lock.packages)
    assert lock.base.index_digest == lock.installer_base.index_digest == "sha256:" + "e" * 64
    assert {event.step for event in events} == {"lock"}
    assert "py-rattler" in lock.created_by and "uv" in lock.created_by
    assert from_json(Lock, to_json(lock)) == lock


def test_two_stores_give_one_lock(channel: Path, tmp_path: Path) -> None:
    assert made(channel, tmp_path / "a").digest == made(channel, tmp_path / "b").digest


def test_a_published_lock_is_kept_and_its_wheels_come_from_the_sites_index(channel: Path, tmp_path: Path) -> None:
    first = made(channel, tmp_path / "first")
    stranger = replace(
        first, packages=(*first.packages[:-1], replace(AFFINE, url="https://stranger.example/" + AFFINE.filename))
    )
    plan = asking(lock_text=conda_lock_yaml(stranger))
    settings = site(channel)
    args = (FakeRegistry(), Store(tmp_path / "second"))
    served = Fetch(channel)
    served.served = {**served.served, stranger.packages[-1].url: b"affine"}
    kept = make_lock(plan, Outside(served, FakeUv(pylock(*INSTALLER)), *args, settings, silent))
    assert {p.sha256 for p in kept.packages} == {p.sha256 for p in first.packages}
    assert (stranger.packages[-1].url, False) in served.asked
    assert all(trusted for url, trusted in served.asked if url.startswith("file://"))
    indexed = replace(settings, index=Index(url="https://index.example/simple"))
    uv = FakeUv(pylock(AFFINE), pylock(*INSTALLER))
    ours = make_lock(plan, Outside(Fetch(channel), uv, *args, indexed, silent))
    assert ours.packages[-1].url == AFFINE.url and uv.asked[0] == "affine==2.4.0\n"


@pytest.mark.programs
def test_importing_it_brings_no_solver() -> None:
    heavy = {"rattler", "conda_lock", "yaml", "uv", "pydantic", "packaging", "asyncio"}
    code = f"import sys, dlm_build.locking; print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.strip() == "[]"
