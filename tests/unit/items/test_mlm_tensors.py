"""Inputs and outputs of MLM items, in the words of each version."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dlm_build.records import ClassName, Item
from dlm_build.schemas import problems_of_item
from dlm_build.schemas.offline import fits

from .samples_of_items import codes, found, read, spoiled
from .samples_of_mlm import INPUT, MLM, OUTPUT


def spoil(path: str, value: object = ...) -> Item:
    return read(spoiled(path, value, MLM))


def with_input(**fields: Any) -> Item:
    """The whole item with another single input."""
    return spoil("properties/mlm:input", [{"name": "x", **fields}])


# --- one or several ----------------------------------------------------------------------------------------------


def test_an_object_in_place_of_a_list() -> None:
    item = copy.deepcopy(MLM)
    for name in ("mlm:input", "mlm:output"):
        item["properties"][name] = item["properties"][name][0]
    got = read(item)
    assert got.inputs == read(MLM).inputs and got.outputs == read(MLM).outputs
    assert {f.pointer for f in got.findings if f.code == "one-not-a-list"} == {
        "/properties/mlm:input",
        "/properties/mlm:output",
    }


def test_several_inputs_and_outputs() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"].append({"name": "elevation", "description": "heights"})
    item["properties"]["mlm:output"].append({"name": "edges"})
    got = read(item)
    assert got.inputs.name == "scene" and got.outputs.task == "semantic segmentation"
    assert found(got, "several-inputs").evidence == "scene, elevation"
    assert found(got, "several-outputs").evidence == "mask, edges"
    assert "contradiction-spellings" not in codes(got)


@pytest.mark.parametrize(("name", "said"), [("sample.npz?v=1", False), ("sample.npy", True), ("sample.tif", True)])
def test_a_file_of_arrays_feeds_several_inputs(name: str, said: bool) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"].append({"name": "elevation"})
    item["assets"]["sample"]["href"] = f"https://example.org/{name}"
    assert ("several-inputs" in codes(read(item))) == said


@pytest.mark.parametrize("value", [[], None, {}])
def test_nothing_is_said_of_the_tensors(value: object) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"] = item["properties"]["mlm:output"] = value
    got = read(item)
    assert got.inputs.channels is None and got.outputs.task == "semantic segmentation"


NOT_DESCRIBED = {"mlm:input": "input-not-described", "mlm:output": "output-not-described"}


@pytest.mark.parametrize("value", [(), [], None, {}, [None], [{}]])
@pytest.mark.parametrize("name", NOT_DESCRIBED)
def test_that_nothing_is_said_is_said(name: str, value: object) -> None:
    item = copy.deepcopy(MLM)
    del item["properties"][name]
    if value != ():
        item["properties"][name] = value
    assert found(read(item), NOT_DESCRIBED[name]).pointer == f"/properties/{name}"
    assert "empty-field" not in codes(read(item))


@pytest.mark.parametrize("name", NOT_DESCRIBED)
def test_what_to_write_of_tensors_is_valid(name: str) -> None:
    hint = found(spoil(f"properties/{name}", []), NOT_DESCRIBED[name]).hint
    (given,) = json.loads(f"{{{hint.removeprefix('write a list such as ').partition(', with the model')[0]}}}").items()
    assert given[0] == name and fits(given[1], name)
    assert NOT_DESCRIBED[name] not in codes(spoil(f"properties/{name}", given[1]))


@pytest.mark.parametrize("name", NOT_DESCRIBED)
def test_what_is_kept_of_dlm_says_it_too(name: str) -> None:
    item = copy.deepcopy(MLM)
    item["properties"] |= {name: [], "dlm:inputs": {"name": "scene"}, "dlm:outputs": {"number_of_classes": 3}}
    assert not {*NOT_DESCRIBED.values(), "empty-field"} & codes(read(item))


@pytest.mark.parametrize("name", ["mlm:framework", "mlm:framework_version", "mlm:tasks"])
def test_an_empty_field_that_always_applies(name: str) -> None:
    assert found(spoil("properties/" + name, None), "empty-field").pointer == f"/properties/{name}"


def test_a_null_that_is_an_answer() -> None:
    assert "empty-field" not in codes(spoil("properties/mlm:accelerator", None))


def test_inputs_and_outputs_by_their_names() -> None:
    item = copy.deepcopy(MLM)
    for name in ("mlm:input", "mlm:output"):
        item["properties"][name] = {"one": item["properties"][name][0]}
    got = read(item)
    assert (got.inputs, got.outputs) == (read(MLM).inputs, read(MLM).outputs)
    said = [finding for finding in got.findings if finding.code == "names-not-a-list"]
    assert [finding.pointer for finding in said] == ["/properties/mlm:input", "/properties/mlm:output"]


def test_an_entry_that_is_no_object_is_left_out() -> None:
    item = spoil("properties/mlm:input", ["rgb", MLM["properties"]["mlm:input"][0]])
    assert found(item, "field-left-out").pointer == "/properties/mlm:input/0"
    assert item.inputs == read(MLM).inputs


def test_fields_with_a_slip_in_their_names() -> None:
    item = with_input(band=["red"], type="image", input={"shapes": [-1, 2, 8, 8]}, **{"other:field": 1})
    hints = {finding.pointer: finding.hint for finding in item.findings if finding.code == "field-unknown"}
    at = "/properties/mlm:input/0"
    assert hints == {
        f"{at}/band": "rename it to `bands`, if that is what it is",
        f"{at}/type": "say it in the description",
        f"{at}/input/shapes": "rename it to `shape`, if that is what it is",
    }


def test_a_text_is_no_input() -> None:
    item = spoil("properties/mlm:input", "Satellite Imagery")
    finding = found(item, "field-left-out")
    assert finding.pointer == "/properties/mlm:input" and "must be an object, but is the text" in finding.message
    assert item.inputs.channels is None and item.outputs.number_of_classes == 3


# --- shapes ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("shape", "order", "sides"),
    [
        ([-1, 3, 64, 32], ["batch", "channel", "height", "width"], (None, 3, 64, 32)),
        ([8, 64, 32, 3], ["batch", "y", "x", "bands"], (8, 3, 64, 32)),
        ([-1, 1, 64, 32], ["batch", "h", "y", "x"], (None, 1, 64, 32)),
        ([-1, 3, 64, 32], "bchw", (None, 3, 64, 32)),
        ([-1, 3, 64, 32], "batch, channel, height, width", (None, 3, 64, 32)),
        ([-1, 10], ["batch", "class"], (None, 10, None, None)),
        ([-1, 4, 64, 32], ["batch", "spectral", "lat", "lon"], (None, 4, 64, 32)),
        (["-1", "3", 64, 32], ["B", "C", "H", "W"], (None, 3, 64, 32)),
    ],
)
def test_shapes(shape: list[object], order: object, sides: tuple[int | None, ...]) -> None:
    got = with_input(input={"shape": shape, "dim_order": order}).inputs
    assert (got.batch, got.channels, got.height, got.width) == sides


@pytest.mark.parametrize(
    ("shape", "sides"),
    [
        ([224, 320, 3], (None, 3, 224, 320)),
        ([3, 224, 320], (None, 3, 224, 320)),
        ([1, 224, 320, 3], (1, 3, 224, 320)),
        ([1, 3, 224, 320], (1, 3, 224, 320)),
        ([1, 7], (1, 7, None, None)),
    ],
)
def test_shapes_without_an_order(shape: list[int], sides: tuple[int | None, ...]) -> None:
    item = with_input(shape=shape)
    got = item.inputs
    assert (got.batch, got.channels, got.height, got.width) == sides
    assert found(item, "dimensions-assumed").pointer == "/properties/mlm:input/0/shape"


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ([-1, 5, 3, 64, 64], ["batch", "time", "bands", "height", "width"]),
        ([1, 2, 3], ["x", "x", "x"]),
        ([-1, 2, 3, 4, 5, 6], []),
    ],
)
def test_shapes_that_are_not_an_images(shape: list[int], order: list[str]) -> None:
    item = with_input(input={"shape": shape, "dim_order": order})
    assert item.inputs.channels is None and "dimensions-unread" in codes(item)


@pytest.mark.parametrize("field", ["mlm:input", "mlm:output"])
@pytest.mark.parametrize("value", ["mask", ["mask"], 5])
def test_what_is_no_entry_is_told_with_a_valid_list_of_its_field(field: str, value: object) -> None:
    (finding,) = [f for f in spoil(f"properties/{field}", value).findings if f.code == "field-left-out"]
    example = json.loads("{" + finding.hint.partition("such as ")[2] + "}")
    assert [*example] == [field]
    item = copy.deepcopy(MLM)
    del item["properties"][field], item["assets"]["model"]["bands"]
    before = {problem.pointer for problem in problems_of_item(item)}
    item["properties"] |= example
    assert {problem.pointer for problem in problems_of_item(item)} <= before


@pytest.mark.parametrize(
    ("shape", "order", "fix"),
    [
        ([-1, 24, 2], ["batch", "time", "channel"], ".npy"),
        ([-1, 4096, 6], ["batch", "point", "feature"], ".npy"),
        ([-1, 12, 3, 64], ["batch", "time", "bands", "width"], ".npy"),
        ([-1, 2, 64, 64], ["batch", "chanel", "heigth", "width"], '["batch", "channel", "height", "width"]'),
        ([64, 32, 2, -1], ["hight", "widht", "bands", "batch"], '"dim_order": ["height", "width", "bands", "batch"]'),
        ([-1, 2, 64, 64], ["batch", "bands", "height", "height"], "a name of its own"),
    ],
)
def test_only_names_that_are_nearly_an_images_are_to_be_changed(shape: list[int], order: list[str], fix: str) -> None:
    item = with_input(input={"shape": shape, "dim_order": order})
    hint = found(item, "dimensions-unread").hint
    assert fix in hint and (fix == ".npy" or ".npy" not in hint)


def test_a_sample_that_is_an_array_may_have_any_dimensions() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"][0]["input"] = {"shape": [-1, 24, 2], "dim_order": ["batch", "time", "channel"]}
    assert "dimensions-unread" in codes(read(item))
    assert read(item).inputs.axes == ()
    item["assets"]["sample"]["href"] = "./sample.npy"
    assert "dimensions-unread" not in codes(read(item)) and read(item).inputs.axes == ("batch", "time", "channel")


@pytest.mark.parametrize(
    ("shape", "order", "axes"),
    [
        ([-1, 4], ["Batch", "bands"], ("batch", "bands")),
        ([-1, 128], None, ("batch", "bands")),
        ([16000], ["samples"], ("samples",)),
        (
            [-1, 5, 3, 64, 64],
            ["batch", "time", "bands", "height", "width"],
            ("batch", "time", "bands", "height", "width"),
        ),
        ([-1, 3, 64, 64], ["batch", "bands", "height", "width"], ()),
        ([64, 64], ["height", "width"], ()),
        ([-1, 4], ["batch"], ()),
    ],
)
def test_the_axes_of_a_sample_that_is_no_picture(shape: list[int], order: Any, axes: tuple[str, ...]) -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["sample"]["href"] = "./sample.npy"
    structure = {"shape": shape, "data_type": "int64", **({"dim_order": order} if order else {})}
    item["properties"]["mlm:input"] = [{"name": "x", "bands": [], "input": structure}]
    inputs = read(item).inputs
    assert (inputs.axes, inputs.tensor_dtype) == (axes, "int64" if axes else None)


@pytest.mark.parametrize(("count", "told"), [(1, False), (2, True), (3, False), (4, True)])
@pytest.mark.parametrize("step", [{"type": "min-max", "minimum": 0, "maximum": 255}, {"type": "offset", "value": 0}])
def test_equal_steps_are_counted_too(step: dict[str, Any], count: int, told: bool) -> None:
    shape = {"shape": [-1, 3, 64, 64], "dim_order": ["batch", "bands", "height", "width"]}
    item = with_input(input=shape, value_scaling=[step] * count)
    assert ("scaling-miscounted" in codes(item)) is told


@pytest.mark.parametrize(("kind", "told"), [("uint7", True), ("float23", True), ("uint8", False), ("Float32", False)])
def test_a_type_that_there_is_not(kind: str, told: bool) -> None:
    item = spoil(f"{INPUT}input/data_type", kind)
    assert ("data-type-unknown" in codes(item)) is told


@pytest.mark.parametrize(
    ("kind", "nodata", "told"),
    [("uint8", -9999, True), ("uint8", 255, False), ("int16", -9999, False), ("uint16", 0.5, True),
     ("float32", -9999, False)],
)  # fmt: skip
def test_nodata_that_the_type_of_the_files_bands_cannot_hold(kind: str, nodata: float, told: bool) -> None:
    item = copy.deepcopy(MLM)
    for band in item["assets"]["model"]["bands"]:
        band |= {"data_type": kind, "nodata": nodata}
    assert ("nodata-outside-type" in codes(read(item))) is told


def test_more_dimensions_than_numbers() -> None:
    item = with_input(input={"shape": [-1, 3, 64], "dim_order": ["batch", "bands", "height", "width"]})
    finding = found(item, "dimensions-miscounted")
    assert item.inputs.channels is None and finding.pointer == "/properties/mlm:input/0/input/shape"
    assert "[-1, 3, 64] has 3 numbers, but 4 dimensions are named (batch, bands, height, width)" in finding.message


@pytest.mark.parametrize("shape", [[4], [-1, 4], [2, 64, 64], [-1, 2, 64, 64], [-1, 6, 5, 64, 64], [1, 2, 3, 4, 5, 6]])
def test_as_many_names_are_advised_as_there_are_dimensions(shape: list[int]) -> None:
    item = with_input(input={"shape": shape}, bands=[])
    (finding,) = [f for f in item.findings if f.code in ("dimensions-assumed", "dimensions-unread")]
    names = json.loads(finding.hint.partition('"dim_order": ')[2].partition("]")[0] + "]")
    after = with_input(input={"shape": shape, "dim_order": names}, bands=[])
    assert len(names) == len(shape)
    assert codes(after).isdisjoint(("dimensions-miscounted", "dimensions-assumed"))


def test_the_names_of_dimensions_may_be_called_axes() -> None:
    item = with_input(input={"shape": [2, 3, 64, 32], "axes": ["batch", "bands", "height", "width"]})
    inputs = item.inputs
    assert (inputs.batch, inputs.channels, inputs.height, inputs.width) == (2, 3, 64, 32)
    assert "dimensions-assumed" not in codes(item)


@pytest.mark.parametrize("shape", [[1, 0, 64, 64], [1, 3, 1 << 22, 64], [-2, 3], [1, [3]], "3x64", {"height": 64}])
def test_shapes_of_no_tensor_are_left_out(shape: object) -> None:
    item = with_input(input={"shape": shape, "dim_order": ["batch", "bands", "height", "width"]})
    assert found(item, "field-left-out").pointer.startswith("/properties/mlm:input/0/input/shape")
    assert (item.id, item.dialect, item.inputs.height) == ("shore", "mlm", None)


@pytest.mark.parametrize(
    ("shape", "sides", "read"),
    [
        ([None, 2, None, None], (None, 2, None, None), "[-1, 2, -1, -1]"),
        (["N", "C", "H", "W"], (None, None, None, None), "[-1, -1, -1, -1]"),
        (["batch", 3, 64, "width"], (None, 3, 64, None), "[-1, 3, 64, -1]"),
    ],
)
def test_sizes_that_may_be_any(shape: list[object], sides: tuple[int | None, ...], read: str) -> None:
    item = with_input(input={"shape": shape, "dim_order": ["batch", "bands", "height", "width"]})
    inputs = item.inputs
    assert (inputs.batch, inputs.channels, inputs.height, inputs.width) == sides
    assert found(item, "sizes-not-numbers").hint == f'write "shape": {read}'


def with_structure(fields: dict[str, object], model: dict[str, Any]) -> Item:
    """With other fields of the input's structure, and another model asset."""
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"][0]["input"] |= fields
    item["assets"]["model"] = model
    return read(item)


