"""An MLM item is built and verified like a DLM one: an example said in MLM, its files as assets, and packed."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlm_build.errors import Outcome
from dlm_build.records import Plan, from_json
from tests.engines.conftest import Cli
from tests.engines.test_examples import EXAMPLES

pytestmark = pytest.mark.engine

ONNX = EXAMPLES / "segmentation-onnx"
SCHEMA = "https://stac-extensions.github.io/mlm/v1.5.1/schema.json"


def asset(path: Path, *roles: str, **fields: Any) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "href": f"./{path.name}",
        "roles": list(roles),
        "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
        "file:size": len(content),
        **fields,
    }


def said_in_mlm(dlm: dict[str, Any]) -> dict[str, Any]:
    """The properties of the example in MLM's words; scale, mean and deviation become one z-score of the raw values."""
    given, result = dlm["dlm:inputs"], dlm["dlm:outputs"]
    tensor, factor = given["input_tensors"], given["scaling_factor"]
    bands = [band["name"] for band in dlm["eo:bands"]]
    classes = [(int(index), name) for row in result["class_name_mapping"] for index, name in row.items()]
    means = zip(given["normalization:mean"], given["normalization:std"], strict=True)
    return {
        **{name: dlm[name] for name in ("datetime", "created", "title", "license")},
        "mlm:name": "land cover",
        "mlm:architecture": "U-Net",
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "ONNX",
        "mlm:framework_version": dlm["dlm:runtime"]["version"],
        "mlm:accelerator": "cpu",
        "mlm:input": [
            {
                "name": given["name"],
                "bands": [bands[place] for place in given["selected_bands"]],
                "input": {
                    "shape": [-1, tensor["channels"], tensor["height"], tensor["width"]],
                    "dim_order": ["batch", "bands", "height", "width"],
                    "data_type": "float32",
                },
                "value_scaling": [{"type": "z-score", "mean": m / factor, "stddev": s / factor} for m, s in means],
            }
        ],
        "mlm:output": [
            {
                "name": "labels",
                "tasks": ["semantic-segmentation"],
                "result": {
                    "shape": [-1, *result["final_layer_size"][1:]],
                    "dim_order": ["batch", "class", "height", "width"],
                    "data_type": "float32",
                },
                "classification:classes": [
                    {"value": value, "name": name, "nodata": value == result["dont_care_index"]}
                    for value, name in classes
                ],
            }
        ],
    }


def item_of(properties: dict[str, Any], assets: dict[str, Any], name: str) -> dict[str, Any]:
    published = json.loads((ONNX / "item.json").read_text())
    kept = {name: published[name] for name in ("type", "stac_version", "geometry", "bbox", "links")}
    return {**kept, "stac_extensions": [SCHEMA], "id": name, "properties": properties, "assets": assets}


NEAREST = """\
from pathlib import Path

import numpy as np

CENTRES = np.load(Path(__file__).with_name("centres.npz"))["centres"]


def classify(path):
    distances = np.abs(np.load(path)[None] - CENTRES[:, :, None, None]).sum(axis=1)
    return distances.argmin(axis=0).astype("uint8")
"""
"""A model of no network: each pixel is of the class whose centre is nearest."""


@pytest.fixture
def published() -> dict[str, Any]:
    properties: dict[str, Any] = json.loads((ONNX / "item.json").read_text())["properties"]
    return properties


def listed(dlm: dict[str, Any]) -> list[dict[str, Any]]:
    return [{**band, "data_type": "uint16", "nodata": 0} for band in dlm["eo:bands"]]


def test_files_as_assets_need_no_archive(cli: Cli, published: dict[str, Any], tmp_path: Path) -> None:
    with zipfile.ZipFile(ONNX / "model.mar") as archive:
        archive.extractall(tmp_path)
    model = {
        "mlm:artifact_type": "onnx",
        "bands": listed(published),
        "type": "application/octet-stream; framework=onnx",
    }
    assets = {
        "model": asset(tmp_path / "model.onnx", "mlm:model", "mlm:compiled", **model),
        "environment": asset(tmp_path / "environment.yml", "mlm:environment"),
        "test-input": asset(tmp_path / "sample.tif", "mlm:test-input"),
        "expected-output": asset(tmp_path / "expected.tif", "mlm:expected-output"),
    }
    item = tmp_path / "item.json"
    item.write_text(json.dumps(item_of(said_in_mlm(published), assets, "land-cover-mlm")))
    ended = cli(str(item), "--json", "--output", "out")
    assert ended.status == 0, ended.stdout + ended.stderr
    report = ended.report
    assert report.verdict.outcome == Outcome.MATCHES and report.verdict.device == "cpu"
    assert report.item and (report.item.dialect, report.item.dialect_version) == ("mlm", "1.5.1")
    plan = report.plan
    assert plan and plan.runner.kind == "onnx" and plan.archive.kind == "file"
    assert plan.inputs.selected_bands == tuple(published["dlm:inputs"]["selected_bands"])
    assert plan.sample and plan.sample.expected and plan.sample.expected.path == "expected.tif"


