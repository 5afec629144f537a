from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dlm_build.harness import tensors
from dlm_build.harness.contract import HarnessError


def ramp(bands: int, height: int = 2, width: int = 3) -> Any:
    """Every band differs from every other, and every pixel of it."""
    return np.arange(bands * height * width, dtype=np.uint16).reshape(bands, height, width)


def test_bands_are_taken_in_the_declared_order() -> None:
    image = ramp(5)
    got = tensors.selected(image, {"selected_bands": [4, 0, 2]})
    assert np.array_equal(got, image[[4, 0, 2]].astype(np.float32))
    assert got.dtype == np.float32


def test_scaling_comes_before_normalisation() -> None:
    image = np.full((2, 1, 1), 100, np.uint16)
    got = tensors.selected(image, {"scaling_factor": 0.01, "mean": [0.5, 0.25], "std": [0.5, 0.25]})
    assert got[:, 0, 0] == pytest.approx([1.0, 3.0])


def test_the_arithmetic_is_float32_throughout() -> None:
    image = ramp(2)
    inputs = {"scaling_factor": 0.1, "mean": [0.3, 0.3], "std": [0.7, 0.7]}
    expected = (image.astype(np.float32) * np.float32(0.1) - np.float32(0.3)) / np.float32(0.7)
    assert np.array_equal(tensors.selected(image, inputs), expected)


def test_one_number_serves_all_bands() -> None:
    assert tensors.selected(ramp(3), {"mean": [1.0]})[2, 0, 0] == 11.0


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"selected_bands": [0, 7]}, "the model takes band 7 (counted from 0), the input has 3 bands"),
        ({"mean": [1.0, 2.0]}, "the item gives 2 numbers for the mean of the bands, the input has 3 bands"),
        ({"std": [1.0, 0.0, 1.0]}, "dlm.json: /inputs/std holds a 0"),
    ],
)
def test_what_does_not_fit_is_said(inputs: dict[str, Any], message: str) -> None:
    with pytest.raises(HarnessError) as caught:
        tensors.selected(ramp(3), inputs)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("shape", "expected", "last"),
    [
        ([1, 3, 4, 5], (1, 3, 4, 5), False),
        ([None, 3, None, None], (1, 3, 4, 5), False),
        (["N", "C", "H", "W"], (1, 3, 4, 5), False),
        ([-1, 3, -1, -1], (1, 3, 4, 5), False),
        ([1, 4, 5, 3], (1, 4, 5, 3), True),
        (["N", 4, 5, 3], (1, 4, 5, 3), True),
        ([None, None, None, 3], (1, 4, 5, 3), True),
        ([2, 3, 4, 5], (2, 3, 4, 5), False),
        (None, (1, 3, 4, 5), False),
    ],
)
def test_layout_follows_what_the_model_takes(shape: list[Any] | None, expected: tuple[int, ...], last: bool) -> None:
    tensor, bands_last = tensors.batched(ramp(3, 4, 5), shape)
    assert (tensor.shape, bands_last) == (expected, last)


@pytest.mark.parametrize(
    ("given", "shape", "channels", "moved"),
    [
        ((4, 5, 3), ["N", 4, 5, 3], 3, True),
        ((2, 4, 5, 3), [None, None, None, 3], 3, True),
        ((3, 4, 5), ["N", 4, 5, 3], 3, False),
        ((3, 4, 3), ["N", 4, 3, 3], 3, False),
        ((4, 5, 3), ["N", 3, 4, 5], 3, False),
        ((4, 5, 3), ["N", None, None, None], 3, False),
        ((4, 5, 3), ["N", 4, 5, 3], None, False),
        ((1, 24, 3), ["N", 24, 3], 3, False),
        ((4, 5, 3), None, 3, False),
    ],
)
def test_an_array_with_the_bands_last_is_read_so(
    given: tuple[int, ...], shape: list[Any] | None, channels: int | None, moved: bool
) -> None:
    array = np.arange(np.prod(given)).reshape(given)
    wanted = np.moveaxis(array, -1, -3) if moved else array
    assert np.array_equal(tensors.bands_first(array, shape, channels), wanted)


def test_bands_last_moves_values_not_only_shape() -> None:
    tensor, _ = tensors.batched(ramp(3, 4, 5), [1, 4, 5, 3])
    assert np.array_equal(tensor[0, 2, 1], ramp(3, 4, 5)[:, 2, 1])


