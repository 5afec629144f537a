"""What is not a model item is called by its name."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item

from .samples_of_items import GOOD, found, read

FEATURE: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "scene-1",
    "geometry": None,
    "links": [],
    "assets": {},
}


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


def test_an_item_without_a_model() -> None:
    assert "this is not a model item: it has no `dlm:runtime`" in refused(FEATURE | {"properties": {"datetime": None}})


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
