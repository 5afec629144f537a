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


def passes(actual: Any, expected: Any, policy: ComparisonPolicy) -> bool:
    checks = array_checks(actual, expected, policy, picture=False)
    assert checks
    return all(check.passed for check in checks)


def test_equal_outputs_pass() -> None:
    for made, policy in ((label_map(), LABELS), (float_map(), FLOAT), (probabilities(), PROBABILITIES)):
        assert passes(made.copy(), made, policy)


def test_labels_allow_one_pixel_in_a_thousand_and_not_two() -> None:
    expected = label_map()
    counted = np.flatnonzero(expected)
    for share, wanted in ((0.0009, True), (0.002, False)):
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
    checks = {c.name: c for c in array_checks(actual, expected, LABELS, picture=False)}
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


def test_nan_masks_must_match() -> None:
    expected = float_map()
    expected[0, 0, 0] = np.nan
    assert passes(expected.copy(), expected, FLOAT)
    assert not passes(np.nan_to_num(expected), expected, FLOAT)
    everywhere = np.full_like(expected, np.nan)
    assert not passes(everywhere, everywhere.copy(), FLOAT)


def test_declared_tolerance_decides_elementwise() -> None:
    expected = float_map()
    policy = ComparisonPolicy(task="float", atol=0.5)
    assert passes(expected + np.float32(0.4), expected, policy)
    assert not passes(expected + np.float32(0.6), expected, policy)


def test_probabilities_must_sum_to_one_where_the_authors_do() -> None:
    expected = probabilities()
    shifted = expected + np.float32(0.005)
    checks = {c.name: c.passed for c in array_checks(shifted, expected, PROBABILITIES, picture=False)}
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
