"""Schemas are held to offline, and are what their sources say, without their sentences."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from jsonschema_rs import ValidationError, meta, validator_for

from dlm_build.schemas import ITEM, MLM, problems, problems_of_item
from dlm_build.schemas.make import VENDORED, constraints, vendored
from dlm_build.schemas.offline import _refuse, dlm_problems, is_reference, known, mlm_fields, schema_of
from tests.unit.items.samples_of_items import GOOD
from tests.unit.migrating.items import of


@pytest.fixture
def asked() -> Iterator[tuple[str, list[str]]]:
    """A server on this machine that would answer with a schema, and what it was asked for."""
    paths: list[str] = []

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"{}")

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/schema.json", paths
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("uri", sorted(known()))
def test_each_is_a_schema_with_everything_it_refers_to(uri: str) -> None:
    assert meta.is_valid(schema_of(uri))
    assert isinstance(problems({}, uri), tuple)  # every `$ref` is resolved when the validator is made


def test_sources_are_named() -> None:
    rows = json.loads((VENDORED / "SOURCES.json").read_text("utf-8"))
    assert {row["file"] for row in rows} == {path.name for path in VENDORED.iterdir()} - {"SOURCES.json"}
    for row in rows:
        assert row["repository"].startswith("https://github.com/") and row["licence"] == "Apache-2.0"
        assert len(row["commit"]) == 40 and len(row["sha256"]) == 64 and row["path"].endswith(".json")
    assert MLM in known() and ITEM in known()


def _sentences(schema: Any, *, named: bool = False) -> list[str]:
    if isinstance(schema, list):
        return [found for one in schema for found in _sentences(one)]
    if not isinstance(schema, dict):
        return []
    own = [] if named else [key for key in schema if key in ("title", "description", "$comment", "examples")]
    holders = ("properties", "patternProperties", "definitions", "$defs", "dependencies")
    inner = [f for key, one in schema.items() for f in _sentences(one, named=not named and key in holders)]
    return own + inner


@pytest.mark.parametrize("path", sorted(VENDORED.glob("[!S]*.json")), ids=lambda path: path.name)
def test_no_sentence_is_carried(path: Path) -> None:
    assert _sentences(json.loads(path.read_text("utf-8"))) == []


def test_making_keeps_constraints_and_names() -> None:
    schema = {
        "title": "A title",
        "$comment": "why",
        "properties": {"title": {"type": "string", "description": "words"}, "examples": {"const": {"title": 1}}},
        "if": {"properties": {"a": {"enum": ["description"]}}},
        "required": ["title"],
    }
    assert constraints(schema) == {
        "properties": {"title": {"type": "string"}, "examples": {"const": {"title": 1}}},
        "if": {"properties": {"a": {"enum": ["description"]}}},
        "required": ["title"],
    }


def test_another_original_is_refused() -> None:
    original = b'{"title": "x", "type": "object"}'
    row = {"file": "x.json", "sha256": hashlib.sha256(original).hexdigest(), "repository": "r", "commit": "c"}
    assert vendored(row, original) == '{"type":"object"}\n'
    with pytest.raises(ValueError, match=r"x\.json: sha256"):
        vendored(row, original + b" ")


@pytest.mark.loopback
def test_a_strangers_schema_is_never_asked_for(asked: tuple[str, list[str]]) -> None:
    uri, paths = asked
    validator_for({"$ref": uri})  # as the library does it of its own
    assert paths == ["/schema.json"]
    paths.clear()
    item = copy.deepcopy(GOOD) | {"stac_extensions": [uri, "file:///etc/passwd"], "$schema": uri, "$ref": uri}
    document = of(item).document
    assert uri in document["stac_extensions"] and document["$ref"] == uri
    assert problems_of_item(document) == () and dlm_problems(item) == () and paths == []
    with pytest.raises(ValidationError, match="is not one of the schemas that are here"):
        validator_for({"$ref": uri}, retriever=_refuse)
    assert paths == []


@pytest.mark.parametrize("uri", ["file:///etc/passwd", "http://127.0.0.1:9/schema.json"])
def test_a_reference_to_elsewhere_is_refused_by_name(uri: str) -> None:
    with pytest.raises(ValidationError, match="is not one of the schemas that are here"):
        validator_for({"$ref": uri}, retriever=_refuse)
    with pytest.raises(LookupError):
        _refuse(uri)


def test_a_fault_has_its_place() -> None:
    document = of(GOOD).document
    document["properties"]["mlm:input"][0]["input"]["shape"] = ["many"]
    document["assets"]["model"]["a/b~c"] = {}
    document["links"] = [{"rel": "x"}]
    found = {problem.pointer: problem for problem in problems_of_item(document)}
    assert found["/properties/mlm:input/0/input/shape/0"].schema == MLM and found["/links/0"].schema == ITEM
    assert all(problem.message.isprintable() for problem in found.values())


def test_fields_and_references() -> None:
    assert {"mlm:name", "mlm:entrypoint"} <= mlm_fields() and "mlm:task" not in mlm_fields()
    assert is_reference("../a%20b.tif") and is_reference("oci://ghcr.io/a/b:1")
    assert not is_reference("a b") and not is_reference("")
