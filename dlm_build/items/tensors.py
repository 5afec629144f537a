"""Inputs and outputs: how a sample becomes a tensor, and what the model promises to give."""

from __future__ import annotations

import re
from math import prod

from dlm_build.errors import shown
from dlm_build.findings import tensors as kinds
from dlm_build.findings.contradictions import ContradictionMean, ContradictionStd
from dlm_build.findings.reading import OtherSpelling
from dlm_build.items.display import display_text, phrase
from dlm_build.items.document import Number, described
from dlm_build.items.names import DTYPE, machine_name
from dlm_build.items.node import Node
from dlm_build.items.scalars import integer, integers, real, reals
from dlm_build.records import ClassName, Inputs, Outputs

MAX_BATCH = 65_536
MAX_BANDS = 65_536
MAX_SIDE = 1 << 20
MAX_ELEMENTS = 1 << 34
"""Of one tensor: no model of a packaged sample takes or gives more."""
MAX_CLASSES = 65_536
_INPUTS_EXAMPLE = '"dlm:inputs": {"input_tensors": {"batch": 1, "channels": 3, "height": 256, "width": 256}}'
_OUTPUTS_EXAMPLE = '"dlm:outputs": {"task": "semantic segmentation", "number_of_classes": 5}'
_CLASSES_EXAMPLE = '"class_name_mapping": [{"0": "water"}, {"1": "forest"}]'
_ONE_FACTOR = "give a factor, a mean and a deviation for each band, or one of them for all"
_BANDS_EXAMPLE = '"selected_bands": [0, 1, 3]'


_TYPES = frozenset((
    "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float16", "float32", "float64", "cint16",
    "cint32", "cfloat32", "cfloat64", "other", "bool", "boolean", "byte", "ubyte", "short", "ushort", "int", "uint",
    "long", "ulong", "half", "float", "double", "bfloat16", "complex64", "complex128",
))  # fmt: skip
"""Of rasters, of arrays, and what libraries call them; in lower case."""
_WHOLE = re.compile(r"(u?)int(8|16|32|64)")


def read_inputs(node: Node, data: Node) -> Inputs:
    """`node` is `dlm:inputs`, `data` is `dlm:data`. Every number is within bounds, else ItemInvalid."""
    node.object(_INPUTS_EXAMPLE)
    nested = _shape(node.get("input_tensors")).object('{"batch": 1, "channels": 3, "height": 256, "width": 256}')
    shape = node if nested.absent else nested
    factor, mean, std = _scaling(node)
    inputs = Inputs(
        name=display_text(node.get("name")),
        batch=_batch(shape.get("batch")),
        channels=integer(shape.get("channels"), 1, MAX_BANDS),
        height=integer(shape.get("height"), 1, MAX_SIDE),
        width=integer(shape.get("width"), 1, MAX_SIDE),
        scaling_factor=factor,
        mean=mean,
        std=std,
        selected_bands=_selected_bands(node, data),
        dtype=_dtype(node, data),
        number_of_bands=integer(data.get("number_of_bands"), 1, MAX_BANDS),
        nodata=_nodata(data.get("nodata_value")),
    )
    sides = (inputs.batch, inputs.channels, inputs.height, inputs.width)
    if prod(side or 1 for side in sides) > MAX_ELEMENTS:
        raise shape.invalid(f"describes a tensor of more than {MAX_ELEMENTS:,} values", f"write {_INPUTS_EXAMPLE}")
    check_nodata(data.at("nodata_value"), inputs.nodata, inputs.dtype)
    return inputs


def _shape(node: Node) -> Node:
    """A list of three or four sizes as an object, by the order of frameworks; anything else as it is."""
    rows = node.rows() if isinstance(node.value, list) and len(node.value) in (3, 4) else []
    sizes = [row.value.raw for row in rows if isinstance(row.value, Number)]
    if not rows or len(sizes) != len(rows):
        return node
    last = sizes[-3] == sizes[-2] != sizes[-1]
    names = ("batch", *(("height", "width", "channels") if last else ("channels", "height", "width")))
    members = dict(zip(names[-len(rows) :], rows, strict=True))
    read = ", ".join(f'"{name}": {size}' for name, size in zip(members, sizes, strict=True))
    node.find(kinds.ShapeIsAList, found=f"[{', '.join(sizes)}]", read=f"{{{read}}}")
    return node.made_of(members)


