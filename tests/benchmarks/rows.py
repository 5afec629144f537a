"""The rows of the table, and the measurements that give their figures, in the order they are made."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import checking, mlflow_side, ours, sifs
from tests.benchmarks.check_driver import PROGRAMS
from tests.benchmarks.figures import Comparison, Figures
from tests.benchmarks.place import Bench

MB = 1_000_000
_AGAIN = "nothing changed, run again"
_WEIGHTS = "other weights, built"
_JUDGED = "other weights, built, run and judged"
_COLD = "cold, packages in the store"

ROWS = (
    Comparison("help", "dlm-build --help", "dlm-help", "bare click program", "click-help", limit=0.2),
    Comparison("help", "dlm-build --help", "dlm-help", "mlflow --help", "mlflow-help"),
    Comparison("check", "check, one item", "check-dlm-build", "pystac, Item.validate", "check-pystac", at_most=1 / 50),
    Comparison("check", "check, one item", "check-dlm-build", "stac-validator", "check-stac-validator", at_most=1 / 50),
    Comparison("check", "10,000 items: own peak", "check-many-peak", "1,000 items", "check-few-peak", at_most=1.1),
    Comparison("check", "  time", "check-many-seconds"),
    Comparison("noop", _AGAIN, "dlm-noop", "mlflow build-docker", "mlflow-noop"),
    Comparison("weights", _WEIGHTS, "dlm-weights", "mlflow build-docker", "mlflow-weights", at_most=1 / 20),
    Comparison("weights", _JUDGED, "dlm-weights-judged", "mlflow build-docker", "mlflow-weights"),
    Comparison("cold", _COLD, "dlm-cold", "floor: copying the same bytes", "floor-cold", at_most=2),
    Comparison("cold", _COLD, "dlm-cold", "mlflow build-docker", "mlflow-cold", at_most=1 / 5),
    Comparison("size", "image, unpacked", "dlm-size", "base + environment + model", "floor-size", at_most=1.02),
    Comparison("size", "image, unpacked", "dlm-size", "mlflow build-docker", "mlflow-size", at_most=1),
    Comparison("sif", "SIF of a docker-archive", "sif-whole", "apptainer build", "sif-apptainer", at_most=1 / 8),
    Comparison("sif", "  packing its layers", "sif-packing", "floor: mksquashfs of the tree", "sif-floor", at_most=1.5),
    Comparison("sif", "  size", "sif-size", "apptainer build", "sif-apptainer-size", at_most=1.05),
    Comparison("memory", "4 GiB weights, render: own peak", "large-render-peak", limit=300 * MB),
    Comparison("memory", "  largest program it starts", "large-render-family-peak"),
    Comparison("memory", "  time", "large-render-seconds"),
    Comparison("memory", "  bytes read", "large-render-read", "the archive", "large-archive"),
    Comparison("memory", "  bytes written", "large-render-written", "the archive", "large-archive"),
    Comparison("memory", "4 GiB weights, build: own peak", "large-build-peak", limit=300 * MB),
    Comparison("memory", "  largest program it starts", "large-build-family-peak"),
    Comparison("memory", "  time", "large-build-seconds"),
    Comparison("memory", "  bytes read", "large-build-read", "the archive", "large-archive"),
    Comparison("memory", "  bytes written", "large-build-written", "the archive", "large-archive"),
)


@dataclass(frozen=True)
class Measurement:
    """Something done once per run of the benchmarks; ``gives`` are the names of the figures it returns."""

    gives: frozenset[str]
    measure: Callable[[Bench], Figures]


def _measurement(measure: Callable[[Bench], Figures], *gives: str) -> Measurement:
    return Measurement(frozenset(gives), measure)


MEASUREMENTS = (
    _measurement(ours.help_texts, "dlm-help", "click-help"),
    _measurement(mlflow_side.help_text, "mlflow-help"),
    _measurement(checking.items_per_second, *(f"check-{name}" for name in PROGRAMS)),
    _measurement(checking.memory, "check-few-peak", "check-many-peak", "check-many-seconds"),
    # All of MLflow's, then all of ours: a cold build of one removes what the other left in the engine.
    _measurement(mlflow_side.cold, "mlflow-cold", "mlflow-size"),
    _measurement(mlflow_side.again, "mlflow-noop"),
    _measurement(mlflow_side.weights, "mlflow-weights"),
    _measurement(ours.cold, "dlm-cold", "floor-cold", "floor-size", "dlm-size"),
    _measurement(ours.again, "dlm-noop"),
    _measurement(ours.weights, "dlm-weights", "dlm-weights-judged"),
    _measurement(sifs.conversions, *(name for row in ROWS if row.group == "sif" for name in row.needs)),
    _measurement(ours.large, *(row.ours for row in ROWS if row.group == "memory"), "large-archive"),
)
GROUPS = tuple(dict.fromkeys(row.group for row in ROWS))
