"""Watches one started container until it ends by itself or has to be ended."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Protocol

from dlm_build.errors import InfraError
from dlm_build.records import Limits, Record, Run, RunEnd
from dlm_build.running.gpu import Device
from dlm_build.running.outputs import excess, measure

SHORTEST_PAUSE, LONGEST_PAUSE = 0.02, 0.2
"""Seconds between looks: a tenth of the time run so far, within these bounds; many runs are short."""
KILL_SECONDS = 30.0


class Box(Protocol):
    """A started container. Every method raises InfraError when the engine no longer answers for it."""

    def state(self) -> Mapping[str, Any]:
        """The engine's `State`: Running, ExitCode, OOMKilled, Error."""
        ...

    def stats(self) -> Mapping[str, Any]:
        """One sample of its cgroup, or of its processes; empty when it has ended and nothing remembers."""
        ...

    def overgrown(self) -> str | None:
        """What it did to its scratch space beyond what is allowed and no wall stops, as the end of a sentence."""
        ...

    def kill(self) -> None:
        """End every process in it at once; no error when it has ended."""
        ...


class Ended(Record, frozen=True, kw_only=True):
    end: RunEnd
    status: int | None
    detail: str
    seconds: float
    peak_memory: int | None = None
    peak_sampled: bool = False

    def as_run(self, device: Device, sandbox: tuple[str, ...]) -> Run:
        """The run on `device`, held in by `sandbox`; all but the outputs, which are still to be taken home."""
        return Run(
            end=self.end,
            exit_status=self.status,
            detail=self.detail,
            device=device.kind,
            device_reason=device.reason,
            gpu_name=device.name if device.kind == "gpu" else None,
            seconds=round(self.seconds, 3),
            peak_memory=self.peak_memory,
            peak_sampled=self.peak_sampled,
            sandbox=sandbox,
        )


class Seen(Record, frozen=True, kw_only=True):
    """The most that was seen of each."""

    memory: int = 0
    """What counts against the limit."""
    largest: int = 0
    """The most that one process ever kept by itself, which the kernel remembers between two looks."""
    kept: bool = False
    """Whether `memory` is a peak that the kernel remembers, too."""
    processes: int = 0

    def with_sample(self, stats: Mapping[str, Any]) -> Seen:
        memory = stats.get("memory_stats") or {}
        # cgroup v1 remembers its peak (page cache included), v2 as the engine tells it only its present use.
        peak = int(memory.get("max_usage") or memory.get("usage") or 0)
        processes = int((stats.get("pids_stats") or {}).get("current") or 0)
        return Seen(
            memory=max(self.memory, peak),
            largest=max(self.largest, int(memory.get("largest") or 0)),
            kept=self.kept or bool(memory.get("max_usage")),
            processes=max(self.processes, processes),
        )


def watch(
    box: Box,
    outputs: Path,
    limits: Limits,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> Ended:
    """Wait for the end of `box`, started just now; kills it when it passes one of the `limits`."""
    started, seen = clock(), Seen()
    try:
        while (state := box.state()).get("Running"):
            seen = seen.with_sample(box.stats())
            seconds = clock() - started
            over = _over(seconds, seen, outputs, limits, box.overgrown())
            if over:
                _kill(box, clock, sleep)
                return _ended(over[0], None, over[1], clock() - started, seen)
            sleep(min(LONGEST_PAUSE, max(SHORTEST_PAUSE, 0.1 * seconds)))
        seen = seen.with_sample(box.stats())
    except InfraError as problem:
        return _ended("infra", None, f"the engine was lost during the run: {problem.message}", clock() - started, seen)
    return _judged(state, seen, outputs, limits, clock() - started)


def _over(
    seconds: float, seen: Seen, outputs: Path, limits: Limits, overgrown: str | None
) -> tuple[RunEnd, str] | None:
    """Which limit is passed; the first in this order names the end."""
    written = excess(measure(outputs, limits), limits) or overgrown
    if written:
        return "resource", f"the model {written}; it was ended"
    if seen.memory > limits.memory:
        return "resource", f"the model used more than {limits.memory} bytes of memory; it was ended"
    if seen.processes >= limits.pids:
        return "resource", f"the model filled its limit of {limits.pids} processes and threads; it was ended"
    if seconds >= limits.seconds:
        return "timeout", f"the model was still running after {limits.seconds:g} s; it was ended"
    return None


def _kill(box: Box, clock: Callable[[], float], sleep: Callable[[float], None]) -> None:
    asked = clock()
    box.kill()
    while box.state().get("Running"):
        if clock() - asked > KILL_SECONDS:
            raise InfraError(f"the engine did not end the container within {KILL_SECONDS:g} s")
        sleep(SHORTEST_PAUSE)


def _judged(state: Mapping[str, Any], seen: Seen, outputs: Path, limits: Limits, seconds: float) -> Ended:
    """A container that ended by itself."""
    status = int(state.get("ExitCode") or 0)
    written = excess(measure(outputs, limits), limits)
    if written:
        return _ended("resource", status, f"the model {written}", seconds, seen)
    if state.get("Error"):
        return _ended("infra", None, f"the engine could not run the container: {state['Error']}", seconds, seen)
    if status == 0:
        note = "; one of its processes ran out of memory" if state.get("OOMKilled") else ""
        return _ended("finished", 0, f"the model ended well after {seconds:.1f} s{note}", seconds, seen)
    if state.get("OOMKilled") or (status == 137 and seen.memory >= 0.98 * limits.memory):
        return _ended("resource", status, f"the model used more than {limits.memory} bytes of memory", seconds, seen)
    return _ended("model-error", status, f"the model ended with {_spelled(status)}", seconds, seen)


def _spelled(status: int) -> str:
    return f"status {status} (signal {status - 128})" if 128 < status < 160 else f"status {status}"


def _ended(end: RunEnd, status: int | None, detail: str, seconds: float, seen: Seen) -> Ended:
    peak = max(seen.memory, seen.largest)
    sampled = peak > 0 and not seen.kept
    return Ended(end=end, status=status, detail=detail, seconds=seconds, peak_memory=peak or None, peak_sampled=sampled)
