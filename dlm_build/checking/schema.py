"""The published JSON Schema of what `dlm-build check --format json` prints; `jsonl` prints its `Checked` lines."""

from __future__ import annotations

from typing import Any

import msgspec

from dlm_build.checking.records import CheckReport


def check_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of version 1, made from the records themselves."""
    schema = msgspec.json.schema(CheckReport)
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "dlm-build check, version 1",
        **schema,
    }
