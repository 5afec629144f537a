"""One run of the packaged sample in a SIF, as an ordinary user: the counterpart of `run_sample`."""

from __future__ import annotations

import os
import pwd
import resource
import secrets
from pathlib import Path

import msgspec

from dlm_build.config import Settings
from dlm_build.disk import IN_OUTPUT, disk_errors
from dlm_build.errors import InfraError, ItemInvalid, shown
from dlm_build.progress import Event, Notify
from dlm_build.records import Plan, Run, Sif
from dlm_build.running.apptainer import SifOrder, find_engine
from dlm_build.running.gpu import choose_host_gpu, fitting
from dlm_build.running.log import Log
from dlm_build.running.order import Host, new_mark
from dlm_build.running.place import scratch_place, taken_home
from dlm_build.running.sif_box import running
from dlm_build.running.told import as_told
from dlm_build.running.watch import watch

CEILINGS = {"nofile": resource.RLIMIT_NOFILE, "fsize": resource.RLIMIT_FSIZE, "nproc": resource.RLIMIT_NPROC,
            "data": resource.RLIMIT_DATA}  # fmt: skip
NO_MORE_MEMORY = ("MemoryError", "std::bad_alloc", "Cannot allocate memory", "Unable to allocate", "bad allocation")
"""What programs say at their resource limit of memory, where no control group ends them."""


def run_in_sif(sif: Sif, plan: Plan, folder: Path, gpu: bool | None, host: Host) -> Run:
    """Run the plan's sample in `sif`; outputs land in `folder`/outputs, all that was said in run.log.

    `gpu` as for `run_sample`. The model runs as this user, or as the settings' `apptainer.user` where this is root.
    A model that fails, hangs or grabs too much is a Run that says so. Raises InfraError when the run cannot be
    started at all, GpuIncompatible where a demanded GPU cannot run the model, ItemInvalid when the plan has no sample.
    """
    if plan.sample is None:
        raise ItemInvalid("the item has no sample to run", "add a test file to the archive and name it in the item")
    user = ordinary_user(host.settings, os.geteuid())
    engine = find_engine(host.settings.apptainer.program, host.programs)
    found = host.device or choose_host_gpu(gpu, plan.gpu, host.programs)
    device = fitting(found, plan, gpu is True, host.programs)
    with scratch_place(folder, plan.sample.input, host.store, host.notify) as place:
        order = SifOrder(
            engine=engine,
            token=f"dlm-build-{secrets.token_hex(8)}",
            sif=Path(sif.path).resolve(),
            sample=Path(plan.sample.input.path).name,
            place=place,
            working_dir=plan.runner.working_dir,
            limits=host.settings.limits,
            device=device,
            processors=len(os.sched_getaffinity(0)),
            mark=new_mark(),
            user=user,
            ceilings=_ceilings(),
        )
        _make_room(order)
        log = Log(order.limits.log, order.mark)
        run = _run(order, host.settings, log, host.notify)
        return taken_home(_second_look(run, order, log), place, order.limits, folder, log)


def ordinary_user(settings: Settings, own: int) -> tuple[int, int] | None:
    """User and group to run as: None for an ordinary user's own. Raises InfraError for root who named nobody."""
    if own != 0:
        return None
    fix = "run dlm-build as an ordinary user, or name one in [apptainer] user of the settings"
    name = settings.apptainer.user
    if name is None:
        raise InfraError("a SIF is run as an ordinary user, and dlm-build runs as root", fix)
    try:
        entry = pwd.getpwnam(name)
    except KeyError:
        raise InfraError(f"[apptainer] user of the settings: there is no user {shown(name)}", fix) from None
    if entry.pw_uid == 0:
        raise InfraError(f"[apptainer] user of the settings: {shown(name)} is root", fix)
    return entry.pw_uid, entry.pw_gid


def _ceilings() -> dict[str, int]:
    hard = {name: resource.getrlimit(kind)[1] for name, kind in CEILINGS.items()}
    return {name: value for name, value in hard.items() if value != resource.RLIM_INFINITY}


def _make_room(order: SifOrder) -> None:
    """The folders that the container writes in, its user's own. Raises InfraError where that user cannot reach them."""
    with disk_errors(order.place, IN_OUTPUT):
        _hand_over(order)
    if order.user is None:
        return
    for path in (order.place, order.sif):
        closed = closed_to(path, *order.user)
        if closed:
            raise InfraError(
                f"the user that runs the model cannot reach {path}: {closed} is closed to him",
                "use --output in a folder that the [apptainer] user of the settings may enter",
            )


def _hand_over(order: SifOrder) -> None:
    for name in ("scratch", "engine"):
        (order.place / name).mkdir(mode=0o700)
    if order.user is None:
        (order.place / "out").chmod(0o700)
        return
    order.place.chmod(0o711)
    for name in ("out", "scratch", "engine"):
        os.chown(order.place / name, *order.user)


def closed_to(path: Path, user: int, group: int) -> Path | None:
    """The first of `path` and the folders above it that the user may not enter (or read, where it is a file)."""
    for place in (*reversed(path.parents), path):
        state = place.stat()
        needed = 0o1 if place.is_dir() else 0o4
        shift = 6 if state.st_uid == user else 3 if state.st_gid == group else 0
        if not state.st_mode >> shift & needed:
            return place
    return None


def _run(order: SifOrder, settings: Settings, log: Log, notify: Notify) -> Run:
    """Everything of the Run but what is taken home."""
    device = order.device
    notify(Event(step="run", text=f"running the sample in the SIF on the {device.kind.upper()} ({device.reason})"))
    with running(order, settings.environment, log) as box:
        ended = watch(box, order.place / "out", order.limits)
    sandbox = (f"{order.engine.kind} {order.engine.version}", *box.sandbox)
    return as_told(ended.as_run(device, sandbox), log.told())


def _second_look(run: Run, order: SifOrder, log: Log) -> Run:
    """A model that was refused memory by a resource limit says so itself. Never makes a failure a success."""
    if run.end == "model-error" and any(words in log.tail() for words in NO_MORE_MEMORY):
        detail = f"{run.detail}; it was refused memory, its limit is {order.limits.memory} bytes"
        return msgspec.structs.replace(run, end="resource", detail=detail)
    return run
