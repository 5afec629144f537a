"""The published JSON Schemas of what `dlm-build push --json` and `dlm-build verify-sif --json` print."""

from __future__ import annotations

from typing import Any

import msgspec

from dlm_build.publishing.records import CheckedSif, Pushed


def push_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of version 1, made from the records themselves."""
    return _schema("push", Pushed)


def verify_sif_schema() -> dict[str, Any]:
    """JSON Schema (2020-12) of version 1, made from the records themselves."""
    return _schema("verify-sif", CheckedSif)


def _schema(command: str, record: type[msgspec.Struct]) -> dict[str, Any]:
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"dlm-build {command}, version 1",
        **msgspec.json.schema(record),
    }
