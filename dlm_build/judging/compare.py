"""Two decoded files → checks. Pure; what arrays and documents hold is for `values` and `documents` to compare.

Order: what the file is, then its form (shape, dtype, nodata, place on Earth), then its values by task. A check that
makes the later ones meaningless ends the list.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from msgspec.structs import replace

from dlm_build.errors import shown
from dlm_build.judging import values
from dlm_build.judging.decode import Decoded
from dlm_build.judging.decoder import ALPHA
from dlm_build.judging.documents import document_checks, json_checks
from dlm_build.records import Check, ComparisonPolicy

if TYPE_CHECKING:
    import numpy.typing as npt


def compare(
    actual: Decoded, expected: Decoded, policy: ComparisonPolicy, *, own_form: bool = False
) -> tuple[Check, ...]:
    """Checks in order; empty only when there was nothing to compare, which the caller must not take for a pass.

    `own_form`: dlm-build's own runner wrote the file. It, and not the model, chose whether an array has the axis of
    its one scene, the type of labels, how wide the real numbers of a raster are, and what the file says of nodata and
    of opacity.
    """
    import numpy as np

    # Numbers near the end of what a float holds overflow when they are squared; what comes of it passes no limit.
    with np.errstate(over="ignore", invalid="ignore"):
        return _compared(actual, expected, policy, own_form=own_form)


def _compared(actual: Decoded, expected: Decoded, policy: ComparisonPolicy, *, own_form: bool) -> tuple[Check, ...]:
    if expected.kind == "json" and actual.kind == "json":
        return json_checks(actual.value, expected.value, policy, own_form=own_form)
    if expected.kind == actual.kind == "GeoPackage":
        return document_checks(_named_alike(actual.value, expected.value), expected.value, policy, "GeoPackage")
    if {expected.kind, actual.kind} <= {"HDF5", "NetCDF"}:
        return tuple(_variables(actual, expected, policy))
    if expected.kind == actual.kind and expected.kind in ("table", "text", "XML"):
        return document_checks(actual.value, expected.value, policy, expected.kind)
    if expected.kind == actual.kind == "bytes":
        detail = (
            "a file of this kind is compared as a whole; arrays, pictures, documents, tables and features are by what "
            "they hold"
        )
        return (Check(name="bytes", passed=False, measured="others", limit="identical", detail=detail),)
    if not expected.arrays or not actual.arrays:
        same = Check(
            name="file type", passed=False, measured=actual.kind, limit=expected.kind, detail="not the kind expected"
        )
        return (same,)
    if own_form:
        expected = expected._replace(arrays={n: a for n, a in expected.arrays.items() if not _is_alpha(n, expected)})
        actual = _in_form(actual, expected, policy)
    return tuple(_arrays(actual, expected, policy))


def _variables(actual: Decoded, expected: Decoded, policy: ComparisonPolicy) -> Iterator[Check]:
    """What is said of them first, then each, by its name."""
    yield from document_checks(actual.value, expected.value, policy, expected.kind)
    if set(actual.arrays) == set(expected.arrays):
        for name in expected.arrays:
            for check in _array(name, name, actual, expected, policy):
                yield replace(check, name=f"{shown(name)}: {check.name}")


def _named_alike(mine: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any]:
    """The only layer of each is the same one: GDAL takes its name from the file that it writes."""
    return dict(zip(theirs, mine.values(), strict=True)) if len(mine) == len(theirs) == 1 else mine


def _in_form(actual: Decoded, expected: Decoded, policy: ComparisonPolicy) -> Decoded:
    """`actual` with the axes of length one in front that `expected` has, labels in its type, rasters in its real
    numbers, its nodata."""
    arrays = dict(actual.arrays)
    for mine, theirs in _pairs(actual, expected) or ():
        array, wanted = arrays[mine], expected.arrays[theirs]
        if bare(array.shape) == bare(wanted.shape):
            array = array.reshape(wanted.shape)
        if policy.task == "labels" and array.dtype.kind in "iu" and wanted.dtype.kind in "iuf":
            array = _as_labels(array, wanted)
        if array.dtype.kind == wanted.dtype.kind == "f" and expected.kind == "geotiff":
            array = array.astype(wanted.dtype)
        arrays[mine] = array
    return actual._replace(arrays=arrays, nodata=expected.nodata)


def _as_labels(array: npt.NDArray[Any], wanted: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """In the numbers of `wanted`, if they hold every value; else as it is."""
    cast = array.astype(wanted.dtype)
    return cast if (cast == array).all() else array


def bare(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Without the axes of length one in front."""
    while shape[:1] == (1,):
        shape = shape[1:]
    return shape


def _arrays(actual: Decoded, expected: Decoded, policy: ComparisonPolicy) -> Iterator[Check]:
    yield from _place(actual, expected)
    names = _pairs(actual, expected)
    if names is None:
        yield Check(
            name="arrays",
            passed=False,
            measured=", ".join(actual.arrays),
            limit=", ".join(expected.arrays),
            detail="other array names",
        )
        return
    for mine, theirs in names:
        judged = replace(policy, task="exact") if _is_alpha(theirs, expected) else policy
        yield from _array(mine, theirs, actual, expected, judged)


def _is_alpha(name: str, described: Decoded) -> bool:
    """Whether it is the band of a picture that says how opaque each pixel is."""
    return name == ALPHA and described.kind != "npz"


def _pairs(actual: Decoded, expected: Decoded) -> list[tuple[str, str]] | None:
    if len(actual.arrays) == len(expected.arrays) == 1:
        return [(next(iter(actual.arrays)), next(iter(expected.arrays)))]
    if set(actual.arrays) != set(expected.arrays):
        return None
    return [(name, name) for name in expected.arrays]


def _place(actual: Decoded, expected: Decoded) -> Iterator[Check]:
    """Exact: a shifted or unplaced map is another map. Only what the expected file states is asked for."""
    if expected.nodata is not None:
        yield _equal("nodata", actual.nodata, expected.nodata)
    if expected.crs is not None:
        yield _equal("crs", actual.crs, expected.crs)
    if expected.transform is not None:
        yield _equal("transform", str(actual.transform), str(expected.transform))
    if expected.scaling or actual.scaling:
        yield _equal("scale and offset", actual.scaling or "none", expected.scaling or "none")


def _equal(name: str, measured: str | None, wanted: str) -> Check:
    return Check(name=name, passed=measured == wanted, measured=str(measured), limit=wanted)


def _array(mine: str, theirs: str, actual: Decoded, expected: Decoded, policy: ComparisonPolicy) -> Iterator[Check]:
    array, wanted = actual.arrays[mine], expected.arrays[theirs]
    shape = _equal("shape", str(array.shape), str(wanted.shape))
    dtype = _equal("dtype", str(array.dtype), str(wanted.dtype))
    yield from (shape, dtype)
    if not shape.passed or not dtype.passed:
        return
    if wanted.size == 0:
        yield Check(name="values", passed=False, measured=0.0, limit=1.0, detail="the expected array is empty")
    elif theirs in expected.coordinates:
        yield from values.coordinate_checks(array, wanted)
    else:
        picture = expected.kind in ("png", "jpeg")
        yield from values.array_checks(array, wanted, policy, picture=picture, nodata=expected.void(theirs))
