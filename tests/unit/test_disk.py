"""Space is asked for in one go, whichever folders share a disk; a complaint says what helps."""

from __future__ import annotations

import errno
import os
import tempfile
from pathlib import Path

import pytest

from dlm_build.disk import IN_OUTPUT, disk_error, is_full, nearest, refuse_full, temporary_folder
from dlm_build.errors import InfraError


def test_needs_on_one_disk_are_added_up(tmp_path: Path) -> None:
    told = os.statvfs(tmp_path)
    half = told.f_bavail * told.f_frsize * 2 // 3
    refuse_full("the SIF", {tmp_path / "a": 0, tmp_path / "not" / "yet": 0})
    refuse_full("the SIF", {tmp_path / "a": half})
    with pytest.raises(InfraError, match="MiB are needed for the SIF"):
        refuse_full("the SIF", {tmp_path / "a": half, tmp_path / "b" / "c": half})


def test_the_nearest_folder_that_is_there(tmp_path: Path) -> None:
    assert nearest(tmp_path) == tmp_path
    assert nearest(tmp_path / "not" / "yet") == tmp_path
    assert nearest(tmp_path / ("a" * 300) / "store") == tmp_path  # a name that no file system has


@pytest.mark.parametrize(
    ("number", "wanted"),
    [
        (errno.EACCES, "make it writable"),
        (errno.ENOSPC, "free space"),
        (errno.ENOTDIR, "a file stands where a folder has to be"),
    ],
)
def test_a_disk_error_names_the_option_that_helps(number: int, wanted: str) -> None:
    problem = OSError(number, os.strerror(number))
    in_store, in_output = disk_error(problem, Path("x")), disk_error(problem, Path("x"), IN_OUTPUT)
    assert wanted in in_store.hint and wanted in in_output.hint
    assert "`store` in the settings" in in_store.hint and "--output" in in_output.hint


def test_a_quota_fills_a_disk_too() -> None:
    said = [os.strerror(errno.ENOSPC), os.strerror(errno.EDQUOT), "write: no space left on device", "read-only"]
    assert [is_full(words) for words in said] == [True, True, True, False]


def test_a_temporary_folder_is_gone_afterwards_and_its_disk_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with temporary_folder() as folder:
        (folder / "a").write_text("a")
        assert folder.parent == tmp_path
    assert list(tmp_path.iterdir()) == []
    with pytest.raises(InfraError, match="No space left") as caught, temporary_folder():
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
    assert "set TMPDIR to" in caught.value.hint


def test_a_machine_without_a_place_for_temporary_files_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", None)
    monkeypatch.setattr(tempfile, "_candidate_tempdir_list", lambda: [str(tmp_path / "not there")])
    with pytest.raises(InfraError, match="no folder for temporary files") as caught, temporary_folder():
        pass
    assert "set TMPDIR to" in caught.value.hint