@pytest.mark.parametrize(
    ("written", "read_as"), [("torch.float32", "float32"), ("np.uint8", "uint8"), ("jax.numpy.float16", "float16")]
)
def test_a_data_type_as_a_library_calls_it(written: str, read_as: str) -> None:
    model = {**MLM["assets"]["model"], "bands": []}
    item = with_structure(fields={"data_type": written}, model=model)
    assert item.inputs.dtype == read_as and found(item, "data-type-of-library").evidence == written


def test_a_data_type_that_is_none_is_left_out() -> None:
    model = {**MLM["assets"]["model"], "bands": []}
    item = with_structure(fields={"data_type": "float, mostly"}, model=model)
    assert item.inputs.dtype is None and found(item, "field-left-out").pointer.endswith("/input/data_type")
    assert item.inputs.height == 64


# --- scaling of 1.4 on -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("rows", "factor", "mean", "std"),
    [
        ([{"type": "z-score", "mean": 0, "stddev": 3000}], None, (0.0,), (3000.0,)),
        ([{"type": "min-max", "minimum": 0, "maximum": 250}], 0.004, (), ()),
        ([{"type": "min-max", "minimum": 5, "maximum": 15}], None, (5.0,), (10.0,)),
        ([{"type": "scale", "value": 4}] * 2, 0.25, (), ()),
        ([{"type": "scale", "value": 4}, {"type": "scale", "value": 2}], None, (), (4.0, 2.0)),
        ([{"type": "offset", "value": 7}], None, (7.0,), ()),
        ([{"type": "offset", "value": 7}, {"type": None}], None, (7.0, 0.0), ()),
        ([{"type": "z-score", "mean": "1", "stddev": "0.5"}], None, (1.0,), (0.5,)),
        ({"type": "z-score", "mean": 1, "stddev": 2}, None, (1.0,), (2.0,)),
        (None, None, (), ()),
    ],
)
def test_value_scaling(rows: object, factor: float | None, mean: object, std: object) -> None:
    got = with_input(value_scaling=rows).inputs
    assert (got.scaling_factor, got.mean, got.std) == (factor, mean, std)


