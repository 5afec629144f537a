"""What is not a model item is called by its name."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Sequence
from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item

from .samples_of_items import GOOD, codes, found, read
from .samples_of_mlm import MLM

FEATURE: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "scene-1",
    "geometry": None,
    "links": [],
    "assets": {},
}


PACKED = ("name", "architecture", "framework", "framework_version", "tasks", "input", "output")


def refused(item: object) -> str:
    with pytest.raises(ItemInvalid) as caught:
        read(item)
    return str(caught.value)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        (
            {"type": "FeatureCollection", "features": [{"id": "a"}, {"id": 7}]},
            "a FeatureCollection, such as a search answers with the ids a, 7",
        ),
        ({"features": [{"id": "a"}]}, "a FeatureCollection, such as a search answers with the id a,"),
        ({"type": "Collection", "id": "models", "links": []}, "a STAC Collection with the id models"),
        ({"extent": {}, "links": [], "id": "m"}, "a STAC Collection with the id m"),
        ({"type": "Catalog", "id": "root", "links": []}, "a STAC Catalog with the id root"),
        ({"stac_version": "0.9.0", "id": "root", "links": []}, "a STAC Catalog with the id root"),
        ({"collections": [{"id": "x"}], "links": []}, "a list of collections, as an API gives it with the id x"),
        ({"conformsTo": [], "title": "t"}, "the landing page of an API"),
        ({"code": 404, "description": "no such item"}, "an API's error message"),
        ({"help": "…", "success": True, "result": {}}, "a CKAN answer"),
        ({"$schema": "x", "$id": "y", "properties": {}}, "a JSON Schema"),
        ({"runtime": "python", "model": {}, "modelServerVersion": "1.0"}, "a TorchServe manifest"),
        (dict.fromkeys(PACKED, "x"), "a model's metadata as stac-model packs it"),
        ({"$schema": "x", "properties": dict.fromkeys(PACKED, "x")}, "a model's metadata as stac-model packs it"),
        ([{"id": "a"}, {"id": "b"}], "a list of 2 entries with the ids a, b"),
        ([], "a list of 0 entries"),
        ("hello", 'the text "hello"'),
    ],
)
def test_the_right_word(document: object, words: str) -> None:
    assert f"this is {words}" in refused(document)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("hello world", 'the text "hello world"'),
        ("12", "the number 12"),
        ("null", "null"),
        ("# nothing\n", "null"),
        ("true", "true"),
    ],
)
def test_scalars(text: str, words: str) -> None:
    with pytest.raises(ItemInvalid, match=f"this is {words}"):
        read_item(text, "x")


def test_many_ids_are_cut() -> None:
    message = refused({"type": "FeatureCollection", "features": [{"id": f"m{i}"} for i in range(30)]})
    assert "m9 and 20 more" in message and "m10" not in message


@pytest.mark.parametrize(
    ("properties", "dialect", "reason"),
    [
        ({"dlm:runtime": {"framework": "PyTorch"}}, "dlm/runtime", "/properties/dlm:runtime"),
        ({"dlm:inputs": {"name": "x"}}, "dlm/runtime", "/properties/dlm:inputs"),
        ({"dlm:engine": {"framework": "PyTorch"}, "dlm:inputs": {}}, "dlm/engine", "/properties/dlm:engine"),
        ({"dlm:version": "1.0", "dlm:runtime": {"framework": "PyTorch"}}, "dlm/runtime", "/properties/dlm:runtime"),
        ({"dml:runtime": {"framework": "PyTorch"}}, "dlm/runtime", "/properties/dml:runtime"),
        ({"dml:engine": {"framework": "PyTorch"}}, "dlm/engine", "/properties/dml:engine"),
        ({"model:inputs": {"name": "x"}, "framework": {"name": "PyTorch"}}, "dlm/model", "/properties/model:inputs"),
        ({"engine": {"framework": "PyTorch"}}, "dlm/bare", "/properties/engine"),
        ({"inputs": {"name": "x"}, "outputs": {}}, "dlm/bare", "/properties/inputs and /properties/outputs"),
        ({"engine": {"framework": "PyTorch"}, "dlm:inputs": {}}, "dlm/bare", "/properties/engine"),
    ],
)
def test_generations_of_dlm(properties: dict[str, Any], dialect: str, reason: str) -> None:
    item = read(FEATURE | {"properties": properties})
    assert (item.dialect, item.dialect_reason) == (dialect, reason)


@pytest.mark.parametrize(
    ("properties", "dialect"),
    [({"mlm:name": "x"}, "mlm"), ({"ml-model:type": "ml-model"}, "ml-model")],
)
def test_the_dialects_after_dlm(properties: dict[str, Any], dialect: str) -> None:
    assert read(FEATURE | {"properties": properties}).dialect == dialect


@pytest.mark.parametrize(
    "properties",
    [
        {"engine": "V8"},
        {"engine": {"name": "V8", "version": 2}},
        {"inputs": {"water": "2 l"}},
        {"model:year": 2020, "dlm_runtime": {}},
        {"archive": "somewhere", "data": {}},
    ],
)
def test_names_that_might_be_anything_tell_nothing(properties: dict[str, Any]) -> None:
    assert "this is not a model item" in refused(FEATURE | {"properties": properties})


def test_mlm_in_the_assets_only() -> None:
    item = read(FEATURE | {"properties": {}, "assets": {"model": {"href": "x", "mlm:artifact_type": "t"}}})
    assert item.dialect == "mlm"


MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.5.0/schema.json"
ML_MODEL_SCHEMA = "https://stac-extensions.github.io/ml-model/v1.0.0/schema.json"


@pytest.mark.parametrize(
    ("schemas", "roles", "dialect"),
    [
        ([ML_MODEL_SCHEMA], ["ml-model:checkpoint"], "ml-model"),
        ([MLM_SCHEMA], ["mlm:model"], "mlm"),
        ([], ["mlm:model", "data"], "mlm"),
        ([], "mlm:model", "mlm"),
        ([MLM_SCHEMA], ["data"], "mlm"),
        ([ML_MODEL_SCHEMA], None, "ml-model"),
        (["https://crim-ca.github.io/dlm-extension/v1.0.0/schema.json"], None, "mlm"),
    ],
)
def test_roles_and_schemas_tell_where_no_field_does(schemas: list[str], roles: object, dialect: str) -> None:
    asset = {"href": "https://example.org/model.onnx", "roles": roles}
    item = read(FEATURE | {"stac_extensions": schemas, "properties": {}, "assets": {"a": asset}})
    assert item.dialect == dialect


def test_a_schema_alone_is_an_item_that_lacks_everything() -> None:
    item = read(FEATURE | {"stac_extensions": [MLM_SCHEMA], "properties": {}})
    assert item.dialect_reason == "the schema of 1.5.0 in /stac_extensions/0"
    assert {"no-assets", "no-framework", "no-sample"} <= codes(item)


def test_neither_tells_of_a_collection_nor_of_a_scene() -> None:
    collection = {"type": "Collection", "id": "x", "stac_extensions": [MLM_SCHEMA], "extent": {}, "links": []}
    assert "a STAC Collection" in refused(collection)
    eo = "https://stac-extensions.github.io/eo/v1.1.0/schema.json"
    scene = {"stac_extensions": [eo], "properties": {}, "assets": {"B1": {"href": "b.tif", "roles": ["data"]}}}
    assert "this is not a model item" in refused(FEATURE | scene)


@pytest.mark.parametrize(
    ("field", "schema", "wanted"),
    [("mlm:name", ML_MODEL_SCHEMA, "/mlm/v1.5.2/"), ("ml-model:type", MLM_SCHEMA, "/ml-model/v1.0.0/")],
)
def test_the_schema_of_the_other_dialect(field: str, schema: str, wanted: str) -> None:
    item = FEATURE | {"stac_extensions": [schema], "properties": {field: "x"}}
    finding = found(read(item), "schema-of-another")
    assert finding.pointer == "/stac_extensions/0" and wanted in finding.hint
    own = [MLM_SCHEMA, ML_MODEL_SCHEMA]
    assert "schema-of-another" not in codes(read(item | {"stac_extensions": own}))


def test_dlm_fields_without_a_runtime() -> None:
    item = read(FEATURE | {"properties": {"dlm:inputs": {}, "dlm:outputs": {}}})
    assert found(item, "no-framework").pointer == "/properties/dlm:runtime/framework"


def test_the_runtime_at_the_root() -> None:
    item = read(FEATURE | {"dlm:runtime": {"framework": "PyTorch"}, "properties": {}})
    assert found(item, "outside-properties").pointer == "/dlm:runtime"
    assert (item.runtime.framework, item.pointers.framework) == ("PyTorch", "/dlm:runtime/framework")
    assert item.dialect_reason == "/dlm:runtime"


def test_properties_as_a_list_of_objects() -> None:
    rows = [{name: value} for name, value in GOOD["properties"].items()]
    item = read({**GOOD, "properties": rows})
    assert found(item, "list-of-objects").pointer == "/properties"
    assert item.runtime == read(GOOD).runtime
    assert (
        item.pointers.framework == f"/properties/{list(GOOD['properties']).index('dlm:runtime')}/dlm:runtime/framework"
    )


def test_a_whole_mlm_item_that_kept_dlm_fields_is_mlm() -> None:
    item = read({**GOOD, "properties": {**GOOD["properties"], "mlm:name": "x", "mlm:input": [], "mlm:output": []}})
    assert item.dialect == "mlm"


def test_fields_of_another_dialect_are_said() -> None:
    item = read({**GOOD, "properties": {**GOOD["properties"], "mlm:name": "coast", "mlm:tasks": []}})
    assert item.dialect == "dlm/runtime"
    assert "MLM (Machine Learning Model) (mlm:name, mlm:tasks)" in found(item, "other-dialect-too").message


@pytest.mark.parametrize(
    ("schemas", "told"),
    [
        (("mlm/v1.5.2",), False),
        (("mlm/v1.5.2", "ml-model/v1.0.0"), True),
        ((), True),
    ],
)
def test_fields_of_ml_model_may_stay_where_the_schema_of_mlm_alone_is_named(schemas: Sequence[str], told: bool) -> None:
    item = copy.deepcopy(MLM)
    item["stac_extensions"] = [f"https://stac-extensions.github.io/{schema}/schema.json" for schema in schemas]
    item["properties"] |= {"ml-model:type": "ml-model", "ml-model:learning_approach": "supervised"}
    assert ("other-dialect-too" in codes(read(item))) == told


def test_an_item_without_a_model() -> None:
    said = refused(FEATURE | {"properties": {"datetime": None}})
    assert (
        "this is not a model item: neither its properties nor its assets have a field of MLM, DLM or ML-Model" in said
    )


def test_the_fix_for_an_item_without_a_model_makes_it_one() -> None:
    with pytest.raises(ItemInvalid) as caught:
        read(FEATURE | {"properties": {"datetime": None}})
    fields, roles = re.findall(r"add to /properties: (.*), and to the asset of the weights: (.*)", caught.value.hint)[0]
    weights = {"href": "https://example.org/net.pt", **json.loads(f"{{{roles}}}")}
    item = read(FEATURE | {"properties": json.loads(f"{{{fields}}}"), "assets": {"weights": weights}})
    assert (item.dialect, item.runtime.version) == ("mlm", "2.1.2")
    assert "model artefact" in item.assets[0].roles


@pytest.mark.parametrize("properties", ["text", 5, [1], True])
def test_properties_that_are_no_object(properties: object) -> None:
    assert "/properties: must be an object, but is" in refused(FEATURE | {"properties": properties})


@pytest.mark.parametrize("text", ["<!DOCTYPE html><html>", "\ufeff <?xml version='1.0'?>"])
def test_a_web_page(text: str) -> None:
    with pytest.raises(ItemInvalid, match="web page or XML"):
        read_item(text, "x")


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_nothing(text: str) -> None:
    with pytest.raises(ItemInvalid, match="x: the document is empty"):
        read_item(text, "x")


@pytest.mark.parametrize("value", [{"name": "viewer", "version": "1.0.0"}, {"config": {}, "docs": []}])
def test_a_document_with_no_field_of_an_item_is_called_what_it_is(value: dict[str, object]) -> None:
    with pytest.raises(ItemInvalid, match=f"this is an object with {', '.join(value)}, not a model item") as caught:
        read(value)
    assert "give one STAC item" in caught.value.hint
