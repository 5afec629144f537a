"""Processes of a run, as the kernel's /proc tells of them."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

PROC = Path("/proc")


def descendants(pid: int, proc: Path = PROC) -> Iterator[int]:
    """`pid` and all that it started, parents first; those that end meanwhile are passed over."""
    yield pid
    for task in _listed(proc / str(pid) / "task"):
        for child in _read(proc / str(pid) / "task" / task / "children").split():
            yield from descendants(int(child), proc)


def inside(pid: int, number: int, proc: Path = PROC) -> int | None:
    """The descendant of `pid` that has `number` in a process namespace below ours; None where there is none."""
    for candidate in descendants(pid, proc):
        known_as = status(candidate, proc).get("NSpid", "").split()
        if len(known_as) > 1 and known_as[-1] == str(number):
            return candidate
    return None


def status(pid: int, proc: Path = PROC) -> dict[str, str]:
    """The rows of /proc/<pid>/status; empty when the process is gone."""
    rows = (line.partition(":") for line in _read(proc / str(pid) / "status").splitlines())
    return {name: value.strip() for name, _, value in rows}


def usage(init: int, proc: Path = PROC) -> Mapping[str, Any]:
    """Memory and processes below `init`, a container's first process, in the words the watcher knows from Docker.

    Memory is each process's share of what it alone or with others keeps, and what lies in the shared-memory folder;
    `largest` is the most that one of them ever had in memory, its program's own pages included.
    """
    tree = tuple(descendants(init, proc))
    shares = [_shares(pid, proc) for pid in tree]
    shared = max(sum(share["Pss_Shmem"] for share in shares), _filled(proc / str(init) / "root/dev/shm"))
    memory = sum(share["Pss_Anon"] for share in shares) + shared
    largest = max(_kilobytes(status(pid, proc).get("VmHWM", "")) for pid in tree)
    threads = sum(len(_listed(proc / str(pid) / "task")) for pid in tree)
    return {"memory_stats": {"usage": memory, "largest": largest}, "pids_stats": {"current": threads}}


def threads_of(user: int, proc: Path = PROC) -> int:
    """All threads of the user on this machine: what the kernel counts against the limit of processes."""
    rows = (status(int(name), proc) for name in _listed(proc) if name.isdecimal())
    return sum(int(row["Threads"]) for row in rows if row.get("Uid", "-1").split()[0] == str(user))


def _shares(pid: int, proc: Path) -> dict[str, int]:
    found = {"Pss_Anon": 0, "Pss_Shmem": 0}
    for line in _read(proc / str(pid) / "smaps_rollup").splitlines():
        name, _, rest = line.partition(":")
        if name in found:
            found[name] = _kilobytes(rest)
    return found


def _kilobytes(text: str) -> int:
    """Bytes of the kernel's `123 kB`; 0 where there is nothing."""
    number = text.partition("kB")[0].strip()
    return int(number) << 10 if number.isdecimal() else 0


def _filled(folder: Path) -> int:
    with suppress(OSError):
        state = os.statvfs(folder)
        return (state.f_blocks - state.f_bfree) * state.f_frsize
    return 0


def _listed(folder: Path) -> list[str]:
    try:
        return sorted(path.name for path in folder.iterdir())
    except OSError:
        return []


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8", "replace")
    except OSError:
        return ""