def _batch(node: Node) -> int | None:
    if isinstance(node.value, Number) and node.value.raw == "-1":
        return None  # any size
    return integer(node, 1, MAX_BATCH)


def _scaling(node: Node) -> tuple[float | None, tuple[float, ...], tuple[float, ...]]:
    """Factor, mean and deviation. Factors that differ from band to band are told by the other two.

    (x * factor - mean) / std is (x - mean / factor) / (std / factor).
    """
    place = node.get("scaling_factor")
    factors = _factors(place)
    mean, std = _normalization(node, "mean", -1e12), _normalization(node, "std", 1e-12)
    if len(set(factors)) < 2:
        return (factors[0] if factors else None), mean, std
    count = len(factors)
    if not {len(mean), len(std)} <= {0, 1, count}:
        raise place.invalid(f"has {count} numbers, but mean and std have {len(mean)} and {len(std)}", _ONE_FACTOR)
    means, deviations = mean or (0.0,), std or (1.0,)
    return (
        None,
        tuple(means[at % len(means)] / factor for at, factor in enumerate(factors)),
        tuple(deviations[at % len(deviations)] / factor for at, factor in enumerate(factors)),
    )


def _factors(node: Node) -> tuple[float, ...]:
    if isinstance(node.value, list):
        values = reals(node, -1e12, 1e12, '"scaling_factor": 0.003921569')
        node.find(kinds.ScalingIsAList, found=len(values))
    else:
        value = real(node, -1e12, 1e12, "0.003921569")
        values = () if value is None else (value,)
    if 0 in values:
        raise node.invalid("must not be 0: every input would be", "write 0.003921569 for 1/255, or 1")
    return values


def _normalization(node: Node, name: str, low: float) -> tuple[float, ...]:
    nested = node.get("normalization")
    nested = nested if isinstance(nested.value, dict) else Node(node.log, node.pointer, {})
    flat = node.get(f"normalization:{name}", f"normalization_{name}")
    inner = nested.get(name)
    example = f'"normalization:{name}": [0.5, 0.5, 0.5]'
    if inner.absent:
        return reals(flat, low, 1e12, example)
    if flat.absent:
        inner.find(OtherSpelling, wanted=f"normalization:{name}")
        return reals(inner, low, 1e12, example)
    used = reals(flat, low, 1e12, example)
    if inner.value != flat.value:
        kind = ContradictionMean if name == "mean" else ContradictionStd
        inner.find(kind, found=described(inner.value), other=flat.pointer, used=list(used))
    return used


def _selected_bands(node: Node, data: Node) -> tuple[int, ...]:
    """0-based indices; from `useful_bands` where `selected_bands` is not given."""
    bands = integers(node.get("selected_bands"), 0, MAX_BANDS, _BANDS_EXAMPLE)
    useful = useful_bands(data)
    if bands or not useful:
        return bands
    place = data.at("useful_bands").pointer
    node.get("selected_bands").find(kinds.BandsInferred, found=list(useful), other=place)
    return useful


def useful_bands(data: Node) -> tuple[int, ...]:
    """The indices of `useful_bands`, of objects or alone; empty where any of them has none."""
    rows = data.get("useful_bands").rows()
    indices = [row.get("index").value if isinstance(row.value, dict) else row.value for row in rows]
    numbers = [int(i.raw) for i in indices if isinstance(i, Number) and i.raw.isdigit() and len(i.raw) < 6]
    return tuple(numbers) if len(numbers) == len(rows) else ()


def _dtype(node: Node, data: Node) -> str | None:
    field = data.get("dtype")
    if field.absent:
        field = node.get("dtype")
    return known_type(field, machine_name(field, DTYPE))


def known_type(node: Node, name: str | None) -> str | None:
    """In lower case; that there is no such type is a finding."""
    kind = name.lower() if name else None
    if kind and kind not in _TYPES:
        node.find(kinds.DataTypeUnknown, found=name)
    return kind


