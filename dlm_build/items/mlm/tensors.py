"""`mlm:input` and `mlm:output`: the first of each, since one file goes in and one comes out."""

from __future__ import annotations

import re
from math import prod

from dlm_build.errors import shown
from dlm_build.findings.mlm_tensors import (
    BandsAgainstShape,
    ClassesByValue,
    DataTypeOfLibrary,
    ProcessingNotCalled,
    ResizeNotDone,
    ScalingMiscounted,
    SeveralInputs,
    SeveralOutputs,
    SeveralTasks,
)
from dlm_build.findings.tensors import ContradictionClassIndex
from dlm_build.items.display import display_text, phrase, text_of
from dlm_build.items.document import Number, Value
from dlm_build.items.mlm.bands import Listing, band_names, selected_bands
from dlm_build.items.mlm.fields import lenient, note_unknown, rows_of, rows_of_list, said
from dlm_build.items.mlm.scaling import Scaling, read_scaling
from dlm_build.items.mlm.shapes import Shape, read_shape
from dlm_build.items.names import DTYPE, machine_name
from dlm_build.items.node import Node
from dlm_build.items.scalars import integer, real
from dlm_build.items.tensors import MAX_BANDS, MAX_BATCH, MAX_CLASSES, MAX_ELEMENTS, MAX_SIDE, check_nodata, known_type
from dlm_build.records import ClassName, Inputs, Outputs

_STRUCTURE = frozenset(("shape", "dim_order", "data_type"))
_INPUT = frozenset(("name", "bands", "variables", "input", "value_scaling", "resize_type", "pre_processing_function"))
_OUTPUT = frozenset(("name", "tasks", "result", "bands", "variables", "post_processing_function"))
_OLD_STRUCTURE = _STRUCTURE | {"name", "title", "description", "dim_names", "axes", "dtype"}
INPUT_FIELDS = _INPUT | _OLD_STRUCTURE | {"input_array", "norm_by_channel", "norm_type", "norm_clip", "statistics"}
OUTPUT_FIELDS = _OUTPUT | _OLD_STRUCTURE | {
    "task", "result_array", "classification:classes", "classification_classes", "classes", "number_of_classes",
    "num_classes",
}  # fmt: skip
"""Of every version, and of what stands in their place; those without `FIELDS` are what MLM has today."""
INPUT_EXAMPLE = (
    'a list such as "mlm:input": [{"name": "scene", "bands": [], "input": {"shape": [-1, 3, 256, 256], '
    '"dim_order": ["batch", "channel", "height", "width"], "data_type": "float32"}}]'
)
OUTPUT_EXAMPLE = (
    'a list such as "mlm:output": [{"name": "mask", "tasks": ["semantic-segmentation"], "result": '
    '{"shape": [-1, 2, 256, 256], "dim_order": ["batch", "class", "height", "width"], "data_type": "float32"}}]'
)
_IS_VALUE = re.compile(r"[0-9]{1,9}")
_LIBRARIES = ("torch", "np", "numpy", "tf", "tensorflow", "jnp", "jax.numpy")
_ARRAYS = (".npy", ".npz")
_NO_NUMBER = ("nan", "inf", "-inf", "none")


