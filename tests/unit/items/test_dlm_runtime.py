"""Whole items: a complete one, one with the usual faults in both notations, and the published ones."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item
from dlm_build.records import (
    ArchiveEntry,
    Asset,
    ClassName,
    DeclaredDocker,
    DeclaredSample,
    Inputs,
    Item,
    Runtime,
    from_json,
    to_json,
)

from .samples_of_items import GOOD, SHA, found, read, spoiled

HERE = Path(__file__).parent
CASES = Path(__file__).parents[4] / "shared" / "cases" / "dlm"

# (code, pointer), from reading coast.yml by eye
COAST = {
    ("id-is-a-number", "/id"),
    ("assets-not-an-object", "/assets"),
    ("other-spelling", "/assets/0/weights/role"),
    ("version-is-a-number", "/properties/dlm:runtime/version"),
    ("empty-field", "/properties/dlm:runtime/model_commit_hash"),
    ("source-not-pinned", "/properties/dlm:runtime/model_commit_hash"),
    ("empty-field", "/properties/dlm:runtime/requirement_file"),
    ("empty-field", "/properties/dlm:runtime/docker/tag"),
    ("tag-in-image-name", "/properties/dlm:runtime/docker/image_name"),
    ("docker-file-is-a-page", "/properties/dlm:runtime/docker/docker_file"),
    ("other-spelling", "/properties/dlm:archive/0/role"),
    ("other-spelling", "/properties/dlm:archive/1/role"),
    ("sample-path-inferred", "/properties/dlm:data/test_file"),
    ("no-expected-output", "/properties/dlm:data/test_file"),
    ("contradiction-band-count", "/properties/dlm:data/number_of_bands"),
    ("contradiction-useful-bands", "/properties/dlm:inputs/selected_bands"),
    ("contradiction-channels-selected-bands", "/properties/dlm:inputs/input_tensors/channels"),
    ("contradiction-channels-mean", "/properties/dlm:inputs/input_tensors/channels"),
    ("contradiction-channels-std", "/properties/dlm:inputs/input_tensors/channels"),
    ("contradiction-class-count", "/properties/dlm:outputs/number_of_classes"),
    ("contradiction-final-layer-classes", "/properties/dlm:outputs/final_layer_size"),
    ("contradiction-output-size", "/properties/dlm:outputs/final_layer_size"),
}
# from reading the published item: as above, less the faults that only ours has
FLAGSHIP = {
    ("assets-not-an-object", "/assets"),
    ("share-url-inferred", "/assets/0/model_archive/href"),
    ("other-spelling", "/assets/0/model_archive/role"),
    ("version-is-a-number", "/properties/dlm:runtime/version"),
    ("empty-field", "/properties/dlm:runtime/model_commit_hash"),
    ("source-not-pinned", "/properties/dlm:runtime/model_commit_hash"),
    ("empty-field", "/properties/dlm:runtime/requirement_file"),
    ("empty-field", "/properties/dlm:runtime/docker/tag"),
    ("tag-in-image-name", "/properties/dlm:runtime/docker/image_name"),
    ("docker-file-is-a-page", "/properties/dlm:runtime/docker/docker_file"),
    ("other-spelling", "/properties/dlm:archive/0/role"),
    ("other-spelling", "/properties/dlm:archive/1/role"),
    ("other-spelling", "/properties/dlm:archive/2/role"),
    ("sample-path-inferred", "/properties/dlm:data/test_file"),
    ("no-expected-output", "/properties/dlm:data/test_file"),
    ("contradiction-band-count", "/properties/dlm:data/number_of_bands"),
    ("contradiction-useful-bands", "/properties/dlm:inputs/selected_bands"),
    ("contradiction-class-count", "/properties/dlm:outputs/number_of_classes"),
    ("contradiction-output-size", "/properties/dlm:outputs/final_layer_size"),
}


def published(name: str) -> str:
    path = CASES / name
    if not path.exists():
        pytest.skip(f"the published items are not here: {path.name}")
    return path.read_text(encoding="utf-8")


def places(item: Item) -> set[tuple[str, str]]:
    return {(finding.code, finding.pointer) for finding in item.findings}


def test_a_complete_item_has_no_findings() -> None:
    item = read(GOOD)
    assert item.findings == ()
    assert (item.id, item.title, item.license, item.date) == ("coast", "Coast", "MIT", "2021-01-31T00:00:00Z")
    assert item.date_pointer == "/properties/created"
    assert item.assets == (
        Asset(
            key="model",
            href="https://example.org/coast.mar",
            pointer="/assets/model",
            media_type="application/zip",
            title="Coast",
            roles=("model artefact",),
            sha256=SHA,
            size=1234,
        ),
    )
    assert item.archive[2] == ArchiveEntry(name="out.tif", roles=("expected output",))
    assert item.sample == DeclaredSample(input="in.tif", expected="out.tif", pointer="/properties/dlm:data/test_file")
    assert item.inputs == Inputs(
        name="data",
        batch=1,
        channels=2,
        height=64,
        width=64,
        scaling_factor=0.5,
        mean=(0.1, 0.2),
        std=(0.5, 0.6),
        selected_bands=(1, 0),
        dtype="uint16",
        number_of_bands=2,
        nodata=0.0,
    )
    assert item.outputs.classes == (ClassName(index=0, name="sea"), ClassName(index=1, name="land"))
    assert item.dialect == "dlm/runtime"


def test_the_record_survives_json() -> None:
    item = read(GOOD)
    assert from_json(Item, to_json(item)) == item


@pytest.mark.parametrize("name", ["coast.yml", "coast.json"])
def test_the_usual_faults_in_both_notations(name: str) -> None:
    item = read_item((HERE / "published" / name).read_text(encoding="utf-8"), "/models/coast/item")
    assert places(item) == COAST
    assert item.id == "7731"
    assert item.date == "2021-03-04T03:06:07Z"
    assert item.runtime.version == "1.10"
    assert (item.runtime.docker.image_name, item.runtime.docker.tag) == ("coast", "stable")
    assert item.assets[0].href == "/models/coast/coast.mar"
    assert item.assets[0].roles == ("model artefact",)
    assert item.assets[0].pointer == "/assets/0/weights"
    assert item.sample is not None and item.sample.input == "sample/in.tif"
    assert item.outputs.task == "semantic segmentation"
    assert item.outputs.classes[0] == ClassName(index=0, name="no")


def test_the_twins_are_one_item() -> None:
    twins = [read_item((HERE / "published" / f"coast.{end}").read_text("utf-8"), "x") for end in ("yml", "json")]
    assert twins[0].findings == twins[1].findings
    one, other = (to_json(twin).replace(twin.sha256.encode(), b"") for twin in twins)
    assert one == other


def test_the_official_item() -> None:
    item = read_item(published("dlmext_2023-09-05_54d60f9c_item.json"), "item.json")
    assert places(item) == FLAGSHIP
    assert (item.id, item.title, item.date) == ("dlm-resnet18-unet-scse", "resnet18+unet_scse", "2020-12-12T00:00:01Z")
    runtime = item.runtime
    assert (runtime.framework, runtime.version, runtime.handler) == ("PyTorch", "1.5", "thelper.cli.inference_session")
    assert runtime.docker.run is not None and runtime.docker.run.startswith("thelper infer --config")
    assert (runtime.docker.image_name, runtime.docker.tag, runtime.docker.gpu) == ("thelper-geo", "latest", True)
    assert item.sample is not None and item.sample.input == "test_pleiade/256/input_test.tif"
    assert item.sample.expected is None
    assert item.inputs.mean == (0.245, 0.34, 0.67)
    assert item.outputs.final_layer_size == (1, 5, 64, 64)
    assert [c.name for c in item.outputs.classes][-1] == "Lake"


def test_the_yaml_item() -> None:
    item = read_item(published("cccot03_2021-01-06_303a24dc_example-thelper-item.yml"), "item.yml")
    assert places(item) == FLAGSHIP | {("id-is-a-number", "/id")}
    assert item.id == "11234"
    assert item.date == "2020-12-12T00:00:01Z"
    assert item.description is not None and item.description.endswith("fine-tuned on Pleiade imagery")


# from reading the published draft
BARE = {
    ("id-is-a-number", "/id"),
    ("no-date", "/properties"),
    ("license-is-an-object", "/properties/license"),
    ("old-generation", "/properties/engine"),
    ("version-is-a-number", "/properties/engine/version"),
    ("source-has-no-repository", "/properties/engine/model:src"),
    ("source-not-pinned", "/properties/engine/model_commit_hash"),
    ("empty-field", "/properties/engine/docker/dockerfile"),
    ("tag-in-image-name", "/properties/engine/docker/imagename"),
    ("command-starts-a-server", "/properties/engine/docker/run"),
    ("contradiction-framework", "/properties/engine/model:handler"),
    ("other-spelling", "/properties/archive:content/0/role"),
    ("other-spelling", "/properties/archive:content/1/role"),
    ("other-spelling", "/properties/archive:content/2/role"),
    ("contradiction-useful-bands", "/properties/inputs/test_file/selected_bands"),
    ("output-size-completed", "/properties/outputs/size"),
    ("assets-not-an-object", "/assets"),
    ("asset-key-repeated", "/assets/1/asset"),
}


def test_the_draft_without_prefix() -> None:
    item = read_item(published("cccot03_2020-11-24_2ca662f0_example-full-item.json"), "item.json")
    assert places(item) == BARE
    assert (item.dialect, item.dialect_version, item.id) == ("dlm/bare", "0.1-alpha", "11234")
    assert (item.title, item.license, item.date) == ("squeezenet_v1.1", "MIT", None)
    runtime = item.runtime
    assert (runtime.framework, runtime.version) == ("PyTorch", "1.5")
    assert (runtime.handler, runtime.source_url) == ("mxnet_vision_service:handle", "https://github.com/")
    docker = runtime.docker
    assert (docker.image_name, docker.tag) == ("awsdeeplearningteam/multi-model-server", "latest")
    assert (docker.gpu, docker.run, docker.docker_file) == (True, None, None)
    assert item.sample == DeclaredSample(
        input="input_test.tif", expected="output_test.png", pointer="/properties/inputs/test_file"
    )
    inputs = item.inputs
    assert (inputs.batch, inputs.channels, inputs.height, inputs.width) == (1, 3, 224, 224)
    assert (inputs.scaling_factor, inputs.mean, inputs.std) == (0.003921569, (0.245, 0.34, 0.67), (0.1, 0.1, 0.2))
    assert (inputs.selected_bands, inputs.dtype, inputs.nodata) == ((0, 1, 3), "uint16", 0.0)
    outputs = item.outputs
    assert (outputs.task, outputs.number_of_classes) == ("semantic segmentation", 4)
    assert outputs.final_layer_size == (1, 4, 224, 224)
    assert [one.name for one in outputs.classes] == ["dontcare", "fields", "road", "building"]
    assert [asset.roles for asset in item.assets] == [("model artefact",), ("metadata",)]


def test_the_first_draft() -> None:
    item = read_item(published("cccot03_2020-11-18_7e7a02b2_example-full-item.yml"), "item.yml")
    assert places(item) == {
        ("no-date", "/properties"),
        ("license-is-an-object", "/properties/license"),
        ("old-generation", "/properties/framework"),
        ("version-is-a-number", "/properties/framework/version"),
        ("no-sample", "/properties/model:data/test_file"),
        ("assets-not-an-object", "/assets"),
        ("asset-key-repeated", "/assets/1/asset"),
    }
    assert (item.dialect, item.dialect_version, item.id) == ("dlm/model", "1.0.0-beta.2", "model-name")
    assert (item.title, item.description, item.license) == ("model-name", "a model", "MIT")
    assert (item.runtime.framework, item.runtime.version) == ("pytorch", "1.0")
    assert item.runtime.handler is None and item.runtime.docker == DeclaredDocker()
    assert [entry.name for entry in item.archive] == ["index_to_name.json", "signature.json"]
    inputs = item.inputs
    assert (inputs.batch, inputs.channels, inputs.height, inputs.width) == (1, 3, 224, 224)
    assert (inputs.scaling_factor, inputs.mean, inputs.dtype) == (0.003921569, (0.245, 0.34, 0.67), "uint16")
    assert (item.outputs.task, item.outputs.number_of_classes) == ("semantic segmentation", 10)


def test_digest_is_of_the_content_not_the_layout() -> None:
    one = read_item('{"properties": {"dlm:runtime": {"framework": "a"}}}', "x")
    two = read_item('\ufeff{ "properties"\n:{"dlm:runtime":\t{"framework":"a"}}}', "y")
    other = read_item('{"properties": {"dlm:runtime": {"framework": "b"}}}', "x")
    assert one.sha256 == two.sha256 != other.sha256


def test_a_number_and_its_text_differ_in_the_digest() -> None:
    assert read(spoiled("id", 5)).sha256 != read(spoiled("id", "5")).sha256


def test_the_runtime_alone_is_an_item_that_says_what_it_lacks() -> None:
    item = read({"properties": {"dlm:runtime": {"framework": "PyTorch"}}})
    codes = {f.code: f.severity for f in item.findings}
    assert codes == {
        "no-id": "info",
        "no-date": "warning",
        "no-framework-version": "warning",
        "no-sample": "warning",
        "no-assets": "error",
    }
    assert item.id == f"item-{item.sha256[:12]}"


@pytest.mark.parametrize(
    ("framework", "version"), [("PyTorch", '"1.7.1"'), ("TensorFlow", '"2.15.0"'), ("CatBoost", "of CatBoost")]
)
def test_the_version_to_add_is_one_of_the_framework(framework: str, version: str) -> None:
    item = read({"properties": {"dlm:runtime": {"framework": framework}}})
    assert version in found(item, "no-framework-version").hint


@pytest.mark.parametrize("value", [None, "", "  "])
def test_an_empty_runtime_says_what_it_lacks(value: object) -> None:
    item = read(spoiled("properties/dlm:runtime", value))
    assert item.runtime == Runtime()
    assert found(item, "no-framework").pointer == "/properties/dlm:runtime/framework"


@pytest.mark.parametrize(
    "path",
    [
        "properties/dlm:runtime",
        "properties/dlm:data",
        "properties/dlm:inputs",
        "properties/dlm:outputs",
        "assets",
        "properties/dlm:runtime/docker",
        "properties/dlm:archive",
        "properties/dlm:inputs/input_tensors",
    ],
)
def test_a_text_where_an_object_should_be(path: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        read(spoiled(path, 'PyTorch "1.7"\x1b[31m'))
    assert caught.value.message.startswith(f"item.json:1:{caught.value.message.split(':')[2]}: /{path}: must be a")
    assert "\x1b" not in str(caught.value)
    assert caught.value.hint.startswith("write ") and caught.value.hint.count("{") == caught.value.hint.count("}") > 0


def test_data_as_a_list_of_one() -> None:
    item = read(spoiled("properties/dlm:data", [GOOD["properties"]["dlm:data"]]))
    assert found(item, "not-an-object").pointer == "/properties/dlm:data"
    assert item.inputs.dtype == "uint16"


def test_nothing_is_fetched_for_schemas_and_links() -> None:
    # the guard of the unit tests refuses any connection
    item = read(
        spoiled("links", [{"rel": "root", "href": "http://169.254.169.254/x"}])
        | {"stac_extensions": ["http://169.254.169.254/x"]}
    )
    assert item.findings == ()


def test_it_is_quick() -> None:
    text = (HERE / "published" / "coast.json").read_text(encoding="utf-8")
    best = min(_seconds(text) for _ in range(20))
    assert best < 0.005


def _seconds(text: str) -> float:
    start = time.perf_counter()
    read_item(text, "x")
    return time.perf_counter() - start
