"""A control group of our own around one run, where this user may make one; version 1 and 2 of the kernel's interface.

Ordinary users seldom may. Their runs are held by resource limits and by being watched, and the report says which.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from dlm_build.records import Limits, Record

TOP = Path("/sys/fs/cgroup")
REMOVALS = 50
"""Attempts to remove a group while its last processes end, a tenth of a second apart."""
LIMIT_OF_MEMORY = {1: "memory.limit_in_bytes", 2: "memory.max"}
"""The file that holds it, by version of the interface; that of processes is called the same in both."""


class Walls(Record, frozen=True, kw_only=True):
    """The folders of one group: one per controller in version 1, one for all in version 2."""

    memory: Path
    pids: Path
    version: int

    @property
    def folders(self) -> tuple[Path, ...]:
        return tuple(dict.fromkeys((self.memory, self.pids)))

    def texts(self) -> tuple[str, ...]:
        """The limits in force, read back."""
        memory = _text(self.memory / LIMIT_OF_MEMORY[self.version])
        pids = _text(self.pids / "pids.max")
        return (f"memory <= {memory} bytes", f"processes <= {pids}")

    def stats(self) -> Mapping[str, Any]:
        """Peak memory (before Linux 5.19 version 2 tells only the present) and processes, in Docker's words."""
        peak = "memory.peak" if self.version == 2 else "memory.max_usage_in_bytes"
        memory = {"max_usage": _number(self.memory / peak), "usage": _number(self.memory / "memory.current")}
        return {"memory_stats": memory, "pids_stats": {"current": _number(self.pids / "pids.current")}}

    def ran_out(self) -> bool:
        """Whether the kernel ended a process of it for want of memory."""
        events = self.memory / ("memory.events" if self.version == 2 else "memory.oom_control")
        rows = dict(line.split(maxsplit=1) for line in _text(events).splitlines() if " " in line)
        return rows.get("oom_kill", "0") != "0"


@contextmanager
def walls(name: str, limits: Limits, top: Path = TOP) -> Iterator[Walls | None]:
    """The group `name` with its limits set; None where this user may not make it. It is removed at the end."""
    made = _made(name, limits, top)
    try:
        yield made
    finally:
        for folder in made.folders if made else ():
            remove_group(folder)


def _made(name: str, limits: Limits, top: Path) -> Walls | None:
    version = 2 if (top / "cgroup.controllers").is_file() else 1
    places = {key: top / name if version == 2 else top / key / name for key in ("memory", "pids")}
    group = Walls(memory=places["memory"], pids=places["pids"], version=version)
    try:
        for folder in group.folders:
            folder.mkdir()
        (group.memory / LIMIT_OF_MEMORY[version]).write_text(str(limits.memory))
        (group.pids / "pids.max").write_text(str(limits.pids))
        _forbid_swap(group, limits)
    except OSError:
        for folder in group.folders:
            remove_group(folder)
        return None
    return group


def _forbid_swap(group: Walls, limits: Limits) -> None:
    """Where the kernel counts swap; elsewhere there is nothing to forbid."""
    with suppress(OSError):
        if group.version == 2:
            (group.memory / "memory.swap.max").write_text("0")
        else:
            (group.memory / "memory.memsw.limit_in_bytes").write_text(str(limits.memory))


def remove_group(folder: Path) -> None:
    """Once its last processes have ended; given up after five seconds."""
    for _ in range(REMOVALS):
        try:
            folder.rmdir()
        except FileNotFoundError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return


def _text(path: Path) -> str:
    try:
        return path.read_text().strip()
    except OSError:
        return ""


def _number(path: Path) -> int:
    text = _text(path)
    return int(text) if text.isdecimal() else 0
