"""The place of the new file: whole or not there, and nothing left beside it."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlm_build.errors import InfraError, UsageError
from dlm_build.sif.place import beside


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
