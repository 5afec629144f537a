"""The engine between measurements: emptied, or looked at. Only the stack's own engine is ever touched."""

from __future__ import annotations

import json
from pathlib import Path

from tests.benchmarks.place import Bench

FLOOR, MLFLOW, DLM = (f"dlm-bench/{name}:latest" for name in ("floor", "mlflow", "example"))
DLM_LARGE = "dlm-bench/large:latest"
IMAGES = (FLOOR, MLFLOW, DLM, DLM_LARGE)


def has(bench: Bench, image: str) -> bool:
    return bool(bench.docker("image", "ls", "--quiet", image).strip())


def remove(bench: Bench, *images: str) -> None:
    there = [image for image in images if has(bench, image)]
    if there:
        bench.docker("image", "rm", "--force", *there)


def make_cold(bench: Bench) -> None:
    """No image of ours and no build cache: the next build starts from the registry and the package store."""
    remove(bench, *IMAGES)
    bench.docker("buildx", "prune", "--all", "--force")


def unpacked_size(bench: Bench, image: str) -> int:
    """Bytes of all layers on disk, the way ``docker history`` counts them, whatever tool made the image."""
    rows = bench.docker("history", "--human=false", "--format", "{{.Size}}", image).split()
    return sum(int(row) for row in rows)


def copy_out(bench: Bench, image: str, inside: str, target: Path) -> None:
    """A folder of the image, with owners and modes, as ``target``."""
    container = bench.docker("create", image).strip()
    try:
        bench.docker("cp", "--archive", "--quiet", f"{container}:{inside}", target)
    finally:
        bench.docker("rm", container)


def versions(bench: Bench) -> dict[str, str]:
    """Versions for the report."""
    told = json.loads(bench.docker("version", "--format", "{{json .Server}}"))
    return {"docker": str(told["Version"]), "kernel": str(told["KernelVersion"])}
