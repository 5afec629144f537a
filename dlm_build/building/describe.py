"""`dlm.json`: what the image says about its model, read by the harness inside it and printed by `info`."""

from __future__ import annotations

import json
from pathlib import PurePosixPath
from typing import Any

import msgspec

from dlm_build.building.labels import labels
from dlm_build.own_runners import FORMS
from dlm_build.records import Inputs, Lock, Outputs, Plan, Record, Runner, Source


class Described(Record, frozen=True, kw_only=True):
    """Everything an item said that the image needs or shows. Expected outputs are never part of it."""

    schema_version: str = "1"
    item: dict[str, str | None]
    framework: dict[str, str | None]
    python: str
    platform: str
    gpu: bool
    as_of: str | None
    runner: Runner
    inputs: Inputs
    outputs: Outputs
    sample: dict[str, Any] | None
    comparison: dict[str, Any] | None
    archive: dict[str, Any]
    source: dict[str, str] | None
    base: str
    lock: str
    labels: dict[str, str]


def dlm_json(lock: Lock) -> str:
    """Canonical JSON: sorted keys, indented, a final newline; ASCII, so that no reader's locale matters."""
    plan = lock.plan
    made = Described(
        item={"id": plan.item_id, "title": plan.title, "license": plan.license, "sha256": plan.item_sha256},
        framework={"name": plan.framework, "version": plan.framework_version, "cuda": plan.cuda},
        python=plan.python,
        platform=plan.platform,
        gpu=plan.gpu,
        as_of=plan.as_of,
        runner=plan.runner,
        inputs=plan.inputs,
        outputs=plan.outputs,
        sample=_sample(plan),
        comparison=msgspec.to_builtins(plan.comparison) if plan.comparison else None,
        archive={"sha256": plan.archive.sha256, "size": plan.archive.size},
        source=_source(plan.source),
        base=lock.base.reference,
        lock=lock.digest,
        labels=labels(lock),
    )
    return _ascii_json(msgspec.to_builtins(made))


def _sample(plan: Plan) -> dict[str, Any] | None:
    """The input, and the kind of file to write; the expected output's name and digest would tell what to copy."""
    if plan.sample is None:
        return None
    expected = plan.sample.expected
    form = PurePosixPath(expected.path).suffix.lower() if expected else None
    return {"input": msgspec.to_builtins(plan.sample.input), "form": form if form in FORMS else None}


def _source(source: Source | None) -> dict[str, str] | None:
    if source is None:
        return None
    return {"url": source.address, "commit": source.commit, "tree_sha256": source.tree_sha256}


def _ascii_json(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=2, ensure_ascii=True, allow_nan=False) + "\n"