@pytest.mark.parametrize(
    ("row", "word"),
    [
        ({"type": "processing", "format": "gdal-calc", "expression": "A * 2"}, "processing A * 2"),
        ({"type": "l2"}, "l2"),
        ({"minimum": 0, "maximum": 1}, "a scaling without a type"),
    ],
)
def test_scalings_that_cannot_be_done(row: dict[str, object], word: str) -> None:
    item = with_input(value_scaling=[{"type": "z-score", "mean": 1, "stddev": 2}, row])
    assert (item.inputs.mean, item.inputs.std) == ((), ()), "half a scaling is worse than none"
    assert found(item, "scaling-not-done").evidence == word


COLUMNS: dict[str, Any] = {"type": "z-score", "mean": [1, 2], "stddev": [3, 4]}


@pytest.mark.parametrize("scaling", [COLUMNS, [COLUMNS], {**COLUMNS, "stddev": 5}])
def test_a_scaling_in_columns(scaling: Any) -> None:
    item = with_input(value_scaling=scaling)
    std = (5.0, 5.0) if isinstance(scaling, dict) and scaling["stddev"] == 5 else (3.0, 4.0)
    assert (item.inputs.mean, item.inputs.std) == ((1.0, 2.0), std)
    assert "read as 2 steps" in found(item, "scaling-in-columns").message


