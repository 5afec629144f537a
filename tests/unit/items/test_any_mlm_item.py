"""Whatever stands in any field of an MLM or ML-Model item: an Item that can be written, or an error a user can read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .samples_of_items import spoiled
from .samples_of_mlm import ML_MODEL, MLM
from .test_any_item import TEXTS, VALUES, check, paths

OLD: dict[str, Any] = {
    **MLM,
    "mlm:entrypoint": "a.b:c",
    "properties": {
        **MLM["properties"],
        "mlm:input": [
            {
                "input_array": {"shape": [1, 2, 8, 8], "dim_order": "bchw"},
                "bands": [3, {"name": "ndvi", "format": "x", "expression": "y"}],
                "variables": ["t"],
                "norm_type": "z_score",
                "norm_clip": [1],
                "statistics": {"mean": [1, 2], "stddev": [3, 4]},
                "resize_type": "crop",
                "pre_processing_function": [{"format": "python", "expression": "f"}],
            },
            {},
        ],
        "mlm:output": {"task": "x", "result_array": [{"shape": [-1, 2], "dim_names": ["batch", "class"]}]},
        "dlm:archive": [{"name": "a", "roles": ["test set"]}],
        "dlm:data": {"test_file": {"filename": "a", "atol": 1}, "number_of_bands": 2, "nodata_value": 0},
        "dlm:inputs": {"selected_bands": [1]},
    },
}
ITEMS = {"mlm": MLM, "old": OLD, "ml-model": ML_MODEL}
PLACES = sorted((name, path) for name, item in ITEMS.items() for path in paths(item))


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), value=TEXTS)
def test_any_text_in_any_field(place: tuple[str, str], value: str) -> None:
    check(json.dumps(spoiled(place[1], value, ITEMS[place[0]])))


@settings(max_examples=300, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(PLACES), value=VALUES)
def test_any_value_in_any_field(place: tuple[str, str], value: object) -> None:
    check(json.dumps(spoiled(place[1], value, ITEMS[place[0]])))


@pytest.mark.parametrize(("name", "path"), PLACES)
def test_every_field_may_be_missing_or_null_or_another_type(name: str, path: str) -> None:
    if not path.rpartition("/")[2].isdigit():
        check(json.dumps(spoiled(path, ..., ITEMS[name])))
    values: tuple[object, ...] = (None, [], {}, [[]], [{}], 7, 1.5, True, "x", {"a": 1}, [1], ["x"])
    for value in values:
        check(json.dumps(spoiled(path, value, ITEMS[name])))
