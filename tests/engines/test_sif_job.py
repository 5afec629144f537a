"""The SIF as its users make it: `--to sif` without Docker, `--to docker,sif` with it, one file and one verdict."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.building.docker_engine import DockerEngine
from dlm_build.config import Settings
from dlm_build.errors import EXIT_CODES, Outcome
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import Report, Sif
from dlm_build.sif import image_rootfs_digest
from dlm_build.store import Store
from tests.engines.conftest import DLM_BUILD, Cli
from tests.engines.test_examples import EXAMPLES, FOLDERS, check_report, lacking

ONNX = EXAMPLES / "segmentation-onnx" / "item.json"
OTHERS = [folder for folder in FOLDERS if folder != ONNX.parent]
DOCKERS = ("docker", "containerd", "ctr", "runc", "buildkit")

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def job(ground: Path, config: Path) -> Iterator[Cli]:
    folder = ground / "job"
    folder.mkdir()
    yield Cli(folder, config)
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def no_docker(job: Cli) -> dict[str, str]:
    """Every program of this machine but Docker's own, and an address where no engine is."""
    made = job.folder / "programs"
    made.mkdir()
    for program in (path for folder in os.environ["PATH"].split(":") for path in Path(folder).glob("*")):
        if not program.name.startswith(DOCKERS) and not (made / program.name).is_symlink():
            (made / program.name).symlink_to(program)
    assert shutil.which("docker", path=str(made)) is None
    return {"PATH": str(made), "DOCKER_HOST": f"unix://{job.folder}/no-docker.sock"}


@pytest.fixture(scope="module")
def undocked(job: Cli, no_docker: dict[str, str]) -> Report:
    ended = job(str(ONNX), "--to", "sif", "--output", "alone", "--json", env=no_docker)
    assert ended.status == 0, ended.stderr
    return ended.report


@pytest.fixture(scope="module")
def both(undocked: Report, job: Cli, docker: Any) -> Iterator[Report]:
    """Made with Docker, in another folder, under another umask and zone; no earlier image may stand in for it."""
    tag = f"dlm-test/{secrets.token_hex(8)}:sif-job"
    line = f'umask 027; exec "{DLM_BUILD}" "{ONNX}" --to docker,sif --output docked --tag "{tag}" --json'
    (job.folder / "docked").mkdir()  # open, as 027 would close it to the user who runs the model
    ended = Cli(job.folder, job.config, "/bin/sh")("-c", line, env={"TZ": "Asia/Tokyo", "LANG": "C"})
    assert ended.status == 0, ended.stderr
    yield ended.report
    docker.images.remove(tag)


def sif_of(report: Report) -> Sif:
    assert report.sif
    return report.sif


# --- one file, whichever way --------------------------------------------------------------------------------------


def test_without_docker_the_sample_matches(undocked: Report, job: Cli) -> None:
    assert undocked.verdict.outcome == Outcome.MATCHES and undocked.image is None
    (end,) = undocked.engines
    assert (end.engine, sif_of(undocked).made_from) == ("sif", "packages")
    assert end.run and end.run.processor and end.run.processor.startswith("x86-64")
    check_report(json.loads((job.folder / "alone/report.json").read_text()))


def test_with_docker_both_match_and_the_file_is_the_same(both: Report, undocked: Report) -> None:
    assert [(end.engine, end.verdict.outcome) for end in both.engines] == [("docker", "matches"), ("sif", "matches")]
    assert sif_of(both).made_from == "image"
    assert sif_of(both).rootfs_digest == sif_of(undocked).rootfs_digest
    assert sif_of(both).sha256 == sif_of(undocked).sha256, "two ways, folders, masks and zones: one file"


def test_the_image_itself_has_their_rootfs_digest(both: Report, undocked: Report, settings: Settings) -> None:
    assert both.image
    engine = DockerEngine(RealPrograms(settings.environment), settings)
    digest = image_rootfs_digest(both.image, engine, Store(Path(settings.store)), silent)
    assert digest == sif_of(undocked).rootfs_digest


