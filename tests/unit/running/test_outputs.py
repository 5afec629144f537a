from __future__ import annotations

import hashlib
import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from dlm_build.records import Limits
from dlm_build.running import outputs
from dlm_build.running.outputs import (
    DEEPEST,
    LONGEST,
    Usage,
    are_as_collected,
    collect,
    excess,
    measure,
    remove_tree,
    walk,
)

LIMITS = Limits(output=100, output_files=10)


@pytest.fixture
def out(tmp_path: Path) -> Path:
    folder = tmp_path / "out"
    folder.mkdir()
    return folder


def nest(folder: Path, depth: int, name: str = "d") -> None:
    """`depth` folders within each other, deeper than any path may be long."""
    handle = os.open(folder, os.O_RDONLY)
    for _ in range(depth):
        os.mkdir(name, dir_fd=handle)
        inner = os.open(name, os.O_RDONLY, dir_fd=handle)
        os.close(handle)
        handle = inner
    os.close(os.open("bottom", os.O_CREAT | os.O_WRONLY, dir_fd=handle))
    os.close(handle)


def test_what_is_collected_is_hashed_and_plain(out: Path, tmp_path: Path) -> None:
    (out / "deep").mkdir()
    (out / "deep" / "a.txt").write_text("hello")
    (out / "deep" / "a.txt").chmod(0o4777)
    (out / "b").touch()
    taken = collect(out, tmp_path / "home", LIMITS)
    assert [(file.path, file.size) for file in taken.files] == [("b", 0), ("deep/a.txt", 5)]
    assert taken.files[1].sha256 == hashlib.sha256(b"hello").hexdigest()
    assert (tmp_path / "home/deep/a.txt").read_text() == "hello"
    assert not (tmp_path / "home/deep/a.txt").stat().st_mode & 0o7111
    assert taken.ignored == ()


@pytest.mark.parametrize(
    "change",
    [
        lambda home: (home / "deep/a.txt").unlink(),
        lambda home: (home / "deep/a.txt").write_text("jello"),
        lambda home: (home / "deep/a.txt").write_text("hello, world"),
        lambda home: (home / "c").write_text("more"),
        lambda home: (home / "deep/a.txt").rename(home / "a.txt"),
        lambda home: ((home / "b").unlink(), (home / "b").symlink_to("/dev/null")),
        lambda home: home.rename(home.with_name("away")),
    ],
    ids=["removed", "edited", "grown", "one more", "moved", "a link", "all removed"],
)
def test_what_was_changed_since_is_not_as_collected(
    change: Callable[[Path], object], out: Path, tmp_path: Path
) -> None:
    (out / "deep").mkdir()
    (out / "deep" / "a.txt").write_text("hello")
    (out / "b").touch()
    files = collect(out, tmp_path / "home", LIMITS).files
    assert are_as_collected(files, tmp_path / "home")
    change(tmp_path / "home")
    assert not are_as_collected(files, tmp_path / "home")


def test_everything_else_stays_behind_with_its_reason(
    out: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "secret").write_text("secret")
    (out / "a_link").symlink_to(tmp_path / "secret")
    (out / "b_folder").symlink_to(tmp_path)
    (out / "c_twin").write_text("x")
    os.link(out / "c_twin", out / "d_twin")
    os.mkfifo(out / "e_pipe")
    monkeypatch.chdir(out)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("f_socket")
    (out / "g\nline").touch()
    (out / "h\x1b[31m").touch()
    (out / "i\u202egnp").touch()
    (out / os.fsdecode(b"j\xff")).touch()
    taken = collect(out, tmp_path / "home", LIMITS)
    assert taken.files == ()
    assert list((tmp_path / "home").iterdir()) == []
    assert taken.ignored == (
        "a_link (symbolic link)", "b_folder (symbolic link)", "c_twin (hard link)", "d_twin (hard link)",
        "e_pipe (pipe)", "f_socket (socket)", "g\\nline (unprintable name)", "h\\x1b[31m (unprintable name)",
        "i\\u202egnp (unprintable name)", "j\\udcff (unprintable name)",
    )  # fmt: skip


