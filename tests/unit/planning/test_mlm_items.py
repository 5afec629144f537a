"""Plans of MLM items whose model is one file: no archive is needed."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from dlm_build.config import Settings
from dlm_build.errors import ItemInvalid
from dlm_build.planning.plan import Choices, make_plan
from dlm_build.records import Archive, Materials, Member, Plan
from tests.unit.items.samples_of_items import read
from tests.unit.items.samples_of_mlm import MLM

from .inputs import tables


def planned(model: str, artifact_type: str, sample: str = "in.tif", **properties: Any) -> Plan:
    item = copy.deepcopy(MLM)
    item["assets"]["sample"]["href"] = f"https://example.org/{sample}"
    item["assets"]["model"] |= {"href": f"https://example.org/{model}", "mlm:artifact_type": artifact_type}
    del item["assets"]["environment"]
    item["properties"] |= properties
    members = tuple(
        Member(path=path, size=1, sha256=letter * 64, asset="sample" if path == sample else None)
        for path, letter in ((sample, "b"), (model, "a"), ("out.tif", "c"))
    )
    archive = Archive(href=f"https://example.org/{model}", sha256="a" * 64, size=1, kind="file", members=members)
    return make_plan(read(item), Materials(archive=archive), Choices(), tables(), Settings())


@pytest.mark.parametrize(
    ("model", "artifact_type", "framework", "kind"),
    [
        ("shore.onnx", "onnx", "onnxruntime", "onnx"),
        ("shore.pt", "torch.jit.save", "pytorch", "torchscript"),
        ("shore.pth", "torch.jit.trace", "pytorch", "torchscript"),
    ],
)
def test_one_file_that_runs_alone(model: str, artifact_type: str, framework: str, kind: str) -> None:
    plan = planned(model, artifact_type)
    assert (plan.framework, plan.runner.kind, plan.runner.weights) == (framework, kind, model)
    assert plan.sample and plan.sample.expected
    assert (plan.sample.input.path, plan.sample.expected.path) == ("in.tif", "out.tif")
    assert plan.comparison and plan.comparison.task == "labels" and plan.comparison.dont_care == 0
    assert plan.inputs.selected_bands == (2, 1)


@pytest.mark.parametrize(("sample", "reader"), [("in.npy", ()), ("in.npz", ()), ("in.png", ("rasterio",))])
def test_an_inferred_environment_reads_what_the_sample_is_and_not_what_its_asset_is_called(
    sample: str, reader: tuple[str, ...]
) -> None:
    plan = planned("shore.onnx", "onnx", sample)
    assert plan.environment.pip[1:] == ("numpy", *reader)
    said = next(finding for finding in plan.findings if finding.code == "environment-inferred")
    assert '"roles": ["environment"]' in said.hint


def test_the_entry_point_of_weights_that_need_it() -> None:
    plan = planned("shore.pt", "torch.save")
    assert (plan.runner.kind, plan.runner.handler) == ("handler", "shore.inference:predict")
    assert plan.framework_version == "2.1.2" and plan.gpu


def test_messages_name_the_places_of_mlm() -> None:
    with pytest.raises(ItemInvalid, match="/properties/mlm:framework"):
        planned("shore.pt", "torch.save", **{"mlm:framework": "Weka"})
