"""The numbers: one function per kind of output, each giving checks with measured error, limit and ratio.

Limits are for a run as shipped, on other hardware than the author's: TF32 keeps 10 mantissa bits and is on for
convolutions by default, so fp32 maps differ by about 2**-11 per product across GPUs; label maps flip only where two
classes are close; half precision has 11 or 8 bits. Item-supplied tolerances replace the elementwise limits; the plan
has already held them to a ceiling.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from dlm_build.records import Check, ComparisonPolicy
from dlm_build.tolerances import ATOL

if TYPE_CHECKING:
    import numpy.typing as npt

    Array = npt.NDArray[Any]

REL_L2 = {"float16": 5e-3, "float32": 1e-3, "float64": 1e-3}
"""Relative L2 error of a float map, by dtype."""
WITHIN = 0.999
"""Share of elements that must lie within ten times that, times the largest expected magnitude."""
ALONE, VARIATION = 50, 100
"""How many times the error of a whole map one of its bands may have, and what varies in a band: what cancels out in a
weak band leaves the rounding of stronger ones."""
DEAD, WEAK = 0.99, 1e-3
"""Share of exact zeros of a band that a ReLU left a few pixels of, and its size beside the largest: what is there is
the rounding of what was cut off."""
STEADY = 4e-3
"""Share of a band's size that counts as varying at least: ten bits of a number are off by 3e-4 of it."""
FAINT = 1e-6
"""Share of the largest band below which single precision tells nothing of another beside it."""
MANY = 32
"""Bands from which on they are numbers of one kind, as an embedding's are, so that a `WEAK` one is rounding; fewer
columns have units of their own."""
PROBABILITY = 1e-2
"""Largest absolute difference of a probability."""
AGREEMENT = 0.999
"""Share of equal labels over the pixels that count."""
MEAN_IOU, CLASS_IOU, RARE = 0.995, 0.98, 1e-3
"""Over classes; per class, where it covers at least `RARE` of the pixels."""
PSNR = 40.0
"""Decibels between two 8-bit rendered pictures: a weak reference, since colours hide values."""
MOVED = 0.02
"""Share of its own size by which a box or an outline may move; of the step between two, a coordinate."""
AMONG = 1e-3
"""Share of the range that all are spread over by which a coordinate may move, where they come in no order."""
ALIKE = 1e-7
"""Share of itself by which a coordinate may move in any case, as when it is the only one, but not to the next place."""
FILL = 99.0
"""Nothing smaller is taken for nodata where no file says so; -99, -999, -9999 and the largest float32 are usual."""
PIECE = 1 << 22
"""Elements that are counted at a time."""
TINY = 2.3e-308
"""In place of 0, to divide by."""


def array_checks(
    actual: Array, expected: Array, policy: ComparisonPolicy, *, picture: bool = False, nodata: float | None = None
) -> tuple[Check, ...]:
    """`actual` and `expected` have one shape and dtype and are not empty; `nodata` is the expected file's, if any."""
    if expected.dtype.kind == "c":
        parts = ((actual.real, expected.real), (actual.imag, expected.imag))
        return tuple(check for part in parts for check in array_checks(*part, policy))
    if expected.dtype.kind == "f":
        return (*_masks(actual, expected), *_floats(actual, expected, policy, nodata))
    rendered = picture and expected.ndim == 3 and expected.shape[0] >= 3
    if policy.task == "labels" and expected.dtype.kind in "iub" and not rendered:
        return tuple(_labels(actual, expected, policy, nodata))
    if picture:
        return (_psnr(actual, expected),)
    return (_exact(actual, expected),)


def _masks(actual: Array, expected: Array) -> Iterator[Check]:
    """NaN and infinity sit where the author's sit, or nothing else about the values can be trusted."""
    import numpy as np

    nan = int(np.count_nonzero(np.isnan(actual) != np.isnan(expected)))
    yield at_most("NaN mask", float(nan), 0.0, "elements differ")
    above, below = np.isposinf(actual) != np.isposinf(expected), np.isneginf(actual) != np.isneginf(expected)
    yield at_most("infinity mask", float(np.count_nonzero(above | below)), 0.0, "elements differ")
    if not np.isfinite(expected).any():
        yield Check(name="values", passed=False, measured=0.0, limit=1.0, detail="no finite value to compare")


