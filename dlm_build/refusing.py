"""What is refused before anything long begins: options that fit no item, and what could only fail at the end."""

from __future__ import annotations

from dlm_build.doors import Doors, Options
from dlm_build.kept import load_sif
from dlm_build.making import sif_place
from dlm_build.records import Plan
from dlm_build.workfolder import WorkFolder


def refuse_options(options: Options, doors: Doors) -> None:
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


def refuse_early(folder: WorkFolder, plan: Plan, options: Options, doors: Doors) -> None:
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

        refuse_unable(sif_place(folder, plan), options.compression, doors.programs)
    if options.verify and plan.sample and (kept is None or not kept.verdict):
        from dlm_build.running.apptainer import find_engine

        find_engine(doors.settings.apptainer.program, doors.programs)


def _demand_gpu(plan: Plan, options: Options, doors: Doors) -> None:
    from dlm_build.running.gpu import demand, demand_on_host, fitting

    devices = [demand(doors.at_engine(), doors.programs)] if "docker" in options.to else []
    devices += [demand_on_host(doors.programs)] if "sif" in options.to else []
    for device in devices:
        fitting(device, plan, True, doors.programs)
