"""The published schema is the one the records make; a change of meaning needs a new version and a new file."""

from __future__ import annotations

import json
from pathlib import Path

from dlm_build.judging.report import report_schema

PUBLISHED = Path(__file__).parents[3] / "docs" / "report.v1.schema.json"


def test_the_published_schema_is_what_reports_follow() -> None:
    """Made again with `dlm-build schema report > docs/report.v1.schema.json`."""
    assert json.loads(PUBLISHED.read_text()) == json.loads(json.dumps(report_schema()))
