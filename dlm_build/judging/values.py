"""The numbers: one function per kind of output, each giving checks with measured error, limit and ratio.

Limits are for a run as shipped, on other hardware than the author's: TF32 keeps 10 mantissa bits and is on for
convolutions by default, so fp32 maps differ by about 2**-11 per product across GPUs; label maps flip only where two
classes are close; half precision has 11 or 8 bits. Item-supplied tolerances replace the elementwise limits; the plan
has already held them to a ceiling.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from dlm_build.records import Check, ComparisonPolicy

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

REL_L2 = {"float16": 5e-3, "float32": 1e-3, "float64": 1e-3}
"""Relative L2 error of a float map, by dtype."""
WITHIN = 0.999
"""Share of elements that must lie within ten times that, times the largest expected magnitude."""
PROBABILITY = 1e-2
"""Largest absolute difference of a probability."""
AGREEMENT = 0.999
"""Share of equal labels over the pixels that count."""
MEAN_IOU, CLASS_IOU, RARE = 0.995, 0.98, 1e-3
"""Over classes; per class, where it covers at least `RARE` of the pixels."""
PSNR = 40.0
"""Decibels between two 8-bit rendered pictures: a weak reference, since colours hide values."""


def array_checks(actual: Array, expected: Array, policy: ComparisonPolicy, *, picture: bool) -> tuple[Check, ...]:
    """`actual` and `expected` have one shape and dtype and are not empty."""
    import numpy as np

    if np.issubdtype(expected.dtype, np.floating):
        return (*_masks(actual, expected), *_floats(actual, expected, policy))
    if policy.task == "labels" and not (picture and expected.ndim == 3 and expected.shape[0] >= 3):
        return tuple(_labels(actual, expected, policy))
    if picture:
        return (_psnr(actual, expected),)
    return (_exact(actual, expected),)


def _masks(actual: Array, expected: Array) -> Iterator[Check]:
    """NaN and infinity sit where the author's sit, or nothing else about the values can be trusted."""
    import numpy as np

    for name, where in (("NaN mask", np.isnan), ("infinity mask", np.isinf)):
        differing = int(np.count_nonzero(where(actual) != where(expected)))
        yield at_most(name, float(differing), 0.0, "elements differ")
    if not np.isfinite(expected).any():
        yield Check(name="values", passed=False, measured=0.0, limit=1.0, detail="no finite value to compare")


def _floats(actual: Array, expected: Array, policy: ComparisonPolicy) -> tuple[Check, ...]:
    import numpy as np

    valid = np.isfinite(actual) & np.isfinite(expected)
    mine, theirs = actual[valid].astype(np.float64), expected[valid].astype(np.float64)
    if theirs.size == 0:
        return ()
    if policy.atol is not None or policy.rtol is not None:
        return (_declared(mine, theirs, policy),)
    if policy.task in ("probabilities", "class-scores") and theirs.min() >= 0.0 and theirs.max() <= 1.0:
        return _probabilities(actual, expected, policy)
    if policy.task == "class-scores":
        return (*_ranking(actual, expected), *_map(mine, theirs, expected.dtype.name))
    return _map(mine, theirs, expected.dtype.name)


def number_checks(mine: Array, theirs: Array, policy: ComparisonPolicy) -> tuple[Check, ...]:
    """Plain numbers of one kind, as float64 and not empty: by the item's own tolerances, else as a float map."""
    if policy.atol is not None or policy.rtol is not None:
        return (_declared(mine, theirs, policy),)
    return _map(mine, theirs, "float32")


def _map(mine: Array, theirs: Array, dtype: str) -> tuple[Check, ...]:
    import numpy as np

    limit = REL_L2.get(dtype, 1e-3)
    norm = float(np.linalg.norm(theirs))
    error = float(np.linalg.norm(mine - theirs)) / norm if norm else float(np.linalg.norm(mine))
    scale = float(np.abs(theirs).max())
    within = float(np.mean(np.abs(mine - theirs) <= 10 * limit * scale))
    return (
        at_most("relative L2 error", error, limit),
        at_least("elements near", within, WITHIN, f"within {10 * limit:g} of the largest value"),
    )


def _declared(mine: Array, theirs: Array, policy: ComparisonPolicy) -> Check:
    """|a - e| <= atol + rtol |e| for every element, with the tolerances the item gives."""
    import numpy as np

    atol, rtol = policy.atol or 0.0, policy.rtol or 0.0
    excess = np.abs(mine - theirs) / np.maximum(atol + rtol * np.abs(theirs), np.finfo(np.float64).tiny)
    return at_most("elementwise tolerance", float(excess.max()), 1.0, f"atol {atol:g}, rtol {rtol:g}")


def _probabilities(actual: Array, expected: Array, policy: ComparisonPolicy) -> tuple[Check, ...]:
    import numpy as np

    worst = float(np.nanmax(np.abs(actual.astype(np.float64) - expected.astype(np.float64))))
    checks = [at_most("largest difference", worst, PROBABILITY)]
    axis = _class_axis(expected)
    if axis is not None:
        off = float(np.nanmax(np.abs(actual.astype(np.float64).sum(axis=axis) - 1.0)))
        checks.append(at_most("sum of probabilities", off, 1e-3, "distance from 1, as in the expected output"))
    if policy.task == "class-scores":
        checks.extend(_ranking(actual, expected))
    return tuple(checks)


