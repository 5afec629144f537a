"""Images built by the stack's Docker: what is in them, that equal locks give equal digests, and how builds fail."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from msgspec.structs import replace

from dlm_build.building import render, write_context
from dlm_build.building.buildx import build_argv, digest_args, mirror_args
from dlm_build.building.docker_engine import DockerEngine
from dlm_build.building.folder import package_folder
from dlm_build.building.layout import EPOCH
from dlm_build.config import Docker, Settings
from dlm_build.errors import DlmBuildError, HashMismatch, InfraError, ItemHostile, SourceGone
from dlm_build.fetch import HttpFetcher
from dlm_build.locking import Outside, make_lock
from dlm_build.proc import RealPrograms
from dlm_build.progress import Event, silent
from dlm_build.records import (
    Archive,
    BaseImage,
    Context,
    EnvironmentSpec,
    Image,
    Lock,
    Member,
    Package,
    SampleSpec,
    from_json,
    to_json,
)
from dlm_build.registry import Registry
from dlm_build.store import Store
from tests.engines.conftest import rot
from tests.servers.quiet import serving_files
from tests.unit.plans import tiny_plan

pytestmark = pytest.mark.engine
EXPECTED = b"the expected output, which no image may hold"
TITLE = 'Roads of "$(id)" {{x}} ${HOME}\n# syntax=evil/frontend \N{RIGHT-TO-LEFT OVERRIDE}x'


class Workshop(NamedTuple):
    """A lock with its store, and the engine to build it with."""

    lock: Lock
    store: Store
    engine: DockerEngine
    settings: Settings

    def written(self, folder: Path, lock: Lock | None = None) -> Context:
        context = render(lock or self.lock)
        write_context(context, self.store, folder)
        return context

    def build(self, folder: Path, tag: str, lock: Lock | None = None, **options: Any) -> Image:
        chosen = lock or self.lock
        context = self.written(folder, chosen)
        notify = options.get("notify", silent)
        return self.engine.build(chosen, context, folder, options.get("store", self.store), tag, notify)

    def buildx(self, context: Context, folder: Path, tag: str, *more: str) -> Image:
        """The engine's own command with other options, e.g. without its cache."""
        packages = package_folder(self.lock.installer + self.lock.packages, self.store)
        argv = (*build_argv(context, folder, packages, tag, folder.parent / f"{folder.name}.json"), *more, str(folder))
        ended = RealPrograms(self.settings.environment).run(argv)
        assert ended.status == 0, ended.stderr[-3000:]
        image = self.engine.image(tag)
        assert image is not None
        return image


def member(store: Store, path: str, data: bytes) -> Member:
    found = store.add_bytes(data)
    return Member(path=path, size=found.size, sha256=found.sha256)


def archive(store: Store, weights: bytes) -> Archive:
    members = (
        member(store, "expected.npy", EXPECTED),
        member(store, "model.onnx", weights),
        member(store, "scene.tif", b"scene"),
    )
    digest = hashlib.sha256(weights).hexdigest()
    return Archive(href="m.mar", sha256=digest, size=len(weights), kind="zip", members=members)


