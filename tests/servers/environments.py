"""Virtual environments for programs whose requirements must not meet dlm-build's own."""

from __future__ import annotations

import fcntl
import hashlib
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.stack.layout import State, open_state
from tests.stack.shell import run, step


def ensure_environment(name: str, requirements: Sequence[str]) -> Path:
    """The folder of programs of an environment with these requirements, made now if there is none."""
    state = open_state(None)
    fingerprint = hashlib.sha256("\n".join([sys.version, *requirements]).encode()).hexdigest()[:12]
    folder = state.path("servers", f"{name}-{fingerprint}")
    with alone(state, name):
        if not (folder / "complete").exists():
            with step(f"installing {name} in a virtual environment"):
                uv = Path(sys.executable).with_name("uv")
                run([uv, "venv", "--quiet", "--clear", "--python", sys.executable, folder])
                python = folder / "bin" / "python"
                run([uv, "pip", "install", "--quiet", "--python", python, *requirements], hint="check uv's settings")
                (folder / "complete").touch()
    return folder / "bin"


@contextmanager
def alone(state: State, name: str) -> Iterator[None]:
    """One test session at a time installs."""
    path = state.path("servers", f"{name}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        yield
