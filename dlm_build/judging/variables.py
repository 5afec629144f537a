"""Variables with what is said of them, as NetCDF and HDF5 hold them: by the conventions that climate data follow.

Imported by the decoder's child only; what it reads is a stranger's.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    import numpy.typing as npt

_SAID = (
    "units", "calendar", "positive", "flag_values", "flag_meanings", "grid_mapping_name", "crs_wkt", "spatial_ref",
    "GeoTransform",
)  # fmt: skip
"""Attributes that say what the numbers mean; others tell who wrote them, when and with which library."""
ATTRIBUTES = frozenset((*_SAID, "coordinates", "_FillValue", "missing_value", "scale_factor", "add_offset"))
"""All that are looked at."""
_PLACES = frozenset(("lat", "lon", "latitude", "longitude", "lng", "easting", "northing"))
_TEXTS = "SUO"
"""Kinds of elements, as NumPy names them, that are texts; of objects each has to be one."""


class Variable(NamedTuple):
    name: str
    """With the groups that it lies in."""
    values: npt.NDArray[Any]
    said: dict[str, Any]
    """Its attributes, as JSON has them."""
    is_scale: bool = False
    """Whether it says where along an axis the values of others lie."""


def described(kind: str, variables: Sequence[Variable]) -> dict[str, Any]:
    """What the decoder tells of a file: numbers as arrays, texts among what is said of each.

    Packed numbers are unpacked, since how they are packed may depend on the smallest and largest; what stands for no
    value is NaN where that can be told from a number, else given beside it.
    """
    texts = {one.name: plain(one.values) for one in variables if one.values.dtype.kind in _TEXTS}
    numbers = [one for one in variables if one.name not in texts]
    named = {name for one in variables for name in str(one.said.get("coordinates", "")).split()}
    said = {one.name: {key: one.said[key] for key in _SAID if key in one.said} for one in variables}
    arrays = {one.name: _unpacked(one) for one in numbers}
    voids = {one.name: _void(one) for one in numbers if arrays[one.name].dtype.kind in "iu"}
    return {
        "kind": kind,
        "arrays": arrays,
        "value": {name: {**told, "text": texts[name]} if name in texts else told for name, told in said.items()},
        "coordinates": [one.name for one in numbers if _is_coordinate(one, named)],
        "voids": {name: void for name, void in voids.items() if void is not None},
    }


def _is_coordinate(one: Variable, named: set[str]) -> bool:
    """Whether it tells where other values lie, or is one whole number, which is no map of labels."""
    name = one.name.rpartition("/")[2]
    is_count = not one.values.ndim and one.values.dtype.kind in "iu"
    return one.is_scale or name in named or name.lower() in _PLACES or is_count


def _void(one: Variable) -> float | None:
    """The number that stands for none."""
    return _number(one.said.get("_FillValue", one.said.get("missing_value")))


def _number(told: Any) -> float | None:
    told = told[0] if isinstance(told, list) and told else told
    return float(told) if isinstance(told, int | float) else None


def _unpacked(one: Variable) -> npt.NDArray[Any]:
    import numpy as np

    void, values = _void(one), one.values
    scale, offset = (_number(one.said.get(name)) for name in ("scale_factor", "add_offset"))
    packed = scale is not None or offset is not None
    if not packed and values.dtype.kind != "f":
        return values
    absent = np.zeros(values.shape, bool) if void is None else values == void
    if packed:
        small = values.dtype.itemsize <= 2 or values.dtype == np.float32
        values = values.astype(np.float32 if small else np.float64)
        values = values * values.dtype.type(1.0 if scale is None else scale) + values.dtype.type(offset or 0.0)
    return np.where(absent, values.dtype.type(np.nan), values) if absent.any() else values


def plain(value: Any) -> Any:
    """As JSON has it. Raises NotImplementedError for what is neither text nor number."""
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [plain(inner) for inner in value]
    if isinstance(value, bytes):
        return value.decode(errors="backslashreplace")
    if isinstance(value, str | int | float):
        return value
    raise NotImplementedError(f"{type(value).__name__} is neither text nor number")
