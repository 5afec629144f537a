"""Containers whose owner died before it could remove them: found by label, removed at the next start."""

from __future__ import annotations

import os
import secrets
import signal
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from dlm_build.progress import Event, Notify
from dlm_build.running.cgroup import remove_group
from dlm_build.running.outputs import remove_tree

if TYPE_CHECKING:
    from docker import DockerClient

LABEL = "dlm-build.run"
NOTE = "owner"
"""The file in a run's scratch folder that says what the label says of its container."""
HELPERS = "helpers"
"""The file beside it that names the processes an engine without a daemon started for the run."""
GROUPS = "groups"
"""The file beside it that names the run's control groups."""


def new_name() -> str:
    """A container name that nobody has, known before the engine answers."""
    return f"dlm-build-{secrets.token_hex(8)}"


def owner(pid: int | None = None, proc: Path = Path("/proc")) -> str:
    """`boot/pid-namespace/pid/start`: a name no other process on this machine ever has; "" where /proc is missing."""
    number = os.getpid() if pid is None else pid
    try:
        boot = (proc / "sys/kernel/random/boot_id").read_text().strip()
        space = str((proc / "self/ns/pid").readlink()).strip("pid:[]")
        # The command's name, in brackets, may hold anything; fields are counted after it.
        fields = (proc / str(number) / "stat").read_text().rpartition(")")[2].split()
    except OSError:
        return ""
    return f"{boot}/{space}/{number}/{fields[19]}"


def is_orphan(label: str, running: bool, proc: Path = Path("/proc")) -> bool:
    """Whether the owner named by `label` is gone for certain; when in doubt, no."""
    here, told = owner(proc=proc).split("/"), label.split("/")
    if len(here) != 4 or len(told) != 4:
        return False
    if told[0] != here[0]:
        return not running  # another boot, or another machine with the same engine, whose run goes on
    if told[1] != here[1] or not told[2].isdecimal():
        return False
    return owner(int(told[2]), proc) != label


def sweep(engine: DockerClient, notify: Notify) -> int:
    """Remove orphans; returns how many. What cannot be removed now is left for the next start."""
    from docker.errors import DockerException

    removed = 0
    for container in engine.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True):
        with suppress(DockerException):
            if is_orphan(container.labels.get(LABEL, ""), container.status == "running"):
                container.remove(force=True, v=True)
                removed += 1
    if removed:
        notify(Event(step="run", text=f"removed {removed} container(s) left by a run that was killed"))
    return removed


def adopt_folder(place: Path) -> None:
    """Note in the scratch folder `place` that this process owns it."""
    (place / NOTE).write_text(owner())


def adopt_processes(place: Path, pids: Iterable[int], groups: Iterable[Path]) -> None:
    """Note processes that may outlive both the run and us, and the control groups they are in.

    One that serves a mount to itself never ends alone.
    """
    (place / HELPERS).write_text("".join(f"{pid} {start_time(pid)}\n" for pid in pids))
    (place / GROUPS).write_text("".join(f"{group}\n" for group in groups))


def start_time(pid: int, proc: Path = Path("/proc")) -> str:
    """Clock ticks after boot; "" where there is no such process."""
    with suppress(OSError):
        return (proc / str(pid) / "stat").read_text().rpartition(")")[2].split()[19]
    return ""


def sweep_folders(folder: Path) -> None:
    """Remove the scratch folders in `folder` that a killed run left, and end the helpers noted there."""
    for place in folder.glob(".sandbox-*"):
        with suppress(OSError):
            label = (place / NOTE).read_text()
            if is_orphan(label, running=False):
                if label.split("/")[0] == owner().split("/")[0]:
                    _end_helpers(place)
                remove_tree(place)


def _end_helpers(place: Path) -> None:
    """Those of this boot that are still the processes they were."""
    with suppress(OSError):
        for row in (place / HELPERS).read_text().splitlines():
            pid, _, started = row.partition(" ")
            if pid.isdecimal() and started and start_time(int(pid)) == started:
                with suppress(ProcessLookupError, PermissionError):
                    os.kill(int(pid), signal.SIGKILL)
    with suppress(OSError):
        for row in (place / GROUPS).read_text().splitlines():
            remove_group(Path(row))
