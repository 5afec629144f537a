"""ML-Model items, which say little: what follows from the little."""

from __future__ import annotations

import copy

import pytest

from dlm_build.gathering.assets import choose_archive
from dlm_build.records import DeclaredDocker, Item

from .samples_of_items import codes, found, read, spoiled
from .samples_of_mlm import COMMIT, ML_MODEL, PROPERTIES


def spoil(path: str, value: object = ...) -> Item:
    return read(spoiled(path, value, ML_MODEL))


def test_a_whole_item() -> None:
    item = read(ML_MODEL)
    assert (item.id, item.title, item.dialect, item.dialect_version) == ("storm", "Storm", "ml-model", "1.0.0")
    assert item.dialect_reason == "the schema of 1.0.0 in /stac_extensions/0"
    assert (item.runtime.framework, item.runtime.version, item.runtime.handler) == ("PyTorch", None, None)
    assert (item.runtime.source_url, item.runtime.source_commit) == ("https://github.com/me/storm", COMMIT)
    assert item.runtime.docker == DeclaredDocker(image_name="docker.io/me/storm", tag="1")
    assert item.outputs.task == "object detection" and item.sample is None
    assert choose_archive(item).key == "checkpoint"
    assert codes(item) == {
        "framework-from-artifact", "no-framework-version", "image-from-link", "runtime-is-instructions",
        "weights-need-code", "no-sample",
    }  # fmt: skip


def test_pointers_name_the_places_of_ml_model() -> None:
    at = read(ML_MODEL).pointers
    assert (at.framework, at.version) == ("/properties/mlm:framework", "/properties/mlm:framework_version")
    assert at.task == "/properties/ml-model:prediction_type"
    assert at.image == "/links/1/href" and at.source == "/links/2/href" and at.requirements == "/assets"


@pytest.mark.parametrize(
    ("architecture", "href", "framework", "evidence"),
    [
        ("resnet18", "https://example.org/m.ckpt", "PyTorch", "the suffix .ckpt"),
        ("catboost", "https://example.org/m.cbm.tar.gz", "CatBoost", "the architecture catboost"),
        ("XGBoost", "https://example.org/m.bin", "XGBoost", "the architecture XGBoost"),
        (
            "U-Net",
            "https://example.org/download",
            "PyTorch",
            "the role ml-model:checkpoint, which is for checkpoints of PyTorch",
        ),
        ("U-Net", "https://example.org/m.onnx", "onnxruntime", "the suffix .onnx"),
    ],
)
def test_the_framework_is_inferred(architecture: str, href: str, framework: str, evidence: str) -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"]["ml-model:architecture"] = architecture
    item["assets"]["checkpoint"]["href"] = href
    got = read(item)
    assert got.runtime.framework == framework and found(got, "framework-from-artifact").evidence == evidence


@pytest.mark.parametrize("suffix", ["joblib", "pkl"])
def test_a_forest_of_scikit_learn_is_told_by_its_class(suffix: str) -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"]["ml-model:architecture"] = "RandomForestClassifier"
    item["assets"]["checkpoint"]["href"] = f"https://example.org/forest.{suffix}"
    got = read(item)
    assert got.runtime.framework == "scikit-learn"
    assert not any("PyTorch" in finding.hint or "2.1.2" in finding.hint for finding in got.findings)


def test_of_two_checkpoints_the_role_they_have_is_to_be_kept_on_one() -> None:
    item = copy.deepcopy(ML_MODEL)
    item["assets"]["second"] = {"href": "https://example.org/epoch20.ckpt", "roles": ["ml-model:checkpoint"]}
    hint = found(read(item), "several-models").hint
    assert "the role ml-model:checkpoint on" in hint and "mlm:model" not in hint


@pytest.mark.parametrize("architecture", ["random-forest", "gradient-boosting", "k-means", "support vector machine"])
def test_a_checkpoint_of_no_network_is_not_one_of_pytorch(architecture: str) -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"]["ml-model:architecture"] = architecture
    item["assets"]["checkpoint"]["href"] = "https://example.org/checkpoint"
    got = read(item)
    assert got.runtime.framework is None and "no-framework" in codes(got)


@pytest.mark.parametrize("own", ["Pandas", "no-framework"])
def test_a_checkpoint_of_another_framework_than_is_known_is_not_said_to_be_pytorch(own: str) -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"] |= {"framework": own, "ml-model:architecture": "datacubes"}
    for asset in item["assets"].values():
        asset |= {"href": "https://example.org/model", "title": None, "description": None}
    got = read(item)
    assert got.runtime.framework is None and "no-framework" in codes(got)


