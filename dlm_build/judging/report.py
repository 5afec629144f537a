"""The published JSON Schema of report.json."""

from __future__ import annotations

from typing import Any

import msgspec

from dlm_build.records import Report


def report_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of a version 1 report, made from the records themselves."""
    schema = msgspec.json.schema(Report)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dlm-build report, version 1",
        **schema,
    }
