"""The arithmetic between a file's bands and the model's tensors, as the item declares it. numpy only."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .contract import EXIT_INPUT, HarnessError

LABEL_TYPES = ("uint8", "uint16", "int16", "int32", "uint32")
"""Of class numbers, the first that fits; every GDAL writes and reads these, and none with 64 bits."""


BAND_AXES = ("bands", "band", "channels", "channel", "c", "variables", "variable", "features", "feature")
SCALING = ("scaling_factor", "mean", "std")


def are_tokens(array: Any, inputs: dict[str, Any]) -> bool:
    """Whether whole numbers of 64 bits, which no picture has, are to reach a model of unknown type as they are.

    They are rows and columns, or have the axes that the item names.
    """
    if array.dtype != np.int64 or any(inputs.get(name) for name in SCALING):
        return False
    picture = any(inputs.get(name) for name in ("channels", "height", "width"))
    rows = array.ndim in (1, 2) or (array.ndim == 3 and array.shape[0] == 1)  # as a file of rows and columns is read
    return bool(inputs.get("axes")) or (rows and not picture)


def bands_first(array: Any, shape: Sequence[Any] | None, channels: int | None) -> Any:
    """`array` as pictures are, with its bands first, where it lies as a model with `channels` bands last takes it.

    `shape` is the model's, as for `batched`. A table, for a model of rows and columns, has no bands.
    """
    if shape is not None and len(shape) == 2 and array.ndim == 3 and array.shape[0] == 1:
        return array[0]
    last = channels is not None and shape is not None and len(shape) == 4 and shape[3] == channels != shape[1]
    if not last or array.ndim not in (3, 4) or array.shape[-1] != channels or array.shape[-3] == channels:
        return array
    return np.ascontiguousarray(np.moveaxis(array, -1, -3))


def selected(array: Any, inputs: dict[str, Any], dtype: str = "float32") -> Any:
    """The bands the model takes in order, scaled and normalised in float32; as `dtype` where they need neither."""
    bands = list(inputs.get("selected_bands") or ())
    if bands and array.ndim >= 3:
        axis = band_axis(array, inputs)
        missing = [band for band in bands if not 0 <= band < array.shape[axis]]
        if missing:
            text = "the model takes band {} (counted from 0), the input has {} bands"
            raise HarnessError(text.format(missing[0], array.shape[axis]), EXIT_INPUT)
        array = np.take(array, bands, axis=axis)
    factor = inputs.get("scaling_factor")
    if factor is None and not inputs.get("mean") and not inputs.get("std"):
        return np.asarray(array).astype(dtype)  # not by way of float32, which holds no token above 2**24
    tensor = np.asarray(array, dtype=np.float32)
    if factor is not None:
        tensor = tensor * np.float32(factor)
    return _normalised(tensor, inputs)


def band_axis(array: Any, inputs: dict[str, Any]) -> int:
    """Counted from the end: a picture's, or where the item names the axes of another tensor, the one called so."""
    axes = list(inputs.get("axes") or ())
    named = [at - len(axes) for at, name in enumerate(axes) if name in BAND_AXES and len(axes) - at <= array.ndim]
    return named[0] if named else -3 if array.ndim >= 3 else -1


def _normalised(tensor: Any, inputs: dict[str, Any]) -> Any:
    mean, std = _statistic(tensor, inputs, "mean"), _statistic(tensor, inputs, "std")
    if mean is not None:
        tensor = tensor - mean
    if std is not None:
        if not np.all(std):
            raise HarnessError("dlm.json: /inputs/std holds a 0")
        tensor = tensor / std
    return tensor


def _statistic(tensor: Any, inputs: dict[str, Any], name: str) -> Any:
    """One number per band, shaped to apply along the band axis."""
    values = np.asarray(list(inputs.get(name) or ()), dtype=np.float32)
    if values.size == 0:
        return None
    axis = band_axis(tensor, inputs)
    if values.size not in (1, tensor.shape[axis]):
        text = "the item gives {} numbers for the {} of the bands, the input has {} bands"
        raise HarnessError(text.format(values.size, name, tensor.shape[axis]), EXIT_INPUT)
    return values.reshape((-1,) + (1,) * (-axis - 1))


