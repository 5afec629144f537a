"""The floor under a cold build: an image that takes the finished bytes and does nothing but copy them."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from dlm_build.records import Lock, from_json
from tests.benchmarks import engine
from tests.benchmarks.place import Bench

INSIDE = "/opt/dlm"
COPIED = ("env", "model")


@dataclass(frozen=True)
class Tree:
    """A build folder: a Dockerfile, and the environment and the model as they are in dlm-build's image."""

    folder: Path
    arguments: tuple[str, ...]


def prepare(bench: Bench, work: Path) -> Tree:
    """Take the bytes out of the image built before, and base and build arguments from the records in ``work``."""
    folder = bench.fresh("floor")
    folder.mkdir()
    for name in COPIED:
        engine.copy_out(bench, engine.DLM, f"{INSIDE}/{name}", folder / name)
    base = from_json(Lock, (work / "lock.json").read_bytes()).base
    lines = [f"FROM {base.reference}", *(f"COPY {name} {INSIDE}/{name}" for name in COPIED)]
    (folder / "Dockerfile").write_text("\n".join(lines) + "\n")
    told = (work / "context" / "build.args").read_text().splitlines()
    return Tree(folder, tuple(line for line in told if not line.startswith("--label")))


def argv(tree: Tree) -> list[str | Path]:
    """The options are dlm-build's own, so that the output is made in the same way."""
    how = ["--builder", "default", "--network", "none", *tree.arguments, "--tag", engine.FLOOR, "--load"]
    return ["docker", "buildx", "build", "--quiet", *how, tree.folder]
