"""The story, top to bottom: read → gather → plan → lock → render → build → run → judge → report.

Each step is one function that takes the records before it and the doors it needs. What was done before is kept in
the work folder and not done again; a step that is reused says so in the report.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dlm_build import __version__
from dlm_build.config import Settings
from dlm_build.doors import Doors, Options
from dlm_build.errors import DlmBuildError, Outcome, UsageError, shown
from dlm_build.pinning import earlier_lock, pinned
from dlm_build.progress import Event
from dlm_build.records import (
    Context,
    Image,
    Item,
    Limits,
    Lock,
    Materials,
    Plan,
    Record,
    Report,
    Run,
    Step,
    Verdict,
)
from dlm_build.workfolder import WorkFolder, default_folder, slug

if TYPE_CHECKING:
    from dlm_build.store import Store


class Journal:
    """What has become known on the way; makes the report whatever the end."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._steps: list[Step] = []
        self.known: dict[str, object] = {}

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[], None]]:
        """Times a step; the function it gives marks the step as reused."""
        started, reused = self._clock(), []
        try:
            yield lambda: reused.append(True)
        finally:
            seconds = round(self._clock() - started, 3)
            self._steps.append(Step(name=name, seconds=seconds, reused=bool(reused)))

    def report(self, verdict: Verdict) -> Report:
        return Report(dlm_build=__version__, verdict=verdict, steps=tuple(self._steps), **self.known)  # type: ignore[arg-type]


class Verified(Record, frozen=True, kw_only=True):
    """A run and its verdict, good for as long as `key` is what would be run again."""

    key: tuple[str, ...]
    run: Run
    verdict: Verdict


def run_item(href: str, options: Options, doors: Doors) -> Report:
    """The main job: item in, report out. Every DlmBuildError but a UsageError ends in a report, not a raise."""
    journal = Journal(doors.clock)
    try:
        with journal.step("read"):
            item = read(href, doors, options)
        journal.known["item"] = item
        with locked(item, options, doors, journal) as (folder, lock):
            try:
                verdict = built_and_judged(folder, lock, options, doors, journal)
            except UsageError:
                raise
            except DlmBuildError as problem:
                verdict = verdict_of(problem)
            return _report(folder, verdict, journal)
    except UsageError:
        raise
    except DlmBuildError as problem:
        return journal.report(verdict_of(problem))


def verdict_of(problem: DlmBuildError) -> Verdict:
    return Verdict(outcome=problem.outcome, summary=problem.message, hint=problem.hint)


# --- read, gather, plan ------------------------------------------------------------------------------------------


def read(href: str, doors: Doors, options: Options | None = None) -> Item:
    """ITEM as given on the command line, wherever it may come from: see `catalogues`."""
    from dlm_build.catalogues import Asked, resolve
    from dlm_build.items import read_item

    doors.notify(Event(step="read", text=f"reading {href}"))
    chosen = options or Options()
    found = resolve(Asked(href=href, id=chosen.item_id, collection=chosen.collection), doors)
    item = read_item(found.text, found.origin)
    return msgspec.structs.replace(item, findings=(*item.findings, *found.notes)) if found.notes else item


def gathered(item: Item, folder: WorkFolder, options: Options, doors: Doors) -> tuple[Materials, bool]:
    """The materials, and whether they are those of an earlier run.

    Bytes behind a URL are taken as they were locked until the operator says --update; a file on this disk is hashed
    every time.
    """
    from dlm_build.gathering import gather

    kept = folder.load("materials.json", _KeptMaterials)
    if kept and not options.update and kept.item_sha256 == item.sha256 and _still_there(kept.materials, doors.store):
        return kept.materials, True
    materials = gather(
        item,
        doors.fetch,
        doors.programs,
        doors.store,
        doors.notify,
        allow_unpinned=options.allow_unpinned,
        allow_hosts=doors.settings.network.allow_hosts,
    )
    return materials, False


class _KeptMaterials(Record, frozen=True, kw_only=True):
    item_sha256: str
    materials: Materials


def _still_there(materials: Materials, store: Store) -> bool:
    remote = materials.archive.href.startswith(("http://", "https://"))
    members = materials.archive.members + (materials.source.members if materials.source else ())
    return remote and all(store.has(member.sha256) for member in members)


def planned(item: Item, materials: Materials, options: Options, doors: Doors, dead_bases: tuple[str, ...] = ()) -> Plan:
    from dlm_build.planning.plan import Choices, make_plan

    choices = Choices(
        base=options.base,
        as_of=options.as_of,
        gpu=options.gpu,
        allow_shell=options.allow_shell,
        dead_bases=dead_bases,
    )
    return make_plan(item, materials, choices, doors.tables, doors.settings)