def _class_axis(expected: Array) -> int | None:
    """The axis along which the expected probabilities sum to one, if any."""
    import numpy as np

    for axis in range(expected.ndim):
        if expected.shape[axis] > 1 and np.allclose(expected.astype(np.float64).sum(axis=axis), 1.0, atol=1e-3):
            return axis
    return None


def _ranking(actual: Array, expected: Array) -> Iterator[Check]:
    """Classes along the last axis. A lost first place counts as a tie where the author's own margin was thin."""
    import numpy as np

    mine = np.atleast_2d(actual.reshape(-1, actual.shape[-1] if actual.ndim else 1)).astype(np.float64)
    theirs = np.atleast_2d(expected.reshape(-1, expected.shape[-1] if expected.ndim else 1)).astype(np.float64)
    if theirs.shape[1] < 2:
        return
    ordered = np.sort(theirs, axis=1)
    margin = ordered[:, -1] - ordered[:, -2]
    tolerance = PROBABILITY * max(1.0, float(np.abs(theirs).max()))
    lost = (mine.argmax(axis=1) != theirs.argmax(axis=1)) & (margin > 2 * tolerance)
    ties = int(np.count_nonzero((mine.argmax(axis=1) != theirs.argmax(axis=1)) & ~lost))
    yield at_most("top-1 changed", float(np.count_nonzero(lost)), 0.0, f"{ties} ties" if ties else "")
    if theirs.shape[1] > 5:
        best = [np.intersect1d(a, e).size for a, e in zip(_top(mine), _top(theirs), strict=True)]
        yield at_least("top-5 overlap", float(min(best)), 4.0)


def _top(scores: Array) -> Array:
    import numpy as np

    return np.argsort(scores, axis=1, kind="stable")[:, -5:]


def _labels(actual: Array, expected: Array, policy: ComparisonPolicy) -> Iterator[Check]:
    import numpy as np

    counted = np.ones(expected.shape, dtype=bool)
    if policy.dont_care is not None:
        counted = expected != policy.dont_care
        moved = int(np.count_nonzero((actual == policy.dont_care) != ~counted))
        yield at_most("don't-care mask", float(moved), 0.0, "pixels differ")
    yield from _label_set(actual, policy)
    if not counted.any():
        yield Check(name="values", passed=False, measured=0.0, limit=1.0, detail="every expected pixel is don't-care")
        return
    mine, theirs = actual[counted], expected[counted]
    yield at_least("pixel agreement", float(np.mean(mine == theirs)), AGREEMENT, f"over {theirs.size} pixels")
    yield from _overlap(mine, theirs)


def _label_set(actual: Array, policy: ComparisonPolicy) -> Iterator[Check]:
    import numpy as np

    if policy.number_of_classes is None:
        return
    allowed = set(range(policy.number_of_classes)) | ({policy.dont_care} if policy.dont_care is not None else set())
    # Items count the don't-care class in or out; either way the highest label is the number of classes.
    allowed.add(policy.number_of_classes)
    strange = sorted(set(np.unique(actual).tolist()) - allowed)
    yield at_most("undeclared labels", float(len(strange)), 0.0, ", ".join(map(str, strange[:8])))


def _overlap(mine: Array, theirs: Array) -> Iterator[Check]:
    import numpy as np

    labels, counts = np.unique(theirs, return_counts=True)
    iou = {
        label: float(np.count_nonzero((mine == label) & (theirs == label)))
        / float(np.count_nonzero((mine == label) | (theirs == label)))
        for label in labels.tolist()
    }
    yield at_least("mean IoU", float(np.mean(list(iou.values()))), MEAN_IOU, f"{len(iou)} classes")
    common = {label: iou[label] for label, n in zip(labels.tolist(), counts, strict=True) if n >= RARE * theirs.size}
    worst = min(common, key=lambda label: common[label])
    yield at_least("lowest class IoU", common[worst], CLASS_IOU, f"class {worst}")


def _exact(actual: Array, expected: Array) -> Check:
    import numpy as np

    return at_most("differing elements", float(np.count_nonzero(actual != expected)), 0.0, f"of {expected.size}")


def _psnr(actual: Array, expected: Array) -> Check:
    import numpy as np

    error = float(np.mean((actual.astype(np.float64) - expected.astype(np.float64)) ** 2))
    decibels = 20 * np.log10(255.0) - 10 * np.log10(error) if error else 99.0
    return at_least("PSNR (weak reference)", float(decibels), PSNR, "a rendered picture hides values")


def at_most(name: str, measured: float, limit: float, detail: str = "") -> Check:
    ratio = measured / limit if limit else None
    return Check(name=name, passed=measured <= limit, measured=measured, limit=limit, ratio=ratio, detail=detail)


def at_least(name: str, measured: float, limit: float, detail: str = "") -> Check:
    """`ratio` is of the shortfalls where both are shares of one, so that below 1 is inside."""
    shortfall = (1 - measured) / (1 - limit) if limit < 1 else limit / measured if measured else None
    return Check(name=name, passed=measured >= limit, measured=measured, limit=limit, ratio=shortfall, detail=detail)
