"""Images that do what a test tells them, and the plans to run them."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import Archive, BaseImage, EnvironmentSpec, Image, Limits, Member, Plan, Run, Runner, SampleSpec
from dlm_build.running import Host
from dlm_build.running.orphans import LABEL, owner
from dlm_build.store import Store

MODEL = """\
#!/usr/bin/env python3
import os, sys
sample, out = sys.argv[3], sys.argv[5]
assert sys.argv[1:5:2] == ["predict", sample] and sys.argv[4] == "--output", sys.argv
exec(compile(open(sample).read(), "model", "exec"), {"out": out, "sample": sample})
"""
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY --chmod=0555 model /opt/dlm/bin/model
"""
BASE = BaseImage(repository="docker.io/nvidia/cuda", tag="none", platform_digest="sha256:" + "0" * 64)
LIMITS = Limits(seconds=60, memory=256 << 20, pids=64, output=8 << 20, output_files=100, log=64 << 10)

Model = Callable[..., Run]

forgotten_sockets = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""The SDK does not close a socket that it could not connect; such a test ends with a collection of its own."""


def limited(settings: Settings, store: Store, **limits: Any) -> Host:
    """This machine under LIMITS, some of them changed by name."""
    settings = replace(settings, limits=replace(LIMITS, **limits))
    return Host(settings, RealPrograms(settings.environment), store, silent)


@contextmanager
def built(stack: dict[str, Any], folder: Path, name: str) -> Iterator[Image]:
    """The image of the Dockerfile in `folder`, for a while."""
    tag = f"dlm-build-test-running-{name}:{os.getpid()}"
    docker = ["docker", "-H", stack["docker_host"]]
    subprocess.run([*docker, "build", "--quiet", "--provenance=false", "-t", tag, str(folder)], check=True, timeout=300)
    asked = subprocess.run(
        [*docker, "image", "inspect", "--format", "{{.Id}}", tag],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    yield Image(reference=tag, digest=asked.stdout.strip(), size=0, base_digest="", context_digest="")
    subprocess.run([*docker, "image", "rm", "-f", tag], check=True, timeout=60, capture_output=True)


def plan_of(sample: Member, wants_gpu: bool) -> Plan:
    return Plan(
        item_id="hostile",
        item_sha256="0" * 64,
        framework="none",
        python="3.11",
        gpu=wants_gpu,
        base=BASE,
        installer_base=BASE,
        environment=EnvironmentSpec(origin="inferred"),
        runner=Runner(kind="command", argv=("true",), working_dir="/workspace"),
        sample=SampleSpec(input=sample),
        archive=Archive(href="x", sha256="0" * 64, size=0, kind="zip", members=(sample,)),
    )


def await_container(engine: Any) -> Any:
    """The running container of this process, as soon as there is one."""
    for _ in range(200):
        for container in engine.containers.list(filters={"label": f"{LABEL}={owner()}"}):
            return container
        time.sleep(0.05)
    raise AssertionError("no container was started")


def names(run: Run) -> list[str]:
    return [file.path for file in run.outputs]
