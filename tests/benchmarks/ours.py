"""dlm-build, measured: help, cold, nothing changed, weights changed, large weights."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from tests.benchmarks import engine, floor
from tests.benchmarks.archive import WEIGHTS, Members, other_weights, write_large
from tests.benchmarks.figures import Figure, Figures, seconds, size
from tests.benchmarks.measuring import Spent, spend
from tests.benchmarks.place import DLM_BUILD, Bench
from tests.stack.shell import step

LARGE_BYTES = 4 << 30
_BARE = """\
import click


@click.group()
def cli() -> None:
    \"\"\"A program that does nothing.\"\"\"


@cli.command()
@click.argument("item")
def build(item: str) -> None:
    \"\"\"Nothing either.\"\"\"


cli()
"""


def help_texts(bench: Bench) -> Figures:
    """`dlm-build --help`, and a click program that imports nothing else, in turns."""
    bare = bench.path("bare.py")
    bare.write_text(_BARE)
    ours, others = [], []
    for _ in range(max(9, bench.repeat)):
        ours.append(spend(bench.command("help", [DLM_BUILD, "--help"])))
        others.append(spend(bench.command("help-click", [sys.executable, bare, "--help"])))
    return {"dlm-help": seconds(ours), "click-help": seconds(others)}


def cold(bench: Bench) -> Figures:
    """The whole command from an empty work folder and an empty engine, and the floor, in turns."""
    prepare(bench)
    tree = floor.prepare(bench, bench.path("work"))
    ours, floors = [], []
    for turn in range(bench.repeat):
        with step(f"cold: floor, {turn + 1} of {bench.repeat}"):
            engine.make_cold(bench)
            floors.append(spend(bench.command("floor", floor.argv(bench, tree))))
        floor_size = engine.unpacked_size(bench, engine.FLOOR)
        with step(f"cold: dlm-build, {turn + 1} of {bench.repeat}"):
            engine.make_cold(bench)
            shutil.rmtree(bench.path("work"))
            ours.append(_build(bench, _item(bench), "--no-verify"))
    return {
        "dlm-cold": seconds(ours),
        "floor-cold": seconds(floors),
        "floor-size": size(floor_size),
        "dlm-size": size(engine.unpacked_size(bench, engine.DLM)),
    }


def again(bench: Bench) -> Figures:
    """A second run of what was built, run and judged before."""
    prepare(bench)
    _build(bench, _item(bench))
    return {"dlm-noop": seconds([_build(bench, _item(bench)) for _ in range(max(5, bench.repeat))])}


def weights(bench: Bench) -> Figures:
    """Other weights in the archive each time: built only, as MLflow does, and with the sample run and judged."""
    prepare(bench)
    built = [_with_other_weights(bench, "--no-verify") for _ in range(max(3, bench.repeat))]
    judged = [_with_other_weights(bench) for _ in range(max(3, bench.repeat))]
    return {"dlm-weights": seconds(built), "dlm-weights-judged": seconds(judged)}


def large(bench: Bench) -> Figures:
    """Everything before the engine, and then the build, with 4 GiB of weights more."""
    prepare(bench)
    with step("writing the archive with 4 GiB of weights"):
        item = write_large(bench.fresh("large"), LARGE_BYTES)
    archive = item.with_name("model.mar").stat().st_size
    bench.fresh("large-work")
    try:
        before = _large(bench, "render", item)
        built = _large(bench, "build", item, "--no-verify", "--tag", engine.DLM_LARGE)
    finally:
        engine.remove(bench, engine.DLM_LARGE)
        _forget_large(bench)
    return {
        "large-archive": size(archive),
        **_spent("large-render", before),
        **_spent("large-build", built),
    }


def _large(bench: Bench, step_name: str, item: Path, *options: str) -> Spent:
    output = bench.path("large-work")
    argv: list[str | Path] = [DLM_BUILD, step_name, item, "--output", output, *options, "--quiet"]
    with step(f"{step_name} with 4 GiB of weights"):
        return spend(bench.command(f"large-{step_name}", argv))


def _spent(name: str, spent: Spent) -> Figures:
    return {
        f"{name}-seconds": Figure((spent.seconds,)),
        f"{name}-peak": size(spent.own_peak),
        f"{name}-family-peak": size(spent.family_peak),
        f"{name}-read": size(spent.read),
        f"{name}-written": size(spent.written),
    }


def _forget_large(bench: Bench) -> None:
    """Give the disk back: the archive, its copy in the store, its layer in the build cache."""
    for folder in ("large", "large-work"):
        shutil.rmtree(bench.path(folder), ignore_errors=True)
    for path in bench.path("cache", "dlm-build").rglob("*"):
        if path.is_file() and path.stat().st_size >= LARGE_BYTES:
            path.unlink()
    bench.docker("buildx", "prune", "--all", "--force")


# --- one command -------------------------------------------------------------------------------------------------


def prepare(bench: Bench) -> None:
    """A copy of the example that was built before, so that all packages are in the store; quick where it was."""
    if not _item(bench).exists():
        bench.fresh("item")
        Members().write(_item(bench).parent)
    with step("dlm-build, unmeasured: packages into the store, image into the engine"):
        _build(bench, _item(bench), "--no-verify")


def _item(bench: Bench) -> Path:
    return bench.path("item", "item.json")


def _build(bench: Bench, item: Path, *options: str) -> Spent:
    argv: list[str | Path] = [
        DLM_BUILD,
        "build",
        item,
        "--output",
        bench.path("work"),
        "--tag",
        engine.DLM,
        *options,
        "--quiet",
    ]
    return spend(bench.command("dlm-build", argv))


def _with_other_weights(bench: Bench, *options: str) -> Spent:
    members = Members()
    members.content[WEIGHTS] = other_weights(members.content[WEIGHTS])
    members.write(_item(bench).parent)
    return _build(bench, _item(bench), *options)
