"""SIF files of one image: dlm-build's way, Apptainer's own from the same docker-archive, and the floor under both."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

from dlm_build.building import render
from dlm_build.records import Lock, from_json, to_json
from dlm_build.sif.sif_file import PARTITION, objects_of
from dlm_build.sif.squashfs import PREFERRED
from tests.benchmarks import engine, ours, sif_driver
from tests.benchmarks.figures import Figure, Figures, seconds, size
from tests.benchmarks.measuring import Spent, spend
from tests.benchmarks.place import REPOSITORY, Bench
from tests.stack.settings import stack_facts
from tests.stack.shell import run, step


def conversions(bench: Bench) -> Figures:
    """The three in turns; Apptainer's takes so long that it is measured once."""
    ours.prepare(bench)
    archive = _prepared(bench) / "image.tar"
    bench.docker("save", engine.DLM, "--output", archive)
    with step("SIF: apptainer build, its defaults"):
        theirs = _apptainer(bench, archive)
    _convert(bench, archive)
    tree = _tree(bench)
    whole, packing, floors = [], [], []
    for turn in range(bench.repeat):
        with step(f"SIF: floor and dlm-build, {turn + 1} of {bench.repeat}"):
            floors.append(_floor(bench, tree))
            spent, alone = _convert(bench, archive)
        whole.append(spent)
        packing.append(alone)
    figures = {
        "sif-apptainer": seconds([theirs]),
        "sif-whole": seconds(whole),
        "sif-packing": Figure(tuple(packing)),
        "sif-floor": seconds(floors),
        "sif-size": size(bench.path("sif", "ours.sif").stat().st_size),
        "sif-apptainer-size": size(bench.path("sif", "apptainer.sif").stat().st_size),
    }
    shutil.rmtree(bench.path("sif"))
    return figures


def _prepared(bench: Bench) -> Path:
    """A folder with what the build of the image has left: its lock, and the context rendered of it."""
    folder = bench.fresh("sif")
    folder.mkdir()
    raw = bench.path("work", "lock.json").read_bytes()
    (folder / sif_driver.LOCK).write_bytes(raw)
    (folder / sif_driver.CONTEXT).write_bytes(to_json(render(from_json(Lock, raw))))
    return folder


def _apptainer(bench: Bench, archive: Path) -> Spent:
    program = str(stack_facts(bench.state)["apptainer"]["program"])  # type: ignore[index]
    scratch = bench.fresh("sif-tmp")
    scratch.mkdir()
    argv: list[str | Path] = [
        "env", f"APPTAINER_TMPDIR={scratch}", f"APPTAINER_CACHEDIR={scratch}", f"TMPDIR={scratch}",
        program, "build", archive.with_name("apptainer.sif"), f"docker-archive:{archive}",
    ]  # fmt: skip
    try:
        return spend(bench.command("sif-apptainer", argv))
    finally:
        shutil.rmtree(scratch)


def _convert(bench: Bench, archive: Path) -> tuple[Spent, float]:
    """The whole process, and of it what the packing took."""
    scratch = bench.fresh("sif-layers")
    scratch.mkdir()
    argv: list[str | Path] = [
        "env", f"PYTHONPATH={REPOSITORY}",
        sys.executable, "-m", "tests.benchmarks.sif_driver", archive.parent, archive, scratch,
        archive.with_name("ours.sif"),
    ]  # fmt: skip
    command = bench.command("sif-ours", argv)
    spent = spend(command)
    shutil.rmtree(scratch)
    return spent, float(command.log.read_text().split()[-1])


def _tree(bench: Bench) -> Path:
    """The SIF's own root file system, unpacked."""
    sif, tree = bench.path("sif", "ours.sif"), bench.path("sif", "tree")
    offset = next(item.offset for item in objects_of(sif) if item.kind == PARTITION)
    run(["unsquashfs", "-q", "-n", "-o", str(offset), "-d", tree, sif])
    subprocess.run(["sync"], check=True)
    return tree


def _floor(bench: Bench, tree: Path) -> Spent:
    target = bench.path("sif", "floor.squashfs")
    target.unlink(missing_ok=True)
    name, _, level = PREFERRED.partition(":")
    words = ("-comp", name, "-Xcompression-level", level, "-all-root", "-no-xattrs", "-quiet", "-no-progress")
    return spend(bench.command("sif-floor", ["mksquashfs", tree, target, *words]))
