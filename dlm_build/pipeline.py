"""The story, top to bottom: read → gather → plan → lock → render → build → convert → run → judge → report.

Each step is one function that takes the records before it and the doors it needs. What was done before is kept in
the work folder and not done again; a step that is reused says so in the report.
"""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Literal

import msgspec

from dlm_build.doors import Doors, Options
from dlm_build.errors import DlmBuildError, Outcome, UsageError, shown, spellable
from dlm_build.job import Job
from dlm_build.journal import Journal, Known
from dlm_build.kept import (
    built_engines,
    built_lock,
    keep_lock,
    kept_image,
    kept_materials,
    kept_sif,
    with_verdict,
)
from dlm_build.making import built, converted, handed_off, rendered
from dlm_build.pinning import Gone, earlier_lock, gone_for, pinned
from dlm_build.progress import Event
from dlm_build.records import Context, EngineEnd, Item, Lock, Materials, Plan, Report, Verdict
from dlm_build.refusing import refuse_early, refuse_options
from dlm_build.verifying import in_docker, in_sif, unverified, verified
from dlm_build.workfolder import WorkFolder, default_folder, undashed

Admit = Callable[[WorkFolder, Plan], None]
"""Refuses what this machine cannot do."""


def run_item(href: str, options: Options, doors: Doors) -> Report:
    """The main job: item in, report out. Every DlmBuildError but a UsageError ends in a report, not a raise."""
    journal = Journal(doors.clock)
    try:
        with journal.step("read"):
            item = read(href, doors, options)
        journal.known.item = item
        admit = partial(refuse_early, options=options, doors=doors)
        with locked(item, options, doors, journal, admit) as job:
            return _reported(job, built_and_judged)
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

    if not options.update and (kept := kept_materials(folder, item, doors.store)):
        return kept, True
    outside = Outside(doors.fetch, doors.programs, doors.store, doors.notify, doors.settings.network.allow_hosts)
    return gather(item, outside, allow_unpinned=options.allow_unpinned), False


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
    refuse_options(options, doors)
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
    """Where the records of `item` are. Raises UsageError where none could name the item."""
    if not spellable(item.origin):
        raise UsageError(
            f"no record can name the item {shown(item.origin, 300)}: its path is not UTF-8",
            "give the item by a path in UTF-8: rename the folder, or link to it",
        )
    return undashed(options.output) if options.output else default_folder(item)


# --- lock --------------------------------------------------------------------------------------------------------


@contextmanager
def locked(
    item: Item,
    options: Options,
    doors: Doors,
    journal: Journal,
    admit: Admit | None = None,
) -> Iterator[Job]:
    """Gather, plan and lock, and hold the work folder from the start to the end of what follows. A bad item leaves no
    folder behind.

    `admit` may refuse a plan before its packages are looked up and fetched.
    """
    refuse_options(options, doors)
    folder = WorkFolder(folder_of(item, options))
    with folder.owned():
        old = earlier_lock(folder, options)
        with journal.step("gather") as reuse, naming(item):
            materials, kept = gathered(item, folder, options, doors)
            reuse(kept)
        with journal.step("plan"), naming(item):
            plan = planned(item, materials, options, doors, gone_for(old.plan if old else None))
        journal.known.plan = plan
        if admit:
            admit(folder, plan)
        with journal.step("lock") as reuse:
            lock, kept = pinned(plan, old, partial(planned, item, materials, options, doors), options, doors)
            reuse(kept)
        journal.known.plan = lock.plan
        journal.known.lock_digest = lock.digest
        keep_lock(folder, item, materials, lock)
        yield Job(folder, lock, options, doors, journal)


# --- to each engine, then run and judge --------------------------------------------------------------------------


def built_and_judged(job: Job) -> Verdict:
    """Everything after the lock; needs the engines and no network but a SIF's base layers."""
    job.folder.forget("report.json")
    with job.journal.step("render") as reuse:
        context, kept = rendered(job)
        reuse(kept)
    known = job.journal.known
    known.context_digest = context.digest
    if "docker" in job.options.to:
        known.engines += (to_docker(context, job),)
    if "sif" in job.options.to:
        known.engines += (to_sif(context, job),)
        known.handoff = handed_off(known.sif, job)
    return overall(known)