@pytest.fixture(scope="module")
def workshop(stack: dict[str, Any], config: Path, tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    from dlm_build.config import load_settings

    settings = load_settings(config)
    store = Store(tmp_path_factory.mktemp("store"))

    def base(repository: str) -> BaseImage:
        known = stack["bases"][repository]
        return BaseImage(repository=f"docker.io/{repository}", tag=known["tags"][0], index_digest=known["index"])

    packed = archive(store, b"weights 1")
    plan = tiny_plan(
        title=TITLE,
        base=base("nvidia/cuda"),
        installer_base=base("library/python"),
        environment=EnvironmentSpec(origin="inferred", conda=("filelock", "numpy"), pip=("typeguard==4.4.1",)),
        archive=packed,
        sample=SampleSpec(input=packed.members[2], expected=packed.members[0]),
    )
    fetch, programs = HttpFetcher(settings), RealPrograms(settings.environment)
    lock = make_lock(plan, Outside(fetch, programs, Registry(fetch, settings), store, settings, silent))
    return Workshop(lock, store, DockerEngine(programs, settings), settings)


@pytest.fixture
def tag(workshop: Workshop) -> Iterator[Callable[[str], str]]:
    """Names for images, which are removed afterwards."""
    given = []

    def named(name: str) -> str:
        given.append(f"dlm-tests/{name}-{os.getpid()}:1")
        return given[-1]

    yield named
    for reference in given:
        workshop.engine.remove(reference)


@pytest.fixture(scope="module")
def image(workshop: Workshop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    reference = f"dlm-tests/built-{os.getpid()}:1"
    yield workshop.build(tmp_path_factory.mktemp("built") / "context", reference)
    workshop.engine.remove(reference)


def run(docker: Any, image: Image, *argv: str, entrypoint: str | None = None) -> str:
    options = {"entrypoint": entrypoint} if entrypoint else {}
    raw = docker.containers.run(
        image.reference, list(argv), remove=True, network_mode="none", read_only=True, tmpfs={"/tmp": ""}, **options
    )
    return str(raw.decode())


def files_of(docker: Any, image: Image) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Everything in the image's root file system."""
    container = docker.containers.create(image.reference)
    try:
        whole = io.BytesIO(b"".join(container.export()))
    finally:
        container.remove()
    with tarfile.open(fileobj=whole) as tar:
        for info in tar:
            stream = tar.extractfile(info) if info.isreg() else None
            yield info, stream.read() if stream else b""


# --- what is built -----------------------------------------------------------------------------------------------


def test_the_image_stands_on_the_pinned_base(
    docker: Any, workshop: Workshop, image: Image, stack: dict[str, Any]
) -> None:
    assert image.base_digest == workshop.lock.base.digest == stack["bases"]["nvidia/cuda"]["platform"]
    base = docker.images.pull(f"nvidia/cuda@{workshop.lock.base.digest}")
    below = tuple(base.attrs["RootFS"]["Layers"])
    assert image.layers[: len(below)] == below
    assert image.digest.startswith("sha256:")
    assert image.context_digest == render(workshop.lock).digest


def test_its_configuration_is_ours(docker: Any, image: Image) -> None:
    config = docker.images.get(image.reference).attrs["Config"]
    assert config["User"] == "65534:65534"
    assert config["WorkingDir"] == "/opt/dlm"
    assert config["Entrypoint"] == ["/opt/dlm/bin/model"]
    assert config["Cmd"] == ["info"]
    assert (
        config["Labels"]["org.opencontainers.image.title"] == 'Roads of "$(id)" {{x}} ${HOME} # syntax=evil/frontend x'
    )
    assert docker.images.get(image.reference).attrs["Created"].startswith("2025-01-15")


def test_the_environment_works_for_a_user_without_rights(docker: Any, image: Image) -> None:
    code = "import numpy, filelock, typeguard, sys; print(sys.prefix, numpy.arange(3).sum(), typeguard.__file__)"
    told = run(docker, image, "-c", code, entrypoint="/opt/dlm/env/bin/python").split()
    assert told == ["/opt/dlm/env", "3", "/opt/dlm/env/lib/python3.11/site-packages/typeguard/__init__.py"]


def test_info_prints_what_the_model_is(docker: Any, workshop: Workshop, image: Image) -> None:
    told = json.loads(run(docker, image, "info"))
    assert told["lock"] == workshop.lock.digest
    assert told["item"]["title"] == TITLE


def test_bytecode_is_used_and_never_checked_against_times(docker: Any, image: Image) -> None:
    code = "import numpy, json, pathlib; print(open(json.__cached__, 'rb').read()[4:8].hex())"
    assert run(docker, image, "-c", code, entrypoint="/opt/dlm/env/bin/python").strip() == "01000000"


def test_nothing_of_ours_tells_a_time_or_an_owner_and_nothing_gives_the_answer_away(docker: Any, image: Image) -> None:
    ours, secret = 0, hashlib.sha256(EXPECTED).hexdigest()
    for info, content in files_of(docker, image):
        assert hashlib.sha256(content).hexdigest() != secret, info.name
        assert b"expected.npy" not in content or not info.name.startswith("opt/dlm"), info.name
        if info.name.startswith("opt"):
            ours += 1
            assert (int(info.mtime), info.uid, info.gid) == (EPOCH, 0, 0), info.name
            assert info.issym() or not info.mode & 0o7022, info.name
    assert ours > 1000


def test_metadata_names_no_place_of_the_build(docker: Any, image: Image) -> None:
    metadata = {
        info.name: content
        for info, content in files_of(docker, image)
        if info.name.startswith("opt/dlm/env/conda-meta/")
    }
    assert any(name.endswith(".json") for name in metadata)
    for name, content in metadata.items():
        assert name.endswith((".json", "/")), name
        assert b"file://" not in content, name
        assert b"/packages" not in content, name
        assert b"/tmp" not in content, name


# --- the same digest ---------------------------------------------------------------------------------------------


def test_two_builds_apart_give_one_digest(
    workshop: Workshop, image: Image, tag: Callable[[str], str], tmp_path: Path
) -> None:
    made = []
    kept = os.umask(0o022)
    try:
        for umask, name in ((0o077, "first"), (0o000, "second place")):
            os.umask(umask)
            folder = tmp_path / name / "folder"
            made.append(workshop.buildx(workshop.written(folder), folder, tag(name.split()[0]), "--no-cache"))
            time.sleep(1.1)
    finally:
        os.umask(kept)
    assert [one.layers for one in made] == [image.layers, image.layers]
    assert [one.digest for one in made] == [image.digest, image.digest]


def test_the_folder_builds_alone_to_the_same_digest(
    workshop: Workshop, tag: Callable[[str], str], tmp_path: Path
) -> None:
    """By hand, with a network, without the store: here the network is a server on loopback."""
    packages = package_folder(workshop.lock.installer + workshop.lock.packages, workshop.store)
    with serving_files(packages) as address:
        lock = served(workshop.lock, address)
        driven = workshop.build(tmp_path / "driven", tag("driven"), lock)
        context = workshop.written(tmp_path / "alone", lock)
        argv = ["docker", "buildx", "build", "--builder", "default", "--no-cache", *digest_args(context)]
        argv += ["--network", "host", "--tag", tag("alone"), "."]
        ended = RealPrograms(workshop.settings.environment).run(argv, cwd=tmp_path / "alone")
    assert ended.status == 0, ended.stderr[-3000:]
    alone = workshop.engine.image(tag("alone"))
    assert alone is not None
    assert alone.layers == driven.layers
    assert alone.digest == driven.digest


def test_a_plain_build_before_leaves_its_compression_behind_and_not_in_the_image(
    workshop: Workshop, tag: Callable[[str], str], tmp_path: Path
) -> None:
    """BuildKit keeps the plain build's gzip of a layer, and would use it again for ours."""
    lock = replace(workshop.lock, created_by=f"a lock of its own, {tag('mixed')}")
    packages = package_folder(lock.installer + lock.packages, workshop.store)
    folder = tmp_path / "plain"
    context = workshop.written(folder, lock)
    plain = ("docker", "buildx", "build", "--builder", "default", "--build-context", f"packages={packages}")
    programs = RealPrograms(workshop.settings.environment)
    assert programs.run((*plain, "--tag", tag("plain"), str(folder))).status == 0
    told: list[str] = []
    driven = workshop.engine.build(
        lock, context, folder, workshop.store, tag("driven"), lambda event: told.append(event.text)
    )
    assert any("another compression" in text for text in told)
    assert workshop.buildx(context, folder, tag("fresh"), "--no-cache").digest == driven.digest


def served(lock: Lock, address: str) -> Lock:
    def moved(packages: tuple[Package, ...]) -> tuple[Package, ...]:
        return tuple(replace(package, url=f"{address}/{package.filename}") for package in packages)

    return replace(lock, packages=moved(lock.packages), installer=moved(lock.installer))


def test_a_mirror_named_to_the_builder_gives_the_same_digest(
    workshop: Workshop, image: Image, tag: Callable[[str], str], tmp_path: Path
) -> None:
    arguments = mirror_args(workshop.lock, workshop.settings, ())
    assert len(arguments) == 4
    folder = tmp_path / "context"
    assert workshop.buildx(workshop.written(folder), folder, tag("mirror"), *arguments).digest == image.digest


# --- doing little ------------------------------------------------------------------------------------------------


def test_an_image_that_is_there_is_not_built_again(workshop: Workshop, image: Image, tmp_path: Path) -> None:
    class NoBuild(RealPrograms):
        def run(self, argv: Any, **options: Any) -> Any:
            raise AssertionError(f"started {argv}")

    events: list[Event] = []
    engine = DockerEngine(NoBuild(workshop.settings.environment), workshop.settings)
    again = engine.build(workshop.lock, render(workshop.lock), tmp_path, workshop.store, image.reference, events.append)
    assert again == replace(image, seconds=0.0)
    assert [event.text for event in events] == [f"{image.reference} is in the engine already"]


def test_new_weights_of_the_same_size_make_two_layers_and_are_really_in_the_image(
    docker: Any, workshop: Workshop, image: Image, tag: Callable[[str], str], tmp_path: Path
) -> None:
    folder = tmp_path / "context"
    for number in (2, 3):
        packed = archive(workshop.store, b"weights %d" % number)
        plan = replace(workshop.lock.plan, archive=packed)
        events: list[Event] = []
        changed = workshop.build(folder, tag("weights"), replace(workshop.lock, plan=plan), notify=events.append)
        assert run(docker, changed, "/opt/dlm/model/model.onnx", entrypoint="cat") == f"weights {number}"
        different = [old == new for old, new in zip(image.layers, changed.layers, strict=True)]
        assert different.count(False) == 2, "the weights, and the dlm.json that names their digest"
        assert "environment installed (as before)" in {event.text for event in events}
        assert changed.seconds < 20


def test_steps_and_bytes_are_told(workshop: Workshop, tag: Callable[[str], str], tmp_path: Path) -> None:
    events: list[Event] = []
    workshop.build(tmp_path / "context", tag("told"), notify=events.append)
    told = {event.text.removesuffix(" (as before)") for event in events}
    assert {"environment installed", "layer: environment", "layer: model", "image written"} <= told
    assert all(event.step == "build" for event in events)


# --- closed doors ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("network", ["", "--network=default", "--network=host"])
def test_no_step_has_a_network(network: str, workshop: Workshop, tag: Callable[[str], str], tmp_path: Path) -> None:
    """Even a Dockerfile that asks for one does not get one: the build fails, or the step sees loopback alone."""
    folder = tmp_path / "context"
    context = workshop.written(folder)
    code = "import os, sys; sys.exit(0 if os.listdir('/sys/class/net') == ['lo'] else 3)"
    step = f'FROM {workshop.lock.installer_base.reference}\nRUN {network} ["python3", "-c", {json.dumps(code)}]\n'
    (folder / "Dockerfile").write_text(step)
    packages = package_folder(workshop.lock.installer, workshop.store)
    argv = (*build_argv(context, folder, packages, tag("net"), tmp_path / "m.json"), "--no-cache", str(folder))
    ended = RealPrograms(workshop.settings.environment).run(argv)
    assert "exit code: 3" not in ended.stderr
    assert ended.status == 0 or "network" in ended.tail()


def test_a_base_that_loads_code_into_programs_is_refused_and_no_tag_stays(
    docker: Any, workshop: Workshop, stack: dict[str, Any], tag: Callable[[str], str], tmp_path: Path
) -> None:
    registry = stack["registry"].removeprefix("http://")
    reference = f"{registry}/dlm-tests/preload:{os.getpid()}"
    text = f"FROM {workshop.lock.base.reference}\nENV LD_PRELOAD=/opt/x.so\n"
    docker.images.build(fileobj=io.BytesIO(text.encode()), tag=reference, rm=True)
    docker.images.push(reference)
    digest = docker.images.get(reference).attrs["RepoDigests"][0].partition("@")[2]
    docker.images.remove(reference)
    base = BaseImage(repository=reference.rpartition(":")[0], tag="x", platform_digest=digest)
    with pytest.raises(ItemHostile, match="LD_PRELOAD"):
        workshop.build(tmp_path / "context", tag("preload"), replace(workshop.lock, base=base))
    assert workshop.engine.image(tag("preload")) is None


# --- failing -----------------------------------------------------------------------------------------------------


def test_a_package_with_other_bytes_is_a_hash_mismatch(
    workshop: Workshop, tag: Callable[[str], str], tmp_path: Path
) -> None:
    store = Store(tmp_path / "store")
    for package in workshop.lock.installer + workshop.lock.packages:
        store.add_file(workshop.store.path(package.sha256))
    for part in workshop.lock.plan.archive.members:
        store.add_file(workshop.store.path(part.sha256))
    wheel = next(package for package in workshop.lock.packages if package.manager == "pip")
    rot(store.root, wheel.sha256, b"other bytes")
    with pytest.raises(HashMismatch, match=f"{wheel.filename}: sha256 is"):
        workshop.build(tmp_path / "context", tag("bytes"), store=store)
    assert workshop.engine.image(tag("bytes")) is None


def test_a_base_that_is_gone(workshop: Workshop, tag: Callable[[str], str], tmp_path: Path) -> None:
    lock = replace(workshop.lock, base=replace(workshop.lock.base, platform_digest="sha256:" + "0" * 64))
    with pytest.raises(SourceGone, match="the registry no longer has"):
        workshop.build(tmp_path / "context", tag("gone"), lock)


def test_a_registry_out_of_reach(workshop: Workshop, tag: Callable[[str], str], tmp_path: Path) -> None:
    base = replace(workshop.lock.base, repository="127.0.0.1:9/nvidia/cuda", platform_digest="sha256:" + "0" * 64)
    with pytest.raises(InfraError, match="cannot be reached") as caught:
        workshop.build(tmp_path / "context", tag("reach"), replace(workshop.lock, base=base))
    assert not isinstance(caught.value, SourceGone)


@pytest.mark.filterwarnings("ignore:Exception ignored in. <socket:pytest.PytestUnraisableExceptionWarning")
@pytest.mark.parametrize("ask", ["describe", "image", "build"])
def test_no_engine(ask: str, workshop: Workshop, tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    environment = {**workshop.settings.environment, "DOCKER_HOST": address}
    settings = replace(workshop.settings, docker=Docker(host=address), environment=environment)
    engine = DockerEngine(RealPrograms(settings.environment), settings)
    asked: dict[str, Callable[[], object]] = {
        "describe": engine.describe,
        "image": lambda: engine.image("dlm/x:1"),
        "build": lambda: engine.build(
            workshop.lock, workshop.written(tmp_path / "c"), tmp_path / "c", workshop.store, "dlm/x:1", silent
        ),
    }
    with pytest.raises(InfraError, match="Docker does not answer"):
        asked[ask]()
    gc.collect()  # the SDK leaves a socket that did not connect to the collector, which would blame a later test


INTERRUPTED = """
import sys
from pathlib import Path
from dlm_build.building import render, write_context
from dlm_build.building.docker_engine import DockerEngine
from dlm_build.config import load_settings
from dlm_build.proc import RealPrograms
from dlm_build.records import Lock, from_json
from dlm_build.store import Store
config, lock, store, folder, tag = sys.argv[1:]
settings = load_settings(Path(config))
lock, store, folder = from_json(Lock, Path(lock).read_bytes()), Store(Path(store)), Path(folder)
context = render(lock)
write_context(context, store, folder)
tell = lambda event: print(event.text, event.done, flush=True)
DockerEngine(RealPrograms(settings.environment), settings).build(lock, context, folder, store, tag, tell)
"""


def test_an_interrupted_build_leaves_no_tag_and_the_next_one_works(
    workshop: Workshop, config: Path, tag: Callable[[str], str], tmp_path: Path
) -> None:
    lock = replace(workshop.lock, packages=workshop.lock.packages[:1])  # an environment nobody built yet
    assert lock.packages[0].name == "python"
    plan = replace(lock.plan, item_id=f"interrupted-{os.getpid()}-{time.time_ns()}")
    lock = replace(served(lock, f"http://127.0.0.1:9/{time.time_ns()}"), plan=plan)
    (tmp_path / "lock.json").write_bytes(to_json(lock))
    assert from_json(Lock, (tmp_path / "lock.json").read_bytes()) == lock
    words = [str(config), str(tmp_path / "lock.json"), str(workshop.store.root), str(tmp_path / "c"), tag("cut")]
    with subprocess.Popen([sys.executable, "-c", INTERRUPTED, *words], stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert any(line.startswith("environment installed 0") for line in child.stdout)
        child.send_signal(signal.SIGINT)
        assert child.wait(30) != 0
    time.sleep(2)
    assert workshop.engine.image(tag("cut")) is None
    assert workshop.build(tmp_path / "c", tag("cut"), lock).context_digest == render(lock).digest


def test_a_problem_is_always_ours(workshop: Workshop, tmp_path: Path) -> None:
    """A folder that vanished between two steps: an error of the tree, not a traceback."""
    with pytest.raises(DlmBuildError):
        workshop.engine.build(
            workshop.lock, render(workshop.lock), tmp_path / "none", workshop.store, "dlm-tests/none:1", silent
        )
