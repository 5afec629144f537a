"""What a build left in a folder, against machines it can run on and machines it cannot."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import InfraError, UsageError
from dlm_build.preflight import Line, Look, made
from dlm_build.preflight.made import made_in, made_lines
from dlm_build.preflight.processor import LEVELS
from dlm_build.proc import Finished
from dlm_build.records import EnvironmentSpec, Image, Lock, Record, Run, Sif, Verdict
from dlm_build.verifying import Verified
from dlm_build.workfolder import WorkFolder
from tests.unit.building.locks import package, tiny_lock
from tests.unit.plans import DIGEST

SMI = "nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader"
OLD, NEW = "NVIDIA Test, 470.57, 8.0\n", "NVIDIA Test, 580.65, 9.0\n"
BYTES = b"a SIF"
ENGINE = Line(name="SIF engine", state="ok", detail="apptainer 1.4.5")
IMAGE = Image(reference="dlm/x:1", digest=DIGEST, size=1, base_digest=DIGEST, context_digest="c" * 64)


class _KeptSif(Record, frozen=True, kw_only=True):
    """As the story keeps it, with more than the preflight reads."""

    asked: tuple[str, str] = ("", "")
    sif: Sif


class Place:
    """A work folder, and the machine it is on."""

    def __init__(self, root: Path) -> None:
        self.root, self.work, self.lock = root, WorkFolder(root / "out"), tiny_lock()
        self.images: dict[str, Image] | InfraError = {}
        self.smi: str | None = None
        self.settings = Settings()
        (root / "proc").mkdir()
        self.work.root.mkdir()
        self.has_level("x86-64-v3")

    def has_level(self, level: str) -> None:
        names = list(LEVELS)
        flags = " ".join(flag for name in names[: names.index(level) + 1] for flag in LEVELS[name])
        (self.root / "proc/cpuinfo").write_text(f"flags\t\t: {flags}\n")

    def holds(self, *, sif: bool = True, image: bool = False, ran_on: str | None = "x86-64-v3", **lock: Any) -> None:
        self.work.save("lock.json", replace(self.lock, **lock))
        if image:
            self.work.save("image.json", IMAGE)
        if sif:
            (self.work.root / "m.sif").write_bytes(BYTES)
            self.work.save("sif.json", _KeptSif(sif=sif_record()))
        run = Run(
            end="finished", exit_status=0, detail="", device="cpu", device_reason="", seconds=1.0, processor=ran_on
        )
        self.work.save("verified-sif.json", Verified(key=(), run=run, verdict=Verdict(outcome="ran", summary="")))

    def run(self, argv: Sequence[str], **_options: Any) -> Finished:
        if " ".join(argv) == SMI and self.smi:
            return Finished(argv=tuple(argv), status=0, stdout=self.smi, stderr="", seconds=0.0)
        raise InfraError(f"cannot start {argv[0]}", "install it")

    def find(self, reference: str) -> Image | None:
        if isinstance(self.images, InfraError):
            raise self.images
        return self.images.get(reference)

    def lines(self) -> dict[str, Line]:
        look = Look(self.settings, self, 1000, self.root)
        return {line.name: line for line in made_lines(made_in(self.work.root), look, self.find)}


def sif_record() -> Sif:
    return Sif(
        path="/another/machine/m.sif", sha256=hashlib.sha256(BYTES).hexdigest(), size=len(BYTES), rootfs_digest=DIGEST,
        context_digest="c" * 64, base_digest=DIGEST, made_from="packages", compression="gzip", packed_by="mksquashfs",
    )  # fmt: skip


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    monkeypatch.setattr(made, "engine_lines", lambda _look, _packed: [ENGINE])
    return Place(tmp_path)


def with_cuda(lock: Lock, cuda: str) -> Any:
    return {"plan": replace(lock.plan, gpu=True, cuda=cuda)}


def test_nothing_was_built(place: Place) -> None:
    with pytest.raises(UsageError, match="holds nothing that was built"):
        made_in(place.work.root)
    place.work.save("lock.json", place.lock)
    with pytest.raises(UsageError, match="holds nothing that was built"):
        made_in(place.root / "elsewhere")


def test_all_is_well_in_a_folder_that_was_copied_here(place: Place) -> None:
    place.holds()
    lines = place.lines()
    assert {line.state for line in lines.values()} == {"ok"}, lines
    assert list(lines) == ["SIF file", "SIF engine", "processor", "GPU", "space for outputs"]


@pytest.mark.parametrize("change", [b"a SIG", b"a SI", None])
def test_a_sif_that_is_not_whole_is_missing(place: Place, change: bytes | None) -> None:
    place.holds()
    path = place.work.root / "m.sif"
    path.unlink() if change is None else path.write_bytes(change)
    line = place.lines()["SIF file"]
    assert line.state == "missing" and "m.sif" in line.detail and line.fix


def test_a_sif_with_nothing_to_run_it_is_missing_its_engine(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    place.holds()
    monkeypatch.setattr(made, "engine_lines", lambda _look, _packed: [replace(ENGINE, state="warn", fix="install it")])
    assert place.lines()["SIF engine"] == replace(ENGINE, state="missing", fix="install it")
    place.holds(image=True)
    place.images = {IMAGE.reference: IMAGE}
    assert place.lines()["SIF engine"].state == "warn", "Docker runs it"


@pytest.mark.parametrize(
    "images", [{}, {IMAGE.reference: replace(IMAGE, digest="sha256:" + "9" * 64)}, InfraError("no engine", "start it")]
)
def test_an_image_that_is_gone_is_missing_unless_there_is_a_sif(place: Place, images: Any) -> None:
    place.images = images
    place.holds(image=True)
    assert place.lines()["image"].state == "warn"
    (place.work.root / "sif.json").unlink()
    line = place.lines()["image"]
    assert line.state == "missing" and line.fix


@pytest.mark.parametrize(
    ("ran_on", "here", "state"),
    [("x86-64-v3", "x86-64-v4", "ok"), ("x86-64-v4", "x86-64-v3", "warn"), (None, "x86-64-v4", "warn")],
)
def test_what_the_sample_ran_on_against_what_is_here(place: Place, ran_on: str | None, here: str, state: str) -> None:
    place.has_level(here)
    place.holds(ran_on=ran_on)
    line = place.lines()["processor"]
    assert line.state == state and here in line.detail
    assert ("avx512f" in line.detail) == (ran_on == "x86-64-v4")
    assert ("verify" in line.fix) == (state == "warn")


def test_an_environment_for_a_newer_processor_cannot_run(place: Place) -> None:
    place.has_level("x86-64-v2")
    asking = package("_x86_64-microarch-level", version="3")
    place.holds(packages=(*place.lock.packages, asking))
    line = place.lines()["processor"]
    assert line.state == "missing" and "avx2" in line.detail and "x86-64-v3" in line.detail


def test_a_processor_that_cannot_be_read_is_said(place: Place) -> None:
    place.holds()
    (place.root / "proc/cpuinfo").unlink()
    assert place.lines()["processor"].state == "warn"


@pytest.mark.parametrize(
    ("smi", "state", "said"), [(None, "warn", "asks for one"), (OLD, "warn", "525"), (NEW, "ok", "")]
)
def test_the_build_against_the_driver(place: Place, smi: str | None, state: str, said: str) -> None:
    place.smi = smi
    place.holds(**with_cuda(place.lock, "12.4"))
    line = place.lines()["GPU"]
    assert line.state == state and said in line.detail, line
    assert bool(line.fix) == (state == "warn")


def test_a_build_without_cuda_is_no_trouble_where_the_model_asks_for_no_gpu(place: Place) -> None:
    place.smi = NEW
    spec = EnvironmentSpec(origin="inferred", pip=("onnxruntime==1.20.*",))
    place.holds(plan=replace(place.lock.plan, gpu=False, cuda=None, environment=spec))
    line = place.lines()["GPU"]
    assert (line.state, line.fix) == ("ok", "") and "holds onnxruntime 1.20.1 without CUDA" in line.detail


@pytest.mark.parametrize(
    ("needed", "os", "state"),
    [("2.27", "ubuntu22.04", "ok"), ("2.36", "ubuntu22.04", "warn"), ("2.36", "ubuntu24.04", "ok"), (None, "", "warn")],
)
def test_the_drivers_libraries_against_the_images_glibc(
    place: Place, monkeypatch: pytest.MonkeyPatch, needed: str | None, os: str, state: str
) -> None:
    place.smi = NEW
    monkeypatch.setattr(made, "driver_glibc", lambda _look: needed)
    place.holds(base=replace(place.lock.base, os=os))
    line = place.lines()["driver libraries"]
    assert line.state == state and bool(line.fix) == (state == "warn")


def test_too_little_room_for_outputs_is_said(place: Place) -> None:
    place.holds()
    place.settings = replace(place.settings, limits=replace(place.settings.limits, output=1 << 60))
    line = place.lines()["space for outputs"]
    assert line.state == "warn" and "[limits]" in line.fix
