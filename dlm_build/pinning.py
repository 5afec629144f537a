"""Which lock an item gets: the one given, the work folder's own as long as it fits, or a new one.

A base whose registry has it no more is left out and the next best is taken, said and remembered in the plan; so is a
Python that the item did not ask for and that the channels lack.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from dlm_build.errors import BaseGone, HashMismatch, PythonUnfit, UsageError
from dlm_build.progress import Event, Notify
from dlm_build.records import Lock, Plan
from dlm_build.workfolder import WorkFolder, load_file

if TYPE_CHECKING:
    from dlm_build.doors import Doors, Options

MOST_DEAD_BASES = 8
"""Pins found dead in one run before giving up: then it is the registry, not the pins."""


def earlier_lock(folder: WorkFolder, options: Options) -> Lock | None:
    """The one given with --lock, else the work folder's own; none with --update."""
    if options.lock and options.update:
        raise UsageError(
            "--lock and --update contradict each other", "give the lock to keep, or look everything up again"
        )
    given = load_file(Path(options.lock), Lock, "--lock") if options.lock else None
    return None if options.update else given or folder.load("lock.json", Lock)


class Gone(NamedTuple):
    """What a plan must do without."""

    bases: tuple[str, ...] = ()
    """Digests that a registry has no more."""
    pythons: tuple[str, ...] = ()
    """Versions for which no set of packages was found."""


def gone_for(plan: Plan | None) -> Gone:
    """What an earlier plan did without."""
    return Gone(plan.dead_bases, plan.dead_pythons) if plan else Gone()


def pinned(
    plan: Plan, old: Lock | None, plan_without: Callable[[Gone], Plan], options: Options, doors: Doors
) -> tuple[Lock, bool]:
    """The lock for `plan`, and whether its environment is that of the `old` lock.

    `plan_without` plans again, whenever a registry turns out to have a base no more, or the channels no set of
    packages for a Python that the item did not ask for.
    """
    first: PythonUnfit | None = None
    while True:
        try:
            return _lock_for(plan, old, options, doors)
        except BaseGone as problem:
            plan = _without_base(plan, problem, plan_without, doors.notify)
        except PythonUnfit as problem:
            first = first or problem
            plan = _without_python(plan, first, plan_without, doors.notify)


def _without_base(plan: Plan, problem: BaseGone, plan_without: Callable[[Gone], Plan], notify: Notify) -> Plan:
    if problem.digest in plan.dead_bases or len(plan.dead_bases) >= MOST_DEAD_BASES:
        raise problem
    again = plan_without(Gone((*plan.dead_bases, problem.digest), plan.dead_pythons))
    if again.base == plan.base and again.installer_base == plan.installer_base:
        raise problem  # the operator's own choice: there is no next best
    notify(Event(step="lock", text=f"{problem.message}; taking {again.base.reference} instead"))
    return again


def _without_python(plan: Plan, first: PythonUnfit, plan_without: Callable[[Gone], Plan], notify: Notify) -> Plan:
    tried = (*plan.dead_pythons, plan.python)
    again = plan_without(Gone(plan.dead_bases, tried))
    if again.python in tried:
        raise first  # it was asked for, or there is no other
    notify(Event(step="lock", text=f"no set of packages with Python {plan.python}; trying {again.python}"))
    return again


def _lock_for(plan: Plan, old: Lock | None, options: Options, doors: Doors) -> tuple[Lock, bool]:
    """A lock given with --lock must fit. The work folder's own lock keeps its packages for as long as what was solved
    is unchanged, so that new weights never move the environment.
    """
    from dlm_build.locking import Outside, fill_store, make_lock

    if old and options.lock:
        _refuse_stale(old, plan)
    if old and _same_environment(old.plan, plan):
        lock = msgspec.structs.replace(old, plan=plan)
        fill_store(lock, doors.fetch, doors.store, doors.notify)
        return lock, True
    if old:
        _tell_changes(old.plan, plan, doors.notify)
    outside = Outside(doors.fetch, doors.programs, doors.registry, doors.store, doors.settings, doors.notify)
    return make_lock(plan, outside), False


def _same_environment(old: Plan, new: Plan) -> bool:
    return (old.environment, old.as_of, old.python, old.base, old.installer_base) == (
        new.environment,
        new.as_of,
        new.python,
        new.base,
        new.installer_base,
    )


def _refuse_stale(lock: Lock, plan: Plan) -> None:
    from dlm_build.locking import lock_diff

    if lock.plan.archive.sha256 != plan.archive.sha256:
        raise HashMismatch(
            f"the lock pins the archive at sha256 {lock.plan.archive.sha256}, it is now {plan.archive.sha256}",
            "--update instead of --lock accepts the new archive and locks again",
        )
    if not _same_environment(lock.plan, plan):
        changes = "\n  ".join(lock_diff(lock.plan, plan))
        raise UsageError(
            f"the lock is stale:\n  {changes}",
            "--update instead of --lock locks again; or use the item it was made from",
        )


def _tell_changes(old: Plan, new: Plan, notify: Notify) -> None:
    from dlm_build.locking import lock_diff

    for line in lock_diff(old, new):
        notify(Event(step="lock", text=f"changed since the last lock: {line}"))
