"""`mlm:input` and `mlm:output`, from what a DLM item says of its tensors; and the bands that the input speaks of."""

from __future__ import annotations

import unicodedata
from typing import Any, NamedTuple

from dlm_build.items.display import display_text
from dlm_build.items.node import Node
from dlm_build.migrating.records import Notes
from dlm_build.migrating.source import Source, plain
from dlm_build.records import Inputs, Outputs

DATA_TYPES = frozenset((
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64",
    "cint16", "cint32", "cfloat32", "cfloat64", "other",
))  # fmt: skip
TASKS = frozenset((
    "regression", "classification", "scene-classification", "detection", "object-detection", "segmentation",
    "semantic-segmentation", "instance-segmentation", "panoptic-segmentation", "similarity-search", "generative",
    "image-captioning", "super-resolution", "downscaling",
))  # fmt: skip
_COMMON_NAMES = frozenset((
    "pan", "coastal", "blue", "green", "green05", "yellow", "red", "rededge", "rededge071", "rededge075", "rededge078",
    "nir", "nir08", "nir09", "cirrus", "swir16", "swir22", "lwir", "lwir11", "lwir12",
))  # fmt: skip
_NUMBERS = ("center_wavelength", "full_width_half_max", "solar_illumination")
_READ = frozenset(
    ("name", "description", "common_name", "eo:common_name", *_NUMBERS, *(f"eo:{name}" for name in _NUMBERS))
)
_DIMENSIONS = {1: ("class",), 2: ("batch", "class"), 3: ("class", "height", "width")}
_FOUR = ("batch", "class", "height", "width")
_FIRST_IN, _FIRST_OUT = "/properties/mlm:input/0", "/properties/mlm:output/0"


class Bands(NamedTuple):
    """STAC's list of the bands of the files, and the names of those the model takes, in its order."""

    listing: list[dict[str, Any]]
    taken: list[str]


def read_bands(source: Source, notes: Notes) -> Bands:
    """From `eo:bands`, with the names that `useful_bands` gives to indices."""
    inputs = source.item.inputs
    places = [source.properties.at(name) for name in ("bands", "eo:bands", "raster:bands")]
    node = next((place for place in places if place.rows()), places[0])
    rows = [row for row in node.rows() if isinstance(row.value, dict)]
    useful = _useful(source.parts["data"])
    notes.moved(node.pointer, "/properties/bands")
    listing = [_band(row, index, inputs, notes) for index, row in enumerate(rows)] or [
        {"name": name, **_values(inputs)} for name in useful.values()
    ]
    names = [str(band.get("name") or "") for band in listing]
    by_place = dict(enumerate(names if rows else []))
    by_index = useful if useful.keys() >= set(inputs.selected_bands) else by_place
    taken = [by_index.get(index, "") for index in inputs.selected_bands] or list(by_place.values())
    fits = inputs.channels in (None, len(taken)) and all(taken) and len(set(taken)) == len(taken)
    return Bands(listing, taken if fits else [])


def _useful(data: dict[str, Any]) -> dict[int, str]:
    rows = data.get("useful_bands")
    found = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    return {
        row["index"]: row["name"]
        for row in found
        if isinstance(row.get("index"), int) and isinstance(row.get("name"), str) and row["name"].strip()
    }


def _band(row: Node, index: int, inputs: Inputs, notes: Notes) -> dict[str, Any]:
    said = {name: row.at(name) if row.has(name) else row.at(f"eo:{name}") for name in ("common_name", *_NUMBERS)}
    made: dict[str, Any] = {**_text(row, "name"), **_text(row, "description"), **_values(inputs)}
    common = display_text(said["common_name"])
    if common in _COMMON_NAMES:
        made["eo:common_name"] = common
    elif common:
        notes.dropped(said["common_name"].pointer, f"{common} is not one of the common names of bands")
    for name in _NUMBERS:
        value = _number(said[name])
        if value is not None:
            made[f"eo:{name}"] = value
    for name in ("common_name", *_NUMBERS):
        notes.moved(f"{row.pointer}/{name}", f"/properties/bands/{index}/eo:{name}")
    rest = [name for name in row.names() if name not in _READ and not name.startswith("eo:")]
    others = {plain(name): plain(row.at(name).value) for name in rest}
    return {**{name: value for name, value in others.items() if value is not None}, **made}


def _text(row: Node, name: str) -> dict[str, str]:
    text = display_text(row.at(name))
    return {name: text} if text else {}


def _number(node: Node) -> float | None:
    value = plain(node.value)
    return value if isinstance(value, int | float) and not isinstance(value, bool) and value >= 0 else None


def _values(inputs: Inputs) -> dict[str, Any]:
    """What is true of the values of every band."""
    made: dict[str, Any] = {}
    if inputs.dtype in DATA_TYPES:
        made["data_type"] = inputs.dtype
    if inputs.nodata is not None:
        made["nodata"] = _short(inputs.nodata)
    return made


