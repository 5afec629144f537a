"""The stack itself: what the other engine tests stand on, tried with nothing of dlm-build in between."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import subprocess
import urllib.request
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.stack import cdi
from tests.stack.layout import open_state
from tests.stack.registry import INDEX, MANIFEST, digest_of
from tests.stack.settings import environment

pytestmark = pytest.mark.engine
CUDA = "nvidia/cuda:12.4.1-base-ubuntu22.04"
PYTHON = "python:3.11-slim-bookworm"
HARDENED = ("--network=none", "--read-only", "--cap-drop=ALL", "--security-opt=no-new-privileges", "--user=65534:65534")


def docker(stack: dict[str, Any], *words: str, status: int = 0) -> str:
    """Stdout of the docker program, or its stderr when it is meant to fail."""
    argv = [stack["docker"], "--host", stack["docker_host"], *words]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == status, done.stderr
    return done.stdout if status == 0 else done.stderr


def manifest(stack: dict[str, Any], repository: str, reference: str, media_type: str) -> bytes:
    url = f"{stack['registry']}/v2/{repository}/manifests/{reference}"
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": media_type}), timeout=10) as answer:
        body: bytes = answer.read()
    return body


def test_who_uses_the_stack_finds_it_and_every_program(stack: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/usr/sbin:/usr/bin:/sbin:/bin")
    variables = {**os.environ, **environment(open_state(None))}
    for argv in (["docker", "buildx", "version"], ["apptainer", "version"], ["docker", "info"]):
        program = shutil.which(argv[0], path=variables["PATH"])
        assert program, argv[0]
        done = subprocess.run(
            [program, *argv[1:]], env=variables, capture_output=True, text=True, timeout=60, check=False
        )
        assert done.returncode == 0, done.stderr
    assert variables["DOCKER_HOST"] == stack["docker_host"]


@pytest.mark.parametrize("repository", ["nvidia/cuda", "library/python"])
def test_tags_lead_to_an_index_that_leads_to_the_platform(stack: dict[str, Any], repository: str) -> None:
    base = stack["bases"][repository]
    for tag in base["tags"]:
        index = manifest(stack, repository, tag, INDEX)
        assert digest_of(index) == base["index"]
    rows = {row["platform"]["architecture"]: row["digest"] for row in json.loads(index)["manifests"]}
    assert rows["amd64"] == base["platform"] != rows["arm64"]
    assert digest_of(manifest(stack, repository, base["platform"], MANIFEST)) == base["platform"]


def test_cuda_runtime_is_real_and_on_the_loaders_path(stack: dict[str, Any]) -> None:
    by_digest = f"nvidia/cuda@{stack['bases']['nvidia/cuda']['platform']}"
    said = docker(stack, "run", "--rm", *HARDENED, by_digest, "sh", "-c", "ldconfig -p; echo CUDA $CUDA_VERSION")
    assert "libcudart.so.12" in said
    assert "CUDA 12.4.1" in said


def test_python_image_has_python_pip_and_every_library_of_the_standard_one(stack: dict[str, Any]) -> None:
    modules = "bz2, ctypes, curses, lzma, pip, readline, sqlite3, ssl, uuid, zlib"
    assert (
        docker(stack, "run", "--rm", *HARDENED, PYTHON, "python", "-c", f"import {modules}; print('fine')") == "fine\n"
    )


def test_buildkit_builds_without_network_from_a_named_context(stack: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "packages").mkdir()
    (tmp_path / "packages" / "note").write_text("from outside")
    probe = "import socket; print(socket.socket().connect_ex(('127.0.0.1', 9)), socket.if_nameindex())"
    (tmp_path / "Dockerfile").write_text(
        f"FROM {PYTHON} AS env\n"
        "RUN --network=none --mount=type=bind,from=packages,target=/packages cp /packages/note /note "
        f'&& python -c "{probe}" > /links\n'
        "FROM scratch\nCOPY --from=env /note /links /\n"
    )
    target = tmp_path / "out"
    context = f"packages={tmp_path / 'packages'}"
    docker(stack, "buildx", "build", "--build-context", context, "--output", str(target), str(tmp_path))
    assert (target / "note").read_text() == "from outside"
    assert (target / "links").read_text().endswith("[(1, 'lo')]\n")


def test_stand_in_gpu_is_injected_while_it_is_on_and_refused_while_it_is_off(stack: dict[str, Any]) -> None:
    state = open_state(None)
    wanted = ("run", "--rm", "--device", f"{cdi.KIND}=all", CUDA, "sh", "-c", "env; ls /dev/nvidia0")
    with cdi.held(state, on=True):
        said = docker(stack, *wanted).splitlines()
    assert cdi.MARK in said
    assert said[-1] == "/dev/nvidia0"
    with cdi.held(state, on=False):
        assert "unresolvable CDI devices" in docker(stack, *wanted, status=125)


@pytest.mark.parametrize("kind", ["file", "http"])
def test_channel_installs_an_environment_that_runs_in_the_cuda_image(
    stack: dict[str, Any], tmp_path: Path, kind: str
) -> None:
    installed = asyncio.run(_install(stack["channel"][kind], tmp_path, "onnxruntime", "tifffile"))
    assert {"python", "numpy", "onnxruntime", "tifffile"} <= set(installed)
    prefix = tmp_path / "env"
    code = (
        "import numpy, onnxruntime, sysconfig, tifffile; print(onnxruntime.__version__, sysconfig.get_path('purelib'))"
    )
    mount = f"--volume={prefix}:{prefix}:ro"
    said = docker(stack, "run", "--rm", *HARDENED[:-1], mount, CUDA, str(prefix / "bin/python"), "-c", code)
    assert said == f"1.20.1 {prefix}/lib/python3.11/site-packages\n"


def test_channel_tells_when_packages_came_out_and_when_it_was_made(stack: dict[str, Any]) -> None:
    """As on any site's mirror the two differ, so that a solve as of a date must ask for the right one."""
    early = datetime(2024, 6, 1, tzinfo=UTC).timestamp() * 1000
    with urllib.request.urlopen(f"{stack['channel']['http']}/noarch/repodata.json", timeout=10) as answer:
        rows = json.load(answer)["packages.conda"].values()
    times = {row["version"]: row["timestamp"] for row in rows if row["name"] == "packaging"}
    assert times["23.2"] < early < times["24.2"]
    assert all(row["timestamp"] < row["indexed_timestamp"] for row in rows)


def test_the_unsatisfiable_package_is(stack: dict[str, Any]) -> None:
    from rattler.exceptions import SolverError

    with pytest.raises(SolverError, match="package-that-does-not-exist"):
        asyncio.run(_solve(stack["channel"]["file"], "dlm-unsatisfiable"))


async def _solve(channel: str, *specs: str) -> list[Any]:
    import rattler

    return list(await rattler.solve([rattler.Channel(channel)], specs, platforms=["linux-64", "noarch"]))


async def _install(channel: str, folder: Path, *specs: str) -> list[str]:
    import rattler

    records = await _solve(channel, *specs)
    await rattler.install(records, folder / "env", cache_dir=folder / "cache", show_progress=False)
    return [record.name.normalized for record in records]
