"""A small model's lock with all its packages, its image in the engine, and folders that every user may enter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dlm_build.building import render
from dlm_build.building.docker_engine import DockerEngine
from dlm_build.config import Settings, load_settings
from dlm_build.fetch import HttpFetcher
from dlm_build.locking import Outside, make_lock
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import BaseImage, Context, EnvironmentSpec, Image, Lock, SampleSpec, to_json
from dlm_build.registry import Registry
from dlm_build.sif import Request, Sources
from dlm_build.store import Store
from tests.engines.test_building import Workshop, archive
from tests.stack.layout import open_state
from tests.unit.plans import tiny_plan

ROOT = Path(__file__).parents[3]


class Works(NamedTuple):
    """All that a SIF is made from, in `folder`."""

    folder: Path
    lock: Lock
    context: Context
    store: Store
    settings: Settings
    program: str
    user: str

    @property
    def sources(self) -> Sources:
        registry = Registry(HttpFetcher(self.settings), self.settings)
        return Sources(registry, self.store, RealPrograms(self.settings.environment), silent)

    def request(self, target: Path, compression: str | None = None) -> Request:
        return Request(self.lock, self.context, target, compression)

    def as_user(self, *argv: str | Path, **options: Any) -> subprocess.CompletedProcess[str]:
        """Apptainer, run by the stack's ordinary user with an empty environment."""
        clean = ("env", "-i", f"HOME=/home/{self.user}", "PATH=/usr/bin:/bin")
        line = ("runuser", "-u", self.user, "--", *clean, self.program, *map(str, argv))
        return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False, cwd="/", **options)


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own."""
    folder = Path(tempfile.mkdtemp(prefix="dlm-build-sif-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def works(stack: dict[str, Any], config: Path, ground: Path) -> Works:
    settings, store = load_settings(config), Store(ground / "store")

    def base(repository: str) -> BaseImage:
        known = stack["bases"][repository]
        return BaseImage(repository=f"docker.io/{repository}", tag=known["tags"][0], index_digest=known["index"])

    packed = archive(store, b"weights of a SIF")
    plan = tiny_plan(
        base=base("nvidia/cuda"),
        installer_base=base("library/python"),
        environment=EnvironmentSpec(origin="inferred", conda=("filelock",), pip=("typeguard==4.4.1",)),
        archive=packed,
        sample=SampleSpec(input=packed.members[2], expected=packed.members[0]),
    )
    fetch, programs = HttpFetcher(settings), RealPrograms(settings.environment)
    lock = make_lock(plan, Outside(fetch, programs, Registry(fetch, settings), store, settings, silent))
    context = render(lock)
    (ground / "lock.json").write_bytes(to_json(lock))
    (ground / "context.json").write_bytes(to_json(context))
    (ground / "config.toml").write_text((open_state(None).root / "config.toml").read_text())
    told = stack["apptainer"]
    return Works(ground, lock, context, store, settings, told["program"], told["user"])


@pytest.fixture(scope="session")
def engine(works: Works) -> DockerEngine:
    return DockerEngine(RealPrograms(works.settings.environment), works.settings)


@pytest.fixture(scope="session")
def image(works: Works, engine: DockerEngine) -> Iterator[Image]:
    reference = f"dlm-tests/sif-{os.getpid()}:1"
    shop = Workshop(works.lock, works.store, engine, works.settings)
    yield shop.build(works.folder / "context", reference)
    engine.remove(reference)


def driver(way: str, folder: Path, target: Path, *, python: str = sys.executable) -> list[str]:
    return [python, "-m", "tests.engines.sif.driver", way, str(folder), str(target)]
