"""The store under twins, kills, full disks and links: an object is there whole or not at all."""

from __future__ import annotations

import errno
import hashlib
import os
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from dlm_build.errors import HashMismatch, InfraError
from dlm_build.ownership import locked_file
from dlm_build.records import Finding
from dlm_build.store import CHUNK, OBJECT_TIME, Store, Stored

NOTHING_LEFT: list[str] = []


def sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def unfinished(store: Store) -> list[str]:
    """Files in scratch space besides the owners' marks."""
    folder = store.root / "scratch"
    return sorted(p.name for p in folder.rglob("*") if p.is_file() and p.name != "owner")


def owners(store: Store) -> int:
    folder = store.root / "scratch"
    return len(list(folder.iterdir())) if folder.is_dir() else 0


def test_bytes_come_back_under_their_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored = store.add_bytes(b"hello")
    assert stored == Stored(sha256=sha(b"hello"), size=5)
    assert store.has(stored.sha256)
    assert store.path(stored.sha256).read_bytes() == b"hello"
    assert unfinished(store) == NOTHING_LEFT


def test_an_object_is_read_only_and_has_no_time_of_its_own(tmp_path: Path) -> None:
    store = Store(tmp_path)
    status = store.path(store.add_bytes(b"x").sha256).stat()
    assert stat.S_IMODE(status.st_mode) == 0o444
    assert status.st_mtime == OBJECT_TIME


