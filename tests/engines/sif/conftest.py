"""A small model's lock with all its packages, its image in the engine, and folders that every user may enter."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
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
from dlm_build.progress import Event, silent
from dlm_build.records import BaseImage, Context, EnvironmentSpec, Image, Lock, SampleSpec, Sif, to_json
from dlm_build.registry import Registry
from dlm_build.sif import Request, Sources, sif_from_packages
from dlm_build.sif.layers import ImageLayer
from dlm_build.sif.make import Progress
from dlm_build.sif.merge import Layer
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
def works(stack: dict[str, Any], config: Path, ground: Path) -> Works:
    folder = ground / "works"
    folder.mkdir()
    settings, store = load_settings(config), Store(folder / "store")

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
    (folder / "lock.json").write_bytes(to_json(lock))
    (folder / "context.json").write_bytes(to_json(context))
    (folder / "config.toml").write_text((open_state(None).root / "config.toml").read_text())
    told = stack["apptainer"]
    return Works(folder, lock, context, store, settings, told["program"], told["user"])


@pytest.fixture(scope="session")
def engine(works: Works) -> DockerEngine:
    return DockerEngine(RealPrograms(works.settings.environment), works.settings)


@pytest.fixture(scope="session")
def image(works: Works, engine: DockerEngine) -> Iterator[Image]:
    reference = f"dlm-tests/sif-{os.getpid()}:1"
    shop = Workshop(works.lock, works.store, engine, works.settings)
    yield shop.build(works.folder / "context", reference)
    engine.remove(reference)


@pytest.fixture(scope="session")
def progress() -> list[Event]:
    """What the making of `from_packages` told."""
    return []


@pytest.fixture(scope="session")
def from_packages(works: Works, progress: list[Event]) -> Sif:
    """Made once with no Docker; for reading only."""
    folder = works.folder / "made"
    folder.mkdir()
    return sif_from_packages(works.request(folder / "model.sif"), works.sources._replace(notify=progress.append))


@pytest.fixture(scope="session")
def bench(works: Works, image: Image, engine: DockerEngine) -> Path:
    """A folder with the image's layers as the engine hands them out, for `driver image`."""
    folder = _bench(works, "bench")
    raw = folder / "raw"
    raw.mkdir()
    for number, path in enumerate(engine.export(image.reference, raw, silent).layers):
        os.link(path, folder / "layers" / f"{number:03}")
    return folder


@pytest.fixture(scope="session")
def light(works: Works) -> Path:
    """Such a folder whose only layer is the stack's python: a tenth of the bytes, and every step is taken."""
    folder = _bench(works, "light")
    (folder / "layers" / "000").symlink_to(open_state(None).path("images", "python.tar.gz"))
    return folder


def _bench(works: Works, name: str) -> Path:
    folder = works.folder / name
    (folder / "layers").mkdir(parents=True)
    for record in ("lock.json", "context.json", "config.toml"):
        shutil.copyfile(works.folder / record, folder / record)
    return folder


def layers_of(bench: Path, progress: Progress) -> list[Layer]:
    return [ImageLayer(path, progress.read) for path in sorted((bench / "layers").iterdir())]


def driver(way: str, folder: Path, target: Path, *, python: str = sys.executable) -> list[str]:
    return [python, "-m", "tests.engines.sif.driver", way, str(folder), str(target)]