def test_a_path_that_no_system_takes_is_the_models_doing(out: Path, tmp_path: Path) -> None:
    nest(out, 20, "n" * 250)
    (out / "short").write_text("x")
    assert excess(measure(out, Limits()), Limits()) is None
    taken = collect(out, tmp_path / "home", Limits())
    assert [file.path for file in taken.files] == ["short"]
    assert len(taken.ignored) == 1 and taken.ignored[0].endswith(" (name too long)")


def test_a_path_may_be_long_in_bytes_not_in_characters(out: Path, tmp_path: Path) -> None:
    for name in ("é" * 120, "x" * 240):
        folder = out / name / name / name / name
        folder.mkdir(parents=True)
        (folder / ("f" * (LONGEST - 4 * 241))).touch()
        (folder / ("g" * (LONGEST - 4 * 241 + 1))).touch()
    taken = collect(out, tmp_path / "home", LIMITS)
    assert {len(os.fsencode(file.path)) for file in taken.files} == {LONGEST} and len(taken.files) == 2
    assert len(taken.ignored) == 2


def test_a_file_swapped_for_a_link_is_not_followed(out: Path, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (out / "a").write_text("x")
    found = next(walk(out))
    (out / "a").unlink()
    (out / "a").symlink_to(tmp_path / "secret")
    handle = os.open(out, os.O_RDONLY)
    swapped = outputs.Found(path="a", name="a", folder_fd=handle, status=found.status)
    (tmp_path / "home").mkdir()
    assert isinstance(outputs._copy(swapped, tmp_path / "home", 100), str)
    os.close(handle)


def test_a_file_that_grew_past_the_room_is_left(out: Path, tmp_path: Path) -> None:
    (out / "a").write_bytes(b"x" * 60)
    (out / "b").write_bytes(b"x" * 60)
    taken = collect(out, tmp_path / "home", LIMITS)
    assert [file.path for file in taken.files] == ["a"]
    assert taken.ignored == ("b (changed while it was looked at)",)


@pytest.mark.parametrize(
    ("usage", "text"),
    [
        (Usage(size=100, entries=10), None),
        (Usage(size=101), "wrote more than 100 bytes of output"),
        (Usage(entries=11), "made more than 10 output files"),
        (Usage(too_deep=True), f"nested its output folders deeper than {DEEPEST}"),
    ],
)
def test_each_limit_has_its_words(usage: Usage, text: str | None) -> None:
    assert excess(usage, LIMITS) == text


def test_measuring_counts_sparse_files_by_length_and_follows_nothing(out: Path, tmp_path: Path) -> None:
    (tmp_path / "big").write_bytes(b"x" * 500)
    (out / "link").symlink_to(tmp_path / "big")
    (out / "folder").mkdir()
    with (out / "folder" / "sparse").open("wb") as stream:
        stream.truncate(90)
    assert measure(out, LIMITS) == Usage(size=90, entries=3)
    with (out / "folder" / "sparse").open("wb") as stream:
        stream.truncate(1 << 40)
    assert excess(measure(out, LIMITS), LIMITS) == "wrote more than 100 bytes of output"


def test_measuring_stops_at_the_limit(out: Path) -> None:
    for number in range(30):
        (out / f"{number:02}").touch()
    assert measure(out, LIMITS).entries == 11


def test_nesting_is_bounded_and_can_be_removed(out: Path) -> None:
    nest(out, 3000)
    assert measure(out, Limits()).too_deep
    assert remove_tree(out)
    assert not out.exists()


def test_removing_follows_nothing(out: Path, tmp_path: Path) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "file").touch()
    (out / "folder").mkdir()
    (out / "link").symlink_to(tmp_path / "kept")
    (out / "folder" / "inner").symlink_to(tmp_path / "kept")
    assert remove_tree(out)
    assert (tmp_path / "kept" / "file").exists()
    top = tmp_path / "top"
    top.symlink_to(tmp_path / "kept")
    remove_tree(top)
    assert (tmp_path / "kept" / "file").exists()


def test_removing_what_is_not_there_is_done(tmp_path: Path) -> None:
    assert remove_tree(tmp_path / "absent")
