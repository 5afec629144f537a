"""Items as they were published. What is expected of each was written down from reading the file."""

from __future__ import annotations

from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from dlm_build.model_asset import candidates
from dlm_build.records import Item

CASES = Path(__file__).parents[4] / "shared" / "cases"


class Expected(NamedTuple):
    version: str
    framework: tuple[str | None, str | None]
    handler: str | None
    source: tuple[str | None, str | None]
    image: str | None
    gpu: bool | None
    model: str | None
    """Key of the asset that is the model."""
    shape: tuple[int | None, int | None, int | None]
    task: str
    classes: int
    told: frozenset[str]
    """Codes that there must be."""


FAIR = "https://github.com/hotosm/fAIr-models"
EXPECTED = {
    "mlm/hotosm_resnet18_classification.json": Expected(
        "1.5.1", ("onnxruntime", None), None, (FAIR, "main"),
        "ghcr.io/hotosm/fair-models/resnet18_classification:latest-inference", False, "model", (3, 256, 256),
        "classification", 2,
        frozenset({"several-models", "framework-of-artifact", "entrypoint-not-called", "unused-source-not-pinned",
                   "image-floats", "processing-not-called", "no-sample"}),
    ),
    "mlm/hotosm_yolo_v8_v1.json": Expected(
        "1.5.1", ("PyTorch", "2.1.0"), None, (FAIR, "main"), None, None, "model", (3, 256, 256),
        "instance segmentation", 2,
        frozenset({"entrypoint-trains", "image-unreadable", "source-not-pinned", "weights-need-code", "no-sample"}),
    ),
    "mlm/stacext_main_item_basic.json": Expected(
        "1.5.2", ("PyTorch", None), None, (None, None), None, None, "model", (3, 64, 64), "classification", 2,
        frozenset({"framework-from-artifact", "no-framework-version", "model-has-no-address", "no-sample"}),
    ),
    "mlm/stacext_main_item_eo_bands.json": Expected(
        "1.5.2", ("pytorch", "2.1.2+cu121"), None,
        ("https://github.com/microsoft/torchgeo", "61efd2e2c4df7ebe3bd03002ebbaeaa3cfe9885a"), None, True, "weights",
        (13, 64, 64), "classification", 10, frozenset({"processing-not-called", "weights-need-code", "no-sample"}),
    ),
    "mlm/stacext_main_item_multi_io.json": Expected(
        "1.5.2", ("pytorch", "2.1.2+cu121"), None, (None, None), None, True, "weights", (3, 64, 64),
        "semantic segmentation", 2,
        frozenset({"several-inputs", "several-outputs", "bands-unlisted", "raw-url-inferred", "no-sample"}),
    ),
    "mlm/stacext_main_item_pytorch_geo_unet.json": Expected(
        "1.5.2", ("PyTorch", None), None, ("https://github.com/qubvel-org/segmentation_models.pytorch", None), None,
        None, "model", (8, 3, 3), "semantic segmentation", 2,
        frozenset({"framework-from-module", "entrypoint-is-architecture", "source-not-pinned", "no-sample"}),
    ),
    "ml-model/ext_cyclone-wind-speed_item.json": Expected(
        "1.0.0", ("PyTorch", None), None, (None, None), "docker.io/radiantearth/cyclone-model-torchgeo:1", None,
        "inferencing-checkpoint", (None, None, None), "regression", 0,
        frozenset({"image-from-link", "runtime-is-instructions", "framework-from-artifact", "no-sample"}),
    ),
    "ml-model/openeo_catboost.json": Expected(
        "1.0.0", ("CatBoost", None), None, (None, None), None, False, "model", (None, None, None), "classification", 0,
        frozenset({"framework-from-artifact", "gpu-from-training", "no-sample"}),
    ),
    "ml-model/radiant_gold_item.json": Expected(
        "1.0.0", (None, None), None, (None, None), None, None, None, (None, None, None), "classification", 0,
        frozenset({"no-assets", "no-framework", "no-sample"}),
    ),
}  # fmt: skip
REFUSED = {
    "ml-model/cyclone-sample/acd_123/stac.json": "this is not a model item",
    "ml-model/ext_cyclone-wind-speed_inferencing.yml": "this is a Compose file",
    "other/bioimageio_unet2d_nuclei_broad.yaml": "this is a bioimage.io description",
    "mlflow/seldon_sklearn/MLmodel": "this is an MLflow MLmodel file",
}


def published(name: str) -> Item:
    path = CASES / name
    if not path.is_file():
        pytest.skip("the published items are not beside the project")
    return read_item(path.read_text(), str(path))


def facts(item: Item) -> dict[str, Any]:
    docker, inputs = item.runtime.docker, item.inputs
    return {
        "version": item.dialect_version,
        "framework": (item.runtime.framework, item.runtime.version),
        "handler": item.runtime.handler,
        "source": (item.runtime.source_url, item.runtime.source_commit),
        "image": ":".join(part for part in (docker.image_name, docker.tag) if part) or None,
        "gpu": docker.gpu,
        "model": next((asset.key for asset in candidates(item.assets)), None),
        "shape": (inputs.channels, inputs.height, inputs.width),
        "task": item.outputs.task,
        "classes": len(item.outputs.classes),
    }


@pytest.mark.parametrize("name", EXPECTED)
def test_a_published_item(name: str) -> None:
    item = published(name)
    expected = EXPECTED[name]._asdict()
    told = expected.pop("told")
    assert item.dialect == name.partition("/")[0]
    assert facts(item) == expected
    assert told <= {finding.code for finding in item.findings}


def test_every_published_item_has_its_expectation() -> None:
    if not CASES.is_dir():
        pytest.skip("the published items are not beside the project")
    files = {f"{folder}/{path.name}" for folder in ("mlm", "ml-model") for path in (CASES / folder).glob("*.json")}
    assert files == set(EXPECTED)


def test_the_scaling_of_every_band() -> None:
    inputs = published("mlm/stacext_main_item_eo_bands.json").inputs
    assert len(inputs.mean) == len(inputs.std) == 13 and inputs.mean[0] == 1354.40546513
    assert inputs.selected_bands == ()
    shared = published("mlm/stacext_main_item_pytorch_geo_unet.json").inputs
    assert (shared.mean, shared.std, shared.selected_bands) == ((0.0,), (3000.0,), ())


def test_nothing_is_said_of_an_explicit_null() -> None:
    for name in EXPECTED:
        item = published(name)
        assert not [f for f in item.findings if f.code in ("empty-field", "contradiction-spellings")], name


@pytest.mark.parametrize("name", REFUSED)
def test_what_is_no_item_is_called_by_its_name(name: str) -> None:
    with pytest.raises(ItemInvalid, match=REFUSED[name]):
        published(name)
