"""The comparator is itself measured: honest noise must pass, semantic mistakes must fail."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from dlm_build.judging.documents import json_checks
from dlm_build.judging.values import array_checks
from dlm_build.records import ComparisonPolicy

RNG = np.random.default_rng(7)
LABELS = ComparisonPolicy(task="labels", dont_care=0, number_of_classes=5)
FLOAT = ComparisonPolicy(task="float")
PROBABILITIES = ComparisonPolicy(task="probabilities")
SCORES = ComparisonPolicy(task="class-scores")


def label_map() -> npt.NDArray[np.uint8]:
    """Five-class map of large regions with a don't-care corner."""
    blocks = np.kron(RNG.integers(1, 5, (8, 8)), np.ones((16, 16), dtype=np.int64))
    blocks[:16, :16] = 0
    return blocks[np.newaxis].astype(np.uint8)


def probabilities() -> Any:
    logits = RNG.normal(size=(1, 4, 32, 32)) * 3
    exp = np.exp(logits - logits.max(axis=1, keepdims=True))
    return (exp / exp.sum(axis=1, keepdims=True)).astype(np.float32)


def float_map() -> Any:
    return (RNG.normal(size=(3, 64, 64)) * 20 + 100).astype(np.float32)


def passes(actual: Any, expected: Any, policy: ComparisonPolicy, **how: Any) -> bool:
    checks = array_checks(actual, expected, policy, **how)
    assert checks
    return all(check.passed for check in checks)


def test_equal_outputs_pass() -> None:
    for made, policy in ((label_map(), LABELS), (float_map(), FLOAT), (probabilities(), PROBABILITIES)):
        assert passes(made.copy(), made, policy)


@pytest.mark.parametrize("dtype", [np.uint8, np.float32])
def test_labels_allow_one_pixel_in_a_thousand_and_not_two(dtype: Any) -> None:
    expected = label_map().astype(dtype)
    counted = np.flatnonzero(expected)
    for share, wanted in ((0.0009, True), (0.002, False), (0.0195, False)):
        actual = expected.copy().ravel()
        flipped = counted[: int(share * counted.size)]
        actual[flipped] = actual[flipped] % 4 + 1
        assert passes(actual.reshape(expected.shape), expected, LABELS) is wanted


@pytest.mark.parametrize(
    "mutant",
    [
        lambda m: np.roll(m, 1, axis=2),
        lambda m: m[:, ::-1],
        lambda m: np.where(m > 0, m % 4 + 1, 0).astype(m.dtype),
        lambda m: np.where(m == 0, 1, m).astype(m.dtype),
        lambda m: np.zeros_like(m),
        lambda m: np.where(m == 3, 9, m).astype(m.dtype),
    ],
    ids=["shifted", "flipped", "off-by-one-class", "dont-care-lost", "constant", "undeclared-label"],
)
def test_label_mutants_fail(mutant: Any) -> None:
    expected = label_map()
    assert not passes(mutant(expected), expected, LABELS)


def test_a_small_class_that_vanishes_fails_though_pixels_agree() -> None:
    expected = np.ones((1, 512, 512), dtype=np.uint8)
    expected[0, :20, :15] = 2
    actual = np.ones_like(expected)
    checks = {c.name: c for c in array_checks(actual, expected, LABELS)}
    assert checks["mean IoU"].passed is False and checks["lowest class IoU"].passed is False


def test_all_dont_care_is_not_a_pass() -> None:
    nothing = np.zeros((1, 8, 8), dtype=np.uint8)
    assert not passes(nothing, nothing, LABELS)


