"""The story, top to bottom: read → gather → plan → lock → render → build → convert → run → judge → report.

Each step is one function that takes the records before it and the doors it needs. What was done before is kept in
the work folder and not done again; a step that is reused says so in the report.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from dlm_build.doors import Doors, Options
from dlm_build.errors import DlmBuildError, Outcome, UsageError, shown
from dlm_build.journal import Journal
from dlm_build.kept import (
    KeptContext,
    KeptSif,
    built_engines,
    built_lock,
    kept_image,
    kept_sif,
    load_sif,
    with_verdict,
)
from dlm_build.pinning import Gone, earlier_lock, gone_for, pinned
from dlm_build.progress import Event
from dlm_build.records import (
    Context,
    EngineEnd,
    Image,
    Item,
    Lock,
    Materials,
    Plan,
    Record,
    Report,
    Sif,
    Verdict,
)
from dlm_build.verifying import at_engine, in_docker, in_sif, unverified, verified
from dlm_build.workfolder import WorkFolder, default_folder, slug

if TYPE_CHECKING:
    from dlm_build.store import Store


Admit = Callable[[WorkFolder, Plan], None]
"""Refuses what this machine cannot do."""


def run_item(href: str, options: Options, doors: Doors) -> Report:
    """The main job: item in, report out. Every DlmBuildError but a UsageError ends in a report, not a raise."""
    journal = Journal(doors.clock)
    try:
        with journal.step("read"):
            item = read(href, doors, options)
        journal.known.item = item
        admit = partial(_refuse_early, options=options, doors=doors)
        with locked(item, options, doors, journal, admit) as (folder, lock):
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
        return _in_place_of_older(journal.report(verdict_of(problem)), options)


def _in_place_of_older(report: Report, options: Options) -> Report:
    """Of a run that came to no lock: kept where the report of an earlier one would be taken for its own."""
    if report.item:
        folder = WorkFolder(folder_of(report.item, options))
        if (folder.root / "report.json").is_file():
            with suppress(DlmBuildError), folder.owned():  # it is another process's now, or somebody's own
                folder.save("report.json", report)
    return report


def verdict_of(problem: DlmBuildError) -> Verdict:
    return Verdict(outcome=problem.outcome, summary=problem.message, hint=problem.hint)


# --- read, gather, plan ------------------------------------------------------------------------------------------


def read(href: str, doors: Doors, options: Options | None = None) -> Item:
    """ITEM as given on the command line, wherever it may come from: see `catalogues`."""
    from dlm_build.catalogues import Asked, resolve
    from dlm_build.fetching.urls import shown_place
    from dlm_build.items import read_item

    doors.notify(Event(step="read", text=f"reading {shown_place(href)}"))
    chosen = options or Options()
    found = resolve(Asked(href=href, id=chosen.item_id, collection=chosen.collection), doors)
    item = read_item(found.text, found.origin)
    return msgspec.structs.replace(item, findings=(*item.findings, *found.notes)) if found.notes else item


def gathered(item: Item, folder: WorkFolder, options: Options, doors: Doors) -> tuple[Materials, bool]:
    """The materials, and whether they are those of an earlier run.

    Bytes behind a URL are taken as they were locked until the operator says --update; a file on this disk is hashed
    every time.
    """
    from dlm_build.gathering import Outside, gather

    kept = folder.load("materials.json", _KeptMaterials)
    if kept and not options.update and kept.item_sha256 == item.sha256 and _still_there(kept.materials, doors.store):
        return kept.materials, True
    outside = Outside(doors.fetch, doors.programs, doors.store, doors.notify, doors.settings.network.allow_hosts)
    return gather(item, outside, allow_unpinned=options.allow_unpinned), False


class _KeptMaterials(Record, frozen=True, kw_only=True):
    item_sha256: str
    materials: Materials


def _still_there(materials: Materials, store: Store) -> bool:
    remote = materials.archive.href.startswith(("http://", "https://"))
    members = materials.archive.members + (materials.source.members if materials.source else ())
    return remote and all(store.has(member.sha256) for member in members)


def planned(item: Item, materials: Materials, options: Options, doors: Doors, gone: Gone | None = None) -> Plan:
    from dlm_build.planning.plan import Choices, make_plan

    choices = Choices(
        base=options.base,
        as_of=options.as_of,
        gpu=options.gpu,
        allow_shell=options.allow_shell,
        dead_bases=gone.bases if gone else (),
        dead_pythons=gone.pythons if gone else (),
    )
    return make_plan(item, materials, choices, doors.tables, doors.settings)


def plan_item(item: Item, options: Options, doors: Doors) -> Plan:
    """For `plan` and `--dry-run`: decides, writes nothing but the store."""
    _refuse_options(options, doors)
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


def _refuse_options(options: Options, doors: Doors) -> None:
    """What would be refused for any item, before this one's archive is fetched. Raises UsageError."""
    if options.as_of != "item":
        from dlm_build.planning.dates import asked_instant

        asked_instant(options.as_of)
    if options.base is not None:
        from dlm_build.planning.base_image import parse_base

        parse_base(options.base, doors.tables, "--base")
    if options.tag is not None:
        from dlm_build.building.docker_engine import check_tag

        check_tag(options.tag)


