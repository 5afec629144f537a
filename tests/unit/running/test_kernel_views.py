"""What /proc and control groups tell, read from folders made to look like them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlm_build.errors import InfraError
from dlm_build.records import Limits
from dlm_build.running.cgroup import walls
from dlm_build.running.orphans import adopt_processes, start_time
from dlm_build.running.processes import descendants, inside, threads_of, usage
from dlm_build.running.sif_run import closed_to
from dlm_build.running.sif_sandbox import ESSENTIAL, check, restrictions

LIMITS = Limits(memory=1 << 30, pids=77)


def process(proc: Path, pid: int, children: str = "", **files: str) -> None:
    task = proc / str(pid) / "task" / str(pid)
    task.mkdir(parents=True)
    (task / "children").write_text(children)
    for name, text in files.items():
        (proc / str(pid) / name).write_text(text)


# --- processes ------------------------------------------------------------------------------------------------------


def test_descendants_are_followed_and_found_by_their_inner_number(tmp_path: Path) -> None:
    process(tmp_path, 10, "11 12 99", status="NSpid:\t10\n")
    process(tmp_path, 11, "13", status="NSpid:\t11\t1\n")
    process(tmp_path, 12, "", status="NSpid:\t12\n")
    process(tmp_path, 13, "", status="NSpid:\t13\t7\n")
    assert list(descendants(10, tmp_path)) == [10, 11, 13, 12, 99]
    assert inside(10, 1, tmp_path) == 11 and inside(10, 7, tmp_path) == 13 and inside(10, 12, tmp_path) is None


def test_memory_is_what_each_keeps_and_what_they_share(tmp_path: Path) -> None:
    first, second = "Pss_Anon:  100 kB\nPss_Shmem:  10 kB\n", "Pss_Anon:  50 kB\nPss_File:  9 kB\nPss_Shmem:  10 kB\n"
    process(tmp_path, 10, "11", smaps_rollup=first, status="VmHWM:\t  300 kB\n")
    process(tmp_path, 11, "", smaps_rollup=second, status="VmHWM:\t  200 kB\n")
    told = usage(10, tmp_path)
    assert told == {"memory_stats": {"usage": 170 << 10, "largest": 300 << 10}, "pids_stats": {"current": 2}}


def test_threads_of_a_user_are_counted(tmp_path: Path) -> None:
    process(tmp_path, 10, status="Uid:\t5\t5\t5\t5\nThreads:\t3\n")
    process(tmp_path, 11, status="Uid:\t5\t5\t5\t5\nThreads:\t4\n")
    process(tmp_path, 12, status="Uid:\t6\t6\t6\t6\nThreads:\t9\n")
    (tmp_path / "13").mkdir()
    assert threads_of(5, tmp_path) == 7


def test_noted_processes_are_named_with_their_start(tmp_path: Path) -> None:
    adopt_processes(tmp_path, [os.getpid()], [Path("/sys/fs/cgroup/x")])
    assert (tmp_path / "helpers").read_text() == f"{os.getpid()} {start_time(os.getpid())}\n"
    assert (tmp_path / "groups").read_text() == "/sys/fs/cgroup/x\n"


# --- control groups -------------------------------------------------------------------------------------------------


def test_where_groups_cannot_be_made_there_are_none(tmp_path: Path) -> None:
    with walls("x", LIMITS, tmp_path / "absent") as group:
        assert group is None


def test_a_folder_that_is_no_control_group_is_no_wall(tmp_path: Path) -> None:
    (tmp_path / "cgroup.controllers").write_text("memory pids")
    (tmp_path / "x").mkdir()  # somebody else's
    with walls("x", LIMITS, tmp_path) as group:
        assert group is None


@pytest.mark.parametrize("version", [1, 2])
def test_limits_are_written_and_read_back(tmp_path: Path, version: int) -> None:
    for name in ("memory", "pids") if version == 1 else ():
        (tmp_path / name).mkdir()
    if version == 2:
        (tmp_path / "cgroup.controllers").write_text("memory pids")
    with walls("run", LIMITS, tmp_path) as group:
        assert group is not None and group.version == version
        assert group.texts() == (f"memory <= {1 << 30} bytes", "processes <= 77")
        assert len(group.folders) == (2 if version == 1 else 1)
        counter = "memory.oom_control" if version == 1 else "memory.events"
        assert not group.ran_out()
        (group.memory / counter).write_text("oom_kill_disable 0\noom_kill 2\n")
        (group.pids / "pids.current").write_text("5\n")
        assert group.ran_out() and group.stats()["pids_stats"]["current"] == 5
        for file in [file for folder in group.folders for file in folder.iterdir()]:
            file.unlink()  # the kernel's own vanish with the folder
    assert not list(tmp_path.rglob("run"))


# --- the restrictions of a process ----------------------------------------------------------------------------------

STATUS = (
    "Uid:\t{uid}\t{uid}\t{uid}\t{uid}\nCapInh:\t0\nCapPrm:\t0\nCapEff:\t{caps}\nCapAmb:\t0\nNoNewPrivs:\t{nnp}\n"
    "Seccomp:\t{seccomp}\n"
)
MOUNTS = (
    "1 0 0:1 / / rw,nodev - overlay overlay ro,lowerdir=/x\n2 1 8:1 / /dlm/in ro,nosuid - ext4 /dev/a rw\n"
    "3 1 8:1 / /dlm/out rw - ext4 /dev/a rw\n4 1 8:1 / /tmp rw - ext4 /dev/a rw\n5 1 0:9 / /proc rw - proc proc rw\n"
    "6 1 8:1 /h /etc/hosts rw - ext4 /dev/a rw\n7 1 8:1 / /work\\040space rw - ext4 /dev/a rw\n"
)
LIMIT_ROWS = (
    "Limit                     Soft Limit           Hard Limit           Units     \n"
    "Max core file size        0                    0                    bytes     \n"
    "Max cpu time              unlimited            unlimited            seconds   \n"
    "Max open files            4096                 4096                 files     \n"
)


class Container:
    """A /proc with a process of ours and one in a container that is well held."""

    def __init__(self, proc: Path) -> None:
        self.proc = proc
        process(proc, 7, mountinfo=MOUNTS, limits=LIMIT_ROWS, status=STATUS.format(uid=5, caps=0, nnp=1, seccomp=0))
        (proc / "7/net").mkdir()
        self.links("lo")
        for place, mark in (("7", "inner"), ("self", "outer")):
            (proc / place / "ns").mkdir(parents=True)
            for name in ("net", "pid", "ipc", "user", "mnt", "uts"):
                (proc / place / "ns" / name).symlink_to(f"{name}:[{mark}]")

    def links(self, *names: str) -> None:
        rows = "".join(f"  {name}: 0 0\n" for name in names)
        (self.proc / "7/net/dev").write_text(f"Inter-|\n face |\n{rows}")

    def share(self, name: str) -> None:
        (self.proc / "7/ns" / name).unlink()
        (self.proc / "7/ns" / name).symlink_to(f"{name}:[outer]")

    def held(self, gpu: bool = False) -> tuple[str, ...]:
        return restrictions(7, ("/tmp", "/work space"), gpu, self.proc)


@pytest.fixture
def container(tmp_path: Path) -> Container:
    return Container(tmp_path)


def test_a_container_that_is_well_held(container: Container) -> None:
    held = container.held()
    assert set(ESSENTIAL) <= set(held) and {"user 5", "core <= 0", "nofile <= 4096", "user namespace"} <= set(held)
    assert "seccomp" not in held
    check(held)


def test_each_hole_is_seen(container: Container) -> None:
    container.links("lo", "eth0")
    assert "no network" not in container.held()
    container.links("lo")
    container.share("net")
    assert "no network" not in container.held()
    container.share("pid")
    assert "own processes" not in container.held()


@pytest.mark.parametrize(
    ("status", "lost"),
    [
        ({"uid": 0}, "ordinary user"), ({"caps": "0000000000000400"}, "no capabilities"),
        ({"nnp": 0}, "no new privileges"),
    ],
)  # fmt: skip
def test_each_privilege_is_seen(container: Container, status: dict[str, object], lost: str) -> None:
    text = STATUS.format(**{"uid": 5, "caps": 0, "nnp": 1, "seccomp": 2, **status})
    (container.proc / "7/status").write_text(text)
    assert lost not in container.held() and "seccomp" in container.held()
    with pytest.raises(InfraError, match=lost):
        check(container.held())


@pytest.mark.parametrize(
    ("old", "new", "lost"),
    [
        ("overlay ro,", "overlay rw,", "read-only root"), ("/dlm/in ro,nosuid", "/dlm/in rw", "input read-only"),
        ("/tmp rw", "/home/me rw", "nothing else of the host"), ("/tmp rw", "/tmpx rw", "nothing else of the host"),
        ("/tmp rw", "/usr/bin/nvidia-smi ro", "nothing else of the host"),
    ],
)  # fmt: skip
def test_each_mount_is_seen(container: Container, old: str, new: str, lost: str) -> None:
    (container.proc / "7/mountinfo").write_text(MOUNTS.replace(old, new))
    assert lost not in container.held()


def test_the_hosts_driver_comes_with_a_gpu(container: Container) -> None:
    (container.proc / "7/mountinfo").write_text(MOUNTS.replace("/tmp rw", "/usr/bin/nvidia-smi ro"))
    assert "nothing else of the host" in container.held(gpu=True)


def test_a_kernel_that_does_not_tell_is_no_sandbox(container: Container) -> None:
    (container.proc / "7/mountinfo").unlink()
    with pytest.raises(InfraError, match="cannot read back"):
        container.held()


# --- what a user can reach ------------------------------------------------------------------------------------------


def test_the_first_closed_folder_is_named(tmp_path: Path) -> None:
    file = tmp_path / "a/b/m.sif"
    file.parent.mkdir(parents=True)
    file.touch(mode=0o600)
    owner = file.stat()
    stranger = (owner.st_uid + 7, owner.st_gid + 7)
    for folder in (tmp_path / "a", tmp_path / "a/b"):
        folder.chmod(0o755)
    below = [place for place in (tmp_path, *tmp_path.parents) if not place.stat().st_mode & 1]
    assert closed_to(file, *stranger) == (below[-1] if below else file)
    assert closed_to(file, owner.st_uid, owner.st_gid) is None
    if not below:
        (tmp_path / "a").chmod(0o700)
        assert closed_to(file, *stranger) == tmp_path / "a"
