"""The folder a model's program runs in: the archive's files at their own places, and what it wrote there."""

from __future__ import annotations

import contextlib
import os
import shutil
import stat
import sys
import tempfile
from pathlib import Path

from .contract import Contract

LEFT_BEHIND = ("__pycache__", ".cache", ".config")


def free_umask() -> None:
    """Let the host read and delete what the run writes: dlm-build asks for it, its output folder being private."""
    if _is_private():
        os.umask(0)


def open_up(output: Path) -> None:
    """The same for results that were written with modes of their own, as temporary files are."""
    if not _is_private():
        return
    for current, folders, names in os.walk(str(output)):
        for name in folders + names:
            path = Path(current) / name
            mode = path.lstat().st_mode
            if stat.S_ISDIR(mode) or stat.S_ISREG(mode):
                with contextlib.suppress(OSError):
                    path.chmod(stat.S_IMODE(mode) | (0o777 if stat.S_ISDIR(mode) else 0o666))


def _is_private() -> bool:
    return os.environ.get("DLM_UMASK") == "0"


def prepare(contract: Contract, inputs: list[Path]) -> Path:
    """Make the working folder, link archive, source and input into it, and enter it.

    Falls back to a scratch folder, and says so, where the declared one cannot be written.
    """
    folder = _writable(Path(str(contract.runner.get("working_dir") or "/workspace")))
    if contract.model.is_dir():
        for source in sorted(path for path in contract.model.rglob("*") if path.is_file()):
            _link(source, folder / source.relative_to(contract.model))
    if contract.source.is_dir():
        for entry in sorted(contract.source.iterdir()):
            _link(entry, folder / entry.name)
    named = contract.sample_name
    if named and len(inputs) == 1:
        # A program with its sample's name written into it finds whatever input it is given there.
        _link(inputs[0], folder / named)
        _link(inputs[0], folder / Path(named).name)
    os.chdir(str(folder))
    return folder


def _writable(wanted: Path) -> Path:
    with contextlib.suppress(OSError):
        wanted.mkdir(parents=True, exist_ok=True)
    if wanted.is_dir() and os.access(str(wanted), os.W_OK | os.X_OK):
        return wanted
    scratch = Path(tempfile.mkdtemp(prefix="dlm-work-"))
    print(f"dlm: {wanted} cannot be written; working in {scratch} (mount a tmpfs there)", file=sys.stderr)
    return scratch


def _link(source: Path, target: Path) -> None:
    if os.path.lexists(str(target)):
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    target.symlink_to(source)


def collect(folder: Path, output: Path) -> list[Path]:
    """Copy the regular files below `folder` into `output` under the same relative paths; links are the model's own."""
    collected = []
    for current, folders, names in os.walk(str(folder)):
        folders[:] = sorted(name for name in folders if name not in LEFT_BEHIND)
        for name in sorted(names):
            path = Path(current) / name
            if stat.S_ISREG(path.lstat().st_mode) and path.suffix != ".pyc":
                target = output / path.relative_to(folder)
                target.parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(str(path), str(target))
                collected.append(target)
    return collected
