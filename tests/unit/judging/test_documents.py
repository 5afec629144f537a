"""JSON outputs: what counts as the same document, and what is said where it is not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.judging.documents import json_checks
from dlm_build.records import ComparisonPolicy

EXACT = ComparisonPolicy(task="exact")
SCORES = ComparisonPolicy(task="class-scores")


def detections() -> Any:
    rows = [
        {"label": "car", "count": 2, "score": 0.91 - n / 50, "bbox": [1.5 * n, 2.25, 40.5, 60.125]} for n in range(6)
    ]
    return {"type": "FeatureCollection", "detections": rows, "note": None}


def failing(actual: Any, expected: Any, policy: ComparisonPolicy = EXACT, **how: bool) -> list[str]:
    return [f"{c.name} {c.detail}" for c in json_checks(actual, expected, policy, **how) if not c.passed]


def test_other_hardware_s_noise_is_the_same_document() -> None:
    noisy = copy.deepcopy(detections())
    for row in noisy["detections"]:
        row["score"] *= 1 + 1e-5
        row["bbox"] = [edge * (1 - 2e-5) for edge in row["bbox"]]
    assert failing(noisy, detections()) == []
    assert len(json_checks(noisy, detections(), EXACT)) > 2


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"score": 0.5}, "/detections/*/score"),
        ({"bbox": [3.0, 2.25, 40.5, 90.0]}, "/detections/*/bbox/*"),
        ({"label": "bus"}, "/detections/2/label"),
        ({"count": 3}, "/detections/2/count"),
        ({"bbox": [1.0]}, "/detections/2/bbox"),
        ({"score": "0.9"}, "/detections/2/score"),
        ({"extra": 1}, "/detections/2"),
    ],
)
def test_another_document_fails_and_the_place_is_named(change: dict[str, Any], told: str) -> None:
    other = copy.deepcopy(detections())
    other["detections"][2].update(change)
    assert any(told in line for line in failing(other, detections()))


def test_a_missing_detection_says_how_many() -> None:
    other = copy.deepcopy(detections())
    other["detections"].pop()
    (check,) = json_checks(other, detections(), EXACT)
    assert (check.measured, check.limit) == ("5 entries", "6 entries")


def test_true_is_no_number_and_1_is_1_point_0() -> None:
    assert failing({"a": [True]}, {"a": [1]})
    assert failing({"a": [1, "x"]}, {"a": [1.0, "x"]}) == []


def test_the_items_tolerances_count() -> None:
    loose = ComparisonPolicy(task="exact", atol=0.05)
    assert failing({"a": "x", "b": [0.52]}, {"a": "x", "b": [0.5]})
    assert failing({"a": "x", "b": [0.52]}, {"a": "x", "b": [0.5]}, loose) == []


def test_dlm_builds_own_runner_chose_the_list_and_the_names() -> None:
    scores = [0.7, 0.2, 0.1]
    named = {"water": 0.7, "forest": 0.2, "built-up": 0.1}
    for actual, expected in (([0.7, 0.2, 0.1], [scores]), (named, scores), (named, [scores])):
        assert failing(actual, expected, SCORES, own_form=True) == []
        assert failing(actual, expected, SCORES)
    assert failing({**named, "water": 0.2, "forest": 0.7}, scores, SCORES, own_form=True)
    assert failing({"a": 0.7, "b": 0.2, "c": 0.1}, named, SCORES, own_form=True)


def test_the_order_of_names_means_nothing() -> None:
    assert failing({"b": 0.2, "a": 0.8}, {"a": 0.8, "b": 0.2}, SCORES) == []
