"""Every folder of examples/ with an item is an acceptance test; so is every way of spoiling one.

The commands run as a user runs them: the installed program, in a folder of its own, against the local stack.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from dlm_build.errors import EXIT_CODES, Outcome
from dlm_build.records import Report, json_schema
from dlm_build.running.orphans import LABEL, is_orphan
from tests.engines.conftest import Cli, run_json, with_limits

EXAMPLES = Path(__file__).parents[2] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/item.json"))
VARIANTS = EXAMPLES / "segmentation" / "variants.py"
LISTED = [
    line.split()[:2]
    for line in subprocess.run(
        [sys.executable, str(VARIANTS), "--list"], capture_output=True, text=True, check=True
    ).stdout.splitlines()
]
TIGHT = {"seconds": 20.0, "memory": 1 << 30, "pids": 256, "output": 64 << 20, "output_files": 200}
"""Limits under which an honest small model has room and a greedy one ends soon."""

pytestmark = pytest.mark.engine


def variant(name: str, folder: Path) -> Path:
    made = folder / name
    subprocess.run([sys.executable, str(VARIANTS), name, str(made)], check=True, capture_output=True)
    return made / "item.json"


def lacking(example: Path, stack: dict[str, Any]) -> str | None:
    """What the local channel does not have that this example needs; it names what is missing."""
    if "pytorch" in (example / "environment.yml").read_text() and not stack.get("torch", True):
        return "no CPU build of torch in the package index, so none in the local channel"
    return None


@pytest.mark.parametrize("example", FOLDERS, ids=lambda p: p.name)
def test_example(example: Path, cli: Cli, stack: dict[str, Any], docker: Any) -> None:
    if reason := lacking(example, stack):
        pytest.skip(reason)
    wanted = json.loads((example / "expected.json").read_text())
    first = cli(str(example / "item.json"), "--json", "--output", "out")
    assert first.status == wanted["exit_code"], first.stderr
    report = first.report
    assert report.verdict.outcome == wanted["verdict"], report.verdict
    assert report.verdict.device == wanted["device"]
    assert len(report.verdict.checks) >= 1
    check_report(json.loads(first.stdout))
    check_image(docker, report)
    check_second_run(cli, example)


def check_report(report: dict[str, Any]) -> None:
    jsonschema.Draft202012Validator(json_schema(Report, "report")).validate(report)


def check_image(docker: Any, report: Report) -> None:
    """The pinned base below, the environment and the model above it, and at most 2 % of anything else."""
    assert report.image and report.plan
    base, image = (docker.images.get(name) for name in (report.image.base_digest, report.image.reference))
    below = base.attrs["RootFS"]["Layers"]
    assert image.attrs["RootFS"]["Layers"][: len(below)] == below
    sizes = [row["Size"] for row in image.history()]
    above = sum(sizes) - sum(row["Size"] for row in base.history())
    told = docker.containers.run(
        report.image.reference, ["-c", "du -s --block-size=1 /opt/dlm/env /opt/dlm/model | cut -f1"],
        entrypoint="sh", network_mode="none", remove=True,
    )  # fmt: skip
    content = sum(int(size) for size in told.split())
    assert above <= 1.02 * content, f"{above} bytes of layers for {content} bytes of environment and model"


def check_second_run(cli: Cli, example: Path) -> None:
    """Nothing that was done is done again, and the report says so."""
    second = run_json(cli, str(example / "item.json"), "--output", "out")
    assert {step.name for step in second.steps if step.reused} >= {"lock", "render", "build", "run"}
    assert second.verdict.outcome == Outcome.MATCHES


def test_there_are_examples() -> None:
    assert len(FOLDERS) >= 2 and len(LISTED) >= 20


@pytest.mark.parametrize(("name", "verdict"), LISTED, ids=[name for name, _ in LISTED])
def test_variant(name: str, verdict: str, cli: Cli, config: Path, tmp_path: Path, docker: Any) -> None:
    item = variant(name, tmp_path / "items")
    cli.config = with_limits(config, tmp_path, **TIGHT)
    ended = cli(str(item), "--json", "--output", "out")
    report: Report = ended.report
    assert report.verdict.outcome == verdict, (report.verdict, ended.stderr)
    assert ended.status == EXIT_CODES[Outcome(verdict)]
    assert report.verdict.outcome == Outcome.MATCHES or report.verdict.hint, "a failure says what to do next"
    assert left_behind(docker) == []
    assert not (tmp_path / "escaped.txt").exists() and not Path("/tmp/escaped.txt").exists()
    if verdict in ("item-invalid", "item-hostile", "hash-mismatch", "source-gone"):
        assert not (cli.folder / "out").exists(), "a bad item leaves nothing behind"


def left_behind(docker: Any) -> list[str]:
    """Containers of runs whose dlm-build has ended; another worker's may be at work."""
    found = docker.containers.list(all=True, filters={"label": LABEL}, ignore_removed=True)
    return [row.name for row in found if is_orphan(row.labels[LABEL], row.status == "running")]
