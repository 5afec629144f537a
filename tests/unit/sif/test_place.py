"""The place of the new file: whole or not there, and nothing left beside it."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from threading import Event

import pytest

from dlm_build.errors import InfraError, UsageError
from dlm_build.sif import place
from dlm_build.sif.place import beside, settled, settling
from dlm_build.store import sha256_of


def test_it_takes_its_place_at_the_end(tmp_path: Path) -> None:
    target = tmp_path / "new" / "x.sif"
    with beside(target) as part:
        part.write_bytes(b"new")
        assert part.parent == target.parent
        assert not target.exists()
    assert target.read_bytes() == b"new"
    assert target.stat().st_mode & 0o777 == 0o755
    assert list(target.parent.iterdir()) == [target]


def test_a_failure_leaves_the_old_file_and_nothing_else(tmp_path: Path) -> None:
    target = tmp_path / "x.sif"
    target.write_bytes(b"old")
    with pytest.raises(KeyboardInterrupt), beside(target) as part:
        part.write_bytes(b"half")
        raise KeyboardInterrupt
    assert target.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [target]


def test_parts_of_the_dead_are_swept_and_those_of_the_living_are_not(tmp_path: Path) -> None:
    target = tmp_path / "x[1].sif"
    dead, foreign = tmp_path / "x[1].sif.part-0123456789abcdef", tmp_path / "x1.sif.part-0123456789abcdef"
    for path in (dead, foreign):
        path.write_bytes(b"left")
    with beside(target) as first:
        assert not dead.exists()
        with beside(target) as second:
            assert first.exists()
            second.write_bytes(b"2")
        first.write_bytes(b"1")
    assert target.read_bytes() == b"1"
    assert sorted(tmp_path.iterdir()) == sorted([target, foreign])


def test_a_folder_is_not_replaced(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is a folder"), beside(tmp_path):
        pass


def test_a_disks_complaint_is_one_line_with_a_way_out(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="No space left") as caught, beside(tmp_path / "x.sif"):
        raise OSError(28, "No space left on device")
    assert "--output" in caught.value.hint
    assert list(tmp_path.iterdir()) == []


# --- made durable --------------------------------------------------------------------------------------------------


class Disk:
    """Hears of every flush, and refuses them where it is told to."""

    def __init__(self, problem: OSError | None = None) -> None:
        self.asked = Event()
        self._problem = problem

    def fdatasync(self, _handle: int) -> None:
        self.asked.set()
        if self._problem:
            raise self._problem


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(place, "_FLUSH_SECONDS", 0.001)
    made = tmp_path / "x.sif"
    made.write_bytes(b"new")
    return made


def test_what_is_written_goes_to_the_disk_before_the_end(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk()
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    with settling(path):
        assert disk.asked.wait(30)
    assert settled(path) == sha256_of(path)


def test_a_disk_that_loses_something_meanwhile_is_heard(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(OSError(errno.EIO, "Input/output error"))
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    with pytest.raises(OSError, match="Input/output error"), settling(path):
        assert disk.asked.wait(30)


def test_what_fails_while_it_is_written_is_told_first(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    disk = Disk(OSError(errno.EIO, "Input/output error"))
    monkeypatch.setattr(os, "fdatasync", disk.fdatasync)
    with pytest.raises(InfraError, match="mksquashfs failed"), settling(path):
        assert disk.asked.wait(30)
        raise InfraError("mksquashfs failed", "")
