"""Engine tests run against the local stack (`make stack`): a real Docker engine, registry and conda channel."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest

from dlm_build.config import Settings, load_settings
from dlm_build.records import Report, from_json
from dlm_build.store import MODE, OBJECT_TIME, Store
from tests.stack.layout import open_state

DLM_BUILD = str(Path(sys.executable).with_name("dlm-build"))
DEADLINE = 900
"""Seconds of one whole command."""
ALONE = {
    "docker": (
        "running",
        "test_building.py",
        "test_examples.py",
        "test_main_job.py",
        "test_mlm_items.py",
        "test_stack.py",
    ),
    "sif": ("sif", "sif_running", "test_publishing.py", "test_sif_job.py"),
}
"""Tests that switch the engine's GPU or look for what any run left in it; those that look for control groups, mounts
and processes of the one user who runs SIF files, or start Slurm. Either kind sees only its own where it is alone."""
BEFORE = pytest.StashKey[set[str]]()


class Ended(NamedTuple):
    """One `dlm-build` command as its user saw it."""

    status: int
    stdout: str
    stderr: str

    @property
    def report(self) -> Report:
        return from_json(Report, self.stdout.encode())


class Cli:
    """Runs the installed program in a folder of its own, with the stack's settings."""

    def __init__(self, folder: Path, config: Path, program: str = DLM_BUILD) -> None:
        self.folder = folder
        self.config = config
        self.program = program

    def __call__(self, *args: str, stdin: str | None = None, env: dict[str, str] | None = None) -> Ended:
        outer = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
        made = {**outer, "DLM_BUILD_CONFIG": str(self.config), **(env or {})}
        ended = subprocess.run(
            [self.program, *args], cwd=self.folder, env=made, input=stdin, capture_output=True, text=True,
            timeout=DEADLINE, check=False,
        )  # fmt: skip
        assert "Traceback" not in ended.stderr, ended.stderr
        return Ended(ended.returncode, ended.stdout, ended.stderr)


@pytest.fixture(scope="session")
def stack() -> dict[str, Any]:
    """What the running stack says of itself (stack.json)."""
    told = open_state(None).root / "stack.json"
    if not told.is_file():
        pytest.skip("no local stack: run `make stack`")
    facts: dict[str, Any] = json.loads(told.read_text())
    return facts


@pytest.fixture(scope="session")
def config(stack: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The stack's settings file with a store of this test session's own."""
    folder = tmp_path_factory.mktemp("site")
    original = (open_state(None).root / "config.toml").read_text()
    made = folder / "config.toml"
    made.write_text(f'store = "{folder / "store"}"\n{original}')
    return made


@pytest.fixture(scope="session")
def ground() -> Iterator[Path]:
    """A folder that every user may enter, unlike pytest's own; each room makes one of its own in it."""
    folder = Path(tempfile.mkdtemp(prefix="dlm-build-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def settings(config: Path) -> Settings:
    return load_settings(config, {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"})


@pytest.fixture
def cli(tmp_path: Path, config: Path) -> Cli:
    return Cli(tmp_path, config)


def rot(store: Path, sha256: str, data: bytes) -> None:
    """Other bytes for an object of a store, as a bad disk has them: no clock tells."""
    path = Store(store).path(sha256)
    path.chmod(0o644)
    path.write_bytes(data)
    path.chmod(MODE)
    os.utime(path, (OBJECT_TIME, OBJECT_TIME))


def with_limits(config: Path, folder: Path, **limits: Any) -> Path:
    """A copy of the settings with other limits of the run."""
    made = folder / "limited.toml"
    rows = "".join(f"{name} = {json.dumps(value)}\n" for name, value in limits.items())
    made.write_text(config.read_text() + f"\n[limits]\n{rows}")
    return made


def run_json(cli: Cli, *args: Sequence[str] | str) -> Report:
    """A command with --json, as its report."""
    return cli(*map(str, args), "--json", "--quiet").report


def json_of(record: Any) -> Any:
    return json.loads(msgspec.json.encode(record))


@pytest.fixture(scope="session")
def docker(stack: dict[str, Any]) -> Iterator[Any]:
    """The engine's own API, to look at what a command left there."""
    with connected(stack) as client:
        yield client


@contextlib.contextmanager
def connected(stack: dict[str, Any]) -> Iterator[Any]:
    import docker as sdk

    client = sdk.DockerClient(base_url=stack["docker_host"], timeout=120)
    try:
        yield client
    finally:
        client.close()


# --- two workers, one engine -------------------------------------------------------------------------------------


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> Any:
    """Whatever `--dist` says: what must not run side by side is one unit of work, and so is any other room or file."""
    from xdist.scheduler.loadscope import LoadScopeScheduling

    class Rooms(LoadScopeScheduling):  # type: ignore[misc]
        def _split_scope(self, nodeid: str) -> str:
            path = nodeid.partition("::")[0]
            room = path.removeprefix("tests/engines/").partition("/")[0]
            return next((name for name, rooms in ALONE.items() if room in rooms), path)

    return Rooms(config, log)


def pytest_sessionstart(session: pytest.Session) -> None:
    """Remembers the models' images that are there; in the process that all workers belong to, not in a worker."""
    told = open_state(None).root / "stack.json"
    if not hasattr(session.config, "workerinput") and told.is_file():
        with connected(json.loads(told.read_text())) as client, contextlib.suppress(OSError):
            session.config.stash[BEFORE] = model_images(client)


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Models' images made meanwhile go when the last worker has ended: they have each other's images."""
    if (before := session.config.stash.get(BEFORE, None)) is None:
        return
    from docker.errors import APIError

    with connected(json.loads((open_state(None).root / "stack.json").read_text())) as client:
        for image in model_images(client) - before:
            with contextlib.suppress(APIError):
                client.images.remove(image, force=True)


def model_images(client: Any) -> set[str]:
    # The plain list: the SDK's own asks for each image again, which somebody may have removed meanwhile.
    return {row["Id"] for row in client.api.images(filters={"label": "dlm.context"})}