def test_columns_of_different_lengths_are_no_scaling() -> None:
    item = with_input(value_scaling={**COLUMNS, "stddev": [3]})
    assert item.inputs.std == () and "lacks stddev" in found(item, "scaling-incomplete").message


def test_short_names_of_statistics() -> None:
    item = with_input(value_scaling=[{"type": "min-max", "min": 5, "max": 15}])
    assert (item.inputs.mean, item.inputs.std) == ((5.0,), (10.0,))
    assert "scaling-incomplete" not in codes(item)
    hints = [finding.hint for finding in item.findings if finding.code == "other-spelling"]
    assert hints == ["rename it to `minimum`", "rename it to `maximum`"]
    item = with_input(value_scaling=[{"type": "z-score", "mean": 5, "std": 10}])
    assert (item.inputs.mean, item.inputs.std) == ((5.0,), (10.0,))


def test_clipping_is_left_out() -> None:
    rows = [{"type": "min-max", "minimum": 1, "maximum": 3}, {"type": "clip", "minimum": 0, "maximum": 9}]
    item = with_input(value_scaling=rows)
    assert (item.inputs.mean, item.inputs.std) == ((1.0, 0.0), (2.0, 1.0)) and "scaling-not-done" in codes(item)


@pytest.mark.parametrize("value", ["NaN", "nan", "-inf", None])
def test_numbers_that_are_none(value: object) -> None:
    item = with_input(value_scaling=[{"type": "z-score", "mean": value, "stddev": 1}])
    assert item.inputs.std == () and "lacks mean" in found(item, "scaling-incomplete").message


