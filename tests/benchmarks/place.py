"""Where the benchmarks keep their things, and the engine and settings they use."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.benchmarks.measuring import Command
from tests.stack.layout import Choices, State, settle
from tests.stack.settings import config_path, stack_facts
from tests.stack.shell import run

REPOSITORY = Path(__file__).resolve().parents[2]
EXAMPLE = REPOSITORY / "examples" / "segmentation-onnx"
DLM_BUILD = Path(sys.executable).with_name("dlm-build")


@dataclass(frozen=True)
class Bench:
    """One stack, and the folder in its state folder that all of this happens in."""

    state: State
    repeat: int

    @property
    def root(self) -> Path:
        return self.state.path("bench")

    @property
    def choices(self) -> Choices:
        return settle(self.state)

    def path(self, *parts: str) -> Path:
        return self.root.joinpath(*parts)

    @property
    def env(self) -> dict[str, str]:
        """This process's environment, with the stack's engine and settings and a package store of our own."""
        own = {
            "DOCKER_HOST": self.state.docker_host,
            "DLM_BUILD_CONFIG": str(config_path(self.state)),
            "XDG_CACHE_HOME": str(self.path("cache")),
        }
        return {**os.environ, **own}

    def command(self, name: str, argv: Sequence[str | Path]) -> Command:
        """A program to measure, run in our folder; ``name`` names its log."""
        return Command(argv, self.env, self.root, self.path("log", f"{name}.log"))

    def docker(self, *words: str | Path) -> str:
        """Output of an unmeasured docker command."""
        return run(["docker", *words], env={"DOCKER_HOST": self.state.docker_host})

    def fresh(self, *parts: str) -> Path:
        """A path below our folder where nothing lies."""
        path = self.path(*parts)
        shutil.rmtree(path, ignore_errors=True)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path


def open_bench(state: State, repeat: int) -> Bench:
    """Raises StackError when the stack never came up."""
    stack_facts(state)
    bench = Bench(state, repeat)
    bench.root.mkdir(parents=True, exist_ok=True)
    return bench
