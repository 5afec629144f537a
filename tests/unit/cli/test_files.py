from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from dlm_build.cli.files import opened
from dlm_build.errors import InfraError, UsageError


def write(path: Path, text: str) -> None:
    with opened(str(path)) as stream:
        stream.write(text)


def test_a_plain_file_is_replaced_whole(tmp_path: Path) -> None:
    target = tmp_path / "report.json"
    target.write_text("old")
    with pytest.raises(ZeroDivisionError), opened(str(target)) as stream:
        stream.write("half")
        raise ZeroDivisionError
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"] and target.read_text() == "old"
    write(target, "new")
    assert [path.name for path in tmp_path.iterdir()] == ["report.json"] and target.read_text() == "new"


@pytest.mark.parametrize("there", [True, False], ids=["to a file", "to nothing yet"])
def test_a_link_is_followed_and_stays(there: bool, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("report.json")
    if there:
        (tmp_path / "report.json").write_text("old")
    write(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink() and (tmp_path / "report.json").read_text() == "new"


def test_a_device_or_a_pipe_stays_what_it_is(tmp_path: Path) -> None:
    """A pipe stands for both: only root could make, or lose, a device."""
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    try:
        write(pipe, "new")
        assert os.read(reader, 10) == b"new"
    finally:
        os.close(reader)
    assert stat.S_ISFIFO(pipe.lstat().st_mode)


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="Is a directory"):
        write(tmp_path, "new")


def test_a_full_disk_is_not_the_users_mistake() -> None:
    with pytest.raises(InfraError, match="No space left"):
        write(Path("/dev/full"), "new" * 9000)