def to_docker(context: Context, job: Job) -> EngineEnd:
    """The image in the engine, and how its sample did."""
    with job.journal.step("build") as reuse:
        image, kept = built(context, job)
        reuse(kept)
    job.journal.known.image = image
    if not job.options.verify:
        return EngineEnd(engine="docker", verdict=unverified(image.reference))
    return verified(in_docker(image, job), job)


def to_sif(context: Context, job: Job) -> EngineEnd:
    """The SIF in the work folder, labelled with how its sample did."""
    known = job.journal.known
    known.run = None  # the image's is told by its end; what may go wrong from here on is about another
    with job.journal.step("sif") as reuse:
        sif, kept = converted(context, known.image, job)
        reuse(kept)
    known.sif = sif
    if not job.options.verify:
        return EngineEnd(engine="sif", verdict=unverified(sif.path))
    end = verified(in_sif(sif, job), job)
    known.sif = with_verdict(job.folder, sif, end.verdict)
    return end


def overall(known: Known) -> Verdict:
    """Of the first engine's end that is not the best there is, whose run is the report's from here on.

    With several, the summary says how each of them ended.
    """
    ends = known.engines
    worst = next((end for end in ends if end.verdict.outcome != Outcome.MATCHES), ends[0])
    known.run = worst.run
    if len(ends) == 1:
        return worst.verdict
    said = "; ".join(f"{end.engine}: {end.verdict.summary}" for end in ends)
    return msgspec.structs.replace(worst.verdict, summary=said)


def _reported(job: Job, judged: Callable[[Job], Verdict]) -> Report:
    """The report on how `judged` ended, well or badly, kept in the work folder too. Raises UsageError."""
    try:
        verdict = judged(job)
    except UsageError:
        raise
    except DlmBuildError as problem:
        verdict = verdict_of(problem)
    report = job.journal.report(verdict)
    job.folder.save("report.json", report)
    return report


# --- single steps ------------------------------------------------------------------------------------------------


def lock_item(href: str, options: Options, doors: Doors) -> tuple[Path, Lock]:
    """`dlm-build lock`: the records up to the lock, in the work folder."""
    item = read(href, doors, options)
    with locked(item, options, doors, Journal(doors.clock)) as job:
        return job.folder.root, job.lock


def render_item(href: str, options: Options, doors: Doors) -> tuple[Path, Context]:
    """`dlm-build render`: the work folder with the context written."""
    item = read(href, doors, options)
    with locked(item, options, doors, Journal(doors.clock)) as job:
        context, _ = rendered(job)
        return job.folder.root / "context", context


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
        return _reported(Job(folder, lock, options, doors, journal), _judged_again)


def _build_command(href: str, options: Options) -> str:
    """What builds the same item, to be pasted into a shell."""
    words = ["dlm-build", "build", href]
    words += ["--id", options.item_id] if options.item_id is not None else []
    words += ["--collection", options.collection] if options.collection is not None else []
    words += ["--to", ",".join(options.to)] if options.to not in ((), ("docker",)) else []
    return shown(shlex.join(words), 500)


def _judged_again(job: Job) -> Verdict:
    known = job.journal.known
    for engine in job.options.to or built_engines(job.folder):
        known.engines += (_reverified(engine, job),)
    return overall(known)


def _reverified(engine: Literal["docker", "sif"], job: Job) -> EngineEnd:
    """Run, judged and labelled as by a build.

    Raises UsageError where what was built is no more, HashMismatch for a SIF that was changed.
    """
    known = job.journal.known
    known.run = None  # the other engine's is told by its end
    if engine == "docker":
        known.image = image = kept_image(job.folder, job.lock, job.doors)
        known.context_digest = image.context_digest
        return verified(in_docker(image, job), job)
    sif = kept_sif(job.folder, job.lock)
    if sif.signed_by:
        from dlm_build.publishing.signing import Signer

        Signer(job.doors.programs, job.doors.settings).check(Path(sif.path), sif.signed_by)
    known.context_digest, known.sif = sif.context_digest, sif
    end = verified(in_sif(sif, job), job)
    known.sif = with_verdict(job.folder, sif, end.verdict)
    return end
