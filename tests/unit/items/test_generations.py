"""One model told in every generation of DLM, and what becomes of items that mix them."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid
from dlm_build.items import read_item
from dlm_build.items.reading import load
from dlm_build.records import Item, Pointers

from .samples_of_items import codes, found, read, spoiled
from .test_any_item import VALUES, check, paths

HERE = Path(__file__).parent / "generations"
TOLD = ("runtime.json", "report.json", "engine.json", "engine.yml", "bare.json", "model.yml")
RUNTIME: dict[str, Any] = json.loads((HERE / "runtime.json").read_text("utf-8"))
ENGINE: dict[str, Any] = json.loads((HERE / "engine.json").read_text("utf-8"))
REPORT: dict[str, Any] = json.loads((HERE / "report.json").read_text("utf-8"))
BARE: dict[str, Any] = json.loads((HERE / "bare.json").read_text("utf-8").split("\n", 2)[2].replace("],\n}", "]\n}"))

# (code, pointer), from reading each file by eye
SAID = {
    "runtime.json": set(),
    "report.json": {
        ("dml-prefix", "/properties/dml:runtime"),
        ("dml-prefix", "/properties/dml:archive"),
        ("dml-prefix", "/properties/dml:data"),
        ("dml-prefix", "/dml:inputs"),
        ("outside-properties", "/dml:inputs"),
        ("outside-properties", "/dlm:outputs"),
    },
    "engine.json": {
        ("old-generation", "/properties/dlm:engine"),
        ("tag-in-image-name", "/properties/dlm:engine/docker/imagename"),
        ("other-spelling", "/properties/dlm:archive/0/role"),
        ("other-spelling", "/properties/dlm:archive/1/role"),
        ("other-spelling", "/properties/dlm:archive/2/role"),
        ("output-size-completed", "/properties/dlm:outputs/size"),
        ("assets-not-an-object", "/assets"),
        ("other-spelling", "/assets/0/archive/role"),
    },
    "bare.json": {
        ("leading-comment-lines", ""),
        ("trailing-comma", ""),
        ("license-is-an-object", "/properties/license"),
        ("old-generation", "/properties/engine"),
        ("tag-in-image-name", "/properties/engine/docker:image"),
        ("docker-run-arguments", "/properties/engine/docker:run"),
        ("output-size-completed", "/properties/outputs/size"),
        ("assets-not-an-object", "/assets"),
    },
    "model.yml": {
        ("license-is-an-object", "/properties/license"),
        ("outside-properties", "/model:data"),
        ("old-generation", "/properties/model:engine"),
        ("tag-in-image-name", "/properties/docker:image"),
        ("not-a-boolean", "/properties/docker:gpu"),
        ("docker-run-arguments", "/properties/docker:run"),
        ("output-size-completed", "/properties/model:outputs/task:semantic_segmentation/size"),
        ("assets-not-an-object", "/assets"),
    },
}
SAID["engine.yml"] = SAID["engine.json"]


def told(name: str) -> Item:
    return read_item((HERE / name).read_text(encoding="utf-8"), "shoreline")


def content(item: Item) -> Item:
    """Without what says where and how it was told."""
    assert item.sample is not None
    return replace(
        item,
        dialect="",
        dialect_version=None,
        dialect_reason="",
        pointers=Pointers(),
        sha256="",
        findings=(),
        sample=replace(item.sample, pointer=""),
        assets=tuple(replace(asset, pointer="") for asset in item.assets),
    )


def places(item: Item) -> set[tuple[str, str]]:
    return {(finding.code, finding.pointer) for finding in item.findings}


# --- one model told in all of them ---------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TOLD)
def test_one_model_is_one_item_however_it_is_told(name: str) -> None:
    assert content(told(name)) == content(told("runtime.json"))


@pytest.mark.parametrize("name", TOLD)
def test_what_is_said_of_it(name: str) -> None:
    assert places(told(name)) == SAID[name]


@pytest.mark.parametrize(
    ("name", "dialect", "version", "reason"),
    [
        ("runtime.json", "dlm/runtime", "1.0.0-beta.3", "/dl-model/json-schema/schema.json at /stac_extensions/0"),
        ("report.json", "dlm/runtime", None, "/properties/dml:runtime, /properties/dml:archive and"),
        ("engine.json", "dlm/engine", None, "/properties/dlm:engine, /properties/dlm:publisher"),
        ("engine.yml", "dlm/engine", None, "dl-model at /stac_extensions/0"),
        ("bare.json", "dlm/bare", "0.1-alpha", "/properties/engine, /properties/archive"),
        ("model.yml", "dlm/model", "1.0.0-beta.2", "/properties/model:archive, /properties/model:inputs"),
    ],
)
def test_what_was_recognised_and_why(name: str, dialect: str, version: str | None, reason: str) -> None:
    item = told(name)
    assert (item.dialect, item.dialect_version) == (dialect, version)
    assert reason in item.dialect_reason


@pytest.mark.parametrize("name", TOLD)
def test_every_place_it_names_is_in_the_document(name: str) -> None:
    item = told(name)
    there = load((HERE / name).read_text(encoding="utf-8"), "shoreline").places()
    assert item.sample is not None
    named = {item.sample.pointer, item.date_pointer, *msgspec.structs.astuple(item.pointers)}
    named |= {finding.pointer for finding in item.findings if finding.pointer}
    assert named <= set(there)


def test_places_of_the_older_names() -> None:
    pointers = told("model.yml").pointers
    assert pointers.framework == "/properties/framework/name"
    assert pointers.requirements == "/properties/model:engine/requirements_file"
    assert pointers.run == "/properties/docker:run"
    assert pointers.task == "/properties/model:outputs/task:semantic_segmentation"
    pointers = told("bare.json").pointers
    assert (pointers.source, pointers.image) == ("/properties/engine/model:src", "/properties/engine/docker:image")
    assert (pointers.gpu, pointers.archive) == ("/properties/engine/docker/gpu", "/properties/archive/content")
    assert told("engine.json").pointers.working_dir == "/properties/dlm:engine/docker/work_dir"


def test_a_whole_item_may_stand_outside_properties() -> None:
    item = {**{k: v for k, v in RUNTIME.items() if k != "properties"}, **RUNTIME["properties"]}
    outside = read(item, "shoreline")
    fields = {name for name in RUNTIME["properties"] if name.startswith("dlm:")}
    assert {("outside-properties", f"/{name}") for name in fields} <= places(outside)
    assert outside.runtime == read(RUNTIME, "shoreline").runtime
    assert outside.inputs == read(RUNTIME, "shoreline").inputs


# --- every old name ------------------------------------------------------------------------------------------------

ENGINES = ("properties/dlm:runtime", "properties/dlm:engine", "properties/engine")


def with_runtime(place: str, fields: dict[str, Any]) -> Item:
    """The 2021 item with its runtime told at `place`."""
    item = copy.deepcopy(RUNTIME)
    item["properties"].pop("dlm:runtime")
    item["properties"][place.rpartition("/")[2]] = fields
    if place == ENGINES[2]:
        item["properties"]["inputs"] = {"name": "pixels"}
    return read(item)


@pytest.mark.parametrize("place", ENGINES)
@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"name": "MXNet"}, ("framework", "MXNet")),
        ({"framework": {"name": "MXNet", "version": "1.8"}}, ("version", "1.8")),
        ({"framework_version": 1.5}, ("version", "1.5")),
        ({"model:handler": "a.b:c"}, ("handler", "a.b:c")),
        ({"handler": "a.b:c"}, ("handler", "a.b:c")),
        ({"model_handler": "a.b:c"}, ("handler", "a.b:c")),
        ({"model:src": "https://x.org/a"}, ("source_url", "https://x.org/a")),
        ({"model:repo": "https://x.org/a"}, ("source_url", "https://x.org/a")),
        ({"model_src": "https://x.org/a"}, ("source_url", "https://x.org/a")),
        ({"commit_hash": "0" * 40}, ("source_commit", "0" * 40)),
        ({"requirements": "r.txt"}, ("requirement_file", "r.txt")),
    ],
)
def test_old_names_of_the_runtime(place: str, fields: dict[str, Any], read_as: tuple[str, str]) -> None:
    assert getattr(with_runtime(place, fields).runtime, read_as[0]) == read_as[1]


@pytest.mark.parametrize("place", ENGINES)
@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"docker:image": "a/b"}, ("image_name", "a/b")),
        ({"docker": {"imagename": "a/b"}}, ("image_name", "a/b")),
        ({"docker": {"image": "a/b"}}, ("image_name", "a/b")),
        ({"docker:image": "a/b:1.5"}, ("tag", "1.5")),
        ({"docker:dockerfile": "https://x.org/d"}, ("docker_file", "https://x.org/d")),
        ({"docker": {"dockerfile": "https://x.org/d"}}, ("docker_file", "https://x.org/d")),
        ({"docker": {"workdir": "/w"}}, ("working_dir", "/w")),
        ({"docker": {"work_dir": "/w"}}, ("working_dir", "/w")),
        ({"docker:gpu": False, "docker": {"run": "a b"}}, ("gpu", False)),
        ({"docker:run": "a b"}, ("run", "a b")),
        ({"docker": [{"run": "a b"}, {"gpu": True}]}, ("run", "a b")),
    ],
)
def test_old_names_of_the_container(place: str, fields: dict[str, Any], read_as: tuple[str, object]) -> None:
    assert getattr(with_runtime(place, fields).runtime.docker, read_as[0]) == read_as[1]


def with_part(name: str, fields: object) -> Item:
    """The 2021 item, or the bare one, with the part `name` replaced."""
    return read(spoiled(f"properties/{name}", fields, RUNTIME if name.startswith("dlm:") else BARE))


@pytest.mark.parametrize("prefix", ["dlm:", ""])
@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"shape:batch": 8}, ("batch", 8)),
        ({"input_tensors": {"batch": 8}}, ("batch", 8)),
        ({"input_tensors:batch": 8}, ("batch", 8)),
        ({"input_tensors": [{"batch": 8}, {"dim": 5}]}, ("channels", 5)),
        ({"input_tensor": {"channels": "5"}}, ("channels", 5)),
        ({"channels": 5}, ("channels", 5)),
        ({"scaling": "1/4"}, ("scaling_factor", 0.25)),
        ({"scaling_factor": 0.25}, ("scaling_factor", 0.25)),
        ({"normalization": {"mean": [1, 2]}}, ("mean", (1.0, 2.0))),
        ({"normalization": [{"mean": [1, 2]}, {"std": [3, 4]}]}, ("std", (3.0, 4.0))),
        ({"normalization:mean": [1, 2]}, ("mean", (1.0, 2.0))),
        ({"normalization_std": [1, 2]}, ("std", (1.0, 2.0))),
        ({"test_file": {"filename": "scene.tif", "selected_bands": [7]}}, ("selected_bands", (7,))),
        ({"selected_bands": [7]}, ("selected_bands", (7,))),
        ([{"selected_bands": [7]}, {"name": "x"}], ("name", "x")),
    ],
)
def test_old_names_of_the_inputs(prefix: str, fields: object, read_as: tuple[str, object]) -> None:
    assert getattr(with_part(f"{prefix}inputs", fields).inputs, read_as[0]) == read_as[1]


@pytest.mark.parametrize("prefix", ["dlm:", ""])
@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"data_type": "uint8"}, ("dtype", "uint8")),
        ({"eo:dtype": "uint8"}, ("dtype", "uint8")),
        ({"dlm:dtype": "uint8"}, ("dtype", "uint8")),
        ({"nodata": 7}, ("nodata", 7.0)),
        ({"eo:nodata": 7}, ("nodata", 7.0)),
        ({"dlm:nodata": "7"}, ("nodata", 7.0)),
        ([{"dtype": "uint8"}, {"nodata_value": 7}], ("nodata", 7.0)),
    ],
)
def test_old_names_of_the_data(prefix: str, fields: object, read_as: tuple[str, object]) -> None:
    assert getattr(with_part(f"{prefix}data", fields).inputs, read_as[0]) == read_as[1]


@pytest.mark.parametrize("prefix", ["dlm:", ""])
@pytest.mark.parametrize(
    ("fields", "read_as"),
    [
        ({"noutputs": 7}, ("number_of_classes", 7)),
        ({"task:object_detection": {"noutputs": 7}}, ("task", "object detection")),
        ({"task:object_detection": {"noutputs": 7}}, ("number_of_classes", 7)),
        ({"task:regression": None}, ("task", "regression")),
        ({"size": [1, 2, 3, 4]}, ("final_layer_size", (1, 2, 3, 4))),
        ({"final_layer_shape": [1, 2, 3, 4]}, ("final_layer_size", (1, 2, 3, 4))),
        ({"ignore_index": 255}, ("dont_care_index", 255)),
        ([{"task": "regression"}], ("task", "regression")),
    ],
)
def test_old_names_of_the_outputs(prefix: str, fields: object, read_as: tuple[str, object]) -> None:
    assert getattr(with_part(f"{prefix}outputs", fields).outputs, read_as[0]) == read_as[1]


@pytest.mark.parametrize("classes", [[{"0": "a"}, {"1": "b"}], {"0": "a", "1": "b"}, ["a", "b"]])
def test_old_names_of_the_classes(classes: object) -> None:
    named = with_part("outputs", {"index_to_name": classes}).outputs.classes
    assert [(one.index, one.name) for one in named] == [(0, "a"), (1, "b")]


@pytest.mark.parametrize("name", ["archive", "archive:content"])
def test_rows_of_an_archive(name: str) -> None:
    rows = BARE["properties"]["archive"]["content"]
    item = spoiled("properties/archive", ..., BARE)
    item["properties"][name] = rows if name == "archive:content" else {"content": rows}
    assert [entry.name for entry in read(item).archive] == ["shoreline.pth", "scene.tif", "water.tif"]


def test_an_old_name_in_a_new_item_is_said_and_in_an_old_one_not() -> None:
    new = with_runtime(ENGINES[0], {"model:src": "https://x.org/a", "docker:image": "a/b"})
    assert {("other-spelling", "/properties/dlm:runtime/model:src")} <= places(new)
    assert found(new, "no-framework").pointer == "/properties/dlm:runtime/framework"
    old = with_runtime(ENGINES[1], {"framework": "PyTorch", "model:src": "https://x.org/a"})
    assert "other-spelling" not in codes(old)


def test_a_size_without_its_classes_is_completed_as_far_as_is_known() -> None:
    outputs = {"task": "regression", "size": [3, 4]}
    item = read(spoiled("properties/outputs", outputs, BARE))
    assert item.outputs.final_layer_size == (2, -1, 3, 4)
    assert found(item, "output-size-completed").hint == 'write "final_layer_size": [2, -1, 3, 4]'


# --- mixtures ------------------------------------------------------------------------------------------------------


def mixed(**fields: object) -> Item:
    """The 2021 item with further fields in its properties; `__` stands for a colon."""
    added = {name.replace("__", ":"): value for name, value in fields.items()}
    return read({**RUNTIME, "properties": {**RUNTIME["properties"], **added}})


def test_two_generations_that_agree() -> None:
    item = mixed(dlm__engine={"framework": "PyTorch", "version": "1.7.0", "docker": {"gpu": True}})
    assert item.dialect == "dlm/runtime"
    assert places(item) == {("old-generation", "/properties/dlm:engine")}


def test_the_newest_generation_wins_and_the_contradiction_is_said() -> None:
    engine = {"framework": "PyTorch", "version": 1.5, "docker": {"workdir": "/old"}, "handler": "other.py"}
    item = mixed(dlm__engine=engine)
    assert item.runtime == read(RUNTIME).runtime
    contradictions = {p for p in places(item) if p[0] == "contradiction-generations"}
    assert contradictions == {
        ("contradiction-generations", "/properties/dlm:engine/version"),
        ("contradiction-generations", "/properties/dlm:engine/docker/workdir"),
        ("contradiction-generations", "/properties/dlm:engine/handler"),
    }
    said = next(f for f in item.findings if f.pointer == "/properties/dlm:engine/version")
    assert 'says the number 1.5, but /properties/dlm:runtime/version says the text "1.7.0"' in said.message


@pytest.mark.parametrize("lacking", [..., None, ""])
def test_an_older_generation_completes_a_newer_one(lacking: object) -> None:
    item = spoiled("properties/dlm:runtime/version", lacking, RUNTIME)
    item["properties"]["engine"] = {"framework": "PyTorch", "version": "1.6.0", "docker": {"imagename": "x/y"}}
    made = read(item)
    assert made.runtime.version == "1.6.0"
    assert made.pointers.version == "/properties/engine/version"
    assert made.runtime.docker.image_name == "registry.example.org/me/shoreline"


def test_numbers_that_differ_in_writing_only() -> None:
    item = mixed(dlm__engine={"version": "1.7.0"}, dml__inputs={"scaling": "0.00010", "shape:batch": 2.0})
    assert "contradiction-generations" not in codes(item)
    assert "contradiction-places" not in codes(item)


def test_one_generation_in_two_places() -> None:
    item = read({**RUNTIME, "dlm:inputs": {"name": "others"}})
    assert item.inputs.name == "pixels"
    assert found(item, "contradiction-places").pointer == "/dlm:inputs/name"


def test_the_sample_in_two_parts() -> None:
    item = mixed(dlm__inputs={**RUNTIME["properties"]["dlm:inputs"], "test_file": {"filename": "other.tif"}})
    assert item.sample is not None and item.sample.input == "scene.tif"
    assert found(item, "contradiction-places").pointer == "/properties/dlm:inputs/test_file/filename"


def test_several_inputs() -> None:
    item = read(spoiled("properties/dlm:inputs", [{"name": "a"}, {"name": "b"}], RUNTIME))
    assert item.inputs.name == "a"
    finding = found(item, "several-objects")
    assert (finding.pointer, finding.severity) == ("/properties/dlm:inputs", "warning")


# --- what cannot be used -------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "value", "kind"),
    [
        ("properties/engine/docker:image", "$(id)", ItemHostile),
        ("properties/engine/docker/workdir", "/etc", ItemInvalid),
        ("properties/engine/docker/gpu", "perhaps", ItemInvalid),
        ("properties/engine/model:handler", "../a.py", ItemHostile),
        ("properties/engine/name", ["PyTorch"], ItemInvalid),
        ("properties/inputs/shape:batch", -5, ItemInvalid),
        ("properties/inputs/scaling", 0, ItemInvalid),
        ("properties/inputs/test_file/selected_bands", "red", ItemInvalid),
        ("properties/inputs/test_file/filename", "/etc/passwd", ItemHostile),
        ("properties/inputs/normalization/std", [0, 1], ItemInvalid),
        ("properties/outputs/noutputs", "many", ItemInvalid),
        ("properties/outputs/index_to_name", 5, ItemInvalid),
        ("properties/data/eo:nodata", [], ItemInvalid),
        ("properties/archive/content", 5, ItemInvalid),
    ],
)
def test_errors_name_the_old_place(path: str, value: object, kind: type[DlmBuildError]) -> None:
    with pytest.raises(kind) as caught:
        read(spoiled(path, value, BARE))
    assert f": /{path}" in caught.value.message


OLD = {"engine": ENGINE, "bare": BARE, "report": REPORT}
OLD_PATHS = [(name, path) for name, item in OLD.items() for path in sorted(paths(item))]


@settings(max_examples=600, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(place=st.sampled_from(OLD_PATHS), value=VALUES)
def test_any_value_in_any_field(place: tuple[str, str], value: object) -> None:
    name, path = place
    check(json.dumps(spoiled(path, value, OLD[name])))


@pytest.mark.parametrize(("name", "path"), OLD_PATHS)
def test_every_field_may_be_missing_or_null(name: str, path: str) -> None:
    if not path.rpartition("/")[2].isdigit():
        check(json.dumps(spoiled(path, ..., OLD[name])))
    check(json.dumps(spoiled(path, None, OLD[name])))