# --- lock --------------------------------------------------------------------------------------------------------


@contextmanager
def locked(
    item: Item,
    options: Options,
    doors: Doors,
    journal: Journal,
    admit: Admit | None = None,
) -> Iterator[tuple[WorkFolder, Lock]]:
    """Gather, plan and lock, and hold the work folder from the start to the end of what follows. A bad item leaves no
    folder behind.

    `admit` may refuse a plan before its packages are looked up and fetched.
    """
    _refuse_options(options, doors)
    folder = WorkFolder(folder_of(item, options))
    with folder.owned():
        old = earlier_lock(folder, options)
        with journal.step("gather") as reuse, naming(item):
            materials, kept = gathered(item, folder, options, doors)
            if kept:
                reuse()
        with journal.step("plan"), naming(item):
            plan = planned(item, materials, options, doors, gone_for(old.plan if old else None))
        journal.known.plan = plan
        if admit:
            admit(folder, plan)
        with journal.step("lock") as reuse:
            lock, kept = pinned(plan, old, partial(planned, item, materials, options, doors), options, doors)
            if kept:
                reuse()
        journal.known.plan = lock.plan
        journal.known.lock_digest = lock.digest
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
    """The context on disk under `context/`, and whether it was there already, as it was written."""
    from dlm_build.building import is_as_written, recipe_digest, render, write_context

    place = folder.root / "context"
    kept = folder.load("context.json", KeptContext)
    recipe = recipe_digest()
    fits = kept and kept.recipe == recipe and kept.context.lock_digest == lock.digest
    if kept and fits and not options.force and is_as_written(kept.context, place):
        return kept.context, True
    folder.forget("context.json")
    context = render(lock)
    write_context(context, doors.store, place)
    folder.save("context.json", KeptContext(recipe=recipe, context=context))
    return context, False


def built(folder: WorkFolder, lock: Lock, context: Context, options: Options, doors: Doors) -> tuple[Image, bool]:
    """The image in the engine, and whether it was there already."""
    tag = options.tag or f"dlm/{slug(lock.plan.item_id)}:{context.digest[:12]}"
    kept = folder.load("image.json", Image)
    if kept and not options.force and kept.context_digest == context.digest and kept.reference == tag:
        there = doors.engine.image(tag)
        if there and there.digest == kept.digest:
            return kept, True
    image = doors.engine.build(lock, context, folder.root / "context", doors.store, tag, doors.notify)
    folder.save("image.json", image)
    return image, False


# --- to each engine, then run and judge --------------------------------------------------------------------------


