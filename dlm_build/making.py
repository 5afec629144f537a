"""What is made from a lock: the context, the image, the SIF, the files that run it.

What an earlier build left in the work folder is taken as it is wherever it still fits.
"""

from __future__ import annotations

from pathlib import Path

from dlm_build.job import Job
from dlm_build.kept import KeptContext, KeptSif, load_sif
from dlm_build.records import Context, Image, Plan, Sif
from dlm_build.workfolder import WorkFolder, slug


def rendered(job: Job) -> tuple[Context, bool]:
    """The context on disk under `context/`, and whether it was there already, as it was written."""
    from dlm_build.building import is_as_written, recipe_digest, render, write_context

    place = job.folder.root / "context"
    kept = job.folder.load("context.json", KeptContext)
    recipe = recipe_digest()
    fits = kept and kept.recipe == recipe and kept.context.lock_digest == job.lock.digest
    if kept and fits and not job.options.force and is_as_written(kept.context, place):
        return kept.context, True
    job.folder.forget("context.json")
    context = render(job.lock)
    write_context(context, job.doors.store, place)
    job.folder.save("context.json", KeptContext(recipe=recipe, context=context))
    return context, False


def built(context: Context, job: Job) -> tuple[Image, bool]:
    """The image in the engine, and whether it was there already."""
    folder, lock, options, doors, _ = job
    tag = options.tag or f"dlm/{slug(lock.plan.item_id)}:{context.digest[:12]}"
    kept = folder.load("image.json", Image)
    if kept and not options.force and kept.context_digest == context.digest and kept.reference == tag:
        there = doors.engine.image(tag)
        if there and there.digest == kept.digest:
            return kept, True
    image = doors.engine.build(lock, context, folder.root / "context", doors.store, tag, doors.notify)
    folder.save("image.json", image)
    return image, False


def converted(context: Context, image: Image | None, job: Job) -> tuple[Sif, bool]:
    """The SIF, from `image` where there is one, else from the packages; and whether it was there already."""
    from dlm_build.sif import Request, Sources, is_still_there, refuse_unable, sif_from_image, sif_from_packages

    folder, lock, options, doors, _ = job
    kept = load_sif(folder)
    asked = (context.digest, options.compression or "")
    if kept and not options.force and kept.asked == asked and is_still_there(kept.sif):
        return kept.sif, True
    target = sif_place(folder, lock.plan)
    # Asked once more: where an earlier file might have served, the early question was left out.
    refuse_unable(target, options.compression, doors.programs)
    request = Request(lock, context, target, options.compression)
    if image:
        sif = sif_from_image(image, request, doors.engine, doors.store, doors.programs, doors.notify)
    else:
        sif = sif_from_packages(request, Sources(doors.registry, doors.store, doors.programs, doors.notify))
    folder.save("sif.json", KeptSif(asked=asked, sif=sif))
    return sif, False


def sif_place(folder: WorkFolder, plan: Plan) -> Path:
    """Where the SIF is, or will be."""
    return folder.root / f"{slug(plan.item_id)}.sif"


def handed_off(sif: Sif | None, job: Job) -> tuple[str, ...]:
    """Paths of the files that run the SIF on a cluster, written where they were asked for."""
    if sif is None or not job.options.handoff:
        return ()
    from dlm_build.building.handoff import write_handoff

    place, limits = job.folder.root / "handoff", job.doors.settings.limits
    written = write_handoff(sif, job.plan, place, job.options.handoff, job.options.gpu, limits)
    return tuple(str(path) for path in written)
