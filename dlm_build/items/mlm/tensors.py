"""`mlm:input` and `mlm:output`: the first of each, since one file goes in and one comes out."""

from __future__ import annotations

from math import prod

from dlm_build.errors import shown
from dlm_build.findings.mlm_tensors import (
    BandsAgainstShape,
    ProcessingNotCalled,
    ResizeNotDone,
    SeveralInputs,
    SeveralOutputs,
    SeveralTasks,
)
from dlm_build.findings.tensors import ContradictionClassIndex
from dlm_build.items.display import display_text, phrase, text_of
from dlm_build.items.document import Number, Value
from dlm_build.items.mlm.bands import Listing, band_names, selected_bands
from dlm_build.items.mlm.fields import rows_of, rows_of_list, said
from dlm_build.items.mlm.scaling import read_scaling
from dlm_build.items.mlm.shapes import Shape, read_shape
from dlm_build.items.names import DTYPE, machine_name
from dlm_build.items.node import Node
from dlm_build.items.scalars import integer, real
from dlm_build.items.tensors import MAX_BANDS, MAX_BATCH, MAX_CLASSES, MAX_ELEMENTS, MAX_SIDE
from dlm_build.records import ClassName, Inputs, Outputs

_EXAMPLE = '"mlm:input": [{"name": "rgb", "bands": [], "input": {"shape": [-1, 3, 256, 256], "dim_order": [...]}}]'
_NO_NUMBER = ("nan", "inf", "-inf", "none")


def read_mlm_inputs(node: Node, listing: Listing, selected: tuple[int, ...] = ()) -> Inputs:
    """`node` is `mlm:input`; `selected` are the places of its bands where the item gives them besides.

    Raises ItemInvalid for numbers that no tensor has.
    """
    entries = rows_of_list(node)
    if not entries:
        return Inputs()
    if len(entries) > 1:
        node.find(SeveralInputs, count=len(entries), found=_labels(entries))
    first = entries[0].object(_EXAMPLE)
    structure = first.get("input", "input_array").object('"input": {"shape": [-1, 3, 256, 256]}')
    structure = first if structure.absent else structure
    shape = read_shape(structure)
    _check_size(structure, shape)
    names = band_names(first)
    _check_bands(first, names, shape)
    _note_processing(first, "pre_processing_function")
    resize = first.at("resize_type")
    if isinstance(resize.value, str) and resize.value.strip().lower() not in ("none", "null"):
        resize.find(ResizeNotDone, found=resize.value)
    scaling = read_scaling(first)
    return Inputs(
        name=text_of(first, "name"),
        batch=_fixed(shape.batch),
        channels=_fixed(shape.channels),
        height=_fixed(shape.height),
        width=_fixed(shape.width),
        scaling_factor=scaling.factor,
        mean=scaling.mean,
        std=scaling.std,
        selected_bands=selected or selected_bands(first, names, listing),
        dtype=listing.data_type or _dtype(said(structure, "data_type", "dtype")),
        nodata=_nodata(listing.nodata),
    )


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
    if not names or channels in (None, -1, len(names)) or not first.at("pre_processing_function").absent:
        return
    first.get("bands").find(BandsAgainstShape, bands=len(names), channels=channels)


def _note_processing(node: Node, name: str) -> None:
    if not node.has(name):
        return
    for row in rows_of(node.at(name)):
        expression = row.at("expression").value if isinstance(row.value, dict) else row.value
        text = expression if isinstance(expression, str) else "a function"
        row.find(ProcessingNotCalled, found=text)


def _dtype(node: Node) -> str | None:
    value = machine_name(node, DTYPE)
    return value.lower() if value else None


def _nodata(node: Node | None) -> float | None:
    """NaN and the like, which raster:bands writes as texts, need not be told: the file does."""
    if node is None or (isinstance(node.value, str) and node.value.strip().lower() in _NO_NUMBER):
        return None
    return real(node, -1.8e308, 1.8e308, "0")


# --- outputs -----------------------------------------------------------------------------------------------------


def read_mlm_outputs(node: Node, tasks: Node) -> Outputs:
    """`node` is `mlm:output`, `tasks` is `mlm:tasks`. Raises ItemInvalid for numbers that no tensor has.

    MLM asks for a shape: one of nothing but -1 says nothing. A class has its title, which people read, before its name.
    """
    entries = rows_of_list(node)
    if not entries:
        return Outputs(task=_task(tasks))
    if len(entries) > 1:
        node.find(SeveralOutputs, count=len(entries), found=_labels(entries))
    first = entries[0].object('"mlm:output": [{"tasks": ["classification"], "result": {"shape": [-1, 10]}}]')
    result = result_of(first)
    place = result.object('"result": {"shape": [-1, 10], "dim_order": ["batch", "class"]}')
    sizes = read_shape(place, image=False).sizes
    if prod(map(abs, sizes)) > MAX_ELEMENTS:
        raise result.at("shape").invalid("describes a tensor that no file holds", 'write "shape": [-1, 10]')
    _note_processing(first, "post_processing_function")
    own = said(first, "tasks", "task")
    classes, dont_care = _classes(first.get("classification:classes", "classification_classes", "classes"))
    declared = integer(said(first, "number_of_classes", "num_classes"), 1, MAX_CLASSES)
    return Outputs(
        task=_task(tasks if own.absent else own),
        number_of_classes=declared or len(classes) or None,
        dont_care_index=dont_care,
        final_layer_size=() if {*sizes} == {-1} else sizes,
        classes=classes,
    )


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
    return integer(said(row, "value", "index", "id"), -(1 << 31), 1 << 31)