def read_mlm_inputs(
    node: Node, entries: list[Node], listing: Listing, selected: tuple[int, ...] = (), *, form: str = ""
) -> Inputs:
    """`node` is `mlm:input`, `entries` are its objects; `selected` are the places of its bands where the item gives
    them besides. `form` is the suffix of the sample: an array may have any axes, and a file of arrays feeds several
    inputs. Whatever cannot be what it says it is, is left out, with a finding: the sample may do without it.
    """
    if not entries:
        return Inputs()
    if len(entries) > 1 and form != ".npz":
        node.find(SeveralInputs, count=len(entries), found=_labels(entries))
    first = entries[0]
    note_unknown(first, INPUT_FIELDS, _INPUT)
    structure = lenient(first.get("input", "input_array"), _structure, first)
    if structure.absent:
        structure = first
    elif structure is not first:
        note_unknown(structure, _OLD_STRUCTURE, _STRUCTURE)
    image = form not in _ARRAYS
    shape = lenient(structure, lambda place: _input_shape(place, image=image), Shape())
    names = band_names(first)
    _check_bands(first, names, shape)
    _note_processing(first, "pre_processing_function")
    resize = first.at("resize_type")
    if isinstance(resize.value, str) and resize.value.strip().lower() not in ("none", "null"):
        resize.find(ResizeNotDone, found=resize.value)
    scaling = lenient(first, read_scaling, Scaling())
    _check_count(first, scaling, shape.channels)
    nodata = lenient(listing.nodata, _nodata, None) if listing.nodata else None
    if listing.nodata:
        check_nodata(listing.nodata, nodata, listing.data_type)
    declared = lenient(said(structure, "data_type", "dtype"), _dtype, None)
    axes = () if image else shape.axes
    return Inputs(
        name=text_of(first, "name"),
        batch=_fixed(shape.batch),
        channels=_fixed(shape.channels),
        height=_fixed(shape.height),
        width=_fixed(shape.width),
        scaling_factor=scaling.factor,
        mean=scaling.mean,
        std=scaling.std,
        selected_bands=selected or lenient(first, lambda node: selected_bands(node, names, listing), ()),
        dtype=listing.data_type or declared,
        axes=axes,
        tensor_dtype=declared if axes else None,
        nodata=nodata,
    )


def _structure(node: Node) -> Node:
    return node.object('"input": {"shape": [-1, 3, 256, 256]}')


def _input_shape(structure: Node, *, image: bool) -> Shape:
    shape = read_shape(structure, image=image)
    _check_size(structure, shape)
    return shape


def _labels(entries: list[Node]) -> str:
    return ", ".join(display_text(said(entry, "name", "description"), 80) or entry.pointer for entry in entries)


def _fixed(size: int | None) -> int | None:
    return None if size == -1 else size


def _check_size(node: Node, shape: Shape) -> None:
    sides = max(shape.height or 1, shape.width or 1)
    too_long = sides > MAX_SIDE or (shape.channels or 1) > MAX_BANDS or (shape.batch or 1) > MAX_BATCH
    if too_long or prod(map(abs, shape.sizes)) > MAX_ELEMENTS:
        raise node.at("shape").invalid("describes a tensor that no file fills", 'write "shape": [-1, 3, 256, 256]')


def _check_bands(first: Node, names: tuple[str, ...], shape: Shape) -> None:
    channels = shape.channels
    if not names or channels in (None, -1, len(names)) or _steps(first, "pre_processing_function"):
        return
    first.get("bands").find(BandsAgainstShape, bands=len(names), channels=channels)


def _check_count(first: Node, scaling: Scaling, channels: int | None) -> None:
    """Of steps that are all the same, whose count is not seen in their numbers any more."""
    if scaling.count < 2 or scaling.mean or scaling.std or channels in (None, -1, scaling.count):
        return
    field = "value_scaling" if first.has("value_scaling") else "statistics"
    first.at(field).find(ScalingMiscounted, found=scaling.count, channels=channels)


def _steps(node: Node, name: str) -> list[Node]:
    """What is done to the tensor by functions. An empty object is what R writes for null."""
    return [row for row in rows_of(node.at(name)) if row.value != {}] if node.has(name) else []


def _note_processing(node: Node, name: str) -> None:
    for row in _steps(node, name):
        expression = row.at("expression").value if isinstance(row.value, dict) else row.value
        text = expression if isinstance(expression, str) else "a function"
        row.find(ProcessingNotCalled, found=text)


def _dtype(node: Node) -> str | None:
    library, dot, name = node.value.strip().rpartition(".") if isinstance(node.value, str) else ("", "", "")
    if dot and library.lower() in _LIBRARIES and DTYPE.pattern.fullmatch(name):
        node.find(DataTypeOfLibrary, found=node.value, read=name.lower())
        return name.lower()
    return known_type(node, machine_name(node, DTYPE))


def _nodata(node: Node) -> float | None:
    """NaN and the like, which raster:bands writes as texts, need not be told: the file does."""
    if isinstance(node.value, str) and node.value.strip().lower() in _NO_NUMBER:
        return None
    return real(node, -1.8e308, 1.8e308, "0")


