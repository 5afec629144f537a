from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import InfraError, UsageError
from dlm_build.items import read_item
from dlm_build.records import Finding, Member, Plan
from dlm_build.workfolder import WorkFolder, load_file, slug, write_atomic

NOTE = Finding(code="c", severity="info", pointer="", message="m")


def test_records_come_back(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    folder.save("a.json", NOTE)
    assert folder.load("a.json", Finding) == NOTE
    assert folder.load("a.json", Member) is None
    assert folder.load("none.json", Finding) is None


def test_only_what_is_not_there_is_absent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    for root in (tmp_path / "none", tmp_path / "file", tmp_path / ("n" * 300)):
        assert WorkFolder(root).load("a.json", Finding) is None

    def refused(path: Path) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    with pytest.raises(InfraError, match=r"cannot read .*a\.json: Permission denied") as caught:
        WorkFolder(tmp_path).load("a.json", Finding)
    assert "readable" in caught.value.hint


def test_equal_bytes_are_not_written_again(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    before = folder.save("a.json", NOTE).stat().st_ino
    assert folder.save("a.json", NOTE).stat().st_ino == before


def test_a_full_disk_leaves_the_old_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = WorkFolder(tmp_path)
    folder.save("a.json", NOTE)

    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InfraError, match="No space left"):
        folder.save("a.json", Finding(code="d", severity="info", pointer="", message="n"))
    assert folder.load("a.json", Finding) == NOTE
    assert [p.name for p in tmp_path.iterdir()] == ["a.json"]


def test_one_process_at_a_time(tmp_path: Path) -> None:
    with (
        WorkFolder(tmp_path / "w").owned(),
        pytest.raises(InfraError, match="another dlm-build"),
        WorkFolder(tmp_path / "w").owned(),
    ):
        pass


def test_output_that_is_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    (tmp_path / "l").symlink_to("nowhere")
    with pytest.raises(UsageError, match="is a file"), WorkFolder(tmp_path / "f").owned():
        pass
    with pytest.raises(UsageError, match="is a link to what is not there"), WorkFolder(tmp_path / "l").owned():
        pass


@pytest.mark.parametrize("name", ["item.json", "conda-lock.yml", "outputs"])
def test_the_folder_an_item_lies_in_is_not_written_to(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text('{"type": "Feature"}')
    with pytest.raises(UsageError, match=f"holds {name}, which dlm-build did not write"), WorkFolder(tmp_path).owned():
        raise AssertionError("it was given all the same")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_folder_whose_first_run_was_interrupted_goes_on(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path)
    with pytest.raises(KeyboardInterrupt), folder.owned():
        folder.save(
            "item.json", read_item('{"type": "Feature", "id": "a", "properties": {"dlm:runtime": {}}}', "i.json")
        )
        raise KeyboardInterrupt
    with folder.owned():
        pass


@pytest.mark.parametrize("name", ["two\nlines", "latin-1 \udce9", "a\x1b[31mb"])
def test_a_folder_that_no_engine_can_bind(name: str, tmp_path: Path) -> None:
    WorkFolder(tmp_path / 'größe, "a" : b').refuse_unbindable()
    with pytest.raises(UsageError, match="no container can be given the folder"):
        WorkFolder(tmp_path / name).refuse_unbindable()


def test_a_folder_that_cannot_be_used_is_one_line_with_the_option(tmp_path: Path) -> None:
    (tmp_path / "f").touch()
    (tmp_path / "w" / ".lock").mkdir(parents=True)
    (tmp_path / "w" / "a.json").mkdir()
    for folder in (tmp_path / "f" / "below", tmp_path / "w"):
        with pytest.raises(InfraError, match="cannot write") as caught, WorkFolder(folder).owned():
            pass
        assert "--output" in caught.value.hint
    with pytest.raises(InfraError, match=r"cannot write .*a\.json"):
        WorkFolder(tmp_path / "w").forget("a.json")


def test_what_fails_before_anything_is_saved_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), WorkFolder(tmp_path / "out" / "w").owned():
        raise ZeroDivisionError
    assert list(tmp_path.iterdir()) == []


def test_what_fails_later_leaves_what_was_saved(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "out" / "w")
    with pytest.raises(ZeroDivisionError), folder.owned():
        folder.save("a.json", NOTE)
        raise ZeroDivisionError
    assert [path.name for path in folder.root.iterdir()] == ["a.json"]


def test_who_is_refused_takes_nothing_from_who_holds_it(tmp_path: Path) -> None:
    folder = WorkFolder(tmp_path / "w")
    with folder.owned():
        with pytest.raises(InfraError, match="another dlm-build"), WorkFolder(tmp_path / "w").owned():
            pass
        assert (folder.root / ".lock").exists()
    assert folder.root.exists()


def test_a_full_folder_is_told_when_it_is_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_handle: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(InfraError, match="No space left"), WorkFolder(tmp_path / "w").owned():
        raise AssertionError("it was given all the same")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_goes_while_it_is_taken_is_made_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder, take = WorkFolder(tmp_path / "w"), WorkFolder._take
    calls = []

    def late(self: WorkFolder, handle: Any) -> None:
        """As if its last holder had removed it between the opening of the lock file and its locking."""
        calls.append(handle)
        if len(calls) == 1:
            (self.root / ".lock").unlink()
            self.root.rmdir()
        take(self, handle)

    monkeypatch.setattr(WorkFolder, "_take", late)
    with folder.owned():
        folder.save("a.json", NOTE)
    assert len(calls) == 2 and folder.load("a.json", Finding) == NOTE


def test_the_folder_is_free_again_after_a_failure(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError), WorkFolder(tmp_path).owned():
        raise ZeroDivisionError
    with WorkFolder(tmp_path).owned():
        pass


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("../../etc", "etc"),
        ("..", "item"),
        ("A m_v1.0", "a-m-v1-0"),
        ("\u202e\n", "item"),
        ("x" * 99, "x" * 40),
    ],
)
def test_slugs_are_safe_folder_names(text: str, wanted: str) -> None:
    assert slug(text) == wanted


def test_a_named_file_that_is_no_record(tmp_path: Path) -> None:
    bad = write_atomic(tmp_path / "lock.json", b"{}")
    with pytest.raises(UsageError, match="--lock"):
        load_file(bad, Plan, "--lock")
    with pytest.raises(UsageError, match="No such file"):
        load_file(tmp_path / "none", Plan, "--lock")


def test_slug_of_anything_is_one_component() -> None:
    samples: list[Any] = ["a/b", "CON", "", "é", "\x00", "a" * 10_000]
    assert all(0 < len(slug(s)) <= 40 and "/" not in slug(s) for s in samples)
