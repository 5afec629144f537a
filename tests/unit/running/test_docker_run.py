"""What surrounds a run, without an engine: the scratch folder, what is taken home, and second looks at failures."""

from __future__ import annotations

import errno
import os
import shutil
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import InfraError, ItemInvalid
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import Image, Member, Run
from dlm_build.running import Host, docker_run, run_sample
from dlm_build.running.docker_run import _run_or_fall_back
from dlm_build.running.gpu import Device
from dlm_build.running.log import Log
from dlm_build.running.options import DockerOrder
from dlm_build.running.place import NO_MORE_PROCESSES, scratch_place
from dlm_build.running.place import taken_home as take_home
from dlm_build.store import Store
from tests.unit.plans import DIGEST, tiny_plan
from tests.unit.running.test_options import ORDER

IMAGE = Image(reference="dlm/m:1", digest=DIGEST, size=1, base_digest=DIGEST, context_digest="c" * 64)
RUN = Run(end="finished", exit_status=0, detail="ended", device="cpu", device_reason="no GPU", seconds=1.0)
GPU = Device(kind="gpu", way="cdi", device_id="nvidia.com/gpu=all", reason="CDI device nvidia.com/gpu=all")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def order(tmp_path: Path) -> DockerOrder:
    """A run whose model wrote one file."""
    (tmp_path / "place" / "out").mkdir(parents=True)
    (tmp_path / "place" / "out" / "result.json").write_text("{}")
    (tmp_path / "run").mkdir()
    return replace(ORDER, place=tmp_path / "place")


def taken_home(order: DockerOrder, tmp_path: Path, words: str = "", **run: Any) -> Run:
    log = Log(1 << 20)
    log.add(words.encode())
    return take_home(replace(RUN, **run), order.place, order.limits, tmp_path / "run", log)


def test_without_a_sample_nothing_is_started(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="no sample"):
        run_sample(IMAGE, tiny_plan(sample=None), tmp_path, None, Host(Settings(), RealPrograms({}), store, silent))


def test_the_place_holds_the_sample_and_is_gone_afterwards(store: Store, tmp_path: Path) -> None:
    stored = store.add_bytes(b"pixels")
    (tmp_path / "run" / "outputs").mkdir(parents=True)
    (tmp_path / "run" / "outputs" / "old.tif").touch()
    sample = Member(path="test/in put.tif", size=6, sha256=stored.sha256)
    with scratch_place(tmp_path / "run", sample, store, silent) as place:
        assert (place / "in" / "in put.tif").read_bytes() == b"pixels"
        assert [oct(p.stat().st_mode & 0o777) for p in (place, place / "in", place / "out")] == [
            "0o700", "0o755", "0o777"
        ]  # fmt: skip
        assert not (tmp_path / "run" / "outputs").exists()
    assert not place.exists()


def test_a_sample_the_store_lacks_is_infra(store: Store, tmp_path: Path) -> None:
    lost = Member(path="in.tif", size=1, sha256="0" * 64)
    told = pytest.raises(InfraError, match="no longer holds the sample")
    with told, scratch_place(tmp_path / "run", lost, store, silent):
        pass


def test_a_disk_that_fills_up_while_the_place_is_furnished_leaves_none(
    store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What is left without its owner's name, no later run takes for one to remove."""

    def full(place: Path) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(place / "owner"))

    monkeypatch.setattr("dlm_build.running.place.adopt_folder", full)
    sample = Member(path="in.tif", size=6, sha256=store.add_bytes(b"pixels").sha256)
    with (
        pytest.raises(InfraError, match="owner: No space left"),
        scratch_place(tmp_path / "run", sample, store, silent),
    ):
        pass
    assert list((tmp_path / "run").iterdir()) == []


def test_outputs_and_words_are_taken_home(order: DockerOrder, tmp_path: Path) -> None:
    run = taken_home(order, tmp_path, "hello\n")
    assert [file.path for file in run.outputs] == ["result.json"] and run.end == "finished"
    assert (Path(run.output_folder) / "result.json").read_text() == "{}"
    assert (tmp_path / "run" / "run.log").read_text() == "hello\n" and run.log_tail == "hello\n"


@pytest.mark.parametrize("end", ["resource", "infra"])
def test_outputs_of_a_broken_run_are_left(order: DockerOrder, tmp_path: Path, end: str) -> None:
    assert taken_home(order, tmp_path, end=end).outputs == ()
    assert not (tmp_path / "run" / "outputs").exists()


def test_what_is_no_result_is_named(order: DockerOrder, tmp_path: Path) -> None:
    for number in range(7):
        (order.place / "out" / f"link{number}").symlink_to("/etc/passwd")
    run = taken_home(order, tmp_path)
    assert "ignored in its output" in run.detail and "and 2 more" in run.detail and len(run.outputs) == 1


@pytest.mark.parametrize("words", NO_MORE_PROCESSES)
def test_a_model_refused_a_process_ran_into_its_limit(order: DockerOrder, tmp_path: Path, words: str) -> None:
    run = taken_home(order, tmp_path, f"OSError: {words}\n", end="model-error")
    assert run.end == "resource" and str(order.limits.pids) in run.detail


@pytest.mark.parametrize("words", NO_MORE_PROCESSES)
def test_words_never_turn_a_success_into_a_failure(order: DockerOrder, tmp_path: Path, words: str) -> None:
    assert taken_home(order, tmp_path, words).end == "finished"


def test_a_full_disk_is_no_fault_of_the_model(
    order: DockerOrder, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: real._replace(free=0))
    run = taken_home(order, tmp_path, end="model-error")
    assert run.end == "infra" and "is full" in run.detail


# --- a GPU that cannot be handed over ------------------------------------------------------------------------------


class Attempts:
    """Runs on the CPU only."""

    def __init__(self) -> None:
        self.orders: list[DockerOrder] = []

    def __call__(self, _engine: Any, _info: Any, order: DockerOrder, _log: Log, _notify: Any) -> Run:
        self.orders.append(order)
        if order.device.kind == "gpu":
            raise InfraError("unresolvable CDI devices", "mend the driver")
        return replace(RUN, device_reason=order.device.reason)


@pytest.fixture
def attempts(monkeypatch: pytest.MonkeyPatch) -> Attempts:
    made = Attempts()
    monkeypatch.setattr(docker_run, "_run", made)
    return made


def fallen_back(order: DockerOrder, demanded: bool) -> Run:
    return _run_or_fall_back(None, {}, order, demanded, Log(1), silent)  # type: ignore[arg-type]


def test_a_gpu_nobody_demanded_gives_way_to_the_cpu_and_says_so(order: DockerOrder, attempts: Attempts) -> None:
    run = fallen_back(replace(order, device=GPU), demanded=False)
    first, second = attempts.orders
    assert run.device == "cpu" and "unresolvable CDI devices" in run.device_reason
    assert first.name != second.name and second.device.kind == "cpu"


def test_a_demanded_gpu_does_not(order: DockerOrder, attempts: Attempts) -> None:
    with pytest.raises(InfraError, match="unresolvable"):
        fallen_back(replace(order, device=GPU), demanded=True)
    assert len(attempts.orders) == 1
