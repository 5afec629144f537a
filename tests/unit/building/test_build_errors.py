"""Every text below was said by a real Docker, buildx or SDK (28.5, 0.29, 7.2), shortened."""

from __future__ import annotations

import base64
import json

import pytest

from dlm_build.building.build_errors import build_problem
from dlm_build.building.buildx import Progress
from dlm_build.errors import DlmBuildError, HashMismatch, InfraError, ItemInvalid, SourceGone
from dlm_build.harness.install_environment import EXIT_HASH, EXIT_PACKAGE
from dlm_build.progress import silent

NAME = "docker.io/library/python@sha256:" + "6" * 64
STEP = "sha256:" + "0" * 64


def after(*plain: str, status: int | None = None, talk: str = "") -> DlmBuildError:
    progress = Progress(silent)
    if talk:
        progress.hear(json.dumps({"logs": [{"vertex": STEP, "data": base64.b64encode(talk.encode()).decode()}]}))
    if status is not None:
        error = f'process "python3 -I -B" did not complete successfully: exit code: {status}'
        progress.hear(json.dumps({"vertexes": [{"digest": STEP, "name": "[env 2/2] RUN x", "error": error}]}))
    for line in plain:
        progress.hear(line)
    return build_problem(progress, "\n".join(plain))


def test_an_engine_that_is_away_while_it_builds() -> None:
    problem = after("ERROR: failed to build: failed to solve: Unavailable: error reading from server: EOF")
    assert type(problem) is InfraError and "Docker does not answer" in problem.message


def test_a_dead_base_pin() -> None:
    problem = after(
        f"ERROR: failed to build: failed to solve: {NAME}: failed to resolve source metadata for {NAME}: "
        f"{NAME}: not found"
    )
    assert isinstance(problem, SourceGone)
    assert NAME in problem.message
    assert "bases check" in problem.hint


@pytest.mark.parametrize(
    "cause",
    [
        "dial tcp 127.0.0.1:1: connect: connection refused",
        "dial tcp: lookup registry-1.docker.io: no such host",
        "net/http: TLS handshake timeout",
    ],
)
def test_a_registry_out_of_reach(cause: str) -> None:
    problem = after(
        f"ERROR: failed to build: failed to solve: {NAME}: failed to resolve source metadata for {NAME}: "
        f'failed to do request: Head "https://x/v2/": {cause}'
    )
    assert type(problem) is InfraError
    assert "cannot be reached" in problem.message
    assert "mirrors" in problem.hint


@pytest.mark.parametrize(
    ("status", "kind"), [(EXIT_HASH, HashMismatch), (EXIT_PACKAGE, ItemInvalid), (137, InfraError), (1, InfraError)]
)
def test_a_failed_installation_says_what_the_step_said(status: int, kind: type[DlmBuildError]) -> None:
    problem = after("ERROR: failed to build", status=status, talk="install_environment: numpy: \x1b[31mbad\n")
    assert type(problem) is kind
    assert "numpy: \\x1b[31mbad" in problem.message
    assert problem.hint


def test_a_full_disk_wherever_it_is_said() -> None:
    said = "write /var/lib/docker/x: no space left on device"
    for problem in (after(f"ERROR: failed to copy: {said}"), after("ERROR", status=1, talk=f"OSError: {said}")):
        assert type(problem) is InfraError
        assert "disk" in problem.message
        assert "prune" in problem.hint


def test_anything_else_is_infra_with_its_last_line() -> None:
    problem = after("WARNING: x", "ERROR: failed to build: unknown trouble")
    assert type(problem) is InfraError
    assert "failed to build: unknown trouble" in problem.message
