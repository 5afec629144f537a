"""What a run used, computed on and kept in memory, told to dlm-build where it started the run.

The line begins with a mark that the model is not told, so that nothing it prints by chance or copies from elsewhere is
taken for it. That does not hold against a model that is out to deceive: a handler runs in this very process and can
search its memory; any program of the model can read the mark in the environment of the process that started this one
(/proc/<parent>/environ: the container's init, or the engine in a SIF), where it runs as the same user; and what a
package of the environment runs at the start of Python came before us. So dlm-build takes no word of it for more than
the run was given: see running/told.py.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from pathlib import Path

from .environment import wants_gpu

DRIVER = "libcuda.so"
MAPS = "/proc/self/maps"
WITH_GPU = ("tensorflow", "onnxruntime", "mxnet", "jax", "cupy", "numba.cuda", "pycuda", "paddle")
"""Modules, beside torch, that compute on a GPU."""


def tell(mark: str, device: str | None) -> None:
    """A line for people, and one for dlm-build where it asked. `device`: `gpu`, `cpu`, None where it is not known."""
    where = f"computed on the {device.upper()}, " if device else ""
    sys.stdout.flush()
    print(f"dlm: {where}peak memory {peak_memory() >> 20} MB", file=sys.stderr, flush=True)
    if mark:
        words = json.dumps({"device": device, "peak_memory": peak_memory()})
        os.write(2, f"\n{mark} {words}\n".encode())  # on a line of its own, wherever the model left off


def peak_memory() -> int:
    """Bytes of the largest process of this run, ended children included."""
    kinds = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return max(resource.getrusage(kind).ru_maxrss for kind in kinds) << 10


def device_of_program(maps: str = MAPS) -> str | None:
    """What code of the model's own, which ran in this process, computed on; None where nothing tells.

    Torch tells how much of a GPU's memory it took. Without the driver's library there was no GPU for this process, but
    there may have been one for what it started.
    """
    if not wants_gpu():
        return "cpu"
    took = _torch_took()
    if took:
        return "gpu"
    if resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss:
        return None
    alone = took == 0 and not any(name in sys.modules for name in WITH_GPU)
    return "cpu" if alone or not _driver_loaded(maps) else None


def _torch_took() -> int | None:
    """Bytes at most, of all GPUs together; None without torch, or with one that does not tell."""
    torch = sys.modules.get("torch")
    try:
        if torch is None:
            return None
        if not torch.cuda.is_initialized():
            return 0
        return sum(int(torch.cuda.max_memory_allocated(index)) for index in range(torch.cuda.device_count()))
    except Exception:  # before 1.4 it has no such functions, and the model may have changed them
        return None


def _driver_loaded(maps: str) -> bool:
    try:
        return DRIVER in Path(maps).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return True