def plan_item(item: Item, options: Options, doors: Doors) -> Plan:
    """For `plan` and `--dry-run`: decides, writes nothing but the store."""
    with naming(item):
        materials, _ = gathered(item, WorkFolder(folder_of(item, options)), options, doors)
        return planned(item, materials, options, doors)


@contextmanager
def naming(item: Item) -> Iterator[None]:
    """An error that begins with a pointer into the item gets the item's own place before it."""
    try:
        yield
    except DlmBuildError as problem:
        if problem.message.startswith("/"):
            problem.message = f"{shown(item.origin, 300)}: {problem.message}"
        raise


def folder_of(item: Item, options: Options) -> Path:
    return Path(options.output) if options.output else default_folder(item)


# --- lock --------------------------------------------------------------------------------------------------------


@contextmanager
def locked(item: Item, options: Options, doors: Doors, journal: Journal) -> Iterator[tuple[WorkFolder, Lock]]:
    """Gather, plan and lock; then hold the work folder for what follows. A bad item leaves no folder behind."""
    folder = WorkFolder(folder_of(item, options))
    with journal.step("gather") as reuse, naming(item):
        materials, kept = gathered(item, folder, options, doors)
        if kept:
            reuse()
    old = earlier_lock(folder, options)
    with journal.step("plan"), naming(item):
        plan = planned(item, materials, options, doors, old.plan.dead_bases if old else ())
    journal.known["plan"] = plan
    with journal.step("lock") as reuse:
        lock, kept = pinned(plan, old, partial(planned, item, materials, options, doors), options, doors)
        if kept:
            reuse()
    journal.known["plan"] = lock.plan
    journal.known["lock_digest"] = lock.digest
    with folder.owned():
        _save_lock(folder, item, materials, lock)
        yield folder, lock


def _save_lock(folder: WorkFolder, item: Item, materials: Materials, lock: Lock) -> None:
    from dlm_build.locking import conda_lock_yaml, explicit_text

    if folder.load("lock.json", Lock) == lock and folder.load("item.json", Item) == item:
        return
    folder.save("item.json", item)
    folder.save("materials.json", _KeptMaterials(item_sha256=item.sha256, materials=materials))
    folder.save("plan.json", lock.plan)
    folder.save_bytes("conda-lock.yml", conda_lock_yaml(lock).encode())
    folder.save_bytes("explicit.txt", explicit_text(lock).encode())
    folder.save("lock.json", lock)


# --- render, build -----------------------------------------------------------------------------------------------


def rendered(folder: WorkFolder, lock: Lock, options: Options, doors: Doors) -> tuple[Context, bool]:
    """The context on disk under `context/`, and whether it was there already."""
    from dlm_build.building import recipe_digest, render, write_context

    place = folder.root / "context"
    kept = folder.load("context.json", _KeptContext)
    fits = kept and kept.recipe == recipe_digest() and kept.context.lock_digest == lock.digest
    if kept and fits and not options.force and place.is_dir():
        return kept.context, True
    folder.forget("context.json")
    context = render(lock)
    write_context(context, doors.store, place)
    folder.save("context.json", _KeptContext(recipe=recipe_digest(), context=context))
    return context, False


class _KeptContext(Record, frozen=True, kw_only=True):
    recipe: str
    context: Context


def built(folder: WorkFolder, lock: Lock, context: Context, options: Options, doors: Doors) -> tuple[Image, bool]:
    """The image in the engine, and whether it was there already."""
    tag = options.tag or f"dlm/{slug(lock.plan.item_id)}:{context.digest[:12]}"
    kept = folder.load("image.json", Image)
    if kept and not options.force and kept.context_digest == context.digest and kept.reference == tag:
        there = doors.engine.image(tag)
        if there and there.digest == kept.digest:
            return kept, True
    folder.forget("image.json")
    image = doors.engine.build(lock, context, folder.root / "context", doors.store, tag, doors.notify)
    folder.save("image.json", image)
    return image, False


# --- run, judge, report ------------------------------------------------------------------------------------------


def built_and_judged(folder: WorkFolder, lock: Lock, options: Options, doors: Doors, journal: Journal) -> Verdict:
    """Everything after the lock; needs the engine and no network."""
    folder.forget("report.json")
    if options.gpu and options.verify:
        from dlm_build.running.gpu import demand

        demand(at_engine(doors), doors.programs)
    with journal.step("render") as reuse:
        context, kept = rendered(folder, lock, options, doors)
        if kept:
            reuse()
    journal.known["context_digest"] = context.digest
    with journal.step("build") as reuse:
        image, kept = built(folder, lock, context, options, doors)
        if kept:
            reuse()
    journal.known["image"] = image
    if not options.verify:
        return Verdict(outcome=Outcome.BUILT, summary=f"built {image.reference}; not verified, as asked")
    return verified(folder, lock.plan, image, options, doors, journal)