@pytest.mark.parametrize(
    "row", [{"type": "z-score", "mean": 0, "stddev": 0}, {"type": "min-max", "minimum": 3, "maximum": 3}]
)
def test_division_by_zero(row: dict[str, object]) -> None:
    item = with_input(value_scaling=[row])
    assert "divided by 0" in found(item, "field-left-out").message and item.inputs.std == ()


def test_means_for_another_number_of_channels() -> None:
    item = spoil(INPUT + "value_scaling", [{"type": "z-score", "mean": 1, "stddev": 2}] * 3)
    finding = found(item, "contradiction-channels-mean")
    assert finding.pointer == "/properties/mlm:input/0/input/shape" and "3 values" in finding.message


# --- scaling of 1.0 to 1.3 and before ----------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["z-score", "z_score", "Z-Score"])
def test_norm_type_with_statistics(kind: str) -> None:
    rows = [{"mean": 1, "stddev": 2, "minimum": 0}, {"mean": 3, "stddev": 4, "minimum": 0}]
    got = with_input(norm_type=kind, norm_by_channel=True, statistics=rows).inputs
    assert (got.mean, got.std) == ((1.0, 3.0), (2.0, 4.0))


@pytest.mark.parametrize("kind", ["standardization", "Standardize", "standard_score", "mean-std"])
def test_other_words_for_z_score(kind: str) -> None:
    item = with_input(norm_type=kind, statistics=[{"mean": 1, "std": 2}])
    assert (item.inputs.mean, item.inputs.std) == ((1.0,), (2.0,))
    wanted = [finding.hint for finding in item.findings if finding.pointer.endswith("/norm_type")]
    assert wanted == ["rename it to `z-score`"]


