"""The life of one container against an engine that answers only what a run may ask."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from docker.errors import APIError, ImageNotFound, NotFound

from dlm_build.errors import InfraError
from dlm_build.progress import silent
from dlm_build.records import Image
from dlm_build.running import container as module
from dlm_build.running import docker_run
from dlm_build.running.container import container, remove
from dlm_build.running.gpu import Device
from dlm_build.running.log import Log
from dlm_build.running.options import DockerOrder, container_options
from tests.unit.running.test_options import ORDER


class FakeEngine:
    """Does as an engine does with the options of a run; keeps the calls in order; `broken` steps raise."""

    def __init__(self, broken: dict[str, Exception] | None = None, network: str | None = None) -> None:
        self.broken = broken or {}
        self.network = network
        self.calls: list[str] = []
        self.made: list[dict[str, Any]] = []
        self.api = self.containers = self.images = self
        self.known: dict[str, str] = {}

    def _step(self, name: str) -> None:
        self.calls.append(name)
        if name in self.broken:
            raise self.broken[name]

    def create(self, **options: Any) -> None:
        self.made.append(options)
        self._step("create")

    def inspect_container(self, name: str) -> dict[str, Any]:
        self._step("inspect")
        made = self.made[-1]
        assert name == made["name"]
        host = {
            "NetworkMode": self.network or made["network_mode"], "ReadonlyRootfs": made["read_only"],
            "CapDrop": made["cap_drop"], "SecurityOpt": made["security_opt"],
        }  # fmt: skip
        running = "start" not in self.calls
        return {"HostConfig": host, "Config": {"User": made["user"]}, "State": {"Running": running, "ExitCode": 0}}

    def attach(self, name: str, **options: Any) -> Iterator[bytes]:
        assert options == {"stdout": True, "stderr": True, "stream": True, "logs": False}
        self._step("attach")
        return iter([b"said"])

    def start(self, name: str) -> None:
        self._step("start")

    def stats(self, name: str, **options: Any) -> dict[str, Any]:
        assert options == {"stream": False, "one_shot": True}
        return {}

    def remove_container(self, name: str, v: bool, force: bool) -> None:
        assert (v, force) == (True, True)
        self._step("remove")

    def get(self, digest: str) -> Any:
        if digest not in self.known:
            raise ImageNotFound("no such image")
        return type("Found", (), {"id": self.known[digest]})()


def started(engine: Any, order: DockerOrder = ORDER, log: Log | None = None) -> list[str]:
    """The restrictions of the container, once it ran and was removed."""
    with container(engine, {}, order, log or Log(100)) as box:
        assert not box.state()["Running"]
        return list(box.sandbox)


def test_it_is_listened_to_before_it_starts_and_removed_in_the_end() -> None:
    engine, log = FakeEngine(), Log(100)
    assert "no network" in started(engine, log=log)
    assert engine.calls == ["create", "inspect", "attach", "start", "inspect", "remove"]
    assert log.content() == b"said"
    assert engine.made == [container_options(ORDER)]


@pytest.mark.parametrize("step", ["create", "inspect", "attach", "start"])
def test_whatever_fails_it_is_removed(step: str) -> None:
    engine = FakeEngine({step: APIError("x", explanation="no room")})
    with pytest.raises(InfraError, match=r"cannot (create|start) the container: no room"):
        started(engine)
    assert engine.calls[-1] == "remove"


def test_an_interruption_removes_it_too() -> None:
    engine = FakeEngine({"start": KeyboardInterrupt()})  # type: ignore[dict-item]
    with pytest.raises(KeyboardInterrupt):
        started(engine)
    assert engine.calls[-1] == "remove"


def test_without_its_walls_it_is_never_started() -> None:
    engine = FakeEngine(network="bridge")
    with pytest.raises(InfraError, match="the engine does not apply: no network"):
        started(engine)
    assert "start" not in engine.calls
    assert engine.calls[-1] == "remove"


def test_removal_is_tried_until_the_engine_is_back(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses: list[float] = []
    monkeypatch.setattr("dlm_build.running.container.time.sleep", pauses.append)
    assert remove(FakeEngine({"remove": NotFound("gone")}), "x")  # type: ignore[arg-type]
    assert pauses == []
    assert not remove(FakeEngine({"remove": ConnectionRefusedError()}), "x")  # type: ignore[arg-type]
    assert len(pauses) == module.REMOVALS


GPU = msgspec.structs.replace(ORDER, device=Device(kind="gpu", way="runtime", reason="the nvidia runtime"))


class GpuLess(FakeEngine):
    """Refuses every container with a device."""

    def start(self, name: str) -> None:
        super().start(name)
        if self.made[-1]["device_requests"]:
            raise APIError("x", explanation="could not select device driver")


def test_a_gpu_nobody_demanded_falls_back_with_the_reason() -> None:
    engine: Any = GpuLess()
    run = docker_run._run_or_fall_back(engine, {}, replaced_place(), False, Log(10), silent)
    assert (run.end, run.device, run.gpu_name) == ("finished", "cpu", None)
    assert run.device_reason == (
        "the engine could not hand over the GPU by the nvidia runtime: "
        "cannot start the container: could not select device driver"
    )
    assert engine.made[0]["name"] != engine.made[1]["name"]


def test_a_demanded_gpu_does_not_fall_back() -> None:
    engine: Any = GpuLess()
    with pytest.raises(InfraError, match="could not select device driver"):
        docker_run._run_or_fall_back(engine, {}, replaced_place(), True, Log(10), silent)
    assert len(engine.made) == 1


def replaced_place() -> DockerOrder:
    return msgspec.structs.replace(GPU, place=Path("/nonexistent"))


@pytest.fixture(autouse=True)
def no_outputs(monkeypatch: pytest.MonkeyPatch) -> None:
    """These containers write nothing; the folders they would write to are not made."""
    from dlm_build.running import watch
    from dlm_build.running.outputs import Usage

    monkeypatch.setattr(watch, "measure", lambda _folder, _limits: Usage())


@pytest.mark.parametrize(
    ("known", "found"),
    [({"sha256:m": "id-m", "sha256:c": "id-c"}, "id-m"), ({"sha256:c": "id-c"}, "id-c")],
    ids=["by manifest", "by configuration"],
)
def test_the_image_is_found_by_what_it_is(known: dict[str, str], found: str) -> None:
    engine: Any = FakeEngine()
    engine.known = known
    image = Image(
        reference="dlm/x:1", digest="sha256:m", config_digest="sha256:c", size=0, base_digest="", context_digest=""
    )
    assert docker_run._image_id(engine, image) == found
    engine.known = {"dlm/x:1": "another image under its tag"}
    with pytest.raises(InfraError, match="the engine no longer has the image dlm/x:1"):
        docker_run._image_id(engine, image)
