"""MLM items that break the schema are mended piece by piece: what is valid stays, in every input and output."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.migrating import Migrated
from tests.unit.items.samples_of_mlm import MLM

from .items import of


def of_old(outputs: list[dict[str, Any]] | None = None, inputs: list[dict[str, Any]] | None = None) -> Migrated:
    item = copy.deepcopy(MLM)
    item["properties"] |= {} if outputs is None else {"mlm:output": outputs}
    item["properties"] |= {} if inputs is None else {"mlm:input": inputs}
    return of(item)


def output(name: str = "mask", **more: Any) -> dict[str, Any]:
    result = {"shape": [-1, 1], "dim_order": ["batch", "class"], "data_type": "uint8"}
    return {"name": name, "tasks": ["semantic-segmentation"], "result": result} | more


def assumed(migrated: Migrated) -> set[str]:
    return {note.pointer for note in migrated.assumed}


CLASSES = [
    {"value": 0, "name": "NO", "description": "elsewhere", "color_hint": None},
    {"value": 1, "name": "YES", "description": "detected", "color_hint": [0, 255, 0]},
]


def test_several_outputs_stay() -> None:
    inverse = {"format": "gdal-calc", "expression": "logical_not(A)"}
    old = [
        output("mask", classification_classes=copy.deepcopy(CLASSES)),
        output("inverse", classification_classes=copy.deepcopy(CLASSES), post_processing_function=inverse),
    ]
    migrated = of_old(old)
    new = migrated.document["properties"]["mlm:output"]
    classes = [
        {"value": 0, "name": "NO", "description": "elsewhere"},
        {"value": 1, "name": "YES", "description": "detected", "color_hint": "00FF00"},
    ]
    assert [one.pop("classification:classes") for one in new] == [classes, classes]
    assert new == [output("mask"), output("inverse", post_processing_function=inverse)]
    assert not [note for note in migrated.assumed + migrated.dropped if "mlm:output" in note.pointer]


def test_only_what_is_missing_is_filled_in() -> None:
    old = output("Yield", units="t/ha", tasks=["regression", "forecasting"])
    del old["result"]["dim_order"]
    migrated = of_old([old])
    new = migrated.document["properties"]["mlm:output"][0]
    assert (new["name"], new["units"], new["tasks"]) == ("Yield", "t/ha", ["regression"])
    assert new["result"] == {"shape": [-1, 1], "data_type": "uint8", "dim_order": ["batch", "class"]}
    assert "/properties/mlm:output/0/result/dim_order" in assumed(migrated)
    assert "/properties/mlm:output/0/tasks/1" in {note.pointer for note in migrated.dropped}


@pytest.mark.parametrize(
    ("structure", "wanted", "noted"),
    [
        ({"shape": ["batch", 2, 64.5, 64]}, [-1, 2, -1, 64], ["shape/0", "shape/2"]),
        ({"dim_order": ["Batch", "Bands", "Y", "Y"]}, ["batch", "bands", "y", "y-too"], ["dim_order/0", "dim_order/3"]),
        ({"data_type": "torch.Float32"}, "float32", ["data_type"]),
        ({"data_type": "words"}, "float32", ["data_type"]),
        ({"shape": None}, [-1, -1, -1, -1], ["shape"]),
    ],
)
def test_pieces_of_a_tensor(structure: dict[str, Any], wanted: Any, noted: list[str]) -> None:
    second = copy.deepcopy(MLM["properties"]["mlm:input"][0])
    second["input"] |= structure
    migrated = of_old(inputs=[copy.deepcopy(MLM["properties"]["mlm:input"][0]), second])
    new = migrated.document["properties"]["mlm:input"]
    assert new[0] == MLM["properties"]["mlm:input"][0]
    assert new[1]["input"][next(iter(structure))] == wanted
    assert {f"/properties/mlm:input/1/input/{name}" for name in noted} <= assumed(migrated)


@pytest.mark.parametrize("name", ["channel", "features"])
def test_bands_and_their_dimension_go_together(name: str) -> None:
    entry = copy.deepcopy(MLM["properties"]["mlm:input"][0])
    entry["input"]["dim_order"] = ["batch", name, "height", "width"]
    without = copy.deepcopy(MLM["properties"]["mlm:input"][0]) | {"bands": []}
    new = of_old(inputs=[entry, without]).document["properties"]["mlm:input"]
    assert (new[0]["bands"], new[0]["input"]["dim_order"][1]) == (["nir", "red"], "bands")
    assert (new[1]["bands"], new[1]["input"]["dim_order"][1]) == ([], "channel")


def test_bands_that_no_list_has_are_listed() -> None:
    item = copy.deepcopy(MLM)
    del item["assets"]["model"]["bands"]
    migrated = of(item)
    assert migrated.document["properties"]["bands"] == [{"name": "nir"}, {"name": "red"}]
    assert migrated.document["properties"]["mlm:input"] == MLM["properties"]["mlm:input"]
    assert "/properties/bands" in assumed(migrated)


def test_variables_without_a_cube_are_named() -> None:
    entry = copy.deepcopy(MLM["properties"]["mlm:input"][0]) | {"bands": [], "variables": ["t2m"]}
    entry["input"]["dim_order"][1] = "variables"
    migrated = of_old(inputs=[entry])
    assert "variables" not in migrated.document["properties"]["mlm:input"][0]
    assert "/properties/mlm:input/0/variables" in {note.pointer for note in migrated.dropped}


def test_an_object_is_a_list_of_one() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:output"] = output("mask", units="t/ha")
    migrated = of(item)
    assert migrated.document["properties"]["mlm:output"] == [output("mask", units="t/ha")]
    assert not [note for note in migrated.dropped if "mlm:output" in note.pointer]


def test_rows_that_are_no_objects_are_named() -> None:
    migrated = of_old([output("mask"), "and another"])  # type: ignore[list-item]
    assert migrated.document["properties"]["mlm:output"] == [output("mask")]
    notes = {note.pointer: note.reason for note in migrated.dropped}
    assert "and another" in notes["/properties/mlm:output/1"]


def test_tasks_that_mlm_has_stay() -> None:
    item = copy.deepcopy(MLM)
    item["properties"]["mlm:tasks"] = ["Semantic Segmentation", "counting cars"]
    migrated = of(item)
    assert migrated.document["properties"]["mlm:tasks"] == ["semantic-segmentation"]
    assert [note.pointer for note in migrated.dropped if "tasks" in note.pointer] == ["/properties/mlm:tasks/1"]
