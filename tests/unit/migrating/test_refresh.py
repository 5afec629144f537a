"""MLM items of older versions, and ML-Model: what still holds stays as it was written."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dlm_build.items import read_item
from dlm_build.migrating.kept import FIELDS
from dlm_build.migrating.text import written
from dlm_build.schemas import MLM as URI
from tests.unit.items.samples_of_mlm import COMMIT, ML_MODEL, MLM

from .items import of_text


def refreshed(item: dict[str, Any]) -> tuple[Any, Any]:
    return of_text(json.dumps(item), "shore.json")


def same(item: Any, migrated: Any) -> list[str]:
    again = read_item(written(migrated.document), "shore.json")
    return [".".join(one.path) for one in FIELDS if one.path != ("sample",) and one.of(item) != one.of(again)]


def test_a_new_item_stays_what_it_is() -> None:
    item, migrated = refreshed(MLM)
    assert same(item, migrated) == []
    told = migrated.document["properties"]
    for name in ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:accelerator_constrained"):
        assert told[name] == MLM["properties"][name]
    assert migrated.document["assets"].keys() == MLM["assets"].keys()
    assert migrated.document["assets"]["code"] == MLM["assets"]["code"]
    assert not [name for name in told if name.startswith("dlm:")]


@pytest.mark.parametrize("nested", [False, True])
def test_fields_in_another_spelling_become_those_of_mlm(nested: bool) -> None:
    item = copy.deepcopy(MLM)
    fields = {name: item["properties"].pop(name) for name in [*item["properties"]] if name.startswith("mlm:")}
    if nested:
        item["properties"]["mlm"] = {name.removeprefix("mlm:"): value for name, value in fields.items()}
    else:
        item["properties"] |= {name.replace(":", "_"): value for name, value in fields.items()}
    read, migrated = refreshed(item)
    assert same(read, migrated) == []
    told = migrated.document["properties"]
    assert told["mlm:architecture"] == "U-Net" and told["mlm:framework"] == "PyTorch"
    assert not [name for name in told if name == "mlm" or name.startswith("mlm_")]


def test_a_list_of_one_address_becomes_that_address() -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["model"]["href"] = ["https://example.org/shore.pt"]
    _, migrated = refreshed(item)
    assert migrated.document["assets"]["model"]["href"] == "https://example.org/shore.pt"


def test_classes_get_what_is_asked_for() -> None:
    _, migrated = refreshed(MLM)
    classes = migrated.document["properties"]["mlm:output"][0]["classification:classes"]
    assert [one["description"] for one in classes] == ["nothing", "sea", "dry"] and classes[0]["nodata"] is True


def test_classes_that_are_names_alone() -> None:
    old = copy.deepcopy(MLM)
    old["properties"]["mlm:output"] = old["properties"]["mlm:output"][0] | {"classification:classes": ["sea", "dry"]}
    item, migrated = refreshed(old)
    told = migrated.document["properties"]
    assert told["mlm:output"][0]["classification:classes"] == [
        {"value": 0, "name": "sea", "description": "sea"}, {"value": 1, "name": "dry", "description": "dry"}
    ]  # fmt: skip
    assert same(item, migrated) == [] and "dlm:outputs" not in told
    assert not [note.pointer for note in migrated.dropped if "classes" in note.pointer]


@pytest.mark.parametrize("listed", [True, False])
def test_statistics_become_value_scaling(listed: bool) -> None:
    old = copy.deepcopy(MLM)
    old["stac_extensions"] = ["https://crim-ca.github.io/mlm-extension/v1.2.0/schema.json"]
    entry = old["properties"]["mlm:input"][0]
    del entry["value_scaling"]
    entry |= {
        "norm_type": "z-score", "norm_by_channel": True,
        "statistics": [{"mean": 10, "stddev": 2}, {"mean": 20, "stddev": 4}],
    }  # fmt: skip
    if not listed:
        old["properties"]["mlm:input"] = entry
    item, migrated = refreshed(old)
    new = migrated.document["properties"]["mlm:input"][0]
    assert new == MLM["properties"]["mlm:input"][0]
    assert same(item, migrated) == [] and migrated.document["stac_extensions"][0] == URI


def test_old_names_of_classes_and_colours() -> None:
    old = copy.deepcopy(MLM)
    output = old["properties"]["mlm:output"][0]
    output["classification_classes"] = output.pop("classification:classes")
    output["classification_classes"][1]["color_hint"] = [0, 0, 255]
    item, migrated = refreshed(old)
    classes = migrated.document["properties"]["mlm:output"][0]["classification:classes"]
    assert classes[1]["color_hint"] == "0000FF" and same(item, migrated) == []


@pytest.mark.parametrize(
    ("name", "value"),
    [("mlm:memory_size", 1.5), ("mlm:accelerator", "gpu"), ("mlm:tasks", "semantic-segmentation"),
     ("mlm:tasks", ["counting"]), ("mlm:input", {"name": "x"}), ("mlm:framework", " ")],
)  # fmt: skip
def test_what_breaks_the_schema_is_said_again(name: str, value: Any) -> None:
    old = copy.deepcopy(MLM)
    old["properties"][name] = value
    _, migrated = refreshed(old)
    assert migrated.document["properties"].get(name) != value
    assert [note for note in (*migrated.assumed, *migrated.dropped) if note.pointer.startswith(f"/properties/{name}")]


def test_a_version_of_two_numbers_is_kept() -> None:
    old = copy.deepcopy(MLM)
    old["properties"]["mlm:framework_version"] = "2.1"
    _, migrated = refreshed(old)
    assert migrated.document["properties"]["dlm:runtime"]["version"] == "2.1"
    assert [note.pointer for note in migrated.kept] == ["/properties/dlm:runtime/version"]
    assert "/properties/mlm:framework_version" not in {note.pointer for note in migrated.dropped}


@pytest.mark.parametrize(
    ("written", "said", "keeps"),
    [
        ("v2.1.0", "2.1.0", None),
        ("v2.1", None, "2.1"),
        (" v2.1.0+cu118", "2.1.0+cu118", None),
    ],
)
def test_the_v_of_a_tag_is_no_part_of_a_version(written: str, said: str | None, keeps: str | None) -> None:
    old = copy.deepcopy(MLM)
    old["properties"]["mlm:framework_version"] = written
    item, migrated = refreshed(old)
    properties = migrated.document["properties"]
    assert properties.get("mlm:framework_version") == said
    assert properties.get("dlm:runtime", {}).get("version") == keeps
    assert item.runtime.version == (said or keeps)
    assert [note.pointer for note in migrated.kept] == (["/properties/dlm:runtime/version"] if keeps else [])
    assert not [note for note in migrated.dropped if "version" in note.pointer]


def test_a_version_of_a_library_is_told_to_be_lost() -> None:
    old = copy.deepcopy(MLM)
    old["properties"] |= {"mlm:framework": "ultralytics", "mlm:framework_version": "v8.1"}
    _, migrated = refreshed(old)
    assert "/properties/mlm:framework_version" in {note.pointer for note in migrated.dropped}


def test_fields_move_to_where_they_are_allowed() -> None:
    old = copy.deepcopy(MLM)
    model = old["assets"]["model"]
    for name in ("mlm:name", "mlm:input", "mlm:output"):
        model[name] = old["properties"].pop(name)
    old["properties"]["mlm:made_up"] = 1
    old["assets"]["sample"]["mlm:artifact_type"] = "tif"
    item, migrated = refreshed(old)
    assert same(item, migrated) == []
    assert migrated.document["properties"]["mlm:name"] == "Shore finder"
    assert {"/properties/mlm:made_up", "/assets/sample/mlm:artifact_type"} <= {n.pointer for n in migrated.dropped}


def test_fields_of_assets_get_their_colon() -> None:
    old = copy.deepcopy(MLM)
    model = old["assets"]["model"]
    model["mlm_artifact_type"] = "torch.jit.script"
    model["mlm_notes"] = "not of MLM"
    del model["mlm:artifact_type"]
    _, migrated = refreshed(old)
    made = migrated.document["assets"]["model"]
    assert made["mlm:artifact_type"] == "torch.jit.script" and "mlm_artifact_type" not in made
    assert made["mlm_notes"] == "not of MLM"
    assert not [note for note in (*migrated.assumed, *migrated.dropped) if "artifact_type" in note.pointer]


def test_a_structure_without_an_object_of_its_own_is_said_as_it_is_read() -> None:
    old = copy.deepcopy(MLM)
    properties = old["properties"]
    properties["mlm:input"] = [{"name": "scene", "shape": [25, 3, 64, 32], "axes": ["batch", "c", "height", "width"]}]
    properties["mlm:output"] = [{"name": "mask", "dtype": "float64", "shape": [25, 10]}]
    item, migrated = refreshed(old)
    assert same(item, migrated) == []
    (taken,), (given,) = (migrated.document["properties"][name] for name in ("mlm:input", "mlm:output"))
    assert taken["input"]["shape"] == [25, 3, 64, 32] and "shape" not in taken
    assert taken["input"]["dim_order"] == ["batch", "c", "height", "width"]
    assert given["result"] == {"shape": [25, 10], "dim_order": ["batch", "class"], "data_type": "float64"}
    assert not [note for note in migrated.assumed if note.pointer.endswith("/shape")]


def test_sizes_without_names_keep_their_order() -> None:
    old = copy.deepcopy(MLM)
    old["properties"]["mlm:input"] = [{"name": "scene", "input": {"shape": [224, 224, 3], "data_type": "float32"}}]
    item, migrated = refreshed(old)
    assert same(item, migrated) == []
    assert migrated.document["properties"]["mlm:input"][0]["input"]["dim_order"] == ["height", "width", "channel"]


def test_an_entry_point_is_of_code() -> None:
    old = copy.deepcopy(MLM)
    old["assets"]["code"]["roles"] = ["mlm:source_code"]
    _, migrated = refreshed(old)
    assert migrated.document["assets"]["code"]["roles"] == ["mlm:source_code", "code"]


def test_what_is_no_version_of_mlm_is_said_anew() -> None:
    old = copy.deepcopy(MLM)
    for name in ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"):
        old["properties"][name] = 3 if name == "mlm:architecture" else old["properties"][name]
    old["properties"]["mlm:output"] = []
    old["properties"]["bands"] = "three"
    item, migrated = refreshed(old)
    assert migrated.document["properties"]["mlm:architecture"] == "unknown" and same(item, migrated) == []


def test_ml_model() -> None:
    item, migrated = refreshed(ML_MODEL)
    told = migrated.document["properties"]
    assert (told["mlm:architecture"], told["mlm:tasks"]) == ("RCNN", ["object-detection"])
    assert told["ml-model:learning_approach"] == "supervised"  # under the prefix it had
    assert migrated.document["assets"]["checkpoint"]["roles"] == ["mlm:model", "ml-model:checkpoint"]
    assert migrated.document["assets"]["source-code"]["href"] == f"https://github.com/me/storm/tree/{COMMIT}"
    assert same(item, migrated) == []
    again = read_item(written(migrated.document), "shore.json")
    assert "other-dialect-too" not in {finding.code for finding in again.findings}
