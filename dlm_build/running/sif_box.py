"""One SIF running: started, held at a gate until its walls have been looked at, watched, and ended whatever happens."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from threading import Timer
from typing import Any

import msgspec

from dlm_build.errors import InfraError
from dlm_build.proc import Child, end_group, start
from dlm_build.records import Limits
from dlm_build.running.apptainer import SifOrder, environment, launch_argv
from dlm_build.running.cgroup import Walls, walls
from dlm_build.running.log import LAST_WORDS, Log, follow
from dlm_build.running.order import SCRATCH_FILES
from dlm_build.running.orphans import adopt_processes
from dlm_build.running.outputs import excess, measure
from dlm_build.running.processes import descendants, inside, threads_of, usage
from dlm_build.running.sif_errors import explained
from dlm_build.running.sif_sandbox import check, restrictions

GATE_SECONDS = 300.0
"""How long an engine may take to stand a container up; without FUSE it unpacks the whole file first."""


class SifBox:
    """A running container as the watcher sees it."""

    def __init__(self, child: Child, init: int, order: SifOrder, group: Walls | None) -> None:
        self._child = child
        self._init = init
        self._handle = os.pidfd_open(init)
        helpers = tuple(descendants(child.pid))
        adopt_processes(order.place, helpers, order.groups)
        self._helpers = [os.pidfd_open(pid) for pid in helpers]
        self._group = group
        self._scratch = order.place / "scratch"
        self._limits = _scratch_limits(order.limits)
        self.sandbox: tuple[str, ...] = ()

    def state(self) -> Mapping[str, Any]:
        status = self._child.status()
        ran_out = self._group is not None and self._group.ran_out()
        return {"Running": status is None, "ExitCode": status, "OOMKilled": ran_out}

    def stats(self) -> Mapping[str, Any]:
        return self._group.stats() if self._group else usage(self._init)

    def overgrown(self) -> str | None:
        return excess(measure(self._scratch, self._limits), self._limits)

    def kill(self) -> None:
        """With the first process of its namespace every other one ends."""
        _kill(self._handle)

    def close(self) -> None:
        """End it; the engine has a while to take its mounts away, then what it left running is ended too."""
        self.kill()
        deadline = time.monotonic() + LAST_WORDS
        while self._child.status() is None and time.monotonic() < deadline:
            time.sleep(0.02)
        for handle in self._helpers:
            _kill(handle)
        for handle in (self._handle, *self._helpers):
            os.close(handle)


def _kill(handle: int) -> None:
    with suppress(ProcessLookupError):
        signal.pidfd_send_signal(handle, signal.SIGKILL)


def _scratch_limits(limits: Limits) -> Limits:
    """Scratch files lie on the disk, so they are watched like the output; as much as Docker's scratch may hold."""
    return msgspec.structs.replace(limits, output=limits.memory // 2, output_files=SCRATCH_FILES)


@contextmanager
def running(order: SifOrder, base: Mapping[str, str], log: Log) -> Iterator[SifBox]:
    """Start the container of `order`; what it says goes to `log`. Raises InfraError when it cannot be started."""
    with walls(order.token, order.limits) as group:
        order = _allowing(order, group)
        child = start(launch_argv(order), environment(order, base))
        box, reader = None, None
        try:
            waiting = _at_gate(child, order, log)
            box = SifBox(child, _found(inside(child.pid, 1)), order, group)
            box.sandbox = _walls_around(waiting, order, group)
            check(box.sandbox)
            reader = follow(child.rest(), log)
            child.tell(b"\n")
            yield box
            reader.join(LAST_WORDS)
        finally:
            if box is not None:
                box.close()
            if reader is not None:
                reader.join(LAST_WORDS)
            child.end()


def _allowing(order: SifOrder, group: Walls | None) -> SifOrder:
    """The order with the control groups to join, or with what the resource limits have to allow for."""
    if group:
        return msgspec.structs.replace(order, groups=group.folders)
    return msgspec.structs.replace(order, threads=threads_of(order.user[0] if order.user else os.geteuid()))


def _at_gate(child: Child, order: SifOrder, log: Log) -> int:
    """The process that waits at the gate, as we number it. Raises InfraError when the container does not stand."""
    timer = Timer(GATE_SECONDS, end_group, (child.pid,))
    timer.start()
    try:
        while line := child.line():
            words = line.split()
            if len(words) == 2 and words[0] == order.token.encode() and words[1].isdigit():
                return _found(inside(child.pid, int(words[1])))
            log.add(line)
    finally:
        timer.cancel()
    raise explained(log.tail(), order.engine)


def _found(pid: int | None) -> int:
    if pid is None:
        raise InfraError("cannot find the container's processes in /proc", "mount /proc without hidepid for this user")
    return pid


def _walls_around(waiting: int, order: SifOrder, group: Walls | None) -> tuple[str, ...]:
    """What holds the process at the gate, and what only watching holds."""
    gpu = order.device.kind == "gpu"
    scratch = (order.working_dir, "/tmp", "/var/tmp")  # noqa: S108
    limits = order.limits
    watched = () if group else (f"memory <= {limits.memory} bytes, watched", f"processes <= {limits.pids}, watched")
    return (
        *restrictions(waiting, scratch, gpu),
        *(group.texts() if group else watched),
        f"scratch <= {limits.memory // 2} bytes, watched",
    )