def _floats(actual: Array, expected: Array, policy: ComparisonPolicy, nodata: float | None) -> Iterator[Check]:
    """Over the elements that are values: finite, and not the one number that stands for none."""
    import numpy as np

    finite = np.isfinite(actual) & np.isfinite(expected)
    if not finite.any():
        return
    if policy.task == "labels" and np.all(expected[finite] == np.rint(expected[finite])):
        yield from _labels(actual[finite], expected[finite], policy, nodata)
        return
    void = _fill(expected[finite]) if nodata is None else _held(nodata, expected)
    absent = finite & (expected == void) if void is not None else np.zeros_like(finite)
    counted = finite & ~absent
    if not counted.any():
        yield Check(name="values", passed=False, measured=0.0, limit=1.0, detail="every expected value is nodata")
        return
    mine, theirs = actual[counted].astype(np.float64), expected[counted].astype(np.float64)
    if void is not None:
        near = 10 * REL_L2.get(expected.dtype.name, 1e-3) * float(np.abs(theirs).max())
        moved = int(np.count_nonzero(np.abs(actual[absent].astype(np.float64) - void) > near))
        yield at_most("nodata mask", float(moved), 0.0, f"elements are not {void:g}, where the author's are")
    if policy.atol is not None or policy.rtol is not None:
        yield _declared(mine, theirs, policy)
    elif policy.task in ("probabilities", "class-scores") and theirs.min() >= 0.0 and theirs.max() <= 1.0:
        yield from _probabilities(np.where(counted, actual, np.nan), np.where(counted, expected, np.nan), policy)
    else:
        if policy.task == "class-scores":
            yield from _ranking(actual, expected)
        yield from _map(mine, theirs, expected.dtype.name)
        maps = (np.where(counted, actual, np.nan), np.where(counted, expected, np.nan))
        for axis in _band_axes(expected.shape):
            yield from _bands(*maps, axis)


def _held(nodata: float, expected: Array) -> float:
    """As its elements hold it: 1e20 is another number in single precision."""
    import numpy as np

    with np.errstate(over="ignore"):
        return float(np.float64(nodata).astype(expected.dtype))


def _fill(theirs: Array) -> float | None:
    """The value that stands for none where no file says which: huge, repeated, and far from every other."""
    import numpy as np

    size = np.abs(theirs)
    value = theirs[size.argmax()]
    others = size[theirs != value]
    if abs(value) < FILL or theirs.size - others.size < 2 or others.size == 0:
        return None
    return float(value) if abs(float(value)) >= 10 * float(others.max()) else None


def number_checks(mine: Array, theirs: Array, policy: ComparisonPolicy) -> tuple[Check, ...]:
    """Numbers of one kind in a document, as float64 and not empty: by the item's own tolerances, else each against
    itself, and against what is large among them. One huge number makes the others no easier to meet."""
    import numpy as np

    if policy.atol is not None or policy.rtol is not None:
        return (_declared(mine, theirs, policy),)
    scale = np.maximum(np.abs(theirs), float(np.percentile(np.abs(theirs), 90)))
    # Where nine of ten are zero, what stands in the place of one is held to the largest.
    errors = np.abs(mine - theirs) / np.where(scale > 0, scale, float(np.abs(theirs).max()) or 1.0)
    return (
        at_most("relative error", float(np.sqrt(np.mean(errors**2))), REL_L2["float64"]),
        at_least("numbers near", float(np.mean(errors <= 10 * REL_L2["float64"])), WITHIN),
    )


def figure_checks(figures: Sequence[tuple[Array, Array, float]], policy: ComparisonPolicy) -> Check:
    """Boxes and outlines: (mine, theirs, size), the first two alike in shape, the size in their own unit and not 0.

    A shape may move by a share of its own size, however far from the origin it is: at 2 %, two boxes still share 0.96
    of what they cover together.
    """
    import numpy as np

    allowed = [_allowance(size, policy) for _, _, size in figures]
    moved = [
        float(np.abs(mine - theirs).max()) / most for (mine, theirs, _), most in zip(figures, allowed, strict=True)
    ]
    return at_most("shapes near", max(moved), 1.0, "of the distance allowed")


