"""The published schemas are those the records make; a change of meaning needs a new version and a new file."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from dlm_build.cli.schema import SCHEMAS

DOCS = Path(__file__).parents[3] / "docs"


@pytest.mark.parametrize("name", sorted(SCHEMAS.keys() - {"dlm"}))
def test_the_published_schema_is_what_is_written(name: str) -> None:
    """Made again with `dlm-build schema NAME > docs/NAME.v1.schema.json`."""
    published = json.loads((DOCS / f"{name}.v1.schema.json").read_text())
    assert published == json.loads(json.dumps(SCHEMAS[name]()))