def mlm_input(inputs: Inputs, bands: list[str], notes: Notes) -> list[dict[str, Any]]:
    """One input; none where the item says nothing of its shape or scaling."""
    said = (inputs.name, inputs.batch, inputs.channels, inputs.height, inputs.width, inputs.scaling_factor)
    if not (any(one is not None for one in said) or inputs.mean or inputs.std or inputs.selected_bands):
        return []
    shape = [-1 if side is None else side for side in (inputs.batch, inputs.channels, inputs.height, inputs.width)]
    if -1 in shape:
        notes.assumed(f"{_FIRST_IN}/input/shape", "-1, which is any size, where the item says none")
    if inputs.name is None:
        notes.assumed(f"{_FIRST_IN}/name", "the item gives its input no name")
    notes.assumed(f"{_FIRST_IN}/input/data_type", "float32: DLM says the type of the files, not of the tensor")
    order = ["batch", "bands" if bands else "channel", "height", "width"]
    made: dict[str, Any] = {
        "name": inputs.name or "input",
        "bands": bands,
        "input": {"shape": shape, "dim_order": order, "data_type": "float32"},
    }
    if scaling := _scaling(inputs):
        made["value_scaling"] = scaling
    return [made]


def _scaling(inputs: Inputs) -> list[dict[str, Any]]:
    """x * factor, then (x - mean) / std, as one z-score of the raw values for each band."""
    factor = inputs.scaling_factor if inputs.scaling_factor is not None else 1.0
    if not inputs.mean and not inputs.std:
        return [{"type": "scale", "value": _rounded(1 / factor)}] if inputs.scaling_factor is not None else []
    length = max(len(inputs.mean), len(inputs.std))
    mean, std = _long(inputs.mean, length, 0.0), _long(inputs.std, length, 1.0)
    if not mean or not std:
        return []
    return [
        {"type": "z-score", "mean": _rounded(m / factor), "stddev": _rounded(s / factor)}
        for m, s in zip(mean, std, strict=True)
    ]


def _long(values: tuple[float, ...], length: int, default: float) -> tuple[float, ...]:
    """One value stands for all bands; none where the numbers do not fit each other."""
    if len(values) <= 1:
        return (values or (default,)) * length
    return values if len(values) == length else ()


def _rounded(value: float) -> float:
    """To twelve digits: what dividing adds behind them is noise, and the exact numbers are kept."""
    return _short(float(f"{value:.12g}"))


def _short(value: float) -> float:
    return int(value) if value.is_integer() and abs(value) < 2**53 else value


def mlm_output(outputs: Outputs, notes: Notes) -> list[dict[str, Any]]:
    """One output; none where the item says neither shape nor classes."""
    if not outputs.final_layer_size and not outputs.classes:
        return []
    shape = list(outputs.final_layer_size)
    order = _order(outputs)
    if not order:
        shape, order = [-1] * 4, list(_FOUR)
        notes.assumed(f"{_FIRST_OUT}/result/shape", "-1, which is any size: the item gives none that MLM can name")
    notes.assumed(f"{_FIRST_OUT}/result/data_type", "float32: the item does not say")
    notes.assumed(f"{_FIRST_OUT}/name", "the item gives its output no name")
    made: dict[str, Any] = {
        "name": "output",
        "tasks": mlm_tasks(outputs),
        "result": {"shape": shape, "dim_order": order, "data_type": "float32"},
    }
    if outputs.classes:
        made["classification:classes"] = [
            {"value": one.index, "name": one.name or str(one.index), "description": one.name or str(one.index)}
            for one in outputs.classes
        ]
    return [made]


def _order(outputs: Outputs) -> list[str]:
    """Names for the dimensions; none where their number says nothing."""
    size = outputs.final_layer_size
    if len(size) == 4:
        return list(_FOUR)
    if len(size) == 2 and "segmentation" in (outputs.task or ""):
        return ["height", "width"]
    return list(_DIMENSIONS.get(len(size), ()))


def dimensions(count: int, field: str) -> list[str]:
    """Names for so many dimensions of an `mlm:input` or `mlm:output`, where the item has none."""
    usual = {**_DIMENSIONS, 4: _FOUR}.get(count)
    if usual:
        return [name if field == "mlm:output" or name != "class" else "channel" for name in usual]
    return [f"axis-{'abcdefghijklmnopqrstuvwxyz'[index % 26]}{'-too' * (index // 26)}" for index in range(count)]


def mlm_tasks(outputs: Outputs) -> list[str]:
    name = (outputs.task or "").replace(" ", "-")
    return [name] if name in TASKS else []


def ascii_of(text: str) -> str:
    """Letters without their accents; what has no such letter is left out."""
    return unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii")