def test_an_unexpected_digest_leaves_nothing(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with pytest.raises(HashMismatch, match=sha(b"promised")):
        store.add_stream([b"given"], expect=sha(b"promised"))
    assert not store.has(sha(b"given"))
    assert unfinished(store) == NOTHING_LEFT


def test_a_reader_that_fails_is_not_blamed_on_the_disk(tmp_path: Path) -> None:
    store = Store(tmp_path)

    def chunks() -> Iterator[bytes]:
        yield b"first"
        raise ConnectionResetError(errno.ECONNRESET, "reset by peer")

    with pytest.raises(ConnectionResetError):
        store.add_stream(chunks())
    assert unfinished(store) == NOTHING_LEFT


def test_zeros_take_no_room_and_keep_their_digest(tmp_path: Path) -> None:
    store = Store(tmp_path)
    zeros = bytes(8 * CHUNK)
    stored = store.add_stream([b"head", zeros, b"tail", zeros])
    path = store.path(stored.sha256)
    assert path.read_bytes() == b"head" + zeros + b"tail" + zeros
    assert stored.sha256 == sha(b"head" + zeros + b"tail" + zeros)
    assert path.stat().st_blocks * 512 < CHUNK


def test_add_file_of_a_missing_file_names_it(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match=r"nowhere\.bin"):
        Store(tmp_path).add_file(tmp_path / "nowhere.bin")


def test_a_damaged_object_is_healed_by_adding_it_again(tmp_path: Path) -> None:
    store = Store(tmp_path)
    path = store.path(store.add_bytes(b"good").sha256)
    path.chmod(0o644)
    path.write_bytes(b"bad!")
    store.add_bytes(b"good")
    assert path.read_bytes() == b"good"


# --- links


def test_link_shares_the_object(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.add_bytes(b"weights").sha256
    store.link(digest, tmp_path / "out" / "w.bin")
    assert (tmp_path / "out" / "w.bin").stat().st_ino == store.path(digest).stat().st_ino


def test_linking_over_an_older_link_does_not_write_through_it(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    old, new = store.add_bytes(b"old").sha256, store.add_bytes(b"new").sha256
    target = tmp_path / "w.bin"
    store.link(old, target)
    store.link(new, target)
    store.link(old, target, mode=0o755)
    assert target.read_bytes() == b"old"
    assert store.path(old).read_bytes() == b"old"
    assert store.path(new).read_bytes() == b"new"


def test_link_with_another_mode_is_a_copy(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.add_bytes(b"#!/bin/sh").sha256
    store.link(digest, tmp_path / "run", mode=0o755)
    assert stat.S_IMODE((tmp_path / "run").stat().st_mode) == 0o755
    assert stat.S_IMODE(store.path(digest).stat().st_mode) == 0o444


def test_an_object_opened_up_through_a_link_is_put_right(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.add_bytes(b"weights").sha256
    for mode in (0o777, 0o000, 0o440):
        store.link(digest, tmp_path / "w.bin")
        (tmp_path / "w.bin").chmod(mode)
        assert store.has(digest)
        assert stat.S_IMODE(store.path(digest).stat().st_mode) == 0o444


def test_a_touched_object_is_read_again_and_stays(tmp_path: Path) -> None:
    store = Store(tmp_path)
    digest = store.add_bytes(b"weights").sha256
    os.utime(store.path(digest))
    assert store.has(digest)
    assert store.path(digest).stat().st_mtime == OBJECT_TIME


def test_an_object_edited_through_a_link_is_no_more(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    digest = store.add_bytes(b"weights").sha256
    store.link(digest, tmp_path / "w.bin")
    (tmp_path / "w.bin").chmod(0o644)
    (tmp_path / "w.bin").write_bytes(b"WEIGHTS")
    assert not store.has(digest)
    assert not store.path(digest).exists()
    store.add_bytes(b"weights")
    assert store.has(digest) and (tmp_path / "w.bin").read_bytes() == b"WEIGHTS"


def test_what_may_not_be_put_right_is_copied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path / "store")
    digest = store.add_bytes(b"weights").sha256
    store.path(digest).chmod(0o664)
    forbid(monkeypatch)
    assert store.has(digest), "another user's store, and what is in it is right"
    monkeypatch.undo()
    store.link(digest, tmp_path / "w.bin")
    assert not store.path(digest).samefile(tmp_path / "w.bin")
    assert stat.S_IMODE((tmp_path / "w.bin").stat().st_mode) == 0o444


def forbid(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(Path, "chmod", refuse)


# --- notes


def test_a_note_is_read_back_and_a_torn_one_is_none(tmp_path: Path) -> None:
    store = Store(tmp_path)
    finding = Finding(code="x", severity="info", pointer="", message="m")
    assert store.noted("kind", "key", Finding) is None
    store.note("kind", "key", finding)
    assert store.noted("kind", "key", Finding) == finding
    (tmp_path / "notes" / "kind" / "key").write_bytes(b'{"code": "x", "sev')
    assert store.noted("kind", "key", Finding) is None
    assert unfinished(store) == NOTHING_LEFT


# --- full and forbidden disks


def test_a_full_disk_says_so_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(tmp_path)

    def full(handle: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InfraError, match="No space left") as caught:
        store.add_bytes(b"data")
    assert "free space" in caught.value.hint
    assert not store.has(sha(b"data"))
    assert unfinished(store) == NOTHING_LEFT


FILE_LIMIT = """
import resource, signal, sys
from pathlib import Path
from dlm_build.errors import InfraError
from dlm_build.store import Store
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
resource.setrlimit(resource.RLIMIT_FSIZE, (1 << 20, 1 << 20))
try:
    Store(Path(sys.argv[1])).add_bytes(b"x" * (3 << 20))
except InfraError as problem:
    sys.stdout.write(problem.message)
"""


@pytest.mark.programs
def test_a_real_write_that_stops_half_way_leaves_nothing(tmp_path: Path) -> None:
    done = subprocess.run([sys.executable, "-c", FILE_LIMIT, tmp_path], capture_output=True, text=True, timeout=60)
    assert "File too large" in done.stdout, done.stderr
    assert not list((tmp_path / "objects").rglob("*")) and unfinished(Store(tmp_path)) == NOTHING_LEFT


# --- twins


def test_threads_of_one_store_write_the_same_object(tmp_path: Path) -> None:
    store = Store(tmp_path)
    data = bytes(range(256)) * 4096
    with ThreadPoolExecutor(8) as pool:
        assert {s.sha256 for s in pool.map(store.add_bytes, [data] * 16)} == {sha(data)}
    assert store.path(sha(data)).read_bytes() == data
    assert owners(store) == 1


TWIN = """
import sys
from pathlib import Path
from dlm_build.store import Store
data = bytes(range(256)) * 8192
for _ in range(20):
    stored = Store(Path(sys.argv[1])).add_bytes(data)
    assert Store(Path(sys.argv[1])).path(stored.sha256).read_bytes() == data
"""


@pytest.mark.programs
def test_two_processes_write_the_same_object(tmp_path: Path) -> None:
    twins = [
        subprocess.Popen([sys.executable, "-c", TWIN, tmp_path], stderr=subprocess.PIPE, text=True) for _ in range(2)
    ]
    for twin in twins:
        _, said = twin.communicate(timeout=60)
        assert twin.returncode == 0, said
    assert len([p for p in (tmp_path / "objects").rglob("*") if p.is_file()]) == 1
    assert unfinished(Store(tmp_path)) == NOTHING_LEFT


LOCKING = """
import sys, time
from pathlib import Path
from dlm_build.store import Store
store = Store(Path(sys.argv[1]))
log = Path(sys.argv[1]) / "log"
for _ in range(25):
    with store.locked("work"), log.open("a") as out:
        out.write(f"in {sys.argv[2]}\\n")
        out.flush()
        time.sleep(0.002)
        out.write(f"out {sys.argv[2]}\\n")
"""


@pytest.mark.programs
def test_one_worker_per_lock_across_processes(tmp_path: Path) -> None:
    twins = [
        subprocess.Popen([sys.executable, "-c", LOCKING, tmp_path, str(n)], stderr=subprocess.PIPE, text=True)
        for n in range(3)
    ]
    for twin in twins:
        _, said = twin.communicate(timeout=60)
        assert twin.returncode == 0, said
    rows = (tmp_path / "log").read_text().splitlines()
    assert len(rows) == 150
    assert all(first.replace("in", "out") == second for first, second in zip(rows[::2], rows[1::2], strict=True))
    assert not list((tmp_path / "locks").iterdir())


# --- kills

WRITING = """
import sys, time
from pathlib import Path
from dlm_build.store import Store
def chunks():
    while True:
        yield b"x" * (1 << 20)
        print("wrote", flush=True)
        time.sleep(0.01)
Store(Path(sys.argv[1])).add_stream(chunks())
"""


@pytest.mark.programs
def test_kill_in_the_middle_leaves_no_object_and_is_swept(tmp_path: Path) -> None:
    writer = subprocess.Popen([sys.executable, "-c", WRITING, tmp_path], stdout=subprocess.PIPE)
    try:
        assert writer.stdout is not None and writer.stdout.readline() == b"wrote\n"
        store = Store(tmp_path)
        store.add_bytes(b"mine")  # sweeps, and must spare the living writer
        assert unfinished(store) != NOTHING_LEFT
    finally:
        writer.send_signal(signal.SIGKILL)
        writer.wait(timeout=10)
        assert writer.stdout is not None
        writer.stdout.close()
    assert unfinished(store) != NOTHING_LEFT
    later = Store(tmp_path)
    later.add_bytes(b"later")
    assert unfinished(later) == NOTHING_LEFT
    assert owners(later) == 2
    assert len([p for p in (tmp_path / "objects").rglob("*") if p.is_file()]) == 2


def test_a_disk_that_fills_up_below_a_scratch_folder_is_told_and_the_folder_goes(tmp_path: Path) -> None:
    store = Store(tmp_path)
    with (
        pytest.raises(InfraError, match=r"constraints\.txt: No space left") as caught,
        store.scratch_folder() as folder,
    ):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(folder / "constraints.txt"))
    assert "set `store` in the settings" in caught.value.hint
    assert not folder.exists()


def test_scratch_space_goes_with_its_store(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.scratch()
    assert owners(store) == 1
    del store
    assert not list((tmp_path / "scratch").iterdir())


def test_a_lock_whose_file_was_removed_meanwhile_is_taken_anew(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    first = locked_file(path, wait=False)
    assert first is not None
    assert locked_file(path, wait=False) is None
    path.unlink()
    second = locked_file(path, wait=False)
    assert second is not None
    os.close(first)
    os.close(second)


def test_a_waiting_thread_gets_the_lock_when_it_is_free(tmp_path: Path) -> None:
    store = Store(tmp_path)
    order: list[str] = []

    def second() -> None:
        with store.locked("a/b".replace("/", "-")):
            order.append("second")

    with ThreadPoolExecutor(1) as pool:
        with store.locked("a-b"):
            waiting = pool.submit(second)
            time.sleep(0.05)
            order.append("first")
        waiting.result(timeout=10)
    assert order == ["first", "second"]
