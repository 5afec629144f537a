"""The story with every step replaced: what is done, what is not done twice, and how it ends when a step fails."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal, cast

import msgspec
import pytest
from msgspec.structs import replace

from dlm_build import pipeline
from dlm_build.catalogues import reader
from dlm_build.config import Settings
from dlm_build.doors import Doors, Options
from dlm_build.errors import (
    BaseGone,
    DlmBuildError,
    EnvironmentUnsolvable,
    GpuIncompatible,
    HashMismatch,
    InfraError,
    ItemInvalid,
    Outcome,
    PythonUnfit,
    SourceGone,
    UsageError,
)
from dlm_build.fetching.urls import public_place
from dlm_build.gpu import Gpu
from dlm_build.items import read_item
from dlm_build.journal import Journal, Known
from dlm_build.kept import changing_sif, load_sif
from dlm_build.pipeline import run_item, verdict_of, verify_item
from dlm_build.preflight.processor import LEVELS
from dlm_build.progress import Event
from dlm_build.records import (
    Image,
    Limits,
    Lock,
    Materials,
    Plan,
    Report,
    Run,
    SampleSpec,
    Sif,
    Verdict,
    from_json,
)
from dlm_build.running.gpu import Device
from dlm_build.store import Store
from dlm_build.workfolder import WorkFolder, default_folder
from tests.unit.building.locks import EXPECTED, INPUT, WEIGHTS, archive, rendered, tiny_lock
from tests.unit.items.samples_of_items import GOOD
from tests.unit.plans import DIGEST, tiny_plan

REMOTE = "https://example.org/coast.mar"
STEPS = ("gather", "plan", "lock", "fill", "render", "write", "build", "run", "judge")


class Refuses:
    """A door nobody may open."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(f"asked for .{name}")


class Engine:
    """Holds the images it was told to build."""

    def __init__(self, world: World) -> None:
        self._world = world
        self.images: dict[str, Image] = {}
        self.problem: InfraError | None = None

    def host(self) -> str:
        return "unix:///the.sock"

    def greet(self) -> None:
        if self.problem:
            raise self.problem

    def image(self, reference: str) -> Image | None:
        return self.images.get(reference)

    def build(self, lock: Lock, context: Any, folder: Path, store: Store, tag: str, notify: Any) -> Image:
        self._world.did("build")
        self.images[tag] = Image(
            reference=tag, digest=DIGEST, size=1, base_digest=lock.base.digest, context_digest=context.digest
        )
        return self.images[tag]


