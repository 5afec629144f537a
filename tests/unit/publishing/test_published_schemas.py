"""What `push` and `verify-sif` print follows their published schemas."""

from __future__ import annotations

import json
from typing import Any

import jsonschema
import pytest

from dlm_build.publishing.records import CheckedSif, Pushed, PushedPart
from dlm_build.records import json_schema, to_json

PART = PushedPart(
    kind="sif", reference="registry.example.org/me/coast:1.0-sif", digest="sha256:" + "ab" * 32, size=7,
    sha256="cd" * 32, verdict="matches on cpu", signed_by="65A2", sent=2, present=0, tagged=True,
    pull="apptainer pull oras://registry.example.org/me/coast:1.0-sif",
)  # fmt: skip
PUSHED = Pushed(dlm_build="0.1", item_id="coast", context_digest="sha256:" + "ef" * 32, parts=(PART,))
CHECKED = CheckedSif(path="coast.sif", sha256="cd" * 32, size=7, by=("sha256",))


@pytest.mark.parametrize(
    ("record", "name", "spoiled"), [(PUSHED, "push", ("parts", [{}])), (CHECKED, "verify-sif", ("by", ["hearsay"]))]
)
def test_records_follow_it(record: Pushed | CheckedSif, name: str, spoiled: tuple[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(json_schema(type(record), name))
    document = json.loads(to_json(record))
    validator.validate(document)
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(document | dict([spoiled]))
