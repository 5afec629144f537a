"""The published schemas are those the records make; what is printed follows them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dlm_build.publishing.records import CheckedSif, Pushed, PushedPart
from dlm_build.publishing.schema import push_schema, verify_sif_schema
from dlm_build.records import to_json

DOCS = Path(__file__).parents[3] / "docs"
PART = PushedPart(
    kind="sif", reference="registry.example.org/me/coast:1.0-sif", digest="sha256:" + "ab" * 32, size=7,
    sha256="cd" * 32, verdict="matches on cpu", signed_by="65A2", sent=2, present=0, tagged=True,
    pull="apptainer pull oras://registry.example.org/me/coast:1.0-sif",
)  # fmt: skip
PUSHED = Pushed(dlm_build="0.1", item_id="coast", context_digest="sha256:" + "ef" * 32, parts=(PART,))
CHECKED = CheckedSif(path="coast.sif", sha256="cd" * 32, size=7, by=("sha256",))


@pytest.mark.parametrize(("name", "schema"), [("push", push_schema()), ("verify-sif", verify_sif_schema())])
def test_the_published_schema_is_what_is_printed(name: str, schema: dict[str, Any]) -> None:
    """Made again with `dlm-build schema NAME > docs/NAME.v1.schema.json`."""
    assert json.loads((DOCS / f"{name}.v1.schema.json").read_text()) == json.loads(json.dumps(schema))


@pytest.mark.parametrize(
    ("record", "schema", "spoiled"),
    [(PUSHED, push_schema(), ("parts", [{}])), (CHECKED, verify_sif_schema(), ("by", ["hearsay"]))],
)
def test_records_follow_it(record: Pushed | CheckedSif, schema: dict[str, Any], spoiled: tuple[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(schema)
    document = json.loads(to_json(record))
    validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document | dict([spoiled]))