def built_and_judged(folder: WorkFolder, lock: Lock, options: Options, doors: Doors, journal: Journal) -> Verdict:
    """Everything after the lock; needs the engines and no network but a SIF's base layers."""
    folder.forget("report.json")
    with journal.step("render") as reuse:
        context, kept = rendered(folder, lock, options, doors)
        if kept:
            reuse()
    journal.known.context_digest = context.digest
    ends = []
    if "docker" in options.to:
        ends.append(to_docker(folder, lock, context, options, doors, journal))
        journal.known.engines = tuple(ends)
    if "sif" in options.to:
        ends.append(to_sif(folder, lock, context, options, doors, journal))
        journal.known.engines = tuple(ends)
        _hand_off(folder, lock, options, doors, journal)
    return overall(ends, journal)


def _hand_off(folder: WorkFolder, lock: Lock, options: Options, doors: Doors, journal: Journal) -> None:
    """The files that run the SIF on a cluster, where they were asked for."""
    sif = journal.known.sif
    if options.handoff and sif:
        from dlm_build.building.handoff import write_handoff

        place, limits = folder.root / "handoff", doors.settings.limits
        written = write_handoff(sif, lock.plan, place, options.handoff, options.gpu, limits)
        journal.known.handoff = tuple(str(path) for path in written)


def _refuse_early(folder: WorkFolder, plan: Plan, options: Options, doors: Doors) -> None:
    """What could only fail at the end, before anything long begins. Raises UsageError, InfraError, GpuIncompatible."""
    if options.verify:
        folder.refuse_unbindable()
    if "docker" in options.to and (options.force or options.update or not (folder.root / "image.json").is_file()):
        doors.engine.greet()  # where an image was built before, the engine is asked for it soon enough
    if "sif" in options.to:
        _refuse_no_sif(folder, plan, options, doors)
    if options.handoff:
        from dlm_build.building.handoff import refuse_unusable

        refuse_unusable(folder.root)
    if options.gpu and options.verify:
        _demand_gpu(plan, options, doors)


def _refuse_no_sif(folder: WorkFolder, plan: Plan, options: Options, doors: Doors) -> None:
    """Where nothing that an earlier run left there may serve."""
    kept = None if options.force else load_sif(folder)
    if kept is None or kept.asked[1] != (options.compression or ""):
        from dlm_build.sif import refuse_unable

        refuse_unable(_sif_place(folder, plan), options.compression, doors.programs)
    if options.verify and plan.sample and (kept is None or not kept.verdict):
        from dlm_build.running.apptainer import find_engine

        find_engine(doors.settings.apptainer.program, doors.programs)


def _sif_place(folder: WorkFolder, plan: Plan) -> Path:
    return folder.root / f"{slug(plan.item_id)}.sif"


def _demand_gpu(plan: Plan, options: Options, doors: Doors) -> None:
    from dlm_build.running.gpu import demand, demand_on_host, fitting

    devices = [demand(at_engine(doors), doors.programs)] if "docker" in options.to else []
    devices += [demand_on_host(doors.programs)] if "sif" in options.to else []
    for device in devices:
        fitting(device, plan, True, doors.programs)


def to_docker(
    folder: WorkFolder, lock: Lock, context: Context, options: Options, doors: Doors, journal: Journal
) -> EngineEnd:
    """The image in the engine, and how its sample did."""
    with journal.step("build") as reuse:
        image, kept = built(folder, lock, context, options, doors)
        if kept:
            reuse()
    journal.known.image = image
    if not options.verify:
        return EngineEnd(engine="docker", verdict=unverified(image.reference))
    return verified(in_docker(image, lock.plan, folder, options, doors), lock.plan, folder, options, doors, journal)


def to_sif(
    folder: WorkFolder, lock: Lock, context: Context, options: Options, doors: Doors, journal: Journal
) -> EngineEnd:
    """The SIF in the work folder, labelled with how its sample did."""
    with journal.step("sif") as reuse:
        sif, kept = converted(folder, lock, context, journal.known.image, options, doors)
        if kept:
            reuse()
    journal.known.sif = sif
    if not options.verify:
        return EngineEnd(engine="sif", verdict=unverified(sif.path))
    end = verified(in_sif(sif, lock.plan, folder, options, doors), lock.plan, folder, options, doors, journal)
    journal.known.sif = with_verdict(folder, sif, end.verdict)
    return end