def test_a_framework_in_other_fields_comes_before_what_a_checkpoint_is() -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"]["ml-model:architecture"] = "CNN"
    item["assets"]["checkpoint"] |= {"href": "https://example.org/model.zip", "description": "A Keras model of fires."}
    got = read(item)
    assert got.runtime.framework == "TensorFlow"
    assert found(got, "framework-from-artifact").evidence == "the description of the asset checkpoint"
    item["properties"]["framework"] = "MXNet"
    assert found(read(item), "framework-from-artifact").evidence == "the field framework, MXNet"


def test_no_assets() -> None:
    item = spoil("assets", {})
    assert item.runtime.framework is None and {"no-assets", "no-framework"} <= codes(item)


@pytest.mark.parametrize(
    ("processor", "gpu", "told"), [("cpu", False, True), ("gpu", None, False), (None, None, False)]
)
def test_the_processor_of_training(processor: str | None, gpu: bool | None, told: bool) -> None:
    item = spoil(PROPERTIES + "ml-model:training-processor-type", processor)
    assert item.runtime.docker.gpu is gpu and ("gpu-from-training" in codes(item)) is told


def test_fields_of_the_drafts() -> None:
    item = copy.deepcopy(ML_MODEL)
    del item["stac_extensions"], item["links"]
    item["properties"] |= {"ml-model:image": "registry.example.org/me/storm:2", "ml-model:requires-gpu": True}
    got = read(item)
    assert got.dialect_version == "a draft of 1.0" and got.runtime.docker.gpu is True
    assert (got.runtime.docker.image_name, got.runtime.docker.tag) == ("registry.example.org/me/storm", "2")
    assert got.pointers.image == "/properties/ml-model:image"


def test_a_sample_by_our_convention_and_what_stands_under_dlm() -> None:
    item = copy.deepcopy(ML_MODEL)
    item["assets"] |= {
        "in": {"href": "i.tif", "roles": ["test-input"]},
        "out": {"href": "o.tif", "roles": ["expected-output"]},
    }
    item["properties"]["dlm:inputs"] = {"selected_bands": [2, 1]}
    got = read(item)
    assert got.dialect == "ml-model" and got.inputs.selected_bands == (2, 1)
    assert got.sample and (got.sample.input, got.sample.expected) == ("in", "out")


def test_the_framework_and_the_entry_point_may_be_said_as_mlm_does() -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"] |= {"mlm:framework": "PyTorch", "mlm:framework_version": "1.9.1"}
    item["assets"]["code"] = {
        "href": f"https://github.com/me/storm/tree/{COMMIT}",
        "roles": ["mlm:source_code", "code"],
        "mlm:entrypoint": "storm.inference:predict",
    }
    got = read(item)
    runtime = got.runtime
    assert got.dialect == "ml-model"
    assert (runtime.framework, runtime.version, runtime.handler) == ("PyTorch", "1.9.1", "storm.inference:predict")
    at = got.pointers
    assert at.framework == "/properties/mlm:framework" and at.handler == "/assets/code/mlm:entrypoint"
    assert codes(got) == {"image-from-link", "runtime-is-instructions", "no-sample"}


def test_the_fix_of_each_gap_closes_it() -> None:
    item = copy.deepcopy(ML_MODEL)
    assert '"mlm:framework": "PyTorch"' in found(read(item), "framework-from-artifact").hint
    item["properties"]["mlm:framework"] = "PyTorch"
    assert '"mlm:framework_version"' in found(read(item), "no-framework-version").hint
    item["properties"]["mlm:framework_version"] = "1.9.1"
    assert not {"framework-from-artifact", "no-framework-version", "other-dialect-too"} & codes(read(item))


def test_the_version_alone() -> None:
    item = spoil(PROPERTIES + "mlm:framework_version", "1.9.1")
    assert (item.runtime.framework, item.runtime.version) == ("PyTorch", "1.9.1")
    assert item.pointers.version == "/properties/mlm:framework_version"


def test_a_few_fields_of_ml_model_are_enough_beside_those_of_mlm() -> None:
    item = copy.deepcopy(ML_MODEL)
    for name in ("ml-model:type", "ml-model:prediction_type"):
        del item["properties"][name]
    item["properties"]["mlm:framework"] = "PyTorch"
    assert read(item).dialect == "ml-model"


def test_other_fields_of_mlm_are_not_read() -> None:
    item = copy.deepcopy(ML_MODEL)
    item["properties"] |= {"mlm:framework": "PyTorch", "mlm:name": "storm"}
    assert "(mlm:name)" in found(read(item), "other-dialect-too").message
