"""The published schema is the one the records make; what is printed follows it."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest

from dlm_build.checking.schema import check_schema
from tests.unit.checking.hostile import hostile, written
from tests.unit.checking.made import changed, check, complete

PUBLISHED = Path(__file__).parents[3] / "docs" / "check.v1.schema.json"


def test_the_published_schema_is_what_checks_follow() -> None:
    """Made again with `dlm-build schema check > docs/check.v1.schema.json`."""
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(check_schema()))


def test_a_check_follows_it() -> None:
    validator = jsonschema.Draft202012Validator(check_schema())
    items = check(complete()), check(changed(assets={})), check(changed(properties=[])), hostile()
    validator.validate(json.loads(written("json", *items)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(json.loads(written("json", *items).replace('"letter":"A"', '"letter":"Z"')))