def converted(
    folder: WorkFolder, lock: Lock, context: Context, image: Image | None, options: Options, doors: Doors
) -> tuple[Sif, bool]:
    """The SIF, from `image` where there is one, else from the packages; and whether it was there already."""
    from dlm_build.sif import Request, Sources, is_still_there, refuse_unable, sif_from_image, sif_from_packages

    kept = load_sif(folder)
    asked = (context.digest, options.compression or "")
    if kept and not options.force and kept.asked == asked and is_still_there(kept.sif):
        return kept.sif, True
    target = _sif_place(folder, lock.plan)
    # Asked once more: where an earlier file might have served, the early question was left out.
    refuse_unable(target, options.compression, doors.programs)
    request = Request(lock, context, target, options.compression)
    if image:
        sif = sif_from_image(image, request, doors.engine, doors.store, doors.programs, doors.notify)
    else:
        sif = sif_from_packages(request, Sources(doors.registry, doors.store, doors.programs, doors.notify))
    folder.save("sif.json", KeptSif(asked=asked, sif=sif))
    return sif, False


def overall(ends: Sequence[EngineEnd], journal: Journal) -> Verdict:
    """The first end that is not the best there is; with several engines its summary says whose it is."""
    worst = next((end for end in ends if end.verdict.outcome != Outcome.MATCHES), ends[0])
    if worst.run:
        journal.known.run = worst.run
    if len(ends) == 1:
        return worst.verdict
    said = "; ".join(f"{end.engine}: {end.verdict.summary}" for end in ends)
    return msgspec.structs.replace(worst.verdict, summary=said)


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
    """`dlm-build verify`: run and judge what the work folder's lock, image and SIF say; builds nothing.

    `options.to` empty means whatever is there.
    """
    journal = Journal(doors.clock)
    item = read(href, doors, options)
    journal.known.item = item
    folder = WorkFolder(folder_of(item, options))
    lock = built_lock(folder, item, _build_command(href, options))
    journal.known.plan, journal.known.lock_digest = lock.plan, lock.digest
    with folder.owned():
        try:
            engines = options.to or built_engines(folder)
            ends = [_reverified(engine, folder, lock, options, doors, journal) for engine in engines]
            verdict = overall(ends, journal)
        except UsageError:
            raise
        except DlmBuildError as problem:
            verdict = verdict_of(problem)
        return _report(folder, verdict, journal)


def _build_command(href: str, options: Options) -> str:
    """What builds the same item, to be pasted into a shell."""
    words = ["dlm-build", "build", href]
    words += ["--id", options.item_id] if options.item_id is not None else []
    words += ["--collection", options.collection] if options.collection is not None else []
    words += ["--to", ",".join(options.to)] if options.to not in ((), ("docker",)) else []
    return shown(shlex.join(words), 500)


def _reverified(
    engine: str, folder: WorkFolder, lock: Lock, options: Options, doors: Doors, journal: Journal
) -> EngineEnd:
    """Run, judged and labelled as by a build.

    Raises UsageError where what was built is no more, HashMismatch for a SIF that was changed.
    """
    if engine == "sif":
        sif = kept_sif(folder, lock)
        if sif.signed_by:
            from dlm_build.publishing.signing import Signer

            Signer(doors.programs, doors.settings).check(Path(sif.path), sif.signed_by)
        journal.known.context_digest, journal.known.sif = sif.context_digest, sif
        end = verified(in_sif(sif, lock.plan, folder, options, doors), lock.plan, folder, options, doors, journal)
        journal.known.sif = with_verdict(folder, sif, end.verdict)
    else:
        image = kept_image(folder, lock, doors)
        journal.known.context_digest, journal.known.image = image.context_digest, image
        end = verified(in_docker(image, lock.plan, folder, options, doors), lock.plan, folder, options, doors, journal)
    journal.known.engines += (end,)
    return end
