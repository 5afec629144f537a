"""`dlm-build schema`: the JSON Schemas of what this program reads and writes."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import click


def _dlm() -> dict[str, Any]:
    from dlm_build.schemas import dlm_schema

    return dlm_schema()


def _report() -> dict[str, Any]:
    from dlm_build.records import Report, json_schema

    return json_schema(Report, "report")


def _check() -> dict[str, Any]:
    from dlm_build.checking.records import CheckReport
    from dlm_build.records import json_schema

    return json_schema(CheckReport, "check")


def _push() -> dict[str, Any]:
    from dlm_build.publishing.records import Pushed
    from dlm_build.records import json_schema

    return json_schema(Pushed, "push")


def _verify_sif() -> dict[str, Any]:
    from dlm_build.publishing.records import CheckedSif
    from dlm_build.records import json_schema

    return json_schema(CheckedSif, "verify-sif")


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "dlm": _dlm,
    "report": _report,
    "check": _check,
    "push": _push,
    "verify-sif": _verify_sif,
}
"""By name; the first is printed where none is asked for."""


@click.command(short_help="Print the JSON Schema of items, or of what --json prints.")
@click.argument("name", metavar="|".join(SCHEMAS), type=click.Choice(list(SCHEMAS)), default=next(iter(SCHEMAS)))
def schema(name: str) -> None:
    """Print a JSON Schema: of items with DLM fields, of report.json, or of what `--json` of a command prints."""
    click.echo(json.dumps(SCHEMAS[name](), indent=2, sort_keys=name != "dlm"))