def test_norm_type_min_max() -> None:
    got = with_input(norm_type="min-max", statistics=[{"minimum": 1, "maximum": 5}]).inputs
    assert (got.mean, got.std) == ((1.0,), (4.0,))


def test_statistics_of_the_drafts_are_lists() -> None:
    statistics = {"mean": [1, 3], "stddev": [2, 4], "minimum": None}
    item = with_input(
        input_array={"shape": [-1, 2, 8, 8], "dim_order": "bchw"}, norm_type="z_score", statistics=statistics
    )
    assert (item.inputs.mean, item.inputs.std, item.inputs.channels) == ((1.0, 3.0), (2.0, 4.0), 2)


def test_norm_clip() -> None:
    item = with_input(norm_type="clip", norm_clip=[255, 128])
    assert item.inputs.std == (255.0, 128.0) and "clip to 0..1" in found(item, "scaling-not-done").evidence


@pytest.mark.parametrize(("kind", "names"), [("z-score", "mean and stddev"), ("min-max", "minimum and maximum")])
def test_a_norm_type_without_its_numbers(kind: str, names: str) -> None:
    told = found(with_input(norm_type=kind), "scaling-incomplete")
    assert f"lacks {names};" in told.message and told.hint == f"add {names}"


@pytest.mark.parametrize("kind", ["l1", "l2", "l2sqr", "hamming", "hamming2", "type-mask", "relative", "inf"])
def test_other_norm_types(kind: str) -> None:
    item = with_input(norm_type=kind, statistics=[{"mean": 1, "stddev": 2}])
    assert item.inputs.mean == () and found(item, "scaling-not-done").evidence == kind


def test_statistics_alone_only_describe() -> None:
    item = with_input(norm_type=None, statistics=[{"mean": 1, "stddev": 2}])
    assert item.inputs.mean == () and "statistics-without-norm" in codes(item)


# --- bands -------------------------------------------------------------------------------------------------------


def listed(*names: object, at: str = "assets/model/bands", bands: object) -> Item:
    item = spoiled(at, [{"name": name} for name in names], MLM)
    if at != "assets/model/bands":
        del item["assets"]["model"]["bands"]
    item["properties"]["mlm:input"] = [{"name": "x", "bands": bands}]
    return read(item)


@pytest.mark.parametrize(
    "at",
    ["assets/model/bands", "assets/model/eo:bands", "assets/model/raster:bands", "properties/bands",
     "properties/eo:bands", "properties/raster:bands"],
)  # fmt: skip
def test_where_bands_are_listed(at: str) -> None:
    item = listed("b", "g", "r", at=at, bands=["r", "b"])
    assert item.inputs.selected_bands == (2, 0) and f"/{at}," in found(item, "bands-from-names").message


@pytest.mark.parametrize("bands", [["r", "b"], [{"name": "r"}, {"name": "b"}]])
def test_bands_as_names_and_objects(bands: object) -> None:
    assert listed("b", "g", "r", bands=bands).inputs.selected_bands == (2, 0)


def test_the_same_bands_need_no_places() -> None:
    item = listed("b", "g", bands=["b", "g"])
    assert item.inputs.selected_bands == () and "bands-from-names" not in codes(item)


def test_bands_by_their_common_names() -> None:
    item = spoiled("assets/model/bands", [{"name": "B02", "common_name": "blue"}, {"name": "B03"}], MLM)
    item["properties"]["mlm:input"] = [{"bands": ["B03", "blue"]}]
    assert read(item).inputs.selected_bands == (1, 0)


@pytest.mark.parametrize(("bands", "places", "first"), [([4, 3, 2], (3, 2, 1), "1"), ([0, 2], (0, 2), "0")])
def test_bands_as_numbers(bands: list[int], places: tuple[int, ...], first: str) -> None:
    item = listed("a", "b", bands=bands)
    assert item.inputs.selected_bands == places and f"counting from {first}" in found(item, "bands-as-numbers").message


def test_numbers_that_are_names() -> None:
    assert listed("3", "2", bands=[2, 3]).inputs.selected_bands == (1, 0)


