"""Running one program as a whole: wall time, memory and bytes, as the kernel counted them."""

from __future__ import annotations

import os
import re
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Event, Thread

from tests.stack.shell import StackError

LOOK_EVERY_S = 0.02
"""How often the peak of a running program is read; the kernel keeps the peak, so only the last moment can be missed."""


@dataclass(frozen=True)
class Spent:
    """What one run of a program took. Memory and bytes are in bytes."""

    seconds: float
    own_peak: int
    """Resident peak of the program itself."""
    family_peak: int
    """Resident peak of the largest among it and the programs it waited for."""
    read: int
    """Bytes asked for by read calls, of it and the programs it waited for, whether from disk or from the page cache."""
    written: int


@dataclass(frozen=True)
class Command:
    """A program to be measured; its talk goes to the file ``log``."""

    argv: Sequence[str | Path]
    env: Mapping[str, str]
    cwd: Path
    log: Path


def spend(command: Command) -> Spent:
    """Run the program to its end. Raises StackError with the last lines of its talk when its status is not 0."""
    command.log.parent.mkdir(parents=True, exist_ok=True)
    with command.log.open("wb") as talk:
        start = time.monotonic()
        child = subprocess.Popen(
            [str(word) for word in command.argv],
            env=dict(command.env), cwd=command.cwd, stdin=subprocess.DEVNULL, stdout=talk, stderr=talk,
        )  # fmt: skip
        peak = _Peak(child.pid)
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # ended, and not yet forgotten by the kernel
        seconds = time.monotonic() - start
        own, counters = peak.stop(), _counters(child.pid)
        _, status, usage = os.wait4(child.pid, 0)
    child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise StackError(f"{_words(command)} ended with {child.returncode}: {_tail(command.log)}", f"see {command.log}")
    return Spent(seconds, own, usage.ru_maxrss * 1024, counters["rchar"], counters["wchar"])


def spend_within(run: Callable[[], Spent], turns: int, budget_s: float) -> list[Spent]:
    """Run once, and again up to ``turns`` times for as long as less than ``budget_s`` has been spent."""
    spent = [run()]
    while len(spent) < turns and sum(one.seconds for one in spent) < budget_s:
        spent.append(run())
    return spent


class _Peak:
    """Reads the peak of a process until it ends."""

    def __init__(self, pid: int) -> None:
        self._status = Path(f"/proc/{pid}/status")
        self._highest = 0
        self._ended = Event()
        self._thread = Thread(target=self._look, daemon=True)
        self._thread.start()

    def stop(self) -> int:
        self._ended.set()
        self._thread.join()
        return self._highest

    def _look(self) -> None:
        while not self._ended.wait(LOOK_EVERY_S):
            found = re.search(r"^VmHWM:\s+(\d+) kB", self._status.read_text(), re.MULTILINE)
            self._highest = max(self._highest, int(found[1]) * 1024 if found else 0)


def _counters(pid: int) -> dict[str, int]:
    rows = Path(f"/proc/{pid}/io").read_text().splitlines()
    return {name: int(value) for name, value in (row.split(": ") for row in rows)}


def _words(command: Command) -> str:
    return " ".join(Path(str(word)).name for word in command.argv[:4])


def _tail(log: Path) -> str:
    return " | ".join(log.read_text(errors="replace").strip().splitlines()[-4:])[-600:]
