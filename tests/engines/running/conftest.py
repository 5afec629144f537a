"""A model whose sample is the program that it runs, on the real engine."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.config import Settings
from dlm_build.records import Image, Member, Run
from dlm_build.running import run_sample
from dlm_build.running.orphans import LABEL, owner
from dlm_build.store import Store
from tests.engines.running.models import DOCKERFILE, MODEL, Model, built, limited, plan_of


@pytest.fixture(scope="session")
def image(stack: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """A container that runs its sample as Python."""
    folder = tmp_path_factory.mktemp("model-image")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "model").write_text(MODEL)
    with built(stack, folder, "model") as image:
        yield image


@pytest.fixture
def model(image: Image, settings: Settings, tmp_path: Path) -> Model:
    """Runs a program as a model; its limits can be changed by name."""
    store = Store(tmp_path / "store")

    def run(program: str, *, gpu: bool | None = None, wants_gpu: bool = False, **limits: Any) -> Run:
        stored = store.add_bytes(program.encode())
        plan = plan_of(Member(path="test/program.py", size=stored.size, sha256=stored.sha256), wants_gpu)
        return run_sample(image, plan, tmp_path / "run", gpu, limited(settings, store, **limits))

    return run


@pytest.fixture
def engine(stack: dict[str, Any]) -> Iterator[Any]:
    import docker

    client = docker.DockerClient(base_url=stack["docker_host"], timeout=60)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def nothing_survives(engine: Any, tmp_path: Path) -> Iterator[None]:
    """After every test: no container of this process, no scratch folder."""
    yield
    left = engine.containers.list(all=True, filters={"label": f"{LABEL}={owner()}"})
    assert [container.name for container in left] == []
    assert list(tmp_path.glob("run/.sandbox-*")) == []
