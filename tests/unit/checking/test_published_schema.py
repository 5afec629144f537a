"""What a check prints follows its published schema."""

from __future__ import annotations

import json

import jsonschema
import pytest

from dlm_build.checking.records import CheckReport
from dlm_build.records import json_schema
from tests.unit.checking.hostile import hostile, written
from tests.unit.checking.made import changed, check, complete


def test_a_check_follows_it() -> None:
    validator = jsonschema.Draft202012Validator(json_schema(CheckReport, "check"))
    items = check(complete()), check(changed(assets={})), check(changed(properties=[])), hostile()
    validator.validate(json.loads(written("json", *items)))
    with pytest.raises(jsonschema.ValidationError):
        validator.validate(json.loads(written("json", *items).replace('"letter":"A"', '"letter":"Z"')))
