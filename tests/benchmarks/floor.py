"""The floor under a cold build: an image that takes the finished bytes and does nothing but copy them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlm_build.building.buildx import build_argv
from dlm_build.building.rows import text_row
from dlm_build.container_layout import ROOT
from dlm_build.context_layout import BUILD_ARGS, DOCKERFILE
from dlm_build.records import Context, Lock, from_json
from tests.benchmarks import engine
from tests.benchmarks.place import Bench

COPIED = ("env", "model")


@dataclass(frozen=True)
class Tree:
    """A build folder: a Dockerfile, and the environment and the model as they are in dlm-build's image."""

    folder: Path
    arguments: str
    """dlm-build's own for the image it was taken from, one per line, without the labels."""


def prepare(bench: Bench, work: Path) -> Tree:
    """Take the bytes out of the image built before, and base and build arguments from the records in ``work``."""
    folder = bench.fresh("floor")
    folder.mkdir()
    for name in COPIED:
        engine.copy_out(bench, engine.DLM, f"{ROOT}/{name}", folder / name)
    base = from_json(Lock, (work / "lock.json").read_bytes()).base
    lines = [f"FROM {base.reference}", *(f"COPY {name} {ROOT}/{name}" for name in COPIED)]
    (folder / DOCKERFILE).write_text("\n".join(lines) + "\n")
    told = (work / "context" / BUILD_ARGS).read_text().splitlines()
    return Tree(folder, "".join(f"{line}\n" for line in told if not line.startswith("--label")))


def argv(bench: Bench, tree: Tree) -> list[str | Path]:
    """The command dlm-build itself would give, so that the output is made in the same way."""
    context = Context(lock_digest="", files=(text_row(BUILD_ARGS, tree.arguments),))
    packages = bench.path("empty")
    packages.mkdir(exist_ok=True)
    words = build_argv(context, tree.folder, packages, engine.FLOOR, bench.path("floor.json"))
    return [*words, tree.folder]