def batched(tensor: Any, shape: Sequence[Any] | None) -> tuple[Any, bool]:
    """The tensor with its batch axis in the model's layout, and whether that layout has the bands last.

    `shape` is what the model says it takes, a number where fixed and a name or None where free; None in place of it
    all means (batch, bands, H, W).
    """
    if shape is None:
        return (tensor if tensor.ndim >= 4 else tensor[np.newaxis]), False
    if tensor.ndim == len(shape) - 1:
        tensor = tensor[np.newaxis]
    if tensor.ndim != len(shape):
        raise _unfit(shape, tensor)
    last = tensor.ndim == 4 and _has_bands_last(shape, tensor.shape)
    if last:
        tensor = np.ascontiguousarray(np.moveaxis(tensor, 1, -1))
    if not _fits(shape, tensor.shape):
        raise _unfit(shape, tensor)
    if shape and _fixed(shape[0]) and shape[0] > 1 and tensor.shape[0] == 1:
        tensor = np.repeat(tensor, shape[0], axis=0)  # a fixed batch: the same scene in each place, the first kept
    return tensor, last


def _has_bands_last(shape: Sequence[Any], got: Sequence[int]) -> bool:
    """Bands first wherever that fits, unless only the last axis says how many bands there are."""
    batch, bands, height, width = got
    if not _fits(shape, (batch, height, width, bands)):
        return False
    return not _fits(shape, got) or (_fixed(shape[3]) and not _fixed(shape[1]))


def _fits(shape: Sequence[Any], got: Sequence[int]) -> bool:
    return all(not _fixed(shape[axis]) or shape[axis] == got[axis] for axis in range(1, len(shape)))


def _fixed(length: Any) -> bool:
    return isinstance(length, int) and length >= 0


def _unfit(shape: Sequence[Any], tensor: Any) -> HarnessError:
    wanted = " x ".join(str(length) for length in shape)
    got = " x ".join(str(length) for length in tensor.shape)
    turned = tensor.ndim == 4 == len(shape) and _fits(shape, np.moveaxis(tensor, -1, 1).shape)
    hint = "; its bands are last: numpy.moveaxis(array, -1, 0) puts them first" if turned else ""
    return HarnessError(f"the model takes a tensor of {wanted}, the input gives {got}{hint}", EXIT_INPUT)


def label_map(scores: Any, bands_last: bool, classes: int | None, dont_care: int | None) -> Any:
    """(H, W) class numbers from one scene's scores; labels that the model already chose pass through.

    Raises HarnessError where no type of a map holds them.
    """
    if scores.ndim == 3 and 1 in (scores.shape[0], scores.shape[-1]) and scores.dtype.kind in "iub":
        scores = scores[0] if scores.shape[0] == 1 else scores[..., 0]
    if scores.ndim == 2:
        ends = (int(scores.min()), int(scores.max())) if scores.size else ()
        return np.asarray(scores).astype(label_type(*ends, dont_care or 0))
    axis = _class_axis(scores.shape, bands_last, classes)
    return scores.argmax(axis=axis).astype(label_type(scores.shape[axis] - 1, dont_care or 0))


def _class_axis(shape: Sequence[Any], bands_last: bool, classes: int | None) -> int:
    first, last = 0, len(shape) - 1
    usual, other = (last, first) if bands_last else (first, last)
    return other if classes is not None and shape[other] == classes != shape[usual] else usual


def label_type(*numbers: int) -> str:
    """The smallest type that holds all of the class numbers. Raises HarnessError where none does."""
    lowest, highest = min(numbers), max(numbers)
    for name in LABEL_TYPES:
        if np.iinfo(name).min <= lowest and highest <= np.iinfo(name).max:
            return name
    raise HarnessError(f"the class numbers go from {lowest} to {highest}, which no map of 32 bits holds")


def nodata_mask(array: Any, nodata: float | None) -> Any:
    """(H, W): True where every band of the file holds no data; None where the item names no such value."""
    if nodata is None or array.ndim != 3:
        return None
    empty = np.isnan(array) if nodata != nodata else array == nodata
    return empty.all(axis=0)


def best(scores: Any, count: int = 5) -> list[int]:
    """Numbers of the classes with the highest scores, best first; the lower number first where they tie."""
    return [int(number) for number in np.argsort(-scores, kind="stable")[:count]]