def check_nodata(node: Node, nodata: float | None, dtype: str | None) -> None:
    """Notes a nodata value that a type of whole numbers cannot hold."""
    if nodata is None or dtype is None or (whole := _WHOLE.fullmatch(dtype)) is None:
        return
    bits = int(whole[2])
    low, high = (0, (1 << bits) - 1) if whole[1] else (-(1 << bits - 1), (1 << bits - 1) - 1)
    if not (low <= nodata <= high and nodata.is_integer()):
        node.find(kinds.NodataOutsideType, found=f"{nodata:g}", dtype=dtype, low=low, high=high)


def _nodata(node: Node) -> float | None:
    if isinstance(node.value, str) and node.value.strip().lower() in ("nan", "none", "inf", "-inf"):
        node.find(kinds.NodataNotANumber, found=described(node.value))
        return None
    return real(node, -1.8e308, 1.8e308, "0")


def read_outputs(node: Node) -> Outputs:
    """Every number is within bounds, else ItemInvalid."""
    node.object(_OUTPUTS_EXAMPLE)
    task = display_text(node.get("task"))
    layer = node.get("final_layer_size")
    size = integers(layer, -1, 1 << 30, '"final_layer_size": [1, 5, 64, 64]')
    if 0 in size or prod(abs(side) for side in size) > MAX_ELEMENTS:
        raise layer.invalid(
            f"must be positive (-1: any) and describe at most {MAX_ELEMENTS:,} values, but is {list(size[:8])}",
            'write "final_layer_size": [1, 5, 64, 64]',
        )
    return Outputs(
        task=phrase(task) if task else None,
        number_of_classes=integer(node.get("number_of_classes"), 1, MAX_CLASSES),
        dont_care_index=integer(node.get("dont_care_index"), -(1 << 31), 1 << 31),
        final_layer_size=size,
        classes=_classes(node.get("class_name_mapping")),
    )


def _classes(node: Node) -> tuple[ClassName, ...]:
    """From an object, or a list of one-key objects, texts, or objects with index and name."""
    if not node.absent and not isinstance(node.value, list | dict):
        raise node.invalid(f"must be a list of objects, but is {described(node.value)}", f"write {_CLASSES_EXAMPLE}")
    classes: dict[int, ClassName] = {}
    for index, name, place in _class_pairs(node):
        if index in classes:
            place.find(kinds.ContradictionClassIndex, found=index)
        classes.setdefault(index, ClassName(index=index, name=name))
    return tuple(classes.values())


def _class_pairs(node: Node) -> list[tuple[int, str, Node]]:
    if isinstance(node.value, dict):
        return [_class_pair(key, member) for key, member in node.members()]
    pairs: list[tuple[int, str, Node]] = []
    for index, row in enumerate(node.rows()):
        number, name = row.get("index", "value", "id"), row.get("name", "title", "description")
        if isinstance(row.value, str | Number):
            node.find(kinds.ClassIndexInferred)
            pairs.append((index, display_text(row) or "", row))
        elif not number.absent and not name.absent:
            pairs.append(_class_pair(shown(_plain(number)), name))
        elif isinstance(row.value, dict):
            pairs.extend(_class_pair(key, member) for key, member in row.members())
        else:
            raise row.invalid(f"must be an object, but is {described(row.value)}", f"write {_CLASSES_EXAMPLE}")
    return pairs


def _class_pair(key: str, node: Node) -> tuple[int, str, Node]:
    """Index and name; the other way round where only that makes sense."""
    if index := _index(key):
        return int(index), display_text(node) or "", node
    inverted = _index(_plain(node))
    if inverted is None:
        raise node.invalid(f'must be named by a class index, but is named "{shown(key)}"', f"write {_CLASSES_EXAMPLE}")
    node.find(kinds.ClassMappingInverted)
    return int(inverted), shown(key), node


def _plain(node: Node) -> str:
    return node.value.raw if isinstance(node.value, Number) else node.value if isinstance(node.value, str) else ""


def _index(key: str) -> str | None:
    key = key.strip()
    return key if key.isascii() and key.removeprefix("-").isdigit() and len(key) < 8 else None
