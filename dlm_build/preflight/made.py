"""What was made, against this machine: told before anything is run."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace
from packaging.version import Version

from dlm_build.building.labels import processor_needed
from dlm_build.errors import DlmBuildError, UsageError, shown
from dlm_build.gpu import Gpu, build_of, fit, load_gpu_table
from dlm_build.kept import load_sif
from dlm_build.planning.base_image import glibc_of
from dlm_build.preflight.driver import UNLISTED, driver_glibc
from dlm_build.preflight.engine import engine_lines
from dlm_build.preflight.line import Line, Look
from dlm_build.preflight.processor import LEVELS, host_flags, level_of, missing_for
from dlm_build.records import Image, Lock, Sif
from dlm_build.running.gpu import described
from dlm_build.store import sha256_of
from dlm_build.verifying import VERIFIED, Verified
from dlm_build.workfolder import WorkFolder

FindImage = Callable[[str], Image | None]
"""The image of that name in the engine. Raises DlmBuildError."""


class Made(NamedTuple):
    """What a work folder holds."""

    folder: Path
    lock: Lock
    image: Image | None
    sif: Sif | None
    ran_on: tuple[str, ...]
    """Levels of the processors on which its sample finished."""


def made_in(folder: Path) -> Made:
    """Raises UsageError for a folder in which nothing was built."""
    work = WorkFolder(folder)
    lock, image, kept = work.load("lock.json", Lock), work.load("image.json", Image), load_sif(work)
    if lock is None or (image is None and kept is None):
        raise UsageError(f"{shown(str(folder))} holds nothing that was built", "give the folder that --output named")
    judged = (work.load(name, Verified) for name in VERIFIED.values())
    runs = (one.run for one in judged if one and one.run.end == "finished")
    return Made(folder, lock, image, kept.sif if kept else None, tuple(r.processor for r in runs if r.processor))


def made_lines(made: Made, look: Look, find_image: FindImage) -> list[Line]:
    """Every line about what was made, in the order in which a person would mend them."""
    gpu = described(look.programs)
    lines = [*_things(made, look, find_image), *_processor(made, host_flags(look.root)), _gpu(made, gpu)]
    if gpu and made.sif:
        lines.append(_glibc(made, look))
    return [*lines, _outputs(made, look)]


def _things(made: Made, look: Look, find_image: FindImage) -> list[Line]:
    """What there is to run, and what runs it; one of two is enough."""
    image = [_image(made.image, find_image)] if made.image else []
    sif = [_sif(made.sif), *engine_lines(look, _packed(made.sif))] if made.sif else []
    needed = [row for row in (*image, *sif) if row.name in ("image", "SIF file", "SIF engine")]
    runs = [rows for rows in (image, [row for row in needed if row.name != "image"]) if rows]
    if any(all(row.state == "ok" for row in rows) for rows in runs):
        return [*image, *sif]
    return [replace(row, state="missing") if row in needed and row.state != "ok" else row for row in (*image, *sif)]


def _packed(sif: Sif) -> str:
    return sif.compression.partition(":")[0]


def _image(image: Image, find: FindImage) -> Line:
    try:
        there = find(image.reference)
    except DlmBuildError as problem:
        return Line(name="image", state="warn", detail=problem.message, fix=problem.hint)
    if there and there.digest == image.digest:
        return Line(name="image", state="ok", detail=f"{image.reference} is in the engine as it was built")
    detail = f"the engine has no {image.reference}" if there is None else f"{image.reference} is another image now"
    return Line(name="image", state="warn", detail=detail, fix="run `dlm-build build` here, or pull it by digest")


def _sif(sif: Sif) -> Line:
    path = Path(sif.path)
    fix = "copy it here again, or make it with `dlm-build build --to sif`"
    try:
        whole = path.stat().st_size == sif.size and sha256_of(path) == sif.sha256
    except OSError as problem:
        return Line(name="SIF file", state="missing", detail=f"{path}: {problem.strerror}", fix=fix)
    if whole:
        return Line(name="SIF file", state="ok", detail=f"{path} is whole, sha256 {sif.sha256}")
    return Line(name="SIF file", state="missing", detail=f"{path} is not the file that was made", fix=fix)


def _processor(made: Made, flags: frozenset[str]) -> list[Line]:
    here = level_of(flags)
    if here is None:
        return [Line(name="processor", state="warn", detail="/proc/cpuinfo tells no x86-64 features")]
    needed = processor_needed(made.lock)
    if needed and (missing := missing_for(needed, flags)):
        detail = f"the environment is built for {needed}; this is {here}, without {', '.join(missing)}"
        fix = "run on a newer processor: here it ends with an illegal instruction"
        return [Line(name="processor", state="missing", detail=detail, fix=fix)]
    return [_proven(made, here, flags)]


def _proven(made: Made, here: str, flags: frozenset[str]) -> Line:
    """The least that the sample is known to have run on, against what is here."""
    known = [level for level in LEVELS if level in made.ran_on]
    fix = f"run the sample here first: `dlm-build verify ITEM --force{' --to sif' if made.sif else ''}`"
    if not known:
        return Line(name="processor", state="warn", detail=f"{here}; no run of the sample tells its own", fix=fix)
    missing = missing_for(known[0], flags)
    if not missing:
        return Line(name="processor", state="ok", detail=f"{here}; the sample ran on {known[0]}")
    detail = f"{here}; the sample ran on {known[0]} only, which has also {', '.join(missing)}"
    return Line(name="processor", state="warn", detail=detail, fix=fix)


def _gpu(made: Made, gpu: Gpu | None) -> Line:
    plan = made.lock.plan
    if gpu is None:
        if not plan.gpu:
            return Line(name="GPU", state="ok", detail="none here, and the model asks for none")
        fix = "run on a machine with an NVIDIA GPU and driver; here the CPU does it"
        return Line(name="GPU", state="warn", detail="the model asks for one, and nvidia-smi finds none", fix=fix)
    found = fit(build_of(plan), gpu, load_gpu_table())
    detail = f"{gpu.name}, driver {gpu.driver}: {found.reason}"
    if found.fits or not plan.gpu:
        return Line(name="GPU", state="ok", detail=detail)
    return Line(name="GPU", state="warn", detail=detail, fix=found.hint)


def _glibc(made: Made, look: Look) -> Line:
    """The driver's libraries, which --nv puts in, are loaded by the image's own glibc."""
    has, needed = glibc_of(made.lock.base), driver_glibc(look)
    if needed is None:
        return UNLISTED
    detail = f"they need glibc {needed}; the image has {has} ({made.lock.base.os or 'of an unknown system, at least'})"
    if Version(needed) <= Version(has):
        return Line(name="driver libraries", state="ok", detail=detail)
    return Line(name="driver libraries", state="warn", detail=detail, fix="leave --nv out, or build on a newer --base")


def _outputs(made: Made, look: Look) -> Line:
    free, wanted = shutil.disk_usage(made.folder).free, look.settings.limits.output
    detail = f"{free / 1e9:.0f} GB free in {made.folder}; one run may write {wanted / 1e9:.1f} GB"
    if free >= wanted:
        return Line(name="space for outputs", state="ok", detail=detail)
    return Line(name="space for outputs", state="warn", detail=detail, fix="free some, or lower [limits] output")
