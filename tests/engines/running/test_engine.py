"""The engine fails, is lost, or is interrupted; nothing stays behind."""

from __future__ import annotations

import gc
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dlm_build.config import Settings
from dlm_build.errors import InfraError
from dlm_build.records import Image, Member
from dlm_build.running import run_sample
from dlm_build.running.orphans import LABEL, owner
from dlm_build.store import Store
from tests.engines.running.breakable import Breakable
from tests.engines.running.models import Model, await_container, forgotten_sockets, limited, plan_of

pytestmark = pytest.mark.engine


def test_an_image_that_is_gone_is_said(model: Model, image: Image, settings: Settings, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"")
    gone = msgspec.structs.replace(image, digest="sha256:" + "1" * 64)
    plan = plan_of(Member(path="p.py", size=0, sha256=stored.sha256), False)
    with pytest.raises(InfraError, match="the engine no longer has the image dlm-build-test-running"):
        run_sample(gone, plan, tmp_path / "run", None, limited(settings, store))


@forgotten_sockets
def test_no_engine_is_said_with_what_to_do(settings: Settings, image: Image, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    plan = plan_of(Member(path="p.py", size=0, sha256=store.add_bytes(b"").sha256), False)
    away = {**settings.environment, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    elsewhere = msgspec.structs.replace(settings, environment=away)
    with pytest.raises(InfraError) as caught:
        run_sample(image, plan, tmp_path / "run", None, limited(elsewhere, store))
    assert caught.value.message == f"Docker does not answer at unix://{tmp_path}/no.sock: no such file or directory"
    assert caught.value.hint.startswith("start Docker, or set `host` under [docker]")
    del caught
    gc.collect()


def test_a_container_removed_by_others_is_the_engines_matter(model: Model, engine: Any) -> None:
    def remove() -> None:
        await_container(engine).remove(force=True)

    thread = threading.Thread(target=remove)
    thread.start()
    run = model("import time\ntime.sleep(60)")
    thread.join()
    assert run.end in ("infra", "model-error"), run


@pytest.fixture
def breakable(stack: dict[str, Any], tmp_path: Path) -> Iterator[Breakable]:
    made = Breakable(tmp_path / "engine.sock", Path(stack["docker_host"].removeprefix("unix://")))
    yield made
    made.cut()


@forgotten_sockets
def test_an_engine_lost_in_the_middle_is_never_the_models_fault(
    breakable: Breakable, image: Image, settings: Settings, tmp_path: Path, engine: Any
) -> None:
    """It comes back after a while, and the container is removed then."""
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"import time\nprint('here', flush=True)\ntime.sleep(60)")
    plan = plan_of(Member(path="p.py", size=stored.size, sha256=stored.sha256), False)
    through = {**settings.environment, "DOCKER_HOST": f"unix://{breakable.path}"}

    def lose() -> None:
        await_container(engine)
        time.sleep(0.5)
        breakable.cut()
        time.sleep(1.5)
        breakable.mend()

    thread = threading.Thread(target=lose)
    thread.start()
    lost = msgspec.structs.replace(settings, environment=through)
    run = run_sample(image, plan, tmp_path / "run", None, limited(lost, store))
    thread.join()
    assert (run.end, run.exit_status) == ("infra", None), run
    assert run.detail.startswith("the engine was lost during the run: cannot ")
    assert run.log_tail.startswith("here\n")
    gc.collect()


def test_the_container_of_a_killed_run_is_removed_by_the_next(model: Model, image: Image, engine: Any) -> None:
    ended = subprocess.Popen(["true"])
    label = owner(ended.pid)
    ended.wait()
    boot = owner().split("/")[0]
    orphan = engine.containers.create(image.digest, entrypoint=["sleep"], command=["300"], labels={LABEL: label})
    orphan.start()
    other = engine.containers.create(image.digest, entrypoint=["true"], labels={LABEL: f"{boot}/1/1/1"})
    try:
        assert model("").end == "finished"
        left = [container.id for container in engine.containers.list(all=True, filters={"label": LABEL})]
        assert orphan.id not in left
    finally:
        other.remove(force=True)


# It may fall between the SDK's opening a socket and keeping it.
@pytest.mark.filterwarnings("ignore::ResourceWarning", "ignore::pytest.PytestUnraisableExceptionWarning")
def test_ctrl_c_leaves_nothing_behind(image: Image, settings: Settings, tmp_path: Path, engine: Any) -> None:
    import _thread

    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"import time\ntime.sleep(60)")
    plan = plan_of(Member(path="p.py", size=stored.size, sha256=stored.sha256), False)

    def interrupt() -> None:
        await_container(engine)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_sample(image, plan, tmp_path / "run", None, limited(settings, store))
    thread.join()
