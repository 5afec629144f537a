"""A python that has pip and py-rattler, for the two jobs the standard library cannot do."""

from __future__ import annotations

import importlib.util
import sys
from pathlib import Path

from tests.stack.apt import install
from tests.stack.layout import State
from tests.stack.shell import run, step


def helper_python(state: State) -> Path:
    """This python if it has both, else that of a virtual environment in the state folder."""
    if all(importlib.util.find_spec(name) for name in ("pip", "rattler")):
        return Path(sys.executable)
    python = state.path("venv", "bin", "python")
    if not state.path("venv", "complete").exists():
        _make_environment(python.parent.parent)
    return python


def _make_environment(folder: Path) -> None:
    if importlib.util.find_spec("ensurepip") is None:
        install(["python3-venv"])
    with step("installing py-rattler in a virtual environment"):
        run([sys.executable, "-m", "venv", "--clear", folder], hint="install python3-venv")
        pip: list[str | Path] = [folder / "bin/python", "-m", "pip", "install", "--quiet", "py-rattler"]
        run(pip, hint="check the machine's pip configuration")
        (folder / "complete").touch()