@pytest.mark.parametrize("bands", [[1.5, 2], [1, 1], [-1, 2], [99999999]])
def test_numbers_that_are_no_bands(bands: list[float]) -> None:
    item = listed("a", "b", bands=bands)
    assert "must be names of bands" in found(item, "field-left-out").message and item.inputs.selected_bands == ()


def test_bands_that_are_not_listed() -> None:
    item = listed("B02 - blue", bands=["B02"])
    assert item.inputs.selected_bands == () and found(item, "bands-unlisted").evidence == "B02"


def test_bands_listed_twice() -> None:
    item = listed("a", "b", "a", bands=["a", "b"])
    assert item.inputs.selected_bands == () and found(item, "bands-ambiguous").evidence == "a"
    same = listed("a", "b", "a", bands=["a", "b", "a"])
    assert "bands-ambiguous" not in codes(same)


def test_bands_to_be_computed_and_variables() -> None:
    ndvi = {"name": "NDVI", "format": "rio-calc", "expression": "(B08 - B04) / (B08 + B04)"}
    item = with_input(bands=["red", ndvi], variables=["t2m", {"name": "tp"}])
    assert found(item, "band-derived").evidence == "NDVI" and found(item, "variables-unread").evidence == "t2m, tp"


def test_bands_against_the_shape() -> None:
    shape = {"shape": [-1, 13, 64, 64], "dim_order": ["batch", "channel", "height", "width"]}
    assert "bands-against-shape" in codes(with_input(bands=["a"], input=shape, pre_processing_function={}))
    assert "bands-against-shape" not in codes(with_input(bands=["a"], input=shape, pre_processing_function="f"))
    assert "13 channels" in found(with_input(bands=["a", "b"], input=shape), "bands-against-shape").message


@pytest.mark.parametrize("nodata", ["nan", "-inf", None])
def test_nodata_that_the_file_says_itself(nodata: object) -> None:
    assert spoil("assets/model/bands", [{"name": "a", "nodata": nodata}]).inputs.nodata is None


# --- processing --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "value",
    [{"format": "python", "expression": "p:f"}, [{"format": "python", "expression": "p:f"}], "p:f"],
)
def test_functions_before_and_after(value: object) -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"][0]["pre_processing_function"] = value
    item["properties"]["mlm:output"][0]["post_processing_function"] = value
    told = [f for f in read(item).findings if f.code == "processing-not-called"]
    assert [f.evidence for f in told] == ["p:f", "p:f"]


def test_an_empty_object_is_no_function() -> None:
    """R writes null so."""
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:input"][0]["pre_processing_function"] = {}
    item["properties"]["mlm:output"][0]["post_processing_function"] = [{}]
    assert "processing-not-called" not in codes(read(item))


def test_resizing() -> None:
    assert found(spoil(INPUT + "resize_type", "crop"), "resize-not-done").evidence == "crop"
    assert "resize-not-done" not in codes(spoil(INPUT + "resize_type", "none"))


# --- outputs -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("tasks", "task"),
    [
        (["classification"], "classification"),
        (["segmentation", "semantic-segmentation"], "semantic segmentation"),
        ("Semantic_Segmentation", "semantic segmentation"),
        (["regression", "detection"], "regression"),
    ],
)
def test_tasks(tasks: object, task: str) -> None:
    item = spoil(OUTPUT + "tasks", tasks)
    assert item.outputs.task == task
    assert ("several-tasks" in codes(item)) is (isinstance(tasks, list) and len(tasks) > 1)


@pytest.mark.parametrize("name", ["mlm:tasks", "mlm:task"])
def test_tasks_of_the_item(name: str) -> None:
    item = copy.deepcopy(MLM)
    del item["properties"]["mlm:output"], item["properties"]["mlm:tasks"]
    item["properties"][name] = ["scene-classification"]
    assert read(item).outputs.task == "scene classification"


@pytest.mark.parametrize("name", ["classification:classes", "classification_classes", "classes"])
def test_spellings_of_classes(name: str) -> None:
    item = copy.deepcopy(MLM)
    output = item["properties"]["mlm:output"][0]
    output[name] = output.pop("classification:classes")
    got = read(item)
    assert got.outputs == read(MLM).outputs
    assert ("other-spelling" in codes(got)) is (name != "classification:classes")


def test_classes_as_names() -> None:
    outputs = spoil(OUTPUT + "classification:classes", ["sea", "land"]).outputs
    assert outputs.classes == (ClassName(index=0, name="sea"), ClassName(index=1, name="land"))
    assert (outputs.number_of_classes, outputs.dont_care_index) == (2, None)