# --- outputs -----------------------------------------------------------------------------------------------------


def read_mlm_outputs(node: Node, entries: list[Node], tasks: Node) -> Outputs:
    """`node` is `mlm:output`, `entries` are its objects, `tasks` is `mlm:tasks`. What cannot be is left out, as above.

    MLM asks for a shape: one of nothing but -1 says nothing. A class has its title, which people read, before its name.
    """
    if not entries:
        return Outputs(task=_task(tasks))
    if len(entries) > 1:
        node.find(SeveralOutputs, count=len(entries), found=_labels(entries))
    first = entries[0]
    note_unknown(first, OUTPUT_FIELDS, _OUTPUT)
    sizes = lenient(result_of(first), _output_shape, Shape()).sizes
    _note_processing(first, "post_processing_function")
    own = said(first, "tasks", "task")
    classes, dont_care = _classes(first.get("classification:classes", "classification_classes", "classes"))
    declared = lenient(said(first, "number_of_classes", "num_classes"), _class_count, None)
    return Outputs(
        task=_task(tasks if own.absent else own),
        number_of_classes=declared or len(classes) or None,
        dont_care_index=dont_care,
        final_layer_size=() if {*sizes} == {-1} else sizes,
        classes=classes,
    )


def _output_shape(result: Node) -> Shape:
    shape = read_shape(result.object('"result": {"shape": [-1, 10], "dim_order": ["batch", "class"]}'), image=False)
    if prod(map(abs, shape.sizes)) > MAX_ELEMENTS:
        raise result.at("shape").invalid("describes a tensor that no file holds", 'write "shape": [-1, 10]')
    return shape


def _class_count(node: Node) -> int | None:
    return integer(node, 1, MAX_CLASSES)


def result_of(output: Node) -> Node:
    """Where an output has its shape."""
    results = rows_of(output.get("result", "result_array"))
    return results[0] if results else output


def _task(node: Node) -> str | None:
    """The first; a special kind of a task before the task itself (`semantic segmentation` before `segmentation`)."""
    names = [phrase(name) for row in rows_of_list(node) if (name := display_text(row))]
    if len(names) < 2:
        return names[0] if names else None
    special = [name for name in names if any(name != other and name.endswith(other) for other in names)]
    task = (special or names)[0]
    if len(set(names)) > 1:
        node.find(SeveralTasks, found=", ".join(names), task=task)
    return task


def _classes(node: Node) -> tuple[tuple[ClassName, ...], int | None]:
    """The classes by their values, and the value of the class that stands for no data."""
    classes: dict[int, ClassName] = {}
    dont_care: int | None = None
    if by_value := _by_value(node):
        return by_value, None
    for place, row in enumerate(rows_of(node)):
        fields = row.value if isinstance(row.value, dict) else None
        value = None if fields is None else _class_value(row, fields.get("value"))
        name = display_text(row) if fields is None else text_of(row, "title", "name", "description")
        number = place if value is None else value
        if number in classes:
            row.find(ContradictionClassIndex, found=number)
        classes.setdefault(number, ClassName(index=number, name=name or shown(str(number))))
        if dont_care is None and fields is not None and fields.get("nodata") is True:
            dont_care = number
    return tuple(classes.values()), dont_care


def _class_value(row: Node, written: Value) -> int | None:
    """`written` is what stands as its `value`, which is a small number, but for odd items."""
    if isinstance(written, Number) and written.raw.isdigit() and len(written.raw) < 10:
        return int(written.raw)
    return lenient(said(row, "value", "index", "id"), _any_integer, None)


def _any_integer(node: Node) -> int | None:
    return integer(node, -(1 << 31), 1 << 31)


def _by_value(node: Node) -> tuple[ClassName, ...]:
    """Classes written as an object of names by their values; nothing for any other form."""
    if not isinstance(node.value, dict) or not all(map(_IS_VALUE.fullmatch, node.value)):
        return ()
    names = {int(value): display_text(name) or value for value, name in node.members()}
    if names:
        node.find(ClassesByValue, count=len(names))
    return tuple(ClassName(index=index, name=name) for index, name in names.items())
