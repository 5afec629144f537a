"""What of a DLM item becomes what in MLM, and what is kept under `dlm:`."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.migrating import Migrated
from tests.unit.items.samples_of_items import GOOD, spoiled

from .items import of

COMMIT = "0123456789abcdef0123456789abcdef01234567"
RUNTIME, INPUTS, OUTPUTS = "properties/dlm:runtime/", "properties/dlm:inputs/", "properties/dlm:outputs/"


def told(migrated: Migrated) -> dict[str, Any]:
    properties: dict[str, Any] = migrated.document["properties"]
    return properties


def assumed(migrated: Migrated) -> set[str]:
    return {note.pointer for note in migrated.assumed}


def kept(migrated: Migrated) -> set[str]:
    return {note.pointer.removeprefix("/properties/") for note in migrated.kept}


def test_the_whole() -> None:
    migrated = of(GOOD)
    document, properties = migrated.document, told(migrated)
    assert properties["mlm:name"] == "Coast" and properties["mlm:architecture"] == "unknown"
    assert properties["mlm:tasks"] == ["semantic-segmentation"]
    assert (properties["mlm:framework"], properties["mlm:framework_version"]) == ("PyTorch", "1.7.1")
    assert properties["mlm:accelerator"] == "cuda"
    assert properties["mlm:input"] == [
        {
            "name": "data",
            "bands": ["nir", "red"],
            "input": {
                "shape": [1, 2, 64, 64],
                "dim_order": ["batch", "bands", "height", "width"],
                "data_type": "float32",
            },
            "value_scaling": [
                {"type": "z-score", "mean": 0.2, "stddev": 1},
                {"type": "z-score", "mean": 0.4, "stddev": 1.2},
            ],
        }
    ]
    bands = [{"name": name, "data_type": "uint16", "nodata": 0} for name in ("red", "nir")]
    assert properties["bands"] == document["assets"]["model"]["bands"] == bands
    assert document["assets"]["model"]["roles"] == ["mlm:model", "model artefact"]
    assert document["assets"]["model"]["mlm:artifact_type"] == "torch-model-archiver"
    assert document["assets"]["source-code"]["mlm:entrypoint"] == "handler.py:handle"
    assert document["assets"]["container"]["href"] == "oci://docker.io/me/coast:1.0"
    assert properties["dlm:data"] == {"test_file": {"filename": "in.tif", "output": "out.tif"}, "number_of_bands": 2}
    assert properties["dlm:archive"] == GOOD["properties"]["dlm:archive"]
    assert properties["dlm:runtime"]["docker"] == {"working_dir": "/workspace", "run": "coast infer"}
    assert "selected_bands" not in properties["dlm:inputs"]
    assert "eo:bands" not in properties


@pytest.mark.parametrize(
    ("version", "said", "keeps"),
    [("1.7.1", "1.7.1", False), ("2.1.0+cu118", "2.1.0+cu118", False), ("1.5", None, True), ("1.8.0a0", None, True),
     ("01.2.3", None, True), (1.1, None, True)],
)  # fmt: skip
def test_versions_of_three_numbers(version: Any, said: str | None, keeps: bool) -> None:
    properties = told(of(spoiled(f"{RUNTIME}version", version)))
    assert properties.get("mlm:framework_version") == said
    assert properties.get("dlm:runtime", {}).get("version") == (str(version) if keeps else None)


@pytest.mark.parametrize(
    ("url", "href", "keeps"),
    [
        ("https://github.com/me/coast", f"https://github.com/me/coast/tree/{COMMIT}", False),
        ("https://github.com/me/coast.git", f"https://github.com/me/coast/tree/{COMMIT}", True),
        ("https://example.org/me/coast", "https://example.org/me/coast", True),
    ],
)
def test_the_code_at_its_commit(url: str, href: str, keeps: bool) -> None:
    migrated = of(spoiled(f"{RUNTIME}model_src_url", url))
    assert migrated.document["assets"]["source-code"]["href"] == href
    kept_runtime = told(migrated)["dlm:runtime"]
    assert (kept_runtime.get("model_src_url"), kept_runtime.get("model_commit_hash")) == (
        (url, COMMIT) if keeps else (None, None)
    )


@pytest.mark.parametrize(
    ("image", "has_asset"), [("coast", False), ("me/coast", False), ("registry.example.org/me/coast", True)]
)
def test_an_image_without_a_registry_has_no_address(image: str, has_asset: bool) -> None:
    migrated = of(spoiled(f"{RUNTIME}docker/image_name", image))
    assert ("container" in migrated.document["assets"]) == has_asset
    assert ("dlm:runtime/docker/image_name" in kept(migrated)) == (not has_asset)


@pytest.mark.parametrize(("gpu", "accelerator"), [(True, "cuda"), (False, "amd64"), (None, None)])
def test_the_gpu(gpu: bool | None, accelerator: str | None) -> None:
    assert told(of(spoiled(f"{RUNTIME}docker/gpu", gpu))).get("mlm:accelerator") == accelerator


@pytest.mark.parametrize(
    ("inputs", "scaling"),
    [
        ({"scaling_factor": 0.0001}, [{"type": "scale", "value": 10000}]),
        ({"normalization:mean": [1, 2], "normalization:std": [3, 4]},
         [{"type": "z-score", "mean": 1, "stddev": 3}, {"type": "z-score", "mean": 2, "stddev": 4}]),
        ({"normalization:mean": [1, 2]},
         [{"type": "z-score", "mean": 1, "stddev": 1}, {"type": "z-score", "mean": 2, "stddev": 1}]),
        ({"normalization:std": [3], "normalization:mean": [1, 2]},
         [{"type": "z-score", "mean": 1, "stddev": 3}, {"type": "z-score", "mean": 2, "stddev": 3}]),
        ({"normalization:mean": [1, 2, 3], "normalization:std": [3, 4]}, None),
        ({}, None),
    ],
)  # fmt: skip
def test_scaling(inputs: dict[str, Any], scaling: Any) -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:inputs"] = {"name": "data", "input_tensors": {"channels": 2}} | inputs
    first = told(of(item))["mlm:input"][0]
    assert first.get("value_scaling") == scaling
    assert first["input"]["shape"] == [-1, 2, -1, -1]


def test_bands_without_names_are_places() -> None:
    properties = told(of(spoiled("properties/eo:bands")))
    first = properties["mlm:input"][0]
    assert first["bands"] == [] and first["input"]["dim_order"][1] == "channel" and "bands" not in properties
    assert properties["dlm:inputs"]["selected_bands"] == [1, 0] and properties["dlm:data"]["dtype"] == "uint16"


def test_bands_named_by_useful_bands() -> None:
    item = spoiled("properties/eo:bands")
    item["properties"]["dlm:data"]["useful_bands"] = [{"index": 1, "name": "B8"}, {"index": 0, "name": "B4"}]
    properties = told(of(item))
    assert properties["mlm:input"][0]["bands"] == ["B8", "B4"]
    assert [band["name"] for band in properties["bands"]] == ["B8", "B4"]
    assert properties["dlm:inputs"]["selected_bands"] == [1, 0]  # their order in the file is told nowhere else


def test_details_of_bands() -> None:
    rows = [
        {"name": "a", "common_name": "red", "center_wavelength": 0.6},
        {"name": "b", "common_name": "infrared-ish", "full_width_half_max": "wide", "index": 4},
    ]
    migrated = of(spoiled("properties/eo:bands", rows))
    values = {"data_type": "uint16", "nodata": 0}
    assert told(migrated)["bands"] == [
        {"name": "a", **values, "eo:common_name": "red", "eo:center_wavelength": 0.6},
        {"index": 4, "name": "b", **values},
    ]  # fmt: skip
    assert {"/properties/eo:bands/1/common_name", "/properties/eo:bands/1/full_width_half_max"} <= {
        note.pointer for note in migrated.dropped
    }
    assert any("/eo/v2" in uri for uri in migrated.document["stac_extensions"])


@pytest.mark.parametrize(
    ("task", "tasks"),
    [("Semantic_Segmentation", ["semantic-segmentation"]), ("object detection", ["object-detection"]),
     ("counting cars", []), (None, [])],
)  # fmt: skip
def test_tasks(task: str | None, tasks: list[str]) -> None:
    migrated = of(spoiled(f"{OUTPUTS}task", task))
    assert told(migrated)["mlm:tasks"] == tasks
    assert ("/properties/mlm:tasks" in assumed(migrated)) == (not tasks)
    assert ("dlm:outputs/task" in kept(migrated)) == (task == "counting cars")


@pytest.mark.parametrize(
    ("size", "order"),
    [([1, 5, 64, 64], ["batch", "class", "height", "width"]), ([5], ["class"]), ([64, 64], ["height", "width"])],
)
def test_shapes_of_outputs(size: list[int], order: list[str]) -> None:
    result = told(of(spoiled(f"{OUTPUTS}final_layer_size", size)))["mlm:output"][0]["result"]
    assert (result["shape"], result["dim_order"]) == (size, order)


def test_a_shape_that_mlm_cannot_name_is_kept() -> None:
    properties = told(of(spoiled(f"{OUTPUTS}final_layer_size", [1, 2, 3, 4, 5])))
    assert properties["mlm:output"][0]["result"]["shape"] == [-1, -1, -1, -1]
    assert properties["dlm:outputs"]["final_layer_size"] == [1, 2, 3, 4, 5]


def test_nothing_said_of_tensors_is_nothing_said() -> None:
    item = copy.deepcopy(GOOD)
    for name in ("dlm:inputs", "dlm:outputs", "dlm:data", "eo:bands"):
        del item["properties"][name]
    properties = told(of(item))
    assert properties["mlm:input"] == [] and properties["mlm:output"] == []


@pytest.mark.parametrize(
    ("title", "name"),
    [
        ("Coast", "Coast"),
        ("2020 résumé: côte (v1.2)", "model 2020 resume cote v1.2"),
        ("x", "model x"),
        ("海", "model"),
    ],
)
def test_names(title: str, name: str) -> None:
    migrated = of(spoiled("properties/title", title))
    assert told(migrated)["mlm:name"] == name and told(migrated)["title"] == title
    assert ("/properties/mlm:name" in assumed(migrated)) == (title != name)


def test_the_architecture() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:architecture"] = {
        "type": "unet", "total_nb_parameters": 7, "pretrained": "imagenet", "summary": "layers", "other": None,
    }  # fmt: skip
    properties = told(of(item))
    assert (properties["mlm:architecture"], properties["mlm:total_parameters"]) == ("unet", 7)
    assert (properties["mlm:pretrained"], properties["mlm:pretrained_source"]) == (True, "imagenet")
    assert properties["dlm:architecture"] == {"summary": "layers"}


def test_what_nobody_knows_is_kept_where_it_stood() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:inputs"]["augmentation"] = {"flip": True}
    item["properties"]["dlm:data"]["item_examples"] = [{"url": "https://example.org"}]
    item["properties"]["dlm:publisher"] = "us"
    migrated = of(item)
    properties = told(migrated)
    assert properties["dlm:inputs"]["augmentation"] == {"flip": True} and properties["dlm:publisher"] == "us"
    assert properties["dlm:data"]["item_examples"] == [{"url": "https://example.org"}]
    assert {"dlm:inputs/augmentation", "dlm:data/item_examples"} <= kept(migrated)


def test_an_asset_without_an_address_is_left_out() -> None:
    item = copy.deepcopy(GOOD)
    item["assets"]["lost"] = {"title": "?"}
    migrated = of(item)
    assert "lost" not in migrated.document["assets"]
    assert "/assets/lost" in {note.pointer for note in migrated.dropped}


def test_without_a_model_there_are_no_assets() -> None:
    migrated = of(spoiled("assets", {}))
    assert migrated.document["assets"] == {} and "dlm:runtime/model_src_url" in kept(migrated)
    assert told(migrated)["mlm:input"][0]["bands"] == []


@pytest.mark.parametrize(
    ("suffix", "kind"),
    [
        ("pkl", "pickle"),
        ("weights.h5", "tf.keras.Model.save_weights"),
        ("rds", "rds"),
        ("zip", "archive"),
        ("0", "archive"),
    ],
)
def test_the_kind_of_a_file_that_is_no_network(suffix: str, kind: str) -> None:
    item = copy.deepcopy(GOOD)
    item["assets"] = {"model": {"href": f"https://example.org/forest.{suffix}"}}
    assert of(item).document["assets"]["model"]["mlm:artifact_type"] == kind


def test_two_that_may_be_the_model() -> None:
    item = copy.deepcopy(GOOD)
    item["assets"] = {"a": {"href": "https://example.org/a.onnx"}, "b": {"href": "https://example.org/b.pth"}}
    migrated = of(item)
    types = {key: one["mlm:artifact_type"] for key, one in migrated.document["assets"].items() if key in ("a", "b")}
    assert types == {"a": "onnx", "b": "torch.save"} and "/assets" in assumed(migrated)


@pytest.mark.parametrize(
    ("assets", "models", "noted"),
    [
        ({"model": ("a.yml", ["ml-model:inference-runtime"]), "b": ("b.json", [])}, {"model"}, True),
        ({"a": ("a.nc", ["metadata"]), "b": ("b.nc", ["metadata"])}, {"a"}, True),
        ({"a": ("a.zip", ["documentation"]), "b": ("b.zip", [])}, {"b"}, False),
        ({"a": ("a.zip", ["data"]), "b": ("b.zip", [])}, {"a", "b"}, False),
    ],
)
def test_what_says_that_it_is_something_else_is_the_model_for_want_of_another_only(
    assets: dict[str, tuple[str, list[str]]], models: set[str], noted: bool
) -> None:
    item = copy.deepcopy(GOOD)
    item["assets"] = {key: {"href": f"https://example.org/{name}", "roles": roles}
                      for key, (name, roles) in assets.items()}  # fmt: skip
    migrated = of(item)
    assert {key for key, one in migrated.document["assets"].items() if "mlm:model" in one["roles"]} == models
    assert bool({f"/assets/{key}/roles" for key in models} & assumed(migrated)) == noted


def test_the_version_of_a_library_is_not_said_to_be_its_framework_s() -> None:
    migrated = of(spoiled(RUNTIME + "framework", "pytorch-lightning"))
    assert "mlm:framework_version" not in told(migrated)
    (note,) = [note for note in migrated.dropped if note.pointer == "/properties/dlm:runtime/version"]
    assert "1.7.1 is a version of pytorch-lightning" in note.reason