@pytest.mark.parametrize("shape", [[1, 3, 8, 8], [1, 4, 4, 5], [1, 3], [1, 3, 4, 5, 6], ["N", None, None, 2]])
def test_another_size_is_refused_not_resized(shape: list[Any]) -> None:
    with pytest.raises(HarnessError, match=r"^the model takes a tensor of (1|N) x .*, the input gives .* x 4 x 5"):
        tensors.batched(ramp(3, 4, 5), shape)


@pytest.mark.parametrize(("given", "told"), [((4, 5, 3), True), ((4, 5, 2), False)])
def test_an_array_with_its_bands_last_is_told_how_they_are_put_first(given: tuple[int, ...], told: bool) -> None:
    with pytest.raises(HarnessError) as caught:
        tensors.batched(np.zeros(given), ["N", 3, None, None])
    assert ("numpy.moveaxis(array, -1, 0)" in str(caught.value)) == told


def test_labels_are_the_best_class_per_pixel() -> None:
    scores = np.zeros((3, 1, 2), np.float32)
    scores[2, 0, 0] = scores[1, 0, 1] = 1
    labels = tensors.label_map(scores, False, 3, None)
    assert labels.tolist() == [[2, 1]]
    assert labels.dtype == np.uint8
    assert tensors.label_map(np.moveaxis(scores, 0, -1), True, 3, None).tolist() == [[2, 1]]


def test_the_declared_class_count_decides_between_two_axes() -> None:
    scores = np.zeros((4, 4, 3), np.float32)
    scores[..., 1] = 1
    assert tensors.label_map(scores, False, 3, None).tolist() == np.ones((4, 4)).tolist()


def test_labels_the_model_chose_pass_through() -> None:
    labels = np.array([[[0, 300]]], np.int64)
    got = tensors.label_map(labels, False, 400, None)
    assert got.tolist() == [[0, 300]]
    assert got.dtype == np.uint16


@pytest.mark.parametrize(
    ("numbers", "dtype"),
    [
        ((0,), "uint8"),
        ((4, 0), "uint8"),
        ((255, 0), "uint8"),
        ((256, 0), "uint16"),
        ((4, 255), "uint8"),
        ((4, 999), "uint16"),
        ((65535, 0), "uint16"),
        ((4, -1), "int16"),
        ((32767, -32768), "int16"),
        ((32768, -1), "int32"),
        ((65536, 0), "int32"),
        ((2**31, 0), "uint32"),
    ],
)
def test_labels_take_the_smallest_type_that_holds_them(numbers: tuple[int, ...], dtype: str) -> None:
    assert tensors.label_type(*numbers) == dtype


@pytest.mark.parametrize("numbers", [(2**32, 0), (2**31, -1), (-(2**31) - 1, 0)])
def test_labels_that_no_type_holds_are_refused(numbers: tuple[int, ...]) -> None:
    with pytest.raises(HarnessError, match=f"from {min(numbers)} to {max(numbers)}"):
        tensors.label_type(*numbers)


@pytest.mark.parametrize(
    ("labels", "dont_care", "dtype"),
    [
        ([[70000, 1]], None, "int32"), ([[-1, 1]], None, "int16"), ([[-1, 1]], 255, "int16"),
        ([[40000, 1]], -1, "int32"), ([[2**31, 1]], 0, "uint32"), ([[3, 1]], None, "uint8"),
    ],
)  # fmt: skip
def test_no_class_number_becomes_another_one(labels: list[list[int]], dont_care: int | None, dtype: str) -> None:
    got = tensors.label_map(np.array(labels, np.int64), False, None, dont_care)
    assert (got.tolist(), got.dtype.name) == (labels, dtype)


def test_an_empty_map_of_labels_is_one() -> None:
    assert tensors.label_map(np.zeros((0, 4), np.int64), False, None, None).dtype == np.uint8


def test_labels_by_yes_and_no_are_numbers() -> None:
    assert tensors.label_map(np.array([[True, False]]), False, None, None).tolist() == [[1, 0]]


def test_nodata_means_every_band_of_the_file() -> None:
    image = np.array([[[0, 0, 1]], [[0, 5, 0]]], np.uint16)
    assert tensors.nodata_mask(image, 0).tolist() == [[True, False, False]]
    assert tensors.nodata_mask(image, None) is None
    assert tensors.nodata_mask(np.array([[[np.nan, 1.0]]]), float("nan")).tolist() == [[True, False]]


def test_the_best_classes_come_first_and_ties_keep_their_order() -> None:
    assert tensors.best(np.array([0.1, 0.7, 0.1, 0.2]), count=3) == [1, 3, 0]
