from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlm_build.running.orphans import adopt_folder, is_orphan, new_name, owner, sweep_folders


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A /proc of one boot and one namespace in which this process and pid 50 run."""
    root = tmp_path / "proc"
    (root / "sys/kernel/random").mkdir(parents=True)
    (root / "sys/kernel/random/boot_id").write_text("boot-a\n")
    (root / "self/ns").mkdir(parents=True)
    (root / "self/ns/pid").symlink_to("pid:[4026]")
    for pid, start in ((os.getpid(), 111), (50, 222)):
        (root / str(pid)).mkdir()
        before = " ".join(str(number) for number in range(3, 22))
        (root / str(pid) / "stat").write_text(f"{pid} (a ) b) {before} {start} 0 0\n")
    return root


def test_an_owner_is_named_by_boot_namespace_pid_and_start(proc: Path) -> None:
    assert owner(proc=proc) == f"boot-a/4026/{os.getpid()}/111"
    assert owner(50, proc) == "boot-a/4026/50/222"
    assert owner(51, proc) == ""


@pytest.mark.parametrize(
    ("label", "running", "orphan"),
    [
        pytest.param("boot-a/4026/50/222", True, False, id="alive"),
        pytest.param("boot-a/4026/50/221", True, True, id="pid used again"),
        pytest.param("boot-a/4026/51/222", True, True, id="dead"),
        pytest.param("boot-a/9999/51/222", False, False, id="another namespace"),
        pytest.param("boot-b/4026/50/222", True, False, id="another machine"),
        pytest.param("boot-b/4026/50/222", False, True, id="earlier boot"),
        pytest.param("", True, False, id="empty"),
        pytest.param("nonsense", True, False, id="odd"),
        pytest.param("boot-a/4026/../222", True, False, id="path"),
    ],
)
def test_only_a_certain_death_makes_an_orphan(proc: Path, label: str, running: bool, orphan: bool) -> None:
    assert is_orphan(label, running, proc) is orphan


def test_without_proc_nothing_is_an_orphan(tmp_path: Path) -> None:
    assert owner(proc=tmp_path) == ""
    assert not is_orphan("boot-a/4026/51/222", False, tmp_path)


def test_names_do_not_repeat() -> None:
    assert len({new_name() for _ in range(100)}) == 100


def test_scratch_folders_of_the_dead_are_removed(tmp_path: Path) -> None:
    mine, dead, unknown = (tmp_path / f".sandbox-{name}" for name in ("mine", "dead", "unknown"))
    for place in (mine, dead, unknown):
        place.mkdir()
    adopt_folder(mine)
    (dead / "owner").write_text("/".join([*owner().split("/")[:2], "4194999", "1"]))
    (dead / "out").mkdir()
    sweep_folders(tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".sandbox-mine", ".sandbox-unknown"]