def tf32(values: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
    """Keeps 10 mantissa bits, as tensor cores do."""
    return (values.view(np.uint32) & np.uint32(0xFFFFE000)).view(np.float32)


def test_float_maps_tolerate_tf32_and_not_bfloat16() -> None:
    expected = float_map()
    assert passes(tf32(expected), expected, FLOAT)
    bf16 = (expected.view(np.uint32) & np.uint32(0xFFFF0000)).view(np.float32)
    assert not passes(bf16, expected, FLOAT)


@pytest.mark.parametrize(
    "mutant",
    [lambda m: m[::-1].copy(), lambda m: m * np.float32(1.01), lambda m: np.roll(m, 1, axis=1), lambda m: m - m.mean()],
    ids=["bands-swapped", "scaled", "shifted", "not-normalised"],
)
def test_float_mutants_fail(mutant: Any) -> None:
    expected = float_map()
    assert not passes(mutant(expected).astype(np.float32), expected, FLOAT)


def pressures() -> Any:
    """Of the air at sea level, in Pa: what varies is a thousandth of what there is."""
    return (RNG.normal(size=(1, 64, 64)) * 80 + 101_300).astype(np.float32)


@pytest.mark.parametrize(
    "mutant",
    [
        lambda m: m[:, ::-1],
        lambda m: np.roll(m, 1, axis=2),
        lambda m: np.full_like(m, m.mean()),
        lambda m: 2 * m[0, 0, 0] - m,
    ],
    ids=["flipped", "shifted", "constant", "upside-down"],
)
def test_a_large_mean_hides_no_mistake(mutant: Any) -> None:
    expected = pressures()
    other = mutant(expected).astype(np.float32)
    assert not passes(other, expected, FLOAT) and not passes(expected, other, FLOAT)
    assert passes(expected + np.float32(30), expected, FLOAT)
    assert passes((expected + RNG.normal(size=expected.shape)).astype(np.float32), expected, FLOAT)


@pytest.mark.parametrize("height", [0.5, 1, 2, 5, 50])
def test_ten_bits_of_flat_country_are_no_mistake(height: float) -> None:
    expected = (RNG.normal(size=(1, 64, 64)) * height + 2100).astype(np.float32)
    assert passes(tf32(expected), expected, FLOAT)


def test_what_a_relu_left_of_a_band_is_rounding() -> None:
    expected = RNG.random((4, 64, 64), dtype=np.float32)
    expected[3] = 0
    expected[3, 5, 5] = 0.01
    actual = expected.copy()
    actual[3, 5, 5] = 0.008
    assert passes(actual, expected, FLOAT)
    actual[3] = 1e-4
    assert not passes(actual, expected, FLOAT)


@pytest.mark.parametrize("axis", [0, 2])
@pytest.mark.parametrize("factor", [0.0, 0.9, -1.0])
def test_a_band_in_large_units_hides_no_other(axis: int, factor: float) -> None:
    humidity = RNG.random((1, 64, 64), dtype=np.float32)
    expected = np.concatenate([pressures(), humidity])
    actual = np.concatenate([expected[:1], humidity * np.float32(factor)])
    assert passes(np.moveaxis(tf32(expected[1:]), 0, axis), np.moveaxis(humidity, 0, axis), FLOAT)
    assert not passes(np.moveaxis(actual, 0, axis), np.moveaxis(expected, 0, axis), FLOAT)


@pytest.mark.parametrize("shape", [(768, 16, 16), (1, 768, 14, 20), (64, 16, 16)])
@pytest.mark.parametrize("last", [False, True])
def test_a_faint_band_is_seen_where_an_embedding_is_deeper_than_high(shape: tuple[int, ...], last: bool) -> None:
    depth = len(shape) - 3
    expected = RNG.normal(size=shape).astype(np.float32)
    band = (slice(None),) * depth + (2,)
    expected[band] *= np.float32(0.005)
    upside_down = expected.copy()
    upside_down[band] *= -1
    arrays = [np.moveaxis(a, depth, -1) if last else a for a in (tf32(expected), upside_down, expected)]
    assert passes(arrays[0], arrays[2], FLOAT) and not passes(arrays[1], arrays[2], FLOAT)


@pytest.mark.parametrize("rows_first", [True, False])
def test_columns_of_an_array_have_units_of_their_own(rows_first: bool) -> None:
    expected = (RNG.random((500, 3)) * [1, 100, 1e5]).astype(np.float32)
    other = expected.copy()
    other[:, 0] = 0
    exact, wrong = (a if rows_first else np.ascontiguousarray(a.T) for a in (expected, other))
    assert passes(tf32(exact), exact, FLOAT) and not passes(wrong, exact, FLOAT)
    faint = RNG.normal(size=(500, 768)).astype(np.float32) * np.linspace(1e-9, 1, 768, dtype=np.float32)
    noise = RNG.normal(size=faint.shape).astype(np.float32) * np.float32(1e-5)
    assert passes(faint + noise, faint, FLOAT), "so many columns are one vector, and a faint one is rounding"


def test_what_is_left_of_many_bands_is_rounding() -> None:
    expected = RNG.normal(size=(64, 16, 16)).astype(np.float32)
    expected[5] *= np.float32(1e-4)
    assert passes(expected + RNG.normal(size=expected.shape).astype(np.float32) * np.float32(1e-5), expected, FLOAT)


def test_rounding_errors_are_no_band() -> None:
    expected = float_map()
    expected[1] = 0
    actual = expected.copy()
    actual[1] = 1e-6
    assert passes(actual, expected, FLOAT) and passes(expected, actual, FLOAT)
    level = np.full((1, 32, 32), 7.0, dtype=np.float32)
    assert passes(level + RNG.normal(size=level.shape).astype(np.float32) * np.float32(1e-4), level, FLOAT)


def test_bands_are_compared_where_there_are_values() -> None:
    expected = np.concatenate([pressures(), RNG.random((1, 64, 64), dtype=np.float32)])
    expected[0, :8] = np.nan
    expected[1] = np.nan
    assert passes(expected.copy(), expected, FLOAT)
    assert not passes(expected[:, :, ::-1].copy(), expected, FLOAT)


def test_nan_masks_must_match() -> None:
    expected = float_map()
    expected[0, 0, 0] = np.nan
    assert passes(expected.copy(), expected, FLOAT)
    assert not passes(np.nan_to_num(expected), expected, FLOAT)
    everywhere = np.full_like(expected, np.nan)
    assert not passes(everywhere, everywhere.copy(), FLOAT)


def test_infinities_have_a_sign() -> None:
    expected = np.array([1.0, 2.0, np.inf], dtype=np.float32)
    assert passes(expected.copy(), expected, FLOAT)
    assert not passes(expected * np.array([1, 1, -1], dtype=np.float32), expected, FLOAT)


def small_map(void: float, *, share: int = 20) -> Any:
    """Values from 10 to 20, and what stands for none in the first rows."""
    values = (RNG.random((1, 64, 64)) * 10 + 10).astype(np.float32)
    values[:, :share] = void
    return values


@pytest.mark.parametrize("void", [-999.0, -9999.0, -3.4028234663852886e38, 1e20])
@pytest.mark.parametrize("told", [True, False], ids=["told", "untold"])
def test_what_stands_for_none_makes_no_value_easier_to_meet(void: float, told: bool) -> None:
    how = {"nodata": void} if told else {}
    expected = small_map(void)
    there = expected != np.float32(void)
    assert passes(expected.copy(), expected, FLOAT, **how)
    assert passes(np.where(there, tf32(expected), expected), expected, FLOAT, **how)
    assert not passes(np.where(there, np.float32(0), expected), expected, FLOAT, **how)
    assert not passes(np.where(there, expected + np.float32(0.3), expected), expected, FLOAT, **how)
    moved = expected.copy()
    moved[0, 0, 0], moved[0, 40, 40] = 15.0, 15.0
    assert not passes(moved, expected, FLOAT, **how)
    lost = expected.copy()
    lost[0, 40, 40] = void
    assert not passes(lost, expected, FLOAT, **how)


def test_one_pixel_of_nodata_is_enough_to_know_it() -> None:
    expected = small_map(15.0)
    expected[0, 0, 0] = -3.4028234663852886e38
    actual = np.zeros_like(expected)
    actual[0, 0, 0] = expected[0, 0, 0]
    assert not passes(actual, expected, FLOAT, nodata=-3.4028234663852886e38)


def test_a_nodata_among_the_values_may_be_missed_by_a_hair() -> None:
    """Zero as the author writes it, and what another GPU makes of a sum that cancels."""
    expected = small_map(0.0)
    assert passes(np.where(expected == 0, np.float32(1e-6), expected), expected, FLOAT, nodata=0.0)


def test_nothing_but_nodata_is_not_a_pass() -> None:
    nothing = np.full((1, 8, 8), -9999.0, dtype=np.float32)
    assert not passes(nothing, nothing.copy(), FLOAT, nodata=-9999.0)


def test_large_values_that_differ_are_values() -> None:
    expected = float_map() * np.float32(1000)
    assert passes(tf32(expected), expected, FLOAT)
    sure = np.where(RNG.random((1, 64, 64)) > 0.5, 1.0, 1e-4).astype(np.float32)
    assert passes(sure * np.float32(1 - 1e-4), sure, FLOAT)


def test_label_maps_of_floats_have_a_dont_care_mask() -> None:
    expected = label_map().astype(np.float32)
    assert not passes(np.where(expected == 0, 1, expected).astype(np.float32), expected, LABELS)


def test_nodata_is_no_undeclared_label() -> None:
    expected = label_map()
    expected[0, -16:] = 200
    assert passes(expected.copy(), expected, LABELS, nodata=200.0)
    assert not passes(expected.copy(), expected, LABELS)


def test_many_labels_of_one_pixel_each() -> None:
    many = np.arange(2_000, dtype=np.int32).reshape(40, 50)
    policy = ComparisonPolicy(task="labels")
    assert passes(many.copy(), many, policy)
    assert not passes(many[::-1].copy(), many, policy)


def test_complex_numbers_are_compared_in_both_parts() -> None:
    expected = float_map() + 1j * float_map()
    assert passes(expected.copy(), expected, FLOAT)
    assert not passes(expected.conj(), expected, FLOAT)


@pytest.mark.parametrize("policy", [PROBABILITIES, ComparisonPolicy(task="float", atol=0.01)])
def test_all_zeros_are_no_small_numbers(policy: ComparisonPolicy) -> None:
    expected = (RNG.random((64, 64)) * 0.009).astype(np.float32)
    assert passes(tf32(expected), expected, policy)
    assert not passes(np.zeros_like(expected), expected, policy)


def test_an_absolute_tolerance_is_held_to_the_values_and_says_so() -> None:
    expected = np.full((4, 4), 0.5, dtype=np.float32)
    check = array_checks(expected + np.float32(0.006), expected, ComparisonPolicy(task="float", atol=0.01))[-1]
    assert not check.passed and check.detail.startswith("atol 0.005 of 0.01 given")
    assert passes(expected + np.float32(0.006), expected, ComparisonPolicy(task="float", atol=0.02, relaxed=True))
    nothing = np.zeros((4, 4), dtype=np.float32)
    assert passes(nothing + np.float32(1e-7), nothing, ComparisonPolicy(task="float", atol=1e-6))


def test_declared_tolerance_decides_elementwise() -> None:
    expected = float_map()
    policy = ComparisonPolicy(task="float", atol=0.5)
    assert passes(expected + np.float32(0.4), expected, policy)
    assert not passes(expected + np.float32(0.6), expected, policy)


def test_probabilities_must_sum_to_one_where_the_authors_do() -> None:
    expected = probabilities()
    shifted = expected + np.float32(0.005)
    checks = {c.name: c.passed for c in array_checks(shifted, expected, PROBABILITIES)}
    assert checks["largest difference"] is True and checks["sum of probabilities"] is False


def test_a_lost_first_place_fails_and_a_thin_margin_is_a_tie() -> None:
    clear, thin = {"a": 0.8, "b": 0.1, "c": 0.1}, {"a": 0.401, "b": 0.399, "c": 0.2}
    lost = json_checks({"a": 0.1, "b": 0.8, "c": 0.1}, clear, SCORES)
    tie = json_checks({"a": 0.399, "b": 0.401, "c": 0.2}, thin, SCORES)
    assert not all(c.passed for c in lost)
    assert all(c.passed for c in tie) and any("1 ties" in c.detail for c in tie)


def test_other_classes_fail_and_other_json_must_be_equal() -> None:
    assert not json_checks({"a": 1.0}, {"b": 1.0}, SCORES)[0].passed
    assert json_checks({"k": ["x"]}, {"k": ["x"]}, SCORES)[0].passed
    assert not json_checks({"k": ["x"]}, {"k": ["y"]}, SCORES)[0].passed


def test_integers_are_exact_without_a_label_task() -> None:
    expected = label_map()
    actual = expected.copy()
    actual[0, 100, 100] ^= 1
    assert not passes(actual, expected, ComparisonPolicy(task="exact"))


def test_rendered_pictures_are_a_weak_reference() -> None:
    expected = RNG.integers(0, 255, (3, 32, 32)).astype(np.uint8)
    (check,) = array_checks(expected ^ np.uint8(1), expected, LABELS, picture=True)
    assert check.passed and "weak" in check.name
