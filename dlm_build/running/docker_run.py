"""One run of the packaged sample on Docker: prepare, start, watch, take the outputs home, remove everything."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from dlm_build.docker_client import connected, doing, id_of
from dlm_build.errors import InfraError, ItemInvalid
from dlm_build.progress import Event, Notify
from dlm_build.records import Image, Plan, Run
from dlm_build.running.container import container
from dlm_build.running.gpu import ANSWER_SECONDS, Device, choose, fitting
from dlm_build.running.log import Log
from dlm_build.running.options import DockerOrder
from dlm_build.running.order import Host, new_mark
from dlm_build.running.orphans import new_name, owner, sweep
from dlm_build.running.place import scratch_place, taken_home
from dlm_build.running.told import as_told
from dlm_build.running.watch import watch

if TYPE_CHECKING:
    from docker import DockerClient


def run_sample(image: Image, plan: Plan, folder: Path, gpu: bool | None, host: Host) -> Run:
    """Run the plan's sample in `image`; outputs land in `folder`/outputs, all that was said in run.log.

    `gpu`: True demands one, False forbids it, None takes one where the model wants it and the engine has it.
    A model that fails, hangs or grabs too much is a Run that says so, and so is an engine lost on the way. Raises
    InfraError when the run cannot be started at all, GpuIncompatible where a demanded GPU cannot run the model,
    ItemInvalid when the plan has no sample.
    """
    if plan.sample is None:
        raise ItemInvalid("the item has no sample to run", "add a test file to the archive and name it in the item")
    limits = host.settings.limits
    with (
        connected(host.settings.environment, ANSWER_SECONDS) as engine,
        scratch_place(folder, plan.sample.input, host.store, host.notify) as place,
    ):
        sweep(engine, host.notify)
        with doing("ask the engine what it has"):
            info = engine.info()
        found = host.device or choose(gpu, plan.gpu, info, host.programs)
        device = fitting(found, plan, gpu is True, host.programs)
        order = DockerOrder(
            name=new_name(),
            image=_image_id(engine, image),
            sample=Path(plan.sample.input.path).name,
            place=place,
            working_dir=plan.runner.working_dir,
            limits=limits,
            device=device,
            processors=int(info.get("NCPU") or 1),
            owner=owner(),
            mark=new_mark(),
        )
        log = Log(limits.log, order.mark)
        run = _run_or_fall_back(engine, info, order, gpu is True, log, host.notify)
        return taken_home(run, place, limits, folder, log)


def _image_id(engine: DockerClient, image: Image) -> str:
    """Raises InfraError when the engine has the image no more."""
    with doing(f"find the image {image.reference}"):
        found = id_of(engine, image)
    if found is None:
        raise InfraError(f"the engine no longer has the image {image.reference}", "run `dlm-build build` again")
    return found


def _run_or_fall_back(
    engine: DockerClient, info: Mapping[str, Any], order: DockerOrder, demanded: bool, log: Log, notify: Notify
) -> Run:
    """On the chosen device; on the CPU where the engine turns out unable to hand over a GPU nobody demanded."""
    try:
        return _run(engine, info, order, log, notify)
    except InfraError as problem:
        if order.device.kind == "cpu" or demanded:
            raise
        reason = f"the engine could not hand over the GPU by {order.device.reason}: {problem.message}"
        again = msgspec.structs.replace(order, name=new_name(), device=Device(kind="cpu", reason=reason))
        return _run(engine, info, again, log, notify)


def _run(engine: DockerClient, info: Mapping[str, Any], order: DockerOrder, log: Log, notify: Notify) -> Run:
    """Everything of the Run but what is taken home. Raises InfraError when the container cannot be started."""
    device = order.device
    notify(Event(step="run", text=f"running the sample on the {device.kind.upper()} ({device.reason})"))
    with container(engine, info, order, log) as box:
        ended = watch(box, order.place / "out", order.limits)
    return as_told(ended.as_run(device, box.sandbox), log.told())
