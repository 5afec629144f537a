"""The largest part that fits."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.migrating.pruning import GONE, pruned
from dlm_build.schemas.offline import fits

CLASSES = "ModelOutput/properties/classification:classes"
SEA = {"value": 1, "name": "sea", "description": "Sea"}


@pytest.mark.parametrize(
    ("value", "wanted"),
    [
        ([SEA], [SEA]),
        ([{**SEA, "color_hint": None}], [SEA]),
        ([{**SEA, "color_hint": "blue", "mine": 1}], [{**SEA, "mine": 1}]),
        ([{**SEA, "color_hint": "blue", "name": 3}], [{"value": 1, "description": "Sea"}]),
        ([SEA, {"name": "land"}, "x"], [SEA]),
        ("sea", GONE),
        ([{"name": "land"}], GONE),
    ],
)
def test_classes(value: Any, wanted: Any) -> None:
    assert pruned(value, lambda one: fits(one, CLASSES)) == wanted


def test_a_large_value_ends() -> None:
    wide = {f"a{index}": {"b": [index]} for index in range(2_000)}
    assert pruned(wide, lambda one: False) is GONE