def coordinate_checks(actual: Array, expected: Array) -> tuple[Check, ...]:
    """Where along an axis, on a grid or in a list other values lie."""
    import numpy as np

    if expected.dtype.kind != "f":
        return (_exact(actual, expected),)
    masks, finite = (*_masks(actual, expected),), np.isfinite(actual) & np.isfinite(expected)
    if not finite.any():
        return masks
    spread, largest = float(np.ptp(expected[finite])), float(abs(expected[finite]).max())
    step, rounding = _step(expected), max(4 * float(np.finfo(expected.dtype).eps), ALIKE) * largest
    allowed = max(min(MOVED * step, AMONG * spread), min(rounding, step / 2) if step else rounding, TINY)
    off = float(abs(actual[finite].astype(np.float64) - expected[finite].astype(np.float64)).max())
    return (*masks, at_most("coordinates near", off / allowed, 1.0, f"of {allowed:g} allowed"))


def _step(places: Array) -> float:
    """From one place to the next that is another, along the axis where they lie farthest apart."""
    import numpy as np

    apart = [abs(np.diff(places, axis=axis)) for axis in range(places.ndim)]
    return max(
        (float(np.median(one[told])) for one in apart if (told := np.isfinite(one) & (one > 0)).any()), default=0.0
    )


def _allowance(size: float, policy: ComparisonPolicy) -> float:
    if policy.atol is None and policy.rtol is None:
        return MOVED * size
    return max(_atol(size, policy) + (policy.rtol or 0.0) * size, TINY)


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


def _bands(actual: Array, expected: Array, axis: int | None) -> Iterator[Check]:
    """Each band along `axis` by itself, NaN where there is no value: one in large units hides what another holds, and
    a large mean hides what varies around it. A band of other units is no small one: only rounding errors are passed
    over.
    """
    import numpy as np

    limit = REL_L2.get(expected.dtype.name, 1e-3)
    pairs = [
        (mine[told].astype(np.float64), theirs[told].astype(np.float64))
        for mine, theirs in zip(_split(actual, axis), _split(expected, axis), strict=True)
        if (told := ~np.isnan(theirs)).any()
    ]
    sizes = [_rms(theirs) for _, theirs in pairs]
    least = WEAK if len(pairs) >= MANY else FAINT
    large = [pair for pair, size in zip(pairs, sizes, strict=True) if size > _least(*pair, least) * max(sizes)]
    if len(pairs) > 1 and large:
        worst = max(_rms(mine - theirs) / _rms(theirs) for mine, theirs in large)
        yield at_most("error of one band", worst, ALONE * limit, f"relative L2, the worst of {len(pairs)} bands")
    if large:
        missed = max(_of_what_varies(mine, theirs) for mine, theirs in large)
        yield at_most("error of what varies", missed, VARIATION * limit, "relative L2, without the mean")


def _least(mine: Array, theirs: Array, otherwise: float) -> float:
    """Share of the largest band below which this one tells nothing."""
    import numpy as np

    return WEAK if np.mean((mine == 0) & (theirs == 0)) >= DEAD else otherwise


def _of_what_varies(mine: Array, theirs: Array) -> float:
    """Against what varies, or against a share of the whole where less does: what is left of a number in reduced
    precision varies, too.
    """
    rest, wanted = mine - mine.mean(), theirs - theirs.mean()
    return _rms(rest - wanted) / (max(_rms(rest), _rms(wanted), STEADY * _rms(theirs)) or 1.0)


def _band_axes(shape: tuple[int, ...]) -> tuple[int | None, ...]:
    """Along which axes the bands of a map may lie, None where it is one; as nothing says along which, along each.

    The shortest of the last three, as most maps are higher and wider than deep; the longest, too, where the others are
    alike, as in an embedding of 768 numbers over 16 x 16 places. Few columns of many rows are bands as well.
    """
    first = next((axis for axis, length in enumerate(shape) if length > 1), len(shape))
    sides = shape[max(first, len(shape) - 3) :]
    axes = [len(shape) - len(sides) + place for place in sorted(range(len(sides)), key=sides.__getitem__)]
    lengths = sorted(sides)
    if len(sides) < 2 or (len(sides) == 2 and not lengths[0] < MANY <= lengths[1]):
        return (None,)
    deep = len(sides) == 3 and lengths[1] <= 2 * lengths[0] and max(2 * lengths[1], MANY) <= lengths[2]
    return (axes[0], axes[-1]) if deep else (axes[0],)


def _split(array: Array, axis: int | None) -> list[Array]:
    import numpy as np

    return [array] if axis is None else list(np.moveaxis(array, axis, 0))


def _rms(values: Array) -> float:
    import numpy as np

    return float(np.sqrt(np.mean(values**2)))


