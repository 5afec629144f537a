"""A SIF whose sample is the program that it runs, run by an ordinary user on the real Apptainer."""

from __future__ import annotations

import os
import shutil
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.config import Apptainer, Settings
from dlm_build.records import Member, Run, Sif
from dlm_build.running import run_in_sif
from dlm_build.store import Store
from tests.engines.running.models import Model, limited, plan_of
from tests.stack.layout import open_state

MODEL = """\
#!/usr/bin/env python3
import sys
if sys.argv[1:] in (["info"], ["selftest"]):
    sys.exit(print(sys.argv[1]))
end = sys.argv.index("--output")
assert sys.argv[1:3] == ["predict", "--input"] and len(sys.argv) == end + 2, sys.argv
for sample in sys.argv[3:end]:
    exec(compile(open(sample).read(), "model", "exec"), {"out": sys.argv[end + 1], "sample": sample})
"""
SCRIPTS = {"runscript": 'exec /opt/dlm/bin/model "$@"', "test": 'exec /opt/dlm/bin/model selftest "$@"'}


@pytest.fixture(scope="session")
def apptainer(stack: dict[str, Any]) -> str:
    program: str = stack["apptainer"]["program"]
    return program


@pytest.fixture(scope="session")
def tree(ground: Path) -> Path:
    """A root file system that keeps the container's contract: the stack's Debian with its python."""
    root = ground / "root"
    for layer in ("debian", "python"):
        with tarfile.open(open_state(None).path("images", f"{layer}.tar.gz")) as archive:
            archive.extractall(root, filter="tar")
    model = root / "opt/dlm/bin/model"
    model.parent.mkdir(parents=True)
    model.write_text(MODEL)
    model.chmod(0o755)
    (root / ".singularity.d").mkdir()
    for name, line in SCRIPTS.items():
        (root / ".singularity.d" / name).write_text(f"#!/bin/sh\n{line}\n")
        (root / ".singularity.d" / name).chmod(0o755)
    return root


@pytest.fixture(scope="session")
def sif(ground: Path, tree: Path, apptainer: str) -> Sif:
    """Made by the engine itself, once."""
    made = ground / "model.sif"
    fast = ("--mksquashfs-args", "-comp zstd -Xcompression-level 1")
    subprocess.run([apptainer, "build", *fast, made, tree], check=True, timeout=300, capture_output=True)
    return sif_of(made)


def sif_of(path: Path) -> Sif:
    return Sif(
        path=str(path), sha256="0" * 64, size=path.stat().st_size, rootfs_digest="sha256:" + "0" * 64,
        context_digest="c" * 64, base_digest="sha256:" + "0" * 64, made_from="packages", compression="zstd:1",
        packed_by="mksquashfs",
    )  # fmt: skip


@pytest.fixture
def site(settings: Settings, stack: dict[str, Any]) -> Settings:
    """The settings of an operator who named the stack's Apptainer and its ordinary user."""
    told = stack["apptainer"]
    return replace(settings, apptainer=Apptainer(program=told["program"], user=told["user"]))


@pytest.fixture
def folder(ground: Path) -> Iterator[Path]:
    """Where one test's runs take place. Nothing of them is left running or lying about."""
    made = Path(tempfile.mkdtemp(dir=ground))
    made.chmod(0o755)
    yield made
    assert list(made.glob("run/.sandbox-*")) == []
    assert survivors(str(made)) == []
    shutil.rmtree(made)


def survivors(word: str) -> list[str]:
    """Command lines of processes that name `word`."""
    found = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            line = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        except OSError:
            continue
        if word in line and int(entry.name) != os.getpid():
            found.append(line)
    return found


@pytest.fixture
def model(sif: Sif, site: Settings, folder: Path) -> Model:
    """Runs a program as a model; its limits can be changed by name."""
    store = Store(folder / "store")

    def run(
        program: str, *, gpu: bool | None = None, wants_gpu: bool = False, settings: Settings = site,
        image: Sif = sif, **limits: Any,
    ) -> Run:  # fmt: skip
        stored = store.add_bytes(program.encode())
        plan = plan_of(Member(path="test/program.py", size=stored.size, sha256=stored.sha256), wants_gpu)
        return run_in_sif(image, plan, folder / "run", gpu, limited(settings, store, **limits))

    return run
