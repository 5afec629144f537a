"""The diagnosis: one line for each thing that is well, weak or missing, whatever the doors answer."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

import pytest
from msgspec.structs import replace

from dlm_build import doctor
from dlm_build.building.docker_engine import EngineInfo
from dlm_build.config import Channels, Index, Registry, Settings
from dlm_build.doctor import Line, diagnose
from dlm_build.doors import Doors
from dlm_build.errors import InfraError, SourceGone
from dlm_build.records import BaseImage
from dlm_build.running import apptainer
from dlm_build.running.gpu import Device
from dlm_build.store import Store
from tests.unit.planning.inputs import tables

WELL = EngineInfo(
    host="unix:///the.sock", server="29.1", api="1.52", buildx="0.30.1", containerd_store=True,
    rootless=False,
)  # fmt: skip
CHANNEL = "http://127.0.0.1:8000/conda-forge/"
INDEX = "http://127.0.0.1:8001/simple/"
NO_GPU = Device(kind="cpu", reason="the engine offers none")


class Machine:
    """Doors that answer as told, and refuse every question they were not told of."""

    def __init__(self, folder: Path) -> None:
        self.info: EngineInfo | InfraError = WELL
        self.gpu: Device | InfraError = Device(kind="gpu", reason="CDI device nvidia.com/gpu=all", way="cdi")
        self.down: set[str] = set()
        self.settings = Settings(
            store=str(folder / "not" / "made" / "yet"),
            channels=Channels(mirrors={"conda-forge": (CHANNEL,)}),
            index=Index(url=INDEX),
            registries={"docker.io": Registry(mirrors=("http://127.0.0.1:5000",))},
        )
        self.asked: list[str] = []
        self.sif: list[Line] = []

    # --- the engine
    def describe(self) -> EngineInfo:
        if isinstance(self.info, InfraError):
            raise self.info
        return self.info

    def host(self) -> str:
        return "unix:///the.sock"

    def image(self, reference: str) -> None:
        raise AssertionError(f"asked for {reference}")

    # --- registry and fetch
    def resolve(self, image: BaseImage) -> BaseImage:
        self._ask(image.repository)
        return image

    def head(self, url: str, *, trusted: bool = False, headers: Any = None) -> None:
        assert trusted and url in (f"{CHANNEL}noarch/repodata.json", INDEX), url
        self._ask(url)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if what in self.down:
            raise SourceGone(f"{what} is gone", "set another")

    def probe(self, settings: Settings, _programs: object) -> Device:
        assert settings.environment["DOCKER_HOST"] == "unix:///the.sock"
        if isinstance(self.gpu, InfraError):
            raise self.gpu
        return self.gpu

    def doors(self) -> Doors:
        return Doors(
            settings=self.settings, programs=cast("Any", None), fetch=cast("Any", self), registry=cast("Any", self),
            store=Store(Path(self.settings.store)), engine=cast("Any", self), tables=tables(),
            notify=lambda _event: None, clock=lambda: 0.0, stdin=lambda: b"",
        )  # fmt: skip

    def lines(self) -> dict[str, Line]:
        made = diagnose(self.doors())
        self.ready, self.only_sif = made.ready, made.only_sif
        return {line.name: line for line in made.lines}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    made = Machine(tmp_path)
    monkeypatch.setattr("dlm_build.running.gpu.probe", made.probe)
    monkeypatch.setattr("dlm_build.preflight.sif_lines", lambda _look: made.sif)
    monkeypatch.setattr(doctor, "WANTED_SPACE", 1)
    return made


def test_a_machine_that_is_well(machine: Machine) -> None:
    lines = machine.lines()
    assert machine.ready and {line.state for line in lines.values()} == {"ok"}
    assert list(lines) == [
        "docker engine", "buildx", "image store", "GPU", "registry", "conda channel", "package index", "disk"
    ]  # fmt: skip
    assert "29.1" in lines["docker engine"].detail and "127.0.0.1:5000" in lines["registry"].detail
    assert len(machine.asked) == 3


def test_no_engine_stops_builds_and_hides_nothing_else(machine: Machine) -> None:
    machine.info = InfraError("no engine answers", "start it")
    lines = machine.lines()
    assert not machine.ready
    assert lines["docker engine"] == Line(
        name="docker engine", state="missing", detail="no engine answers", fix="start it"
    )
    assert {"GPU", "registry", "disk"} <= set(lines) and "buildx" not in lines


@pytest.mark.parametrize(
    ("hint", "fix"),
    [
        ("start Docker (see `dlm-build doctor`); or else", "start Docker; or else"),
        ("install it or put it on PATH; `dlm-build doctor` says what is missing", "install it or put it on PATH"),
        ("see `dlm-build doctor`", ""), ("`dlm-build doctor` says what the engine lacks", ""),
        (apptainer.INSTALL, "install apptainer, or name the program in [apptainer] of the settings"),
    ],
)  # fmt: skip
def test_nobody_is_sent_back_to_where_he_is(machine: Machine, hint: str, fix: str) -> None:
    machine.info = InfraError("no engine answers", hint)
    assert machine.lines()["docker engine"].fix == fix


def test_a_machine_that_makes_sif_files_needs_no_engine(machine: Machine) -> None:
    machine.info = InfraError("no engine answers", "start it")
    machine.sif = [Line(name=name, state="ok", detail="fine") for name in ("SIF engine", "mksquashfs")]
    line = machine.lines()["docker engine"]
    assert machine.ready and line.state == "warn" and "--to sif" in line.detail and line.fix == "start it"
    assert machine.only_sif
    machine.sif[1] = replace(machine.sif[1], state="warn")
    assert machine.lines()["docker engine"].state == "missing" and not machine.ready


@pytest.mark.parametrize(
    ("host", "state", "told"),
    [
        (
            Device(kind="gpu", way="nv", reason="(--nv)", name="A100", driver="550.1"),
            "ok",
            "A100, driver 550.1: (--nv)",
        ),
        (Device(kind="cpu", reason="nvidia-smi finds none"), "warn", "nvidia-smi finds none"),
    ],
)
def test_without_an_engine_the_gpu_is_the_one_that_sif_files_get(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, host: Device, state: str, told: str
) -> None:
    machine.info = machine.gpu = InfraError("no engine answers", "start it")
    machine.sif = [Line(name=name, state="ok", detail="fine") for name in ("SIF engine", "mksquashfs")]
    monkeypatch.setattr("dlm_build.running.gpu.find_host_gpu", lambda _programs: host)
    line = machine.lines()["GPU"]
    assert (line.state, line.detail) == (state, told) and "toolkit" not in line.fix


@pytest.mark.parametrize(
    ("change", "name"),
    [({"buildx": None}, "buildx"), ({"buildx": "0.12.1"}, "buildx"), ({"containerd_store": False}, "image store")],
)
def test_what_stops_builds_says_how_to_mend_it(machine: Machine, change: dict[str, Any], name: str) -> None:
    machine.info = replace(WELL, **change)
    line = machine.lines()[name]
    assert not machine.ready and line.state == "missing" and line.fix


def test_a_rootless_engine_is_said(machine: Machine) -> None:
    machine.info = replace(WELL, rootless=True)
    assert "rootless" in machine.lines()["docker engine"].detail


@pytest.mark.parametrize("gpu", [NO_GPU, InfraError("the engine is away", "start it")])
def test_no_gpu_is_a_weakness_only(machine: Machine, gpu: Device | InfraError) -> None:
    machine.gpu = gpu
    line = machine.lines()["GPU"]
    assert machine.ready and line.state == "warn" and line.fix


@pytest.mark.parametrize(
    ("name", "what"),
    [("conda channel", f"{CHANNEL}noarch/repodata.json"), ("package index", INDEX)],
)
def test_what_cannot_be_reached_is_named(machine: Machine, name: str, what: str) -> None:
    machine.down = {what}
    line = machine.lines()[name]
    assert machine.ready and line.state == "warn" and what in line.detail and line.fix == "set another"


def test_the_registry_is_asked_for_an_image_every_build_needs(machine: Machine) -> None:
    machine.down = {machine.lines()["registry"].detail.split()[0]}
    assert machine.lines()["registry"].state == "warn"


def test_no_index_of_its_own_is_no_question(machine: Machine) -> None:
    machine.settings = replace(machine.settings, index=Index())
    assert machine.lines()["package index"].state == "ok" and INDEX not in machine.asked


def test_a_full_disk_is_said_before_it_hurts(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(doctor, "WANTED_SPACE", 1 << 60)
    line = machine.lines()["disk"]
    assert machine.ready and line.state == "warn" and "`store`" in line.fix


@pytest.mark.parametrize("state", ["ok", "warn", "missing"])
def test_what_was_made_is_held_against_this_machine(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, state: Any
) -> None:
    line = Line(name="SIF file", state=state, detail="m.sif")
    monkeypatch.setattr("dlm_build.preflight.made.made_in", lambda folder: [folder])
    monkeypatch.setattr("dlm_build.preflight.made.made_lines", lambda made, _look, _find: [line] * (made == [tmp_path]))
    found = doctor.diagnose_made(tmp_path, machine.doors())
    assert found == doctor.Diagnosis(ready=state != "missing", lines=(line,))
    assert not machine.asked, "running needs no network"
