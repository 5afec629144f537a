"""Space is asked for in one go, whichever folders share a disk; a complaint says what helps."""

from __future__ import annotations

import errno
import os
from pathlib import Path

import pytest

from dlm_build.disk import IN_OUTPUT, disk_error, nearest, refuse_full
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


@pytest.mark.parametrize(("number", "wanted"), [(errno.EACCES, "make it writable"), (errno.ENOSPC, "free space")])
def test_a_disk_error_names_the_option_that_helps(number: int, wanted: str) -> None:
    problem = OSError(number, os.strerror(number))
    in_store, in_output = disk_error(problem, Path("x")), disk_error(problem, Path("x"), IN_OUTPUT)
    assert wanted in in_store.hint and wanted in in_output.hint
    assert "`store` in the settings" in in_store.hint and "--output" in in_output.hint
