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
    from dlm_build.judging.report import report_schema

    return report_schema()


def _check() -> dict[str, Any]:
    from dlm_build.checking.schema import check_schema

    return check_schema()


def _push() -> dict[str, Any]:
    from dlm_build.publishing.schema import push_schema

    return push_schema()


def _verify_sif() -> dict[str, Any]:
    from dlm_build.publishing.schema import verify_sif_schema

    return verify_sif_schema()


SCHEMAS: dict[str, Callable[[], dict[str, Any]]] = {
    "dlm": _dlm,
    "report": _report,
    "check": _check,
    "push": _push,
    "verify-sif": _verify_sif,
}
"""By name; the first is printed where none is asked for."""


@click.command()
@click.argument("name", metavar="|".join(SCHEMAS), type=click.Choice(list(SCHEMAS)), default=next(iter(SCHEMAS)))
def schema(name: str) -> None:
    """Print a JSON Schema: of items with DLM fields, of report.json, or of what `--json` of a command prints."""
    click.echo(json.dumps(SCHEMAS[name](), indent=2, sort_keys=name != "dlm"))