def test_what_has_no_place_in_mlm_is_kept_as_dlm(cli: Cli, published: dict[str, Any], tmp_path: Path) -> None:
    """The example's own archive, and under `dlm:` what MLM cannot say of it."""
    (tmp_path / "model.mar").write_bytes((ONNX / "model.mar").read_bytes())
    kept = {
        "dlm:archive": published["dlm:archive"],
        "dlm:data": {"test_file": published["dlm:data"]["test_file"], "nodata_value": 0},
        "dlm:inputs": {"selected_bands": published["dlm:inputs"]["selected_bands"]},
        "dlm:runtime": {"requirement_file": "environment.yml"},
    }
    model = asset(tmp_path / "model.mar", "mlm:model", **{"mlm:artifact_type": "torch-model-archiver"})
    properties = {**said_in_mlm(published), **kept}
    item = tmp_path / "item.json"
    item.write_text(json.dumps(item_of(properties, {"archive": model}, "land-cover-packed")))
    plan = from_json(Plan, cli("plan", str(item), "--json").stdout.encode())
    assert plan.runner.weights == "model.onnx" and plan.environment.origin == "archive:environment.yml"
    ended = cli(str(item), "--json", "--output", "out")
    assert ended.status == 0 and ended.report.verdict.outcome == Outcome.MATCHES, ended.stdout + ended.stderr


@pytest.mark.parametrize("example", ["segmentation-onnx", "segmentation-pytorch"])
def test_a_migrated_item_comes_to_the_same_verdict(cli: Cli, example: str, tmp_path: Path) -> None:
    """The item as published and as `migrate` says it: planned alike, measured alike, and both match."""
    for name in ("item.json", "model.mar"):
        (tmp_path / name).write_bytes((EXAMPLES / example / name).read_bytes())
    migrated = cli("migrate", str(tmp_path / "item.json"), "-o", str(tmp_path / "mlm.json"))
    assert migrated.status == 0, migrated.stderr
    assert json.loads((tmp_path / "mlm.json").read_text())["stac_extensions"][0].endswith("/mlm/v1.5.2/schema.json")
    before = cli(str(tmp_path / "item.json"), "--json", "--output", "before")
    after = cli(str(tmp_path / "mlm.json"), "--json", "--output", "after")
    assert (before.status, after.status) == (0, 0), before.stderr + after.stderr
    one, other = before.report, after.report
    assert other.item and (other.item.dialect, other.item.dialect_version) == ("mlm", "1.5.2")
    assert one.verdict.outcome == other.verdict.outcome == Outcome.MATCHES
    assert [(check.name, check.measured) for check in one.verdict.checks] == [
        (check.name, check.measured) for check in other.verdict.checks
    ]
    assert one.plan and other.plan
    for name in ("framework_version", "environment", "base", "runner", "inputs", "archive", "comparison"):
        assert getattr(one.plan, name) == getattr(other.plan, name), name


def test_a_framework_without_a_table_is_built_from_the_items_own_environment_and_code(cli: Cli, tmp_path: Path) -> None:
    centres = np.eye(3, dtype="float32")
    np.savez(tmp_path / "centres.npz", centres=centres)
    labels = np.arange(64, dtype="uint8").reshape(8, 8) % 3
    np.save(tmp_path / "sample.npy", np.moveaxis(centres[labels], -1, 0))
    np.save(tmp_path / "expected.npy", labels)
    (tmp_path / "environment.yml").write_text("dependencies: [python=3.11, numpy=1.26.4]\nchannels: [conda-forge]\n")
    with zipfile.ZipFile(tmp_path / "model.zip", "w") as archive:
        archive.write(tmp_path / "centres.npz", "centres.npz")
        archive.writestr("nearest.py", NEAREST)
    assets = {
        "model": asset(tmp_path / "model.zip", "mlm:model", **{"mlm:entrypoint": "nearest:classify"}),
        "environment": asset(tmp_path / "environment.yml", "mlm:environment"),
        "test-input": asset(tmp_path / "sample.npy", "mlm:test-input"),
        "expected-output": asset(tmp_path / "expected.npy", "mlm:expected-output"),
    }
    named = {"created": "2026-05-01T00:00:00Z", "mlm:framework": "scikit-learn", "mlm:tasks": ["semantic-segmentation"]}
    item = tmp_path / "item.json"
    item.write_text(json.dumps(item_of(named, assets, "nearest")))
    assert "framework-without-recipe" not in cli("check", str(item), "--format", "json").stdout
    ended = cli(str(item), "--json", "--output", "out")
    assert ended.status == 0 and ended.report.verdict.outcome == Outcome.MATCHES, ended.stdout + ended.stderr
    plan = ended.report.plan
    assert plan and (plan.framework, plan.framework_version, plan.cuda) == ("scikit-learn", None, None)
