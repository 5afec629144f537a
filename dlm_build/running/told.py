"""What the harness tells of its own run, held against what the run was given.

A model that is out to deceive can put words in its mouth: `harness/used.py` says how. So no word makes a GPU of what
was given a CPU, and memory is never less than what was seen from outside. That a model used the GPU it was given is
only as true as the model is honest.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from dlm_build.records import Record, Run

LARGEST = 1 << 50
"""Bytes; more is no memory of this world."""


class Told(Record, frozen=True, kw_only=True, forbid_unknown_fields=False):
    device: Literal["gpu", "cpu"] | None = None
    """What the model's program computed on; None where the harness cannot know."""
    peak_memory: int = 0
    """Bytes of the largest of its processes."""


def as_told(run: Run, words: bytes) -> Run:
    """`run`, which names the device it was given, with what it used; `words` may be empty, or anybody's."""
    try:
        told = msgspec.json.decode(words, type=Told)
    except (msgspec.DecodeError, UnicodeDecodeError):
        told = Told()
    peak = min(told.peak_memory, LARGEST)
    if peak > (run.peak_memory or 0):
        # Of one process, and there may have been others.
        run = msgspec.structs.replace(run, peak_memory=peak, peak_sampled=True)
    return _on(run, told.device) if run.device == "gpu" else run


def _on(run: Run, used: Literal["gpu", "cpu"] | None) -> Run:
    """A run that was given a GPU."""
    if used == "cpu":
        reason = f"given a GPU by {run.device_reason}, the model's program computed on the CPU"
        return msgspec.structs.replace(run, device="cpu", device_reason=reason, gpu_name=None)
    if used is None:
        reason = f"given by {run.device_reason}; nothing tells whether the model's program used it"
        return msgspec.structs.replace(run, device_known=False, device_reason=reason)
    return run