@pytest.mark.parametrize("classes", [{"0": "sea", "1": "land", "2": "ice"}, {"2": "ice", "0": "sea", "1": None}])
def test_classes_by_their_values(classes: dict[str, str]) -> None:
    item = spoil(OUTPUT + "classification:classes", classes)
    assert item.outputs.number_of_classes == 3 and ClassName(index=2, name="ice") in item.outputs.classes
    assert "read as 3 classes" in found(item, "classes-by-value").message
    assert "contradiction-class-count" not in codes(item)


@pytest.mark.parametrize("number", [0, "many", [3]])
def test_a_number_of_classes_that_is_none_is_left_out(number: object) -> None:
    item = spoil(OUTPUT + "number_of_classes", number)
    assert item.outputs.number_of_classes == 3 and found(item, "field-left-out")


def test_a_result_that_is_none_is_left_out() -> None:
    item = spoil(OUTPUT + "result", "a map")
    assert item.outputs.final_layer_size == () and item.outputs.number_of_classes == 3
    assert found(item, "field-left-out").pointer == "/properties/mlm:output/0/result"


def test_a_class_named_twice() -> None:
    item = spoil(OUTPUT + "classification:classes", [{"value": 1, "name": "a"}, {"value": 1, "name": "b"}])
    assert item.outputs.classes == (ClassName(index=1, name="a"),) and "contradiction-class-index" in codes(item)


def test_results_in_other_orders_and_words() -> None:
    order = ["batch", "height", "width", "class"]
    item = spoil(OUTPUT + "result", {"shape": [1, 64, 64, 3], "dim_order": order})
    assert item.outputs.final_layer_size == (1, 3, 64, 64)
    draft = spoil(
        OUTPUT[:-1], {"task": "classification", "result_array": [{"shape": [-1, 10], "dim_names": ["batch", "class"]}]}
    )
    assert draft.outputs.final_layer_size == (-1, 10) and draft.outputs.task == "classification"
    plain = spoil("properties/mlm:output", {"type": "class", "num_classes": 1000})
    assert plain.outputs.number_of_classes == 1000


def test_classes_against_the_result() -> None:
    item = spoil(OUTPUT + "classification:classes", [{"value": 0, "name": "a"}, {"value": 1, "name": "b"}])
    assert found(item, "contradiction-final-layer-classes").pointer == "/properties/mlm:output/0/result/shape"


@pytest.mark.parametrize(
    ("shape", "order"),
    [
        ([-1, 10980, 10980], ["batch", "height", "width"]),
        ([10980, 10980], ["height", "width"]),
        ([-1, 64, 64], ["b", "y", "x"]),
    ],
)
@pytest.mark.parametrize("task", ["classification", "segmentation"])
def test_a_map_of_labels_has_no_dimension_for_classes(shape: list[int], order: list[str], task: str) -> None:
    item = copy.deepcopy(MLM)
    output = item["properties"]["mlm:output"][0]
    output["result"] = {"shape": shape, "dim_order": order, "data_type": "uint8"}
    output["tasks"] = [task]
    assert "contradiction-final-layer-classes" not in codes(read(item))


@pytest.mark.parametrize(
    ("shape", "order", "found"),
    [
        ([-1, 32, 32], ["batch", "height", "width"], True),
        ([-1, 3, 32, 32], ["batch", "class", "height", "width"], True),
        ([-1, 64, 64], ["batch", "height", "width"], False),
        ([25, 10], ["batch", "class"], False),
        ([25, 10], None, False),
    ],
)
def test_the_size_of_a_map_is_that_of_its_scene(shape: list[int], order: list[str] | None, found: bool) -> None:
    item = spoil(OUTPUT + "result", {"shape": shape, "dim_order": order})
    assert ("contradiction-output-size" in codes(item)) is found


def test_an_output_need_not_be_an_image() -> None:
    item = spoil(OUTPUT + "result", {"shape": [-1, -1, 6], "dim_order": ["batch", "detections", "values"]})
    assert item.outputs.final_layer_size == () and "dimensions-unread" not in codes(item)


def test_contradictions_are_shown_at_fields_that_mlm_has() -> None:
    item = with_input(
        bands=["nir", "red"],
        input={"shape": [-1, 3, 64, 64], "dim_order": ["batch", "bands", "height", "width"]},
        value_scaling=[{"type": "z-score", "mean": 1, "stddev": 2}] * 2,
    )
    assert found(item, "contradiction-channels-mean").pointer == "/properties/mlm:input/0/input/shape"
    item = spoil(OUTPUT + "num_classes", 7)
    assert found(item, "contradiction-class-count").pointer == "/properties/mlm:output/0/classification:classes"
