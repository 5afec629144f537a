"""Inputs and outputs: their spellings, their bounds, their contradictions."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items.tensors import MAX_CLASSES
from dlm_build.records import ClassName

from .samples_of_items import DATA, GOOD, INPUTS, OUTPUTS, TENSOR, codes, found, read, read_spoiled, spoiled

COUNTS = (f"{TENSOR}batch", f"{TENSOR}channels", f"{TENSOR}height", f"{TENSOR}width", f"{OUTPUTS}number_of_classes",
          f"{DATA}number_of_bands")  # fmt: skip


@pytest.mark.parametrize("path", COUNTS)
@pytest.mark.parametrize("value", [1e18, 2**63, 0, -5, 1.5, "many", True, [1], {}, "9" * 50])
def test_counts_out_of_bounds(path: str, value: object) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_spoiled(path, value)
    assert f" /{path}: must be" in caught.value.message


@pytest.mark.parametrize("path", COUNTS)
def test_counts_as_texts(path: str) -> None:
    item = read_spoiled(path, "2")
    assert "number-as-text" in codes(item)


def test_a_type_that_there_is_not() -> None:
    assert "data-type-unknown" in codes(read_spoiled(f"{DATA}dtype", "uint7"))
    assert "data-type-unknown" not in codes(read_spoiled(f"{DATA}dtype", "UInt8"))


@pytest.mark.parametrize(
    ("dtype", "nodata", "told"), [("uint8", -9999, True), ("uint8", 0, False), ("int16", -9999, False)]
)
def test_a_nodata_value_that_the_type_cannot_hold(dtype: str, nodata: int, told: bool) -> None:
    item = spoiled(f"{DATA}dtype", dtype)
    item["properties"]["dlm:data"]["nodata_value"] = nodata
    assert ("nodata-outside-type" in codes(read(item))) is told


def test_a_tensor_too_large_for_any_memory() -> None:
    huge = {"batch": 1000, "channels": 1000, "height": 100_000, "width": 100_000}
    with pytest.raises(ItemInvalid, match="a tensor of more than"):
        read_spoiled(f"{INPUTS}input_tensors", huge)
    with pytest.raises(ItemInvalid, match="describe at most"):
        read_spoiled(f"{OUTPUTS}final_layer_size", [1 << 20, 1 << 20, 1 << 20])


def test_any_batch() -> None:
    item = read_spoiled(f"{TENSOR}batch", -1)
    assert item.inputs.batch is None and codes(item) == set()


@pytest.mark.parametrize("size", [[0], [1.5], "1,2", ["x"], [2**63], [None], {"a": 1}, [-2]])
def test_layers_out_of_bounds(size: object) -> None:
    with pytest.raises(ItemInvalid, match="final_layer_size"):
        read_spoiled(f"{OUTPUTS}final_layer_size", size)


def inputs(**fields: object) -> dict[str, Any]:
    plain = {"input_tensors": GOOD["properties"]["dlm:inputs"]["input_tensors"], "selected_bands": [1, 0]}
    return spoiled("properties/dlm:inputs", plain | {name.replace("__", ":"): value for name, value in fields.items()})


@pytest.mark.parametrize(
    "fields",
    [
        {"normalization__mean": [1, 2], "normalization__std": [3, 4]},
        {"normalization_mean": [1, 2], "normalization_std": [3, 4]},
        {"normalization": {"mean": [1, 2], "std": [3, 4]}},
    ],
)
def test_spellings_of_the_normalization(fields: dict[str, object]) -> None:
    item = read(inputs(**fields))
    assert (item.inputs.mean, item.inputs.std) == ((1.0, 2.0), (3.0, 4.0))


def test_one_mean_for_all_channels() -> None:
    item = read(inputs(normalization__mean=0.5))
    assert item.inputs.mean == (0.5,)
    assert codes(item) == {"not-a-list"}


@pytest.mark.parametrize("mean", ["0.1, 0.2", "[0.1,0.2]", "0.1 0.2", "0.1; 0.2"])
def test_a_list_in_quotes(mean: str) -> None:
    item = read(inputs(normalization__mean=mean))
    assert item.inputs.mean == (0.1, 0.2)
    assert found(item, "list-as-text").hint == "write [0.1, 0.2], without quotes"


@pytest.mark.parametrize(
    ("sizes", "read_as"),
    [([1, 3, 64, 64], (1, 3, 64, 64)), ([3, 64, 64], (None, 3, 64, 64)), ([1, 64, 64, 3], (1, 3, 64, 64)),
     ([-1, 3, 32, 64], (None, 3, 32, 64))],
)  # fmt: skip
def test_a_shape_in_the_order_of_frameworks(sizes: list[int], read_as: tuple[int | None, ...]) -> None:
    item = read_spoiled(TENSOR.removesuffix("/"), sizes)
    tensor = item.inputs
    assert (tensor.batch, tensor.channels, tensor.height, tensor.width) == read_as
    assert found(item, "shape-is-a-list").pointer == "/" + TENSOR.removesuffix("/")


@pytest.mark.parametrize("std", [[0, 1], [-1, 1], ["x", 1], "0.5,x", "0,5", [None, 1], [[1], [2]]])
def test_deviations_that_cannot_be(std: object) -> None:
    with pytest.raises(ItemInvalid, match="normalization:std"):
        read(inputs(normalization__std=std))


def test_old_spellings() -> None:
    item = spoiled("properties/dlm:inputs", {"shape:batch": 1, "shape:channels": 2, "shape:height": 8, "shape:width": 9,
                                             "scaling": "1/255", "selected_bands": [1, 0]})  # fmt: skip
    item["properties"]["dlm:data"] = {"data_type": "Float32", "nodata": -9999, "test_file": "in.tif"}
    read_back = read(item).inputs
    assert (read_back.batch, read_back.channels, read_back.height, read_back.width) == (1, 2, 8, 9)
    assert read_back.scaling_factor == pytest.approx(1 / 255)
    assert (read_back.dtype, read_back.nodata) == ("float32", -9999.0)


@pytest.mark.parametrize(
    ("factors", "mean", "std", "read_as"),
    [([0.5, 0.25], [0.2, 0.2], [0.1, 0.5], (None, (0.4, 0.8), (0.2, 2))), ([0.5, 0.25], [], [], (None, (0, 0), (2, 4))),
     ([0.5, 0.25], [1], [0.5], (None, (2, 4), (1, 2))), ([0.5, 0.5], [0.2, 0.2], [], (0.5, (0.2, 0.2), ()))],
)  # fmt: skip
def test_a_factor_for_each_band(factors: list[float], mean: list[float], std: list[float], read_as: object) -> None:
    item = read(inputs(scaling_factor=factors, normalization__mean=mean, normalization__std=std))
    got = item.inputs
    assert (got.scaling_factor, got.mean, got.std) == read_as
    assert found(item, "scaling-is-a-list").pointer == f"/{INPUTS}scaling_factor"


def test_factors_of_other_bands_than_the_means() -> None:
    with pytest.raises(ItemInvalid, match="scaling_factor: has 2 numbers, but mean and std have 3 and 0"):
        read(inputs(scaling_factor=[1, 2], normalization__mean=[1, 2, 3], normalization__std=[]))


@pytest.mark.parametrize("factor", [0, "0/1", 1e300, "x", [[1]], [1, 0]])
def test_scaling_factors_that_cannot_be(factor: object) -> None:
    with pytest.raises(ItemInvalid, match="scaling_factor"):
        read_spoiled(f"{INPUTS}scaling_factor", factor)


@pytest.mark.parametrize("bands", ["0,1", [-1], [1.5], ["red"], [{}], [70_000], list(range(10_001))])
def test_bands_that_cannot_be(bands: object) -> None:
    with pytest.raises(ItemInvalid, match="selected_bands"):
        read_spoiled(f"{INPUTS}selected_bands", bands)


def test_useful_bands_may_be_plain_numbers() -> None:
    item = read(spoiled(f"{DATA}useful_bands", [1, 0]))
    assert "contradiction-useful-bands" not in codes(item)
    assert "contradiction-useful-bands" in codes(read(spoiled(f"{DATA}useful_bands", [0, 1])))


@pytest.mark.parametrize(
    ("field", "value"),
    [(f"{INPUTS}normalization:std", [0, 1]), (f"{OUTPUTS}number_of_classes", -2), (f"{TENSOR}height", -64)],
)
def test_no_number_is_put_into_the_author_s_mouth(field: str, value: object) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read_spoiled(field, value)
    assert caught.value.hint == "write the number that the model was made with, or leave the field out"


def test_bands_from_the_useful_ones() -> None:
    item = spoiled(f"{INPUTS}selected_bands")
    item["properties"]["dlm:data"]["useful_bands"] = [{"index": 1, "name": "nir"}, {"index": 0, "name": "red"}]
    assert read(item).inputs.selected_bands == (1, 0)
    assert found(read(item), "bands-inferred").pointer == "/properties/dlm:inputs/selected_bands"


@pytest.mark.parametrize("nodata", ["nan", "inf"])
def test_nodata_that_is_no_number(nodata: str) -> None:
    item = read_spoiled(f"{DATA}nodata_value", nodata)
    assert item.inputs.nodata is None and codes(item) == {"nodata-not-a-number"}


TWO = (ClassName(index=0, name="sea"), ClassName(index=1, name="land"))


@pytest.mark.parametrize(
    "mapping",
    [
        [{"0": "sea"}, {"1": "land"}],
        {"0": "sea", "1": "land"},
        [{"0": "sea", "1": "land"}],
        ["sea", "land"],
        [{"index": 0, "name": "sea"}, {"value": 1, "name": "land"}],
        {"sea": 0, "land": "1"},
    ],
)
def test_class_names(mapping: object) -> None:
    assert read_spoiled(f"{OUTPUTS}class_name_mapping", mapping).outputs.classes == TWO


@pytest.mark.parametrize("mapping", ["sea", 5, [5.5, None], [["a"]], {"sea": "land"}, {"1.5": "a"}, {"99999999": "x"}])
def test_class_names_that_cannot_be(mapping: object) -> None:
    with pytest.raises(ItemInvalid, match="class_name_mapping"):
        read_spoiled(f"{OUTPUTS}class_name_mapping", mapping)


def test_a_class_named_twice() -> None:
    item = read_spoiled(f"{OUTPUTS}class_name_mapping", [{"0": "sea"}, {"1": "land"}, {"1": "rock"}])
    assert item.outputs.classes == TWO
    assert found(item, "contradiction-class-index").pointer == "/properties/dlm:outputs/class_name_mapping/2/1"


def test_too_many_classes() -> None:
    with pytest.raises(ItemInvalid, match="has 10,001 entries"):
        read_spoiled(f"{OUTPUTS}class_name_mapping", {str(i): "x" for i in range(10_001)})
    with pytest.raises(ItemInvalid, match=f"from 1 to {MAX_CLASSES}"):
        read_spoiled(f"{OUTPUTS}number_of_classes", MAX_CLASSES + 1)


@pytest.mark.parametrize(
    ("path", "value", "code", "numbers"),
    [
        (f"{TENSOR}channels", 3, "contradiction-channels-selected-bands", ("3 channels", "2 values")),
        (f"{TENSOR}channels", 3, "contradiction-channels-mean", ("3 channels", "2 values")),
        (f"{TENSOR}channels", 3, "contradiction-channels-std", ("3 channels", "2 values")),
        (f"{OUTPUTS}number_of_classes", 5, "contradiction-class-count", ("classes is 5", "2 are named")),
        (f"{OUTPUTS}number_of_classes", 5, "contradiction-final-layer-classes", ("classes is 5", "gives 2")),
        (f"{DATA}number_of_bands", 4, "contradiction-band-count", ("bands is 4", "lists 2")),
        (f"{DATA}number_of_bands", 1, "contradiction-selected-bands", ("band 1 ", "1 bands")),
        (f"{DATA}useful_bands", [{"index": 0}, {"index": 1}], "contradiction-useful-bands", ("[1, 0]", "[0, 1]")),
        (f"{TENSOR}height", 224, "contradiction-output-size", ("224 by 64", "64 by 64")),
    ],
)
def test_contradictions(path: str, value: object, code: str, numbers: tuple[str, str]) -> None:
    finding = found(read_spoiled(path, value), code)
    assert finding.severity == "warning"
    assert all(number in finding.message for number in numbers), finding.message


def test_what_is_no_contradiction() -> None:
    assert read_spoiled(f"{OUTPUTS}final_layer_size", [-1, 2, -1, -1]).findings == ()
    assert read_spoiled(f"{OUTPUTS}final_layer_size", [1, 1, 64, 64]).findings == ()
    assert read_spoiled(f"{OUTPUTS}task", "classification").findings == ()


@pytest.mark.parametrize("gpu", ["yes", "TRUE", 1])
def test_flags_that_certainly_mean_yes(gpu: object) -> None:
    item = read_spoiled("properties/dlm:runtime/docker/gpu", gpu)
    assert item.runtime.docker.gpu is True and codes(item) == {"not-a-boolean"}


@pytest.mark.parametrize("gpu", ["maybe", 2, [], {}])
def test_flags_that_mean_nothing(gpu: object) -> None:
    with pytest.raises(ItemInvalid, match="must be true or false"):
        read_spoiled("properties/dlm:runtime/docker/gpu", gpu)