class World:
    """All steps as fakes that note that they were asked, and fail where a test says so."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.item = folder / "item.json"
        self.item.write_text(json.dumps(GOOD))
        self.store = Store(folder / "store")
        self.engine = Engine(self)
        self.done: list[str] = []
        self.told: list[str] = []
        self.failing: dict[str, BaseException] = {}
        self.settings = Settings(store=str(folder / "store"))
        self.plan = planned()
        self.verdict = Verdict(outcome=Outcome.MATCHES, device="cpu", summary="equal")
        self.verdicts: list[Verdict] = []
        """Of the next judgements, where they are not all `verdict`."""
        self.seen_settings: Settings | None = None
        self.seen_device: Device | None = None

    def did(self, step: str) -> None:
        self.done.append(step)
        if step in self.failing:
            raise self.failing[step]

    def doors(self) -> Doors:
        doors: dict[str, Any] = dict.fromkeys(("programs", "fetch", "registry", "tables"), Refuses())
        ticks = iter(range(10_000))
        return Doors(
            **doors, settings=self.settings, store=self.store, engine=cast("Any", self.engine),
            notify=lambda event: self.told.append(event.text), clock=lambda: float(next(ticks)), stdin=lambda: b"",
        )  # fmt: skip

    def run(self, **options: Any) -> Report:
        """The report, and in `done` what was done for it."""
        self.done.clear()
        return run_item(str(self.item), self.options(**options), self.doors())

    def verify(self, **options: Any) -> Report:
        self.done.clear()
        return verify_item(str(self.item), self.options(**options), self.doors())

    def options(self, **given: Any) -> Options:
        return Options(**{"output": str(self.folder / "work"), **given})

    @property
    def work(self) -> WorkFolder:
        return WorkFolder(self.folder / "work")

    # --- the steps

    def gather(self, *_doors: Any, **_options: Any) -> Materials:
        self.did("gather")
        return Materials(archive=self.plan.archive)

    def make_plan(self, *_materials: Any) -> Plan:
        self.did("plan")
        return self.plan

    def make_lock(self, plan: Plan, *_doors: Any) -> Lock:
        self.did("lock")
        return replace(tiny_lock(), plan=plan, base=plan.base, installer_base=plan.installer_base)

    def fill_store(self, *_doors: Any) -> None:
        self.did("fill")

    def render(self, lock: Lock) -> Any:
        self.did("render")
        return rendered(lock)

    def write_context(self, _context: Any, _store: Store, place: Path) -> None:
        self.did("write")
        place.mkdir(exist_ok=True)

    def run_sample(self, *order: Any) -> Run:
        self.did("run")
        self.seen_settings, self.seen_device = order[-1].settings, order[-1].device
        outputs = self.folder / "work" / "outputs"
        outputs.mkdir(exist_ok=True)
        return Run(
            end="finished", exit_status=0, detail="ended", device="cpu", device_reason="no GPU", seconds=1.0,
            output_folder=str(outputs),
        )  # fmt: skip

    def run_in_sif(self, sif: Sif, _plan: Plan, place: Path, *_order: Any) -> Run:
        self.did("run sif")
        outputs = place / "outputs"
        outputs.mkdir(exist_ok=True)
        return Run(
            end="finished", exit_status=0, detail="ended", device="cpu", device_reason="no GPU", seconds=1.0,
            output_folder=str(outputs),
        )  # fmt: skip

    def judge(self, *_parts: Any) -> Verdict:
        self.did("judge")
        return self.verdicts.pop(0) if self.verdicts else self.verdict

    def pack(self, way: Literal["image", "packages"], request: Any) -> Sif:
        self.did(f"sif from {way}")
        request.target.write_bytes(b"a SIF")
        return Sif(
            path=str(request.target), sha256=sha256(b"a SIF").hexdigest(), size=5, rootfs_digest=DIGEST,
            context_digest=request.context.digest, base_digest=DIGEST, made_from=way, compression="zstd:4",
            packed_by="mksquashfs 4.6.1",
        )  # fmt: skip

    def label(self, sif: Sif, labels: dict[str, str]) -> Sif:
        self.did("label")
        data = b"a SIF" + json.dumps(labels).encode()
        Path(sif.path).write_bytes(data)
        return replace(sif, sha256=sha256(data).hexdigest(), size=len(data))


def planned(**changes: Any) -> Plan:
    given: dict[str, Any] = {"archive": archive(WEIGHTS, INPUT, EXPECTED, href=REMOTE)}
    given["item_sha256"] = read_item(json.dumps(GOOD), "item.json").sha256
    return tiny_plan(**{**given, "sample": SampleSpec(input=INPUT, expected=EXPECTED), **changes})


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> World:
    made = World(tmp_path)
    for place, step in (
        ("dlm_build.gathering.gather", made.gather),
        ("dlm_build.planning.plan.make_plan", made.make_plan),
        ("dlm_build.locking.make_lock", made.make_lock),
        ("dlm_build.locking.fill_store", made.fill_store),
        ("dlm_build.locking.conda_lock_yaml", lambda _lock: "conda-lock\n"),
        ("dlm_build.locking.explicit_text", lambda _lock: "@EXPLICIT\n"),
        ("dlm_build.building.render", made.render),
        ("dlm_build.building.write_context", made.write_context),
        ("dlm_build.building.is_as_written", lambda _context, place: place.is_dir() and not any(place.iterdir())),
        ("dlm_build.running.run_sample", made.run_sample),
        ("dlm_build.running.run_in_sif", made.run_in_sif),
        ("dlm_build.judging.judge", made.judge),
        ("dlm_build.sif.sif_from_image", lambda _image, request, *_doors: made.pack("image", request)),
        ("dlm_build.sif.sif_from_packages", lambda request, _sources: made.pack("packages", request)),
        ("dlm_build.sif.labelled", made.label),
        ("dlm_build.sif.refuse_unable", lambda *_asked: made.did("able to pack")),
        ("dlm_build.running.apptainer.find_engine", lambda *_asked: made.did("able to run")),
    ):
        monkeypatch.setattr(place, step)
    return made


# --- the whole story -----------------------------------------------------------------------------------------------


def test_the_whole_story_in_order(world: World) -> None:
    report = world.run()
    assert world.done == ["gather", "plan", "lock", "render", "write", "build", "run", "judge"]
    assert report.verdict == world.verdict and not any(step.reused for step in report.steps)
    assert [s.name for s in report.steps] == ["read", "gather", "plan", "lock", "render", "build", "run", "judge"]
    assert report.item and report.plan == world.plan and report.image and report.run
    assert from_json(Report, (world.work.root / "report.json").read_bytes()) == report
    written = {p.name for p in world.work.root.iterdir()}
    assert written >= {"item.json", "plan.json", "lock.json", "conda-lock.yml", "explicit.txt", "image.json"}


def test_a_url_is_read_aloud_without_its_secrets(world: World) -> None:
    with pytest.raises(UsageError, match="carries credentials"):
        run_item("http://bob:hunter2@127.0.0.1/item.json?sig=TOPSECRET", world.options(), world.doors())
    assert world.told == ["reading http://127.0.0.1/item.json?…"]


@pytest.mark.parametrize(
    ("origin", "folder"),
    [
        ("/data/item.json", "m-fd75b349"),
        ("https://models.example.org/item.json", "m-8ef2815d"),
    ],
)
def test_a_work_folder_keeps_its_name(origin: str, folder: str) -> None:
    found = replace(read_item(json.dumps(GOOD), public_place(origin)), id="m")
    assert default_folder(found) == Path("dlm-out") / folder


def test_the_second_time_nothing_is_done_again(world: World) -> None:
    first = world.run()
    second = world.run()
    assert world.done == ["gather", "plan", "fill"]  # the archive's bytes are not in this store, so it is asked again
    assert {s.name for s in second.steps if s.reused} == {"lock", "render", "build", "run"}
    assert second.verdict == first.verdict and second.run == first.run


def test_a_context_that_was_changed_is_written_anew(world: World) -> None:
    world.run()
    (world.folder / "work" / "context" / "more.py").write_text("")
    world.run()
    assert {"render", "write"} <= set(world.done)


def test_the_run_asks_the_engine_that_built(world: World) -> None:
    world.run()
    assert world.seen_settings and world.seen_settings.environment["DOCKER_HOST"] == "unix:///the.sock"


def test_remote_bytes_are_kept_until_asked_to_update(world: World) -> None:
    text = world.store.add_bytes(b"weights")
    member = replace(WEIGHTS, sha256=text.sha256, size=text.size)
    world.plan = planned(archive=archive(member, href=REMOTE))
    world.run()
    world.run()
    assert "gather" not in world.done
    world.run(update=True)
    assert {"gather", "lock"} <= set(world.done)
    world.store.path(text.sha256).unlink()
    world.run()
    assert "gather" in world.done


def test_a_file_on_this_disk_is_looked_at_every_time(world: World) -> None:
    text = world.store.add_bytes(b"weights")
    member = replace(WEIGHTS, sha256=text.sha256, size=text.size)
    world.plan = planned(archive=archive(member, href="model.mar"))
    for _ in range(2):
        world.run()
        assert "gather" in world.done


def test_force_builds_and_runs_again(world: World) -> None:
    world.run()
    world.run(force=True)
    assert {"render", "build", "run", "judge"} <= set(world.done) and "lock" not in world.done


def test_no_verify_stops_after_the_build(world: World) -> None:
    report = world.run(verify=False)
    assert report.verdict.outcome == Outcome.BUILT and world.done[-1] == "build" and report.run is None


def test_no_sample_is_built_and_says_what_to_add(world: World) -> None:
    world.plan = planned(sample=None)
    report = world.run()
    assert report.verdict.outcome == Outcome.BUILT and "`dlm-build check` shows how" in report.verdict.hint
    assert "run" not in world.done


def test_an_image_removed_from_the_engine_is_built_again(world: World) -> None:
    world.run()
    world.engine.images.clear()
    world.run()
    assert "build" in world.done and "run" not in world.done


@pytest.mark.parametrize(
    "wrong", [{"tag": "Me:1:2"}, {"as_of": "yesterday"}, {"base": "python:3"}, {"lock": "none.json"}]
)
def test_an_option_that_is_wrong_for_any_item_is_refused_before_anything_is_fetched(
    world: World, wrong: dict[str, str]
) -> None:
    with pytest.raises(UsageError, match=f"--{next(iter(wrong)).replace('_', '-')} "):
        world.run(**wrong)
    assert world.done == []


def test_an_engine_that_does_not_answer_is_told_before_packages_are_fetched(world: World) -> None:
    world.engine.problem = InfraError("Docker does not answer")
    report = world.run(to=("docker", "sif"))
    assert report.verdict.summary == "Docker does not answer" and "lock" not in world.done


def test_another_tag_is_another_image(world: World) -> None:
    world.run()
    report = world.run(tag="me/m:1")
    assert "build" in world.done and report.image and report.image.reference == "me/m:1"


def test_a_run_that_ends_before_the_lock_leaves_no_older_report(world: World) -> None:
    world.run()
    world.failing["gather"] = SourceGone("the archive is not there")
    failed = world.run()
    assert failed.verdict.outcome == Outcome.SOURCE_GONE
    assert world.work.load("report.json", Report) == failed
    with world.work.owned():
        assert world.run().verdict.outcome == Outcome.INFRA
    assert world.work.load("report.json", Report) == failed


def test_a_run_that_ends_before_its_first_lock_leaves_no_report(world: World) -> None:
    world.failing["gather"] = SourceGone("the archive is not there")
    world.run()
    assert not world.work.root.exists()


# --- what a verdict is good for ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "changes",
    [
        {"options": {"gpu": False}},
        {"settings": {"limits": Limits(seconds=5.0)}},
        {"plan": {"sample": SampleSpec(input=INPUT, expected=None)}},
        {"plan": {"sample": SampleSpec(input=EXPECTED, expected=EXPECTED)}},
    ],
)
def test_a_verdict_holds_for_its_own_run_only(world: World, changes: dict[str, Any]) -> None:
    world.run()
    world.settings = replace(world.settings, **changes.get("settings", {}))
    world.plan = planned(**changes.get("plan", {}))
    world.run(**changes.get("options", {}))
    assert "run" in world.done and "judge" in world.done


CPU = Device(kind="cpu", reason="none is there")
GPU = Device(kind="gpu", way="nv", reason="--nv", name="NVIDIA H200", driver="570.1")


@pytest.mark.parametrize("engine", ["docker", "sif"])
def test_a_verdict_holds_for_the_device_that_a_run_would_be_offered(
    world: World, monkeypatch: pytest.MonkeyPatch, engine: Literal["docker", "sif"]
) -> None:
    asked: list[Device] = []
    found = [CPU, CPU, GPU, GPU, replace(GPU, driver="580.2"), replace(CPU, name="NVIDIA H200")]

    def offered(*_: Any) -> Device:
        asked.append(found.pop(0))
        return asked[-1]

    for name in ("probe", "find_host_gpu"):
        monkeypatch.setattr(f"dlm_build.running.gpu.{name}", offered)
    world.plan = planned(gpu=True)
    ran = []
    for number in range(1, 7):
        world.run(to=(engine,))
        ran.append(bool({"run", "run sif"} & set(world.done)))
        assert len(asked) == number, "asked once each time"
    assert ran == [True, False, True, False, True, True]
    assert world.seen_device in (None, asked[-1]), "and the run is told"


def test_nobody_is_asked_for_a_gpu_that_is_not_wanted(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlm_build.running.gpu.probe", lambda *_: pytest.fail("asked"))
    assert world.run().verdict == world.verdict


def test_a_verdict_without_its_outputs_is_not_reused(world: World) -> None:
    world.run()
    (world.folder / "work" / "outputs").rmdir()
    world.run()
    assert "run" in world.done


def test_a_run_is_judged_again_by_another_comparison(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run()
    monkeypatch.setattr("dlm_build.judging.rules_digest", lambda: "other")
    world.verdict = Verdict(outcome=Outcome.MISMATCH, summary="another")
    for done in (["judge"], []):
        report = world.run()
        assert report.verdict == world.verdict and [step for step in world.done if step in ("run", "judge")] == done
        assert "run" in {step.name for step in report.steps if step.reused}


def test_outputs_that_were_added_to_are_made_anew(world: World) -> None:
    world.run()
    (world.folder / "work" / "outputs" / "notes.txt").write_text("looks good")
    world.run()
    assert "run" in world.done


def test_a_moved_folder_keeps_its_verdict_and_names_its_own_outputs(world: World) -> None:
    world.run()
    shutil.copytree(world.folder / "work", world.folder / "other")
    report = world.run(output=str(world.folder / "other"))
    assert "run" not in world.done
    assert report.run and report.run.output_folder == str(world.folder / "other" / "outputs")


@pytest.mark.parametrize("outcome", [Outcome.MODEL_ERROR, Outcome.TIMEOUT, Outcome.RESOURCE, Outcome.INFRA])
def test_a_run_that_failed_is_tried_again(world: World, outcome: Outcome) -> None:
    world.verdict = Verdict(outcome=outcome, summary="failed")
    world.run()
    world.run()
    assert "run" in world.done


# --- failures ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("step", [step for step in STEPS if step != "fill"])
def test_a_failed_step_is_a_report(world: World, step: str) -> None:
    world.failing[step] = GpuIncompatible("too old", "another GPU")
    report = world.run()
    assert report.verdict == Verdict(outcome=Outcome.GPU_INCOMPATIBLE, summary="too old", hint="another GPU")
    assert report.item and world.done[-1] == step
    assert any(s.name == {"write": "render"}.get(step, step) for s in report.steps)


@pytest.mark.parametrize("step", STEPS[:3])
def test_a_bad_item_leaves_no_folder(world: World, step: str) -> None:
    world.failing[step] = ItemInvalid("m")
    assert world.run().verdict.outcome == Outcome.ITEM_INVALID
    assert not world.work.root.exists()


@pytest.mark.parametrize("step", ["lock", "build", "run"])
@pytest.mark.parametrize("problem", [UsageError("m"), ZeroDivisionError(), KeyboardInterrupt()])
def test_usage_bugs_and_interruptions_are_raised(world: World, step: str, problem: BaseException) -> None:
    world.failing[step] = problem
    with pytest.raises(type(problem)):
        world.run()


def test_a_failure_leaves_no_old_report_and_what_was_made_before(world: World) -> None:
    world.run(to=BOTH)
    for step in ("build", "sif from image"):
        world.failing = {step: ZeroDivisionError()}
        with pytest.raises(ZeroDivisionError):
            world.run(to=BOTH, force=True)
        assert not (world.work.root / "report.json").exists()
        assert [end.verdict.outcome for end in world.verify(to=BOTH).engines] == [Outcome.MATCHES, Outcome.MATCHES]


def test_what_an_earlier_lock_gave_is_not_told_to_be_of_this_one(world: World) -> None:
    world.run(to=BOTH)
    world.plan = planned(title="another")
    world.failing["build"] = InfraError("the engine is gone")
    assert world.run(to=BOTH).verdict.outcome == Outcome.INFRA
    for engine in BOTH:
        with pytest.raises(UsageError, match="was made for another lock"):
            world.verify(to=(engine,))
    del world.failing["build"]
    assert world.run(to=BOTH).verdict.outcome == Outcome.MATCHES


def test_a_folder_in_use_is_infra(world: World) -> None:
    with world.work.owned():
        report = world.run()
    assert report.verdict.outcome == Outcome.INFRA and "another dlm-build" in report.verdict.summary
    assert world.done == []


def test_a_folder_that_cannot_be_written_is_found_out_first(world: World) -> None:
    (world.folder / "file").touch()
    report = world.run(output=str(world.folder / "file" / "below"))
    assert report.verdict.outcome == Outcome.INFRA and "cannot write" in report.verdict.summary
    assert world.done == []


def test_a_refused_item_takes_nothing_from_a_folder_that_was_there(world: World) -> None:
    world.work.root.mkdir()
    (world.work.root / "mine.txt").touch()
    world.failing["lock"] = ItemInvalid("m")
    assert world.run().verdict.outcome == Outcome.ITEM_INVALID
    assert [path.name for path in world.work.root.iterdir()] == ["mine.txt"]


@pytest.mark.parametrize("kind", [ItemInvalid, HashMismatch, InfraError])
def test_an_error_has_its_verdict(kind: type[DlmBuildError]) -> None:
    assert verdict_of(kind("m", "h")) == Verdict(outcome=kind.outcome, summary="m", hint="h")


# --- reading -------------------------------------------------------------------------------------------------------


def reading(href: str, data: bytes = b"") -> None:
    doors: dict[str, Any] = dict.fromkeys(("programs", "fetch", "registry", "tables", "store", "engine"), Refuses())
    pipeline.read(
        href,
        Doors(**doors, settings=Settings(), notify=lambda _: None, clock=lambda: 0.0, stdin=lambda: data),
    )


def test_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(SourceGone, match="No such file"):
        reading(str(tmp_path / "none.json"))
    with pytest.raises(SourceGone, match="Is a directory"):
        reading(str(tmp_path))


def test_what_is_no_text() -> None:
    with pytest.raises(ItemInvalid, match=r"standard input:1:2: not UTF-8 text \(byte 1\)"):
        reading("-", b"{\xff}")
    with pytest.raises(ItemInvalid, match="more than 4 MiB"):
        reading("-", b" " * (reader.ITEM_LIMIT + 1))


# --- locks ---------------------------------------------------------------------------------------------------------


def locked(world: World, plan: Plan, **options: Any) -> tuple[Lock, bool]:
    """The lock for `plan`, and whether its environment was kept; what was done for it is in `done`."""
    world.plan = plan
    journal = Journal(lambda: 0.0)
    item = pipeline.read(str(world.item), world.doors())
    world.done.clear()
    with pipeline.locked(item, world.options(**options), world.doors(), journal) as job:
        world.done = [step for step in world.done if step in ("lock", "fill")]
    steps = journal.report(Verdict(outcome="built", summary="s")).steps
    return job.lock, next(step.reused for step in steps if step.name == "lock")


def saved(world: World, plan: Plan) -> Path:
    with world.work.owned():
        return world.work.save("lock.json", replace(tiny_lock(), plan=plan, created_by="an earlier day"))


NEW_WEIGHTS = archive(replace(WEIGHTS, sha256="9" * 64), INPUT, EXPECTED, href=REMOTE, sha256="8" * 64)


def test_new_weights_keep_the_packages(world: World) -> None:
    saved(world, planned())
    lock, kept = locked(world, planned(archive=NEW_WEIGHTS))
    assert kept and world.done == ["fill"]
    assert lock.plan.archive == NEW_WEIGHTS and lock.packages == tiny_lock().packages
    assert lock.created_by == "an earlier day"


@pytest.mark.parametrize(
    "changes",
    [
        {"as_of": "2026-01-01T00:00:00Z"},
        {"python": "3.12"},
        {"base": replace(planned().base, platform_digest="sha256:" + "7" * 64)},
        {"installer_base": replace(planned().base, platform_digest="sha256:" + "7" * 64)},
        {"environment": replace(planned().environment, conda=("python=3.11", "numpy"))},
    ],
)
def test_what_was_solved_for_something_else_is_solved_again(world: World, changes: dict[str, Any]) -> None:
    saved(world, planned())
    _, kept = locked(world, planned(**changes))
    assert not kept and world.done == ["lock"]
    assert any(line.startswith("changed since the last lock: ") for line in world.told)


def test_a_given_lock_must_fit(world: World) -> None:
    given = str(saved(world, planned()).rename(world.folder / "given.json"))
    assert locked(world, planned(), lock=given)[1] and world.done == ["fill"]
    with pytest.raises(UsageError, match="the lock is stale"):
        locked(world, planned(python="3.12"), lock=given)
    with pytest.raises(HashMismatch, match="pins the archive"):
        locked(world, planned(archive=NEW_WEIGHTS), lock=given)
    with pytest.raises(UsageError, match="contradict"):
        locked(world, planned(archive=NEW_WEIGHTS), lock=given, update=True)
    assert not locked(world, planned(archive=NEW_WEIGHTS), update=True)[1]


def test_a_lock_that_cannot_be_read_is_made_again(world: World) -> None:
    with world.work.owned():
        world.work.save_bytes("lock.json", b"{}")
    assert not locked(world, planned())[1] and world.done == ["lock"]


# --- a SIF ---------------------------------------------------------------------------------------------------------

BOTH: tuple[Any, ...] = ("docker", "sif")


def test_a_sif_alone_needs_no_engine(world: World) -> None:
    report = world.run(to=("sif",))
    assert world.done[-4:] == ["sif from packages", "run sif", "judge", "label"] and "build" not in world.done
    assert report.image is None and report.sif and report.sif.made_from == "packages"
    assert [end.engine for end in report.engines] == ["sif"] and report.verdict == world.verdict


def test_both_engines_are_in_one_report(world: World) -> None:
    report = world.run(to=BOTH)
    assert [step for step in world.done if "sif" in step or step in ("build", "run")] == [
        "build", "run", "sif from image", "run sif",
    ]  # fmt: skip
    assert [end.engine for end in report.engines] == ["docker", "sif"]
    assert report.verdict.outcome == Outcome.MATCHES and report.verdict.summary == "docker: equal; sif: equal"


@pytest.mark.parametrize("again", [False, True])
def test_a_sif_that_cannot_be_had_is_told_with_no_run_of_the_images(world: World, again: bool) -> None:
    """`run` is the one that the verdict is about, and this one is about none."""
    if again:
        world.run(to=BOTH)
        (world.work.root / "m.sif").unlink(missing_ok=True)
        [path.write_bytes(b"another") for path in world.work.root.glob("*.sif")]
        report = world.verify(to=BOTH, force=True)
    else:
        world.failing["sif from image"] = InfraError("mksquashfs was killed")
        report = world.run(to=BOTH)
    assert report.run is None and [(end.engine, bool(end.run)) for end in report.engines] == [("docker", True)]
    assert report.verdict.outcome == (Outcome.HASH_MISMATCH if again else Outcome.INFRA)


@pytest.mark.parametrize(("host", "told"), [("unix:///the.sock", "x86-64-v2"), ("tcp://far:2376", None)])
def test_a_run_tells_the_processor_it_ran_on(
    world: World, monkeypatch: pytest.MonkeyPatch, host: str, told: str | None
) -> None:
    flags = frozenset(flag for level in ("x86-64", "x86-64-v2") for flag in LEVELS[level])
    monkeypatch.setattr("dlm_build.preflight.processor.host_flags", lambda: flags)
    monkeypatch.setattr(world.engine, "host", lambda: host)
    ran = [end.run for end in world.run(to=BOTH).engines]
    assert [run.processor for run in ran if run] == [told, "x86-64-v2"]


@pytest.mark.parametrize("order", [(Outcome.MATCHES, Outcome.MISMATCH), (Outcome.MISMATCH, Outcome.MATCHES)])
def test_one_engine_that_differs_decides_the_verdict(world: World, order: tuple[Outcome, Outcome]) -> None:
    world.verdicts = [Verdict(outcome=outcome, summary=outcome) for outcome in order]
    assert world.run(to=BOTH).verdict.outcome == Outcome.MISMATCH


def test_a_sif_that_is_there_is_not_made_again(world: World) -> None:
    first = world.run(to=("sif",))
    again = world.run(to=("sif",))
    assert not {"sif from packages", "run sif", "label"} & set(world.done)
    assert again.sif == first.sif and again.verdict == first.verdict
    assert first.sif
    Path(first.sif.path).write_bytes(b"another")
    world.run(to=("sif",))
    assert "sif from packages" in world.done and "run sif" not in world.done
    world.run(to=("sif",), compression="gzip")
    assert "sif from packages" in world.done


def test_a_folder_may_be_moved(world: World) -> None:
    world.run(to=("sif",))
    moved = world.work.root.rename(world.folder / "elsewhere")
    report = world.verify(to=("sif",), output=str(moved))
    assert report.sif and Path(report.sif.path).parent == moved
    world.run(to=("sif",), output=str(moved))
    assert "sif from packages" not in world.done


def test_what_cannot_be_packed_or_run_is_told_before_packages_are_looked_up(world: World) -> None:
    for step in ("able to pack", "able to run"):
        world.failing = {step: InfraError("not installed")}
        assert world.run(to=("sif",)).verdict.summary == "not installed"
        assert "lock" not in world.done
    world.failing = {}
    world.run(to=("sif",))
    world.failing = {"able to pack": InfraError("not installed"), "able to run": InfraError("not installed")}
    assert world.run(to=("sif",)).verdict.outcome == Outcome.MATCHES, "all is there already"
    assert world.run(to=("sif",), compression="gzip").verdict.outcome == Outcome.INFRA


@pytest.mark.parametrize("harm", [Path.unlink, lambda path: path.write_bytes(b"a SIT")], ids=["removed", "changed"])
def test_what_cannot_be_packed_again_is_told_before_anything_is_installed(
    world: World, harm: Callable[[Path], object]
) -> None:
    made = world.run(to=("sif",)).sif
    assert made is not None
    harm(Path(made.path))
    world.done.clear()
    world.failing = {"able to pack": InfraError("not installed")}
    assert world.run(to=("sif",)).verdict.summary == "not installed"
    assert "sif from packages" not in world.done


def test_files_for_a_cluster_are_written_beside_the_sif_when_asked_for(world: World) -> None:
    assert world.run(to=("sif",)).handoff == ()
    written = [Path(path) for path in world.run(to=("sif",), handoff=("slurm", "lmod")).handoff]
    assert {path.suffix for path in written} == {"", ".sbatch", ".lua"} and all(path.is_file() for path in written)


def test_a_folder_that_no_script_can_name_is_refused_before_anything_is_made(world: World) -> None:
    with pytest.raises(UsageError, match="a script cannot name"):
        world.run(to=("sif",), handoff=("slurm",), output=str(world.item.parent / "a:b"))
    assert "sif from packages" not in world.done


def test_a_gpu_that_is_demanded_and_cannot_run_it_is_told_before_anything_is_built(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = Device(kind="gpu", way="nv", reason="--nv", name="NVIDIA H200")
    monkeypatch.setattr("dlm_build.running.gpu.demand_on_host", lambda _programs: gpu)
    monkeypatch.setattr(
        "dlm_build.running.gpu.described",
        lambda _programs: Gpu(name="NVIDIA H200", driver="570.1", capability="9.0"),
    )
    world.plan = planned(framework="pytorch", framework_version="1.5.0", cuda="10.2", gpu=True)
    report = world.run(to=("sif",), gpu=True)
    assert report.verdict.outcome == Outcome.GPU_INCOMPATIBLE and "no code for NVIDIA H200" in report.verdict.summary
    assert "sif from packages" not in world.done


def test_a_changed_sif_is_refused_by_verify(world: World) -> None:
    with pytest.raises(UsageError, match="holds nothing"):
        world.verify(to=("sif",))
    report = world.run(to=("sif",))
    assert world.verify(to=("sif",)).verdict == world.verdict
    assert report.sif
    Path(report.sif.path).write_bytes(b"a SIG")
    refused = world.verify(to=("sif",))
    assert refused.verdict.outcome == Outcome.HASH_MISMATCH and "run sif" not in world.done
    Path(report.sif.path).unlink()
    with pytest.raises(UsageError, match="holds no SIF"):
        world.verify(to=("sif",))


def test_a_sif_or_a_record_that_cannot_be_read_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run(to=("sif",))
    opened = Path.open

    def closed(place: str) -> None:
        def refused(path: Path, *how: Any, **more: Any) -> Any:
            if path.name.endswith(place):
                raise PermissionError(errno.EACCES, "Permission denied", str(path))
            return opened(path, *how, **more)

        monkeypatch.setattr(Path, "open", refused)

    closed(".sif")
    for told in (world.verify(to=("sif",)).verdict, world.run(to=("sif",)).verdict):
        assert told.outcome == Outcome.INFRA
        assert told.summary.startswith("cannot read ") and told.summary.endswith(".sif: Permission denied")
    closed("sif.json")
    assert world.verify(to=("sif",)).verdict.summary.endswith("/sif.json: Permission denied")
    closed("lock.json")
    with pytest.raises(InfraError, match=r"cannot read .*lock\.json: Permission denied"):
        world.verify(to=("sif",))


def test_a_folder_of_a_group_is_verified_by_who_does_not_own_it(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    world.run(to=("sif",))
    place = world.work.root / "sif"
    assert place.stat().st_mode & 0o111 == 0o111

    def refused(path: Path, _mode: int) -> None:
        raise PermissionError(errno.EPERM, "Operation not permitted", str(path))

    monkeypatch.setattr(Path, "chmod", refused)
    assert world.verify(to=("sif",), force=True).verdict == world.verdict
    os.chmod(place, 0o770)  # noqa: PTH101 - as its owner
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert world.verify(to=("sif",), force=True).verdict == world.verdict
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    told = world.verify(to=("sif",), force=True).verdict
    assert told.outcome == Outcome.INFRA and told.summary == f"cannot open {place}: Operation not permitted"
    assert told.hint.startswith(f"let its owner run `chmod a+x {place}`") and "run sif" not in world.done


# --- verify --------------------------------------------------------------------------------------------------------


def test_verify_runs_what_is_there(world: World) -> None:
    world.run(to=("sif",), verify=False)
    assert [end.engine for end in world.verify(to=()).engines] == ["sif"] and "run" not in world.done
    world.run(to=("docker", "sif"), verify=False)
    assert [end.engine for end in world.verify(to=()).engines] == ["docker", "sif"]


def test_verify_labels_the_sif_as_build_does(world: World) -> None:
    world.run(to=("sif",))
    world.verdict = Verdict(outcome=Outcome.MISMATCH, device="gpu", summary="differs")
    report = world.verify(to=("sif",), force=True)
    kept = load_sif(world.work)
    assert report.sif and kept and world.done == ["run sif", "judge", "label"]
    data = Path(report.sif.path).read_bytes()
    assert b'"mismatch on gpu"' in data and kept.verdict == "mismatch on gpu"
    assert report.sif == kept.sif and report.sif.sha256 == sha256(data).hexdigest()
    assert from_json(Report, (world.work.root / "report.json").read_bytes()).sif == kept.sif
    assert world.verify(to=("sif",)).sif == kept.sif and not world.done


def test_verify_leaves_what_is_signed_as_it_was(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlm_build.publishing.signing.Signer.__init__", lambda *_doors: None)
    monkeypatch.setattr("dlm_build.publishing.signing.Signer.check", lambda *_asked: world.did("check"))
    world.run(to=("sif",))
    signed = changing_sif(world.work, lambda sif: replace(sif, signed_by="AD" * 20))
    world.verdict = Verdict(outcome=Outcome.MISMATCH, summary="differs")
    assert world.verify(to=("sif",), force=True).sif == signed
    assert world.done == ["check", "run sif", "judge"]


def test_verify_judges_nothing_by_another_item(world: World) -> None:
    world.run()
    text = world.item.read_text()
    world.item.write_text(json.dumps({**json.loads(text), "more": "text"}))
    with pytest.raises(UsageError, match="built for the item tiny"):
        world.verify()
    world.item.write_text(text.replace(GOOD["id"], "tiny"))
    with pytest.raises(UsageError, match="built for an earlier text of this item"):
        world.verify()
    assert not world.done


def test_verify_says_where_nothing_was_built(world: World) -> None:
    report = world.run(to=("sif",), verify=False)
    assert report.sif
    (Path(report.sif.path).parent / "sif.json").unlink()
    with pytest.raises(UsageError, match="holds no image and no SIF"):
        world.verify(to=())


def test_verify_needs_what_build_made(world: World) -> None:
    with pytest.raises(UsageError, match="holds nothing that was built"):
        world.verify()
    with pytest.raises(UsageError) as refused:
        world.verify(item_id="coast", collection="models", to=("docker", "sif"))
    command, _, elsewhere = refused.value.hint.partition(" first, ")
    assert command.endswith("--id coast --collection models --to docker,sif`") and "--output" in elsewhere
    world.run(verify=False)
    report = world.verify()
    assert report.verdict == world.verdict and world.done == ["run", "judge"]
    assert report.image and report.lock_digest and report.plan == world.plan
    world.engine.images.clear()
    with pytest.raises(UsageError, match="no longer has"):
        world.verify()


def test_a_failed_verify_is_a_report(world: World) -> None:
    world.run(verify=False)
    world.failing["run"] = InfraError("lost", "start it")
    report = world.verify()
    assert report.verdict == Verdict(outcome=Outcome.INFRA, summary="lost", hint="start it")
    assert from_json(Report, (world.work.root / "report.json").read_bytes()) == report


# --- single steps and the journal ----------------------------------------------------------------------------------


def test_plan_writes_nothing(world: World) -> None:
    item = pipeline.read(str(world.item), world.doors())
    assert pipeline.plan_item(item, world.options(), world.doors()) == world.plan
    assert not world.work.root.exists()
    assert pipeline.folder_of(item, Options()) == default_folder(item)


@pytest.mark.parametrize("output", [None, "out"])
def test_an_item_that_no_record_could_name(output: str | None) -> None:
    item = read_item(json.dumps(GOOD), "latin-1 \udce9/item.json")
    with pytest.raises(UsageError, match=r"no record can name the item latin-1 \\udce9/item\.json"):
        pipeline.folder_of(item, Options(output=output))


def test_a_folder_is_no_option_of_the_programs_that_get_it(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    item = read_item(json.dumps(GOOD), "i.json")
    assert pipeline.folder_of(item, Options(output="./-x/out")) == tmp_path / "-x/out"
    assert pipeline.folder_of(item, Options(output="./x")) == Path("x")


def test_lock_and_render_stop_where_they_say(world: World) -> None:
    folder, lock = pipeline.lock_item(str(world.item), world.options(), world.doors())
    assert folder == world.work.root and lock.plan == world.plan and "render" not in world.done
    place, context = pipeline.render_item(str(world.item), world.options(), world.doors())
    assert place == folder / "context" and context.lock_digest == lock.digest and "build" not in world.done


def test_the_journal_times_steps_and_keeps_what_failed() -> None:
    ticks = iter([1.0, 3.5, 4.0, 4.25])
    journal = Journal(lambda: next(ticks))
    with journal.step("lock") as reuse:
        reuse(True)
    with pytest.raises(ZeroDivisionError), journal.step("build"):
        raise ZeroDivisionError
    made = journal.report(Verdict(outcome="infra", summary="s"))
    assert [(s.name, s.seconds, s.reused) for s in made.steps] == [("lock", 2.5, True), ("build", 0.25, False)]
    assert made.item is None and made.plan is None


def test_a_report_has_a_field_for_all_that_becomes_known() -> None:
    fields = {field.name: (field.type, field.default) for field in msgspec.structs.fields(Report)}
    known = {field.name: (field.type, field.default) for field in msgspec.structs.fields(Known)}
    assert known == {name: fields[name] for name in known}
    assert fields.keys() - known.keys() == {"schema_version", "dlm_build", "verdict", "steps"}


def test_events_are_heard(world: World) -> None:
    world.run()
    assert Event(step="read", text=f"reading {world.item}").text in world.told


# --- a base that died --------------------------------------------------------------------------------------------

OTHER = "sha256:" + "8" * 64


def dying(world: World, monkeypatch: pytest.MonkeyPatch, *, next_best: bool) -> list[tuple[str, ...]]:
    """The first base is gone from its registry; the list notes which dead digests each planning was told."""
    told: list[tuple[str, ...]] = []

    def make_plan(_item: Any, _materials: Any, choices: Any, *_rest: Any) -> Plan:
        told.append(choices.dead_bases)
        base = world.plan.base
        if choices.dead_bases and next_best:
            base = replace(base, platform_digest=OTHER)
        return replace(world.plan, base=base, dead_bases=choices.dead_bases)

    def make_lock(plan: Plan, *doors: Any) -> Lock:
        if plan.base.digest == DIGEST:
            raise BaseGone("the pin is not there", "choose another", DIGEST)
        return world.make_lock(plan, *doors)

    monkeypatch.setattr("dlm_build.planning.plan.make_plan", make_plan)
    monkeypatch.setattr("dlm_build.locking.make_lock", make_lock, raising=False)
    return told


def test_a_base_that_died_is_left_out_and_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = dying(world, monkeypatch, next_best=True)
    report = world.run()
    assert told == [(), (DIGEST,)]
    assert report.plan and report.plan.base.digest == OTHER and report.plan.dead_bases == (DIGEST,)
    assert any("taking" in line and OTHER in line for line in world.told)
    told.clear()
    world.run()
    assert told == [(DIGEST,)], "the second run does not ask for the dead pin again"


def test_an_operators_own_dead_base_is_an_error(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    dying(world, monkeypatch, next_best=False)
    report = world.run()
    assert report.verdict.outcome == Outcome.SOURCE_GONE and report.verdict.hint == "choose another"


# --- a Python for which there are no packages --------------------------------------------------------------------


def unfit(world: World, monkeypatch: pytest.MonkeyPatch, fits: str, offered: tuple[str, ...]) -> list[tuple[str, ...]]:
    """Packages are there for the Python that `fits` alone; the list notes what each planning was told to do without."""
    told: list[tuple[str, ...]] = []

    def make_plan(_item: Any, _materials: Any, choices: Any, *_rest: Any) -> Plan:
        told.append(choices.dead_pythons)
        left = [python for python in offered if python not in choices.dead_pythons]
        return replace(world.plan, python=left[0] if left else offered[0], dead_pythons=choices.dead_pythons)

    def make_lock(plan: Plan, *doors: Any) -> Lock:
        if plan.python != fits:
            raise PythonUnfit(f"nothing for {plan.python}", "ask for another")
        return world.make_lock(plan, *doors)

    monkeypatch.setattr("dlm_build.planning.plan.make_plan", make_plan)
    monkeypatch.setattr("dlm_build.locking.make_lock", make_lock, raising=False)
    return told


def test_the_next_python_is_taken_and_remembered(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    told = unfit(world, monkeypatch, "3.8", ("3.10", "3.9", "3.8"))
    report = world.run()
    assert told == [(), ("3.10",), ("3.10", "3.9")]
    assert report.plan and (report.plan.python, report.plan.dead_pythons) == ("3.8", ("3.10", "3.9"))
    assert "no set of packages with Python 3.10; trying 3.9" in world.told
    told.clear()
    world.run()
    assert told == [("3.10", "3.9")], "the second run does not try them again"


def test_where_no_python_fits_the_first_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    unfit(world, monkeypatch, "2.7", ("3.10", "3.9"))
    report = world.run()
    assert (report.verdict.outcome, report.verdict.summary) == (Outcome.ITEM_INVALID, "nothing for 3.10")


def test_what_a_python_that_is_there_fails_by_is_told(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Told of the first, one would ask for the very Python that was tried."""

    def no_such_wheel(*_doors: Any) -> Lock:
        raise EnvironmentUnsolvable("there is no x==9", "change it")

    unfit(world, monkeypatch, "3.9", ("3.10", "3.9"))
    monkeypatch.setattr(world, "make_lock", no_such_wheel)
    assert world.run().verdict.summary == "there is no x==9"
