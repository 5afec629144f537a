"""`norm_type` with `statistics`: said as `value_scaling` where that reads as the same, else left as it stands."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.migrating import Migrated
from tests.unit.items.samples_of_mlm import MLM

from .items import of


def of_old(**fields: Any) -> tuple[dict[str, Any], Migrated]:
    item = copy.deepcopy(MLM)
    entry = item["properties"]["mlm:input"][0]
    del entry["value_scaling"]
    entry |= fields
    migrated = of(item)
    return migrated.document["properties"]["mlm:input"][0], migrated


@pytest.mark.parametrize(
    ("fields", "wanted"),
    [
        ({"norm_type": "min-max", "statistics": [{"minimum": 0, "maximum": 3000}, {"minimum": -1, "maximum": 1}]},
         [{"type": "min-max", "minimum": 0, "maximum": 3000}, {"type": "min-max", "minimum": -1, "maximum": 1}]),
        ({"norm_type": "z-score", "statistics": {"mean": [1, 2], "std": [3, 4]}},
         [{"type": "z-score", "mean": 1, "stddev": 3}, {"type": "z-score", "mean": 2, "stddev": 4}]),
    ],
)  # fmt: skip
def test_the_numbers_as_they_stand(fields: dict[str, Any], wanted: list[dict[str, Any]]) -> None:
    entry, _ = of_old(norm_by_channel=True, norm_clip=None, **fields)
    assert entry["value_scaling"] == wanted
    assert not {"norm_type", "statistics", "norm_by_channel", "norm_clip"} & entry.keys()


def test_statistics_that_say_more_stay_beside_it() -> None:
    rows = [{"mean": 1, "stddev": 2, "maximum": 9}, {"mean": 3, "stddev": 4, "maximum": 8}]
    entry, _ = of_old(norm_type="z-score", statistics=rows)
    assert entry["statistics"] == rows and len(entry["value_scaling"]) == 2 and "norm_type" not in entry


@pytest.mark.parametrize("kind", ["l2", "a way of our own"])
def test_what_is_not_understood_stays_as_it_was(kind: str) -> None:
    rows = [{"mean": 0.4, "std": 0.2}, {"mean": 0.5, "std": 0.3}]
    entry, migrated = of_old(norm_by_channel=True, norm_type=kind, statistics=rows)
    assert (entry["norm_type"], entry["statistics"], entry["norm_by_channel"]) == (kind, rows, True)
    assert "/properties/mlm:input/0/norm_type" in {note.pointer for note in migrated.kept}


def test_of_every_input() -> None:
    item = copy.deepcopy(MLM)
    second = copy.deepcopy(item["properties"]["mlm:input"][0]) | {"name": "second"}
    del second["value_scaling"]
    second |= {"norm_type": "min-max", "statistics": [{"minimum": 0, "maximum": 9}]}
    item["properties"]["mlm:input"].append(second)
    new = of(item).document["properties"]["mlm:input"]
    assert new[0] == MLM["properties"]["mlm:input"][0]
    assert new[1]["value_scaling"] == [{"type": "min-max", "minimum": 0, "maximum": 9}]
