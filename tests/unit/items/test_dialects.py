"""What is not a model item is called by its name."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.items import read_item

from .samples_of_items import GOOD, read

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
    ("properties", "name"),
    [
        ({"dlm:engine": {"framework": "PyTorch"}, "dlm:inputs": {}}, "dlm/engine (DLM of December 2020: dlm:engine"),
        ({"dml:runtime": {}}, "dml (DLM as its report spells it: dml:runtime"),
        ({"mlm:name": "x"}, "mlm (MLM (Machine Learning Model): mlm:name"),
        ({"ml-model:type": "ml-model"}, "ml-model (ML-Model: ml-model:type"),
        ({"model:inputs": {}, "framework": {}}, "model (DLM's first draft: model:inputs"),
        ({"engine": {"framework": "PyTorch"}, "inputs": {}}, "engine (DLM's draft of November 2020: engine"),
    ],
)
def test_a_dialect_not_read_yet_is_named_with_the_fields_needed(properties: dict[str, Any], name: str) -> None:
    message = refused(FEATURE | {"properties": properties})
    assert f"the dialect {name}" in message
    assert "which is not read yet" in message
    assert "/properties/dlm:runtime: is missing" in message
    assert 'add to /properties: "dlm:runtime": {' in message


def test_mlm_in_the_assets_only() -> None:
    message = refused(FEATURE | {"properties": {}, "assets": {"model": {"href": "x", "mlm:artifact_type": "t"}}})
    assert "the dialect mlm" in message


def test_dlm_fields_without_a_runtime() -> None:
    message = refused(FEATURE | {"properties": {"dlm:inputs": {}, "dlm:outputs": {}}})
    assert "/properties/dlm:runtime: is missing; there are other DLM fields (dlm:inputs, dlm:outputs)" in message


def test_the_runtime_at_the_root() -> None:
    message = refused(FEATURE | {"dlm:runtime": {"framework": "PyTorch"}, "properties": {}})
    assert "/dlm:runtime: `dlm:runtime` stands outside /properties" in message
    assert "move every dlm: field into /properties" in message


def test_an_item_without_a_model() -> None:
    assert "this is not a model item: it has no `dlm:runtime`" in refused(FEATURE | {"properties": {"datetime": None}})


@pytest.mark.parametrize("properties", ["text", 5, [1], True])
def test_properties_that_are_no_object(properties: object) -> None:
    assert "/properties: must be an object, but is" in refused(FEATURE | {"properties": properties})


def test_an_item_with_two_dialects_is_read_by_the_one_known() -> None:
    both = {**GOOD, "properties": {**GOOD["properties"], "mlm:name": "coast"}}
    assert read(both).dialect == "dlm/runtime"


@pytest.mark.parametrize("text", ["<!DOCTYPE html><html>", "\ufeff <?xml version='1.0'?>"])
def test_a_web_page(text: str) -> None:
    with pytest.raises(ItemInvalid, match="web page or XML"):
        read_item(text, "x")


@pytest.mark.parametrize("text", ["", " \n", "\ufeff"])
def test_nothing(text: str) -> None:
    with pytest.raises(ItemInvalid, match="x: the document is empty"):
        read_item(text, "x")
