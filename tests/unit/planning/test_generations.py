"""A model is planned the same however its item tells it; only the places named in the reasons differ."""

from __future__ import annotations

from pathlib import Path

import pytest
from msgspec.structs import replace

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from dlm_build.records import Item, Plan

from .inputs import conda, decision, plan

TOLD = Path(__file__).parents[1] / "items" / "generations"
PATHS = ("shoreline.pth", "scene.tif", "water.tif", "environment.yml")
ENVIRONMENT = conda("channels: [conda-forge]\ndependencies: [python=3.8, pytorch=1.7.0]")


def item(name: str) -> Item:
    return read_item((TOLD / name).read_text("utf-8"), "shoreline")


def planned(told: Item) -> Plan:
    return plan(told, ENVIRONMENT, paths=PATHS)


def content(made: Plan) -> Plan:
    unplaced = tuple(replace(one, source="", reason="") for one in made.decisions)
    return replace(made, item_sha256="", findings=(), decisions=unplaced)


@pytest.mark.parametrize("name", ["report.json", "engine.json", "engine.yml", "bare.json", "model.yml"])
def test_every_generation_plans_to_the_same(name: str) -> None:
    assert content(planned(item(name))) == content(planned(item("runtime.json")))


@pytest.mark.parametrize(
    ("name", "framework", "run", "sample"),
    [
        ("engine.json", "dlm:engine/framework", "dlm:engine/docker/run", "dlm:inputs/test_file"),
        ("bare.json", "engine/name", "engine/docker:run", "inputs/test_file"),
        ("model.yml", "framework/name", "docker:run", "model:inputs/test_file"),
    ],
)
def test_reasons_name_the_items_own_places(name: str, framework: str, run: str, sample: str) -> None:
    made = planned(item(name))
    assert decision(made, "framework").source == f"/properties/{framework}"
    assert decision(made, "runner").source == f"/properties/{run}"
    assert decision(made, "sample").source == f"/properties/{sample}"
    assert decision(made, "weights").reason.startswith("its role in /properties/")
    assert "dlm:runtime" not in str(made.decisions)


@pytest.mark.parametrize(
    ("name", "old", "new", "place"),
    [
        ("bare.json", "shoreline infer {input}", "shoreline infer {inputs}", "/properties/engine/docker:run"),
        ("engine.json", '"shoreline.pth"', '"other.pth"', "/properties/dlm:archive"),
        ("model.yml", "filename: scene.tif", "filename: other.tif", "/properties/model:inputs/test_file"),
    ],
)
def test_errors_name_the_items_own_places(name: str, old: str, new: str, place: str) -> None:
    text = (TOLD / name).read_text("utf-8")
    assert old in text
    with pytest.raises(ItemInvalid) as caught:
        planned(read_item(text.replace(old, new), "shoreline"))
    assert caught.value.message.startswith(f"{place}: ")


def test_a_framework_without_table_and_environment_is_named_at_the_items_own_place() -> None:
    text = (TOLD / "bare.json").read_text("utf-8").replace('"PyTorch"', '"Abacus"')
    with pytest.raises(ItemInvalid, match=r"^/properties/engine/name: dlm-build has no recipe for Abacus"):
        plan(read_item(text, "shoreline"), paths=PATHS)