def _declared(mine: Array, theirs: Array, policy: ComparisonPolicy) -> Check:
    """|a - e| <= atol + rtol |e| for every element, with the tolerances the item gives."""
    import numpy as np

    rtol, atol = policy.rtol or 0.0, _atol(float(np.abs(theirs).max()), policy)
    excess = np.abs(mine - theirs) / np.maximum(atol + rtol * np.abs(theirs), TINY)
    given = f" of {policy.atol:g} given" if policy.atol and atol < policy.atol else ""
    return at_most("elementwise tolerance", float(excess.max()), 1.0, f"atol {atol:g}{given}, rtol {rtol:g}")


def _atol(scale: float, policy: ComparisonPolicy) -> float:
    """The item's absolute tolerance, held to a share of the largest value: what is small against it is no pass for
    numbers that are all small."""
    atol = policy.atol or 0.0
    most = (ATOL.ceiling if policy.relaxed else ATOL.default) * scale
    return min(atol, most) if scale > 0 else atol


def _probabilities(actual: Array, expected: Array, policy: ComparisonPolicy) -> Iterator[Check]:
    """NaN where there is no value."""
    import numpy as np

    mine, theirs = actual.astype(np.float64), expected.astype(np.float64)
    limit = PROBABILITY * min(1.0, 10 * float(np.nanmax(theirs)))
    yield at_most("largest difference", float(np.nanmax(np.abs(mine - theirs))), limit or TINY)
    axis = _class_axis(expected)
    if axis is not None:
        off = float(np.nanmax(np.abs(mine.sum(axis=axis) - 1.0)))
        yield at_most("sum of probabilities", off, 1e-3, "distance from 1, as in the expected output")
    if policy.task == "class-scores":
        yield from _ranking(actual, expected)


def _class_axis(expected: Array) -> int | None:
    """The axis along which the expected probabilities sum to one, if any."""
    import numpy as np

    for axis in range(expected.ndim):
        if expected.shape[axis] < 2:
            continue
        sums = expected.astype(np.float64).sum(axis=axis)
        told = sums[~np.isnan(sums)]
        if told.size and np.allclose(told, 1.0, atol=1e-3):
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


def _labels(actual: Array, expected: Array, policy: ComparisonPolicy, nodata: float | None) -> Iterator[Check]:
    import numpy as np

    counted = np.ones(expected.shape, dtype=bool)
    if policy.dont_care is not None:
        counted = expected != policy.dont_care
        moved = int(np.count_nonzero((actual == policy.dont_care) != ~counted))
        yield at_most("don't-care mask", float(moved), 0.0, "pixels differ")
    yield from _label_set(actual, policy, nodata)
    if not counted.any():
        yield Check(name="values", passed=False, measured=0.0, limit=1.0, detail="every expected pixel is don't-care")
        return
    mine, theirs = actual[counted], expected[counted]
    yield at_least("pixel agreement", float(np.mean(mine == theirs)), AGREEMENT, f"over {theirs.size} pixels")
    yield from _overlap(mine, theirs)


def _label_set(actual: Array, policy: ComparisonPolicy, nodata: float | None) -> Iterator[Check]:
    import numpy as np

    if policy.number_of_classes is None:
        return
    # Items count the don't-care class in or out; either way the highest label is the number of classes.
    allowed = {*range(policy.number_of_classes + 1), policy.dont_care, nodata}
    strange = sorted(set(np.unique(actual).tolist()) - allowed)
    yield at_most("undeclared labels", float(len(strange)), 0.0, ", ".join(map(str, strange[:8])))


def _overlap(mine: Array, theirs: Array) -> Iterator[Check]:
    """Over the labels that the author's map has."""
    import numpy as np

    labels = np.union1d(mine, theirs)
    same, given, wanted = np.zeros((3, labels.size), dtype=np.int64)
    for start in range(0, theirs.size, PIECE):
        ours, authors = (np.searchsorted(labels, part[start : start + PIECE]) for part in (mine, theirs))
        given += np.bincount(ours, minlength=labels.size)
        wanted += np.bincount(authors, minlength=labels.size)
        same += np.bincount(authors[ours == authors], minlength=labels.size)
    there = wanted > 0
    iou = same[there] / (given + wanted - same)[there]
    yield at_least("mean IoU", float(iou.mean()), MEAN_IOU, f"{iou.size} classes")
    common = wanted[there] >= RARE * theirs.size
    if common.any():
        worst = int(np.where(common, iou, np.inf).argmin())
        yield at_least("lowest class IoU", float(iou[worst]), CLASS_IOU, f"class {labels[there][worst]}")


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