def verified(folder: WorkFolder, plan: Plan, image: Image, options: Options, doors: Doors, journal: Journal) -> Verdict:
    """Run the packaged sample in the image and judge what came out, unless that very run was judged before."""
    if plan.sample is None:
        return Verdict(
            outcome=Outcome.BUILT,
            summary="built; the item names no test sample, so nothing could be run",
            hint="name a file of the archive in dlm:data.test_file",
        )
    key = _run_key(plan, image, options, doors.settings.limits)
    kept = folder.load("verified.json", Verified)
    if kept and kept.key == key and not options.force and Path(kept.run.output_folder).is_dir():
        with journal.step("run") as reuse:
            reuse()
        journal.known["run"] = kept.run
        return kept.verdict
    folder.forget("verified.json")
    run, verdict = _run_and_judge(folder, plan, image, options, doors, journal)
    if verdict.outcome in (Outcome.MATCHES, Outcome.MISMATCH, Outcome.RAN):
        folder.save("verified.json", Verified(key=key, run=run, verdict=verdict))
    return verdict


def _run_and_judge(
    folder: WorkFolder, plan: Plan, image: Image, options: Options, doors: Doors, journal: Journal
) -> tuple[Run, Verdict]:
    from dlm_build.judging import judge
    from dlm_build.running import Host, run_sample

    host = Host(at_engine(doors), doors.store, doors.notify)
    with journal.step("run"):
        run = run_sample(image, plan, folder.root, options.gpu, host)
    journal.known["run"] = run
    with journal.step("judge"):
        return run, judge(run, plan, doors.store, doors.programs)


def at_engine(doors: Doors) -> Settings:
    """The settings with the address of the very engine that builds; it may come from the user's Docker context."""
    environment = {**doors.settings.environment, "DOCKER_HOST": doors.engine.host()}
    return msgspec.structs.replace(doors.settings, environment=environment)


def _run_key(plan: Plan, image: Image, options: Options, limits: Limits) -> tuple[str, ...]:
    from dlm_build.records import digest_of

    assert plan.sample is not None
    expected = plan.sample.expected.sha256 if plan.sample.expected else "none"
    policy = digest_of(plan.comparison) if plan.comparison else "none"
    return (
        __version__,
        image.digest,
        plan.sample.input.sha256,
        expected,
        policy,
        f"gpu={options.gpu}",
        digest_of(limits),
    )


def _report(folder: WorkFolder, verdict: Verdict, journal: Journal) -> Report:
    report = journal.report(verdict)
    folder.save("report.json", report)
    return report


# --- single steps ------------------------------------------------------------------------------------------------


def lock_item(href: str, options: Options, doors: Doors) -> tuple[Path, Lock]:
    """`dlm-build lock`: the records up to the lock, in the work folder."""
    item = read(href, doors, options)
    with locked(item, options, doors, Journal(doors.clock)) as (folder, lock):
        return folder.root, lock


def render_item(href: str, options: Options, doors: Doors) -> tuple[Path, Context]:
    """`dlm-build render`: the work folder with the context written."""
    item = read(href, doors, options)
    with locked(item, options, doors, Journal(doors.clock)) as (folder, lock):
        context, _ = rendered(folder, lock, options, doors)
        return folder.root / "context", context


def verify_item(href: str, options: Options, doors: Doors) -> Report:
    """`dlm-build verify`: run and judge what the work folder's lock and image say; builds nothing."""
    journal = Journal(doors.clock)
    item = read(href, doors, options)
    journal.known["item"] = item
    folder = WorkFolder(folder_of(item, options))
    lock, image = folder.load("lock.json", Lock), folder.load("image.json", Image)
    if lock is None or image is None:
        raise UsageError(f"{folder.root} holds no built image", f"run `dlm-build build {href}` first")
    journal.known.update(plan=lock.plan, lock_digest=lock.digest, context_digest=image.context_digest, image=image)
    with folder.owned():
        try:
            there = doors.engine.image(image.reference)
            if there is None or there.digest != image.digest:
                raise UsageError(f"the engine no longer has {image.reference}", f"run `dlm-build build {href}`")
            verdict = verified(folder, lock.plan, image, options, doors, journal)
        except UsageError:
            raise
        except DlmBuildError as problem:
            verdict = verdict_of(problem)
        return _report(folder, verdict, journal)
