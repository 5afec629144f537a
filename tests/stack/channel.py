"""The conda channel: packages made from Debian's python and from PyPI wheels, indexed by py-rattler."""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path

from tests.stack import wheels
from tests.stack.condapkg import Recipe, write_package
from tests.stack.helper import helper_python
from tests.stack.layout import State, read_json, write_json
from tests.stack.pythonpkg import write_python
from tests.stack.shell import run, step

RECIPE = 4  # raise it when code changes alter the packages, so that a cached channel is made again
UNSATISFIABLE = Recipe(
    "dlm-unsatisfiable",
    "1.0",
    "pyh0_0",
    ("python >=3.8", "package-that-does-not-exist >=1"),
    "MIT",
    "2024-01-01T00:00:00Z",
    noarch=True,
)
_INDEX = "import asyncio, sys, rattler.index as index; asyncio.run(index.index_fs(sys.argv[1]))"


def ensure_channel(state: State) -> dict[str, object]:
    """Make the channel unless the one in the state folder is what would be made. Returns what it holds."""
    note = state.path("channel.json")
    known = read_json(note)
    if known.get("fingerprint") == _fingerprint() and (state.channel / "noarch/repodata.json").exists():
        return known
    made = {**_make(state), "fingerprint": _fingerprint()}
    write_json(note, made)
    return made


def pip_wheel(state: State) -> Path:
    """The wheel of pip, for the python base image."""
    row = next(wheel for wheel in wheels.listed() if wheel.name == "pip")
    return wheels.fetch(state, [row])[row]


def _fingerprint() -> str:
    return hashlib.sha256(f"{RECIPE} {UNSATISFIABLE}".encode() + wheels.DATA.read_bytes()).hexdigest()


def _make(state: State) -> dict[str, object]:
    listed = wheels.listed()
    found = wheels.fetch(state, listed)
    fresh = state.path("channel.new")
    shutil.rmtree(fresh, ignore_errors=True)
    with step("making the channel's python"):
        packages = [write_python(state, fresh).name]
    with step(f"converting {len(found)} wheels to conda packages"):
        packages += [wheels.convert(wheel, path, fresh).name for wheel, path in found.items()]
    packages.append(write_package(UNSATISFIABLE, [], fresh).name)
    with step("indexing the channel"):
        run([helper_python(state), "-c", _INDEX, fresh])
    _exchange(fresh, state.channel)
    left_out = [f"{wheel.conda} {wheel.version}" for wheel in listed if wheel not in found]
    return {"packages": sorted(packages), "left_out": left_out}


def _exchange(fresh: Path, channel: Path) -> None:
    """Put the new channel in the place of the old one, which may be in use."""
    old = channel.with_name("channel.old")
    shutil.rmtree(old, ignore_errors=True)
    if channel.exists():
        channel.rename(old)
    fresh.rename(channel)
    shutil.rmtree(old, ignore_errors=True)
