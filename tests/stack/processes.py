"""Long-lived programs: started once, known by pid and start time, ended by pid."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from tests.stack.layout import State, read_json, write_json
from tests.stack.shell import StackError, say, spawn


@dataclass(frozen=True)
class Program:
    """A program of the stack: its name, its command line, and how to tell that it answers."""

    name: str
    argv: Sequence[str | Path]
    answers: Callable[[], bool]


def start_time(pid: int) -> int | None:
    """Clock ticks after boot at which ``pid`` started; None when there is no such process (or only its corpse)."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] in "ZX" else int(fields[19])


def running_pid(state: State, name: str) -> int | None:
    """The pid of the program this stack started under ``name``, if that very process still runs."""
    noted = read_json(_note(state, name))
    pid = noted.get("pid")
    return pid if isinstance(pid, int) and identity(pid) == noted else None


def identity(pid: int) -> dict[str, object]:
    """What tells a process from a later one with the same number."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    return {"pid": pid, "started": start_time(pid), "boot": boot}


def ensure_running(state: State, program: Program, timeout_s: float = 60) -> int:
    """Start the program unless it runs already, and wait until it answers. Returns its pid."""
    pid = running_pid(state, program.name)
    if pid is not None and program.answers():
        return pid
    log = state.path("log", f"{program.name}.log")
    if pid is None:
        if program.answers():
            raise StackError(f"something this stack did not start answers in place of {program.name}", "end it first")
        say(f"  starting {program.name}")
        pid = spawn(program.argv, log)
        write_json(_note(state, program.name), identity(pid))
    _await(program, pid, log, timeout_s)
    return pid


def _await(program: Program, pid: int, log: Path, timeout_s: float) -> None:
    deadline = time.monotonic() + timeout_s
    while time.monotonic() < deadline:
        if program.answers():
            return
        if start_time(pid) is None:
            raise StackError(f"{program.name} ended at once: {_last_line(log)}", f"read {log}")
        time.sleep(0.1)
    raise StackError(f"{program.name} does not answer after {timeout_s:.0f} s: {_last_line(log)}", f"read {log}")


def _last_line(log: Path) -> str:
    lines = log.read_text(errors="replace").strip().splitlines() if log.exists() else []
    return lines[-1][-300:] if lines else "it said nothing"


def stop(state: State, name: str, timeout_s: float = 30) -> None:
    """End the program if it is still the process this stack started; forget it."""
    pid = running_pid(state, name)
    if pid is not None:
        say(f"  stopping {name}")
        end(pid, timeout_s)
    _note(state, name).unlink(missing_ok=True)


def end(pid: int, timeout_s: float) -> None:
    """Ask a process to end, then make it."""
    started = start_time(pid)
    for number, patience_s in ((signal.SIGTERM, timeout_s), (signal.SIGKILL, 5.0)):
        deadline = time.monotonic() + patience_s
        with suppress(ProcessLookupError):
            os.kill(pid, number)
        while time.monotonic() < deadline:
            _reap(pid)
            if start_time(pid) != started:
                return
            time.sleep(0.05)
    raise StackError(f"process {pid} does not end", "look at it with ps, it may hang in the kernel")


def _reap(pid: int) -> None:
    with suppress(ChildProcessError):  # init reaps what an earlier run of this module started
        os.waitpid(pid, os.WNOHANG)


def _note(state: State, name: str) -> Path:
    return state.path("pid", f"{name}.json")
