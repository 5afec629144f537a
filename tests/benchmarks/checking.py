"""``dlm-build check`` beside validators of STAC items, and its memory over many items."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

from tests.benchmarks import check_driver
from tests.benchmarks.check_items import MLM_SCHEMA, write_items
from tests.benchmarks.figures import Figure, Figures, size
from tests.benchmarks.measuring import Spent, spend
from tests.benchmarks.place import DLM_BUILD, REPOSITORY, Bench
from tests.stack.layout import read_json, write_json
from tests.stack.shell import StackError, run, step

PINS = ("pystac[validation]==1.15.2", "stac-validator==4.1.2")
SCHEMAS = REPOSITORY / "dlm_build" / "schemas" / "vendored"
TIMED = 2_000
FEW, MANY = 1_000, 10_000
SECONDS = 4.0


def items_per_second(bench: Bench) -> Figures:
    """The three take turns, so that a slow minute of the machine is one for all of them."""
    _ensure_validators(bench)
    items = bench.fresh("check-items")
    write_items(items, check_driver.JUDGED + TIMED)
    turns = [{name: _turn(bench, name, items) for name in check_driver.PROGRAMS} for _ in range(bench.repeat)]
    return {f"check-{name}": Figure(tuple(turn[name] * 1000 for turn in turns), "ms") for name in check_driver.PROGRAMS}


def _turn(bench: Bench, program: str, items: Path) -> float:
    """Seconds per item. Raises StackError where a validator does not validate."""
    python = sys.executable if program == "dlm-build" else bench.path("validators", "bin", "python")
    argv = [python, check_driver.__file__, program, items, SCHEMAS, SECONDS]
    with step(f"checking with {program}"):
        said: dict[str, Any] = json.loads(run([str(word) for word in argv], env={"PYTHONPATH": str(REPOSITORY)}))
    fair = said["valid"] == check_driver.JUDGED and not said["asked while timed"]
    if not fair or (program != "dlm-build" and (said["broken"] or MLM_SCHEMA not in said["asked"])):
        raise StackError(f"{program} did not validate: {said}", "see whether its pinned version still works")
    return float(said["seconds"])


def _ensure_validators(bench: Bench) -> None:
    note = bench.path("validators.json")
    if read_json(note) == {"pins": list(PINS)}:
        return
    folder = bench.fresh("validators")
    with step(f"installing {' and '.join(PINS)}"):
        run([sys.executable, "-m", "venv", folder])
        run([folder / "bin" / "pip", "install", "--quiet", *PINS], hint="check pip's configuration")
    write_json(note, {"pins": list(PINS)})


def memory(bench: Bench) -> Figures:
    """Of the whole command, written as JSON lines."""
    few, many = _whole(bench, FEW), _whole(bench, MANY)
    return {
        "check-few-peak": size(few.own_peak),
        "check-many-peak": size(many.own_peak),
        "check-many-seconds": Figure((many.seconds,)),
    }


def _whole(bench: Bench, count: int) -> Spent:
    items = bench.fresh("check-items")
    write_items(items, count)
    with step(f"checking {count:,} items"):
        argv: list[str | Path] = [
            DLM_BUILD,
            "check",
            items / "valid",
            "--format",
            "jsonl",
            "-o",
            bench.path("check.jsonl"),
        ]
        return spend(bench.command("check", argv))
