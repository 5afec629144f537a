"""How the output will be judged: by the task, the kind of the expected file, and the item's own tolerances.

The defaults are those of an as-shipped run (not bit-exact: other GPUs, reduced-precision kernels): 1e-3 relative for
float maps as in ONNX's backend tests, 1e-2 absolute for probabilities. An item may tighten them, or loosen them up to
the ceiling, which is what bfloat16 arithmetic needs; past its default a verdict is marked `relaxed`. Integers are
compared exactly whatever the item says.
"""

from __future__ import annotations

import math
from pathlib import PurePosixPath
from typing import Literal

from dlm_build.errors import shown
from dlm_build.findings.planning import BadTolerance, ExpectedComparedWhole, ExpectedNeverWritten, ToleranceCapped
from dlm_build.own_runners import OWN_RUNNERS, UNREAD, never_written
from dlm_build.planning.decided import Decided, decided, noticed
from dlm_build.records import ComparisonPolicy, DeclaredSample, Finding, Item, Member, Runner, SampleSpec
from dlm_build.tolerances import ATOL, RTOL, Tolerance

Task = Literal["labels", "probabilities", "float", "class-scores", "exact"]

_PLAIN_FILES = frozenset({".json", ".txt", ".csv", ".geojson", ".gpkg", ".xml"})


def decide_comparison(item: Item, sample: SampleSpec | None, runner: Runner) -> Decided[ComparisonPolicy | None]:
    """None where there is nothing to compare with."""
    if sample is None or sample.expected is None:
        return decided("comparison", None, "none", "there is no expected output")
    task, reason = _task(item.outputs.task or "", sample.expected)
    atol, rtol, relaxed, findings = _tolerances(item.sample, task)
    policy = ComparisonPolicy(
        task=task, atol=atol, rtol=rtol, relaxed=relaxed,
        dont_care=item.outputs.dont_care_index, number_of_classes=item.outputs.number_of_classes,
    )  # fmt: skip
    text = task + (" (relaxed)" if relaxed else "")
    findings.append(hard_to_match(item, sample.expected.path, alone=runner.kind in OWN_RUNNERS))
    return noticed(decided("comparison", policy, text, reason, item.pointers.task), *findings)


def hard_to_match(item: Item, expected: str, *, alone: bool) -> Finding | None:
    """That the expected output is no kind of file that dlm-build gives, where it runs the weights `alone`; else that
    it is compared byte for byte.
    """
    place, found = item.pointers.sample, shown(expected)
    if alone:
        suffix = never_written(expected)
        return ExpectedNeverWritten.at(place, found=found, suffix=suffix) if suffix else None
    suffix = PurePosixPath(expected).suffix.lower()
    return ExpectedComparedWhole.at(place, found=found, suffix=suffix) if suffix in UNREAD else None


def _task(declared: str, expected: Member) -> tuple[Task, str]:
    suffix = PurePosixPath(expected.path).suffix.lower()
    if suffix == ".json" and "classification" in declared:
        return "class-scores", f"{shown(declared)}: scores per class, where the file holds them"
    if suffix in _PLAIN_FILES:
        return "exact", f"the expected output is a {suffix} file"
    if "segmentation" in declared or "pixel" in declared or "land cover" in declared:
        if any(word in expected.path.lower() for word in ("prob", "score", "softmax")):
            return "probabilities", f"{shown(declared)}, and the expected file is named for probabilities"
        if expected.scores:
            return (
                "probabilities",
                f"{shown(declared)}, and the expected file holds scores of each class, or several arrays",
            )
        return "labels", f"{shown(declared)}: maps of labels"
    if "classification" in declared:
        return "class-scores", f"{shown(declared)}: scores per class"
    if declared:
        return "float", f"{shown(declared)}: maps of numbers"
    return "float", "no task is declared; numbers are compared as such, integers exactly"


def _tolerances(
    sample: DeclaredSample | None, task: Task
) -> tuple[float | None, float | None, bool, list[Finding | None]]:
    if sample is None:
        return None, None, False, []
    atol, atol_relaxed, atol_finding = _limited(sample, "atol", sample.atol, ATOL, capped=task != "float")
    rtol, rtol_relaxed, rtol_finding = _limited(sample, "rtol", sample.rtol, RTOL, capped=True)
    return atol, rtol, atol_relaxed or rtol_relaxed, [atol_finding, rtol_finding]


def _limited(
    sample: DeclaredSample, name: str, value: float | None, limits: Tolerance, *, capped: bool
) -> tuple[float | None, bool, Finding | None]:
    """The tolerance to use, whether it is looser than the default, and what was wrong with it.

    One that is not `capped` is held to the values once they are read.
    """
    if value is None:
        return None, False, None
    if not math.isfinite(value) or value < 0:
        return None, False, BadTolerance.at(sample.pointer, name=name, found=shown(value))
    if value <= limits.ceiling or not capped:
        return value, value > limits.default, None
    capped_at = ToleranceCapped.at(sample.pointer, name=name, found=f"{value:g}", used=f"{limits.ceiling:g}")
    return limits.ceiling, True, capped_at