@pytest.mark.parametrize("example", OTHERS, ids=lambda path: path.name)
def test_other_examples_match_without_docker(
    example: Path, job: Cli, stack: dict[str, Any], no_docker: dict[str, str]
) -> None:
    if reason := lacking(example, stack):
        pytest.skip(reason)
    wanted = json.loads((example / "expected.json").read_text())
    ended = job(str(example / "item.json"), "--to", "sif", "--output", example.name, "--json", env=no_docker)
    assert ended.status == wanted["exit_code"], ended.stderr
    assert (ended.report.verdict.outcome, ended.report.verdict.device) == (wanted["verdict"], wanted["device"])


# --- once it is there ---------------------------------------------------------------------------------------------


def test_what_was_verified_is_not_run_again(undocked: Report, job: Cli, no_docker: dict[str, str]) -> None:
    verified = job("verify", str(ONNX), "--to", "sif", "--output", "alone", "--json", env=no_docker)
    assert verified.status == 0 and [step.name for step in verified.report.steps if step.reused] == ["run sif"]
    again = job(str(ONNX), "--to", "sif", "--output", "alone", "--json", env=no_docker).report
    assert {step.name for step in again.steps if step.reused} >= {"lock", "render", "sif", "run sif"}
    assert again.sif == verified.report.sif == undocked.sif


def test_a_flipped_byte_is_refused(undocked: Report, job: Cli, no_docker: dict[str, str]) -> None:
    elsewhere = Cli(job.folder / "flipped", job.config)
    shutil.copytree(job.folder / "alone", elsewhere.folder / "alone")
    path = elsewhere.folder / sif_of(undocked).path
    with path.open("r+b") as file:
        file.seek(path.stat().st_size // 2)
        byte = file.read(1)[0]
        file.seek(-1, os.SEEK_CUR)
        file.write(bytes([byte ^ 1]))
    ended = elsewhere("verify", str(ONNX), "--to", "sif", "--output", "alone", "--json", env=no_docker)
    assert ended.status == EXIT_CODES[Outcome.HASH_MISMATCH] and ended.report.verdict.hint
    assert ended.report.run is None, "nothing of it was run"
    lines = doctor(elsewhere, "alone", EXIT_CODES[Outcome.INFRA], no_docker)
    assert lines["SIF file"] == "missing"


def test_the_doctor_holds_it_against_this_machine(undocked: Report, job: Cli, no_docker: dict[str, str]) -> None:
    lines = doctor(job, "alone", 0, no_docker)
    assert {lines[name] for name in ("SIF file", "SIF engine", "SIF user", "processor", "space for outputs")} == {"ok"}


def doctor(job: Cli, folder: str, status: int, env: dict[str, str]) -> dict[str, str]:
    """States by name."""
    ended = job("doctor", "--for", folder, "--json", env=env)
    assert ended.status == status, ended.stdout
    return {line["name"]: line["state"] for line in json.loads(ended.stdout)["lines"]}


def test_apptainer_tells_its_user_what_it_is(undocked: Report, job: Cli, stack: dict[str, Any]) -> None:
    path = job.folder / sif_of(undocked).path
    told = json.loads(as_user(stack, "inspect", "--json", path))["data"]["attributes"]["labels"]
    plan = undocked.plan
    assert plan and told["dlm.item.id"] == plan.item_id and told["dlm.lock"] == undocked.lock_digest
    assert told["dlm.framework"] == f"{plan.framework} {plan.framework_version}"
    assert told["dlm.verdict"] == "matches on cpu" and told["org.opencontainers.image.licenses"] == plan.license
    assert "--containall --no-home --net --network none" in as_user(stack, "run-help", path)
    assert as_user(stack, "test", "--containall", "--no-home", path).strip(), "the packaged sample, and what came out"


def as_user(stack: dict[str, Any], *argv: str | Path) -> str:
    """What Apptainer says to the ordinary user, whose environment is empty."""
    told = stack["apptainer"]
    clean = ("env", "-i", f"HOME=/home/{told['user']}", "PATH=/usr/bin:/bin")
    line = ("runuser", "-u", told["user"], "--", *clean, told["program"], *map(str, argv))
    return subprocess.run(line, cwd="/", capture_output=True, text=True, timeout=300, check=True).stdout
