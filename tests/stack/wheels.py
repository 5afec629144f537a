"""PyPI wheels by name, version and sha256, and their conversion to conda packages."""

from __future__ import annotations

import configparser
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from tests.stack.bytecode import bytecode
from tests.stack.condapkg import Content, Recipe, Row, write_package
from tests.stack.helper import helper_python
from tests.stack.layout import State, write_text
from tests.stack.shell import StackError, run, say, step

DATA = Path(__file__).parent / "data" / "wheels.json"
_PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_27_x86_64", "manylinux2014_x86_64", "manylinux_2_17_x86_64", "any")
_SITE = "lib/python3.11/site-packages"


@dataclass(frozen=True)
class Wheel:
    """A row of the data file: a wheel, and the conda package it becomes."""

    name: str
    version: str
    sha256: str
    conda: str
    license: str
    uploaded: str
    depends: tuple[str, ...]
    optional: bool = False


def listed() -> list[Wheel]:
    """The wheels of the data file."""
    rows = json.loads(DATA.read_text())
    return [Wheel(**{**row, "depends": tuple(row["depends"])}) for row in rows]


def fetch(state: State, wheels: Sequence[Wheel]) -> dict[Wheel, Path]:
    """Download the wheels with pip, which checks their hashes. An optional one may be missing from the answer."""
    folder = _folder(state)
    missing = [wheel for wheel in wheels if not find(folder, wheel)]
    required = [wheel for wheel in missing if not wheel.optional]
    if required:
        with step(f"downloading {len(required)} wheels"):
            for batch in _batches(required):
                _download(state, batch)
    for wheel in missing:
        if wheel.optional:
            _download_if_offered(state, wheel)
    found = {wheel: find(folder, wheel) for wheel in wheels}
    return {wheel: path for wheel, path in found.items() if path}


def _batches(wheels: Sequence[Wheel]) -> Iterator[list[Wheel]]:
    """The wheels in groups in which each name occurs once, as pip asks."""
    left = list(wheels)
    while left:
        batch = {wheel.name: wheel for wheel in left}
        yield list(batch.values())
        left = [wheel for wheel in left if wheel not in batch.values()]


def _download_if_offered(state: State, wheel: Wheel) -> None:
    try:
        with step(f"downloading {wheel.name} {wheel.version}"):
            _download(state, [wheel])
    except StackError as error:
        if "No matching distribution" not in str(error):
            raise
        say(f"  {wheel.name} {wheel.version} is not offered here: left out of the channel")


def find(folder: Path, wheel: Wheel) -> Path | None:
    """The downloaded file of a wheel."""
    wanted = (_normal(wheel.name), wheel.version)
    for path in folder.glob("*.whl"):
        name, version = path.name.split("-")[:2]
        if (_normal(name), version) == wanted:
            return path
    return None


def _normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def _folder(state: State) -> Path:
    return state.path("wheels")


def _download(state: State, wheels: Sequence[Wheel]) -> None:
    folder = _folder(state)
    lines = [f"{wheel.name}=={wheel.version} --hash=sha256:{wheel.sha256}" for wheel in wheels]
    wanted = folder / "wanted.txt"
    write_text(wanted, "\n".join(lines) + "\n")
    target = ["--python-version", "3.11", "--implementation", "cp", "--abi", "cp311", "--abi", "abi3", "--abi", "none"]
    target += [word for platform in _PLATFORMS for word in ("--platform", platform)]
    checked = ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    argv: list[str | Path] = [helper_python(state), "-m", "pip", "download", "--quiet", *checked, *target]
    run([*argv, "--dest", folder, "-r", wanted], hint="check the machine's pip configuration")


def convert(wheel: Wheel, path: Path, channel: Path) -> Path:
    """Write the conda package of a wheel into the channel."""
    pure = path.name.endswith("-none-any.whl")
    recipe = Recipe(
        wheel.conda,
        wheel.version.partition("+")[0],
        "pyh0_0" if pure else "py311h0_0",
        wheel.depends,
        wheel.license,
        wheel.uploaded,
        noarch=pure,
        entry_points=tuple(_entry_points(path)) if pure else (),
    )
    return write_package(recipe, rows(path, pure), channel)


def rows(path: Path, pure: bool) -> Iterator[Row]:
    """The files of a wheel where they go in a package; the commands of a pure one are left to the installer."""
    site = "site-packages" if pure else _SITE
    with zipfile.ZipFile(path) as wheel:
        for info in sorted(wheel.infolist(), key=lambda info: info.filename):
            target = _target(info.filename, site)
            if target and not info.is_dir():
                executable = target.startswith("bin/") or (info.external_attr >> 16) & 0o111
                with wheel.open(info) as stream:
                    yield Row(target, Content(stream, info.file_size), 0o755 if executable else 0o644)
                if not pure and target.startswith(site) and (made := bytecode(target, wheel.read(info))):
                    yield made
        if not pure:
            yield from _scripts(path)


def _target(name: str, site: str) -> str | None:
    """Where a wheel's file goes in a prefix; None for folders that have no place there."""
    parts = PurePosixPath(name).parts
    if not parts[0].endswith(".data"):
        return f"{site}/{name}"
    places = {"purelib": site, "platlib": site, "scripts": "bin", "data": ""}
    if parts[1] not in places:
        return None
    return "/".join(part for part in (places[parts[1]], *parts[2:]) if part)


def _entry_points(path: Path) -> list[str]:
    with zipfile.ZipFile(path) as wheel:
        name = next((name for name in wheel.namelist() if name.endswith(".dist-info/entry_points.txt")), None)
        text = wheel.read(name).decode() if name else ""
    parser = configparser.ConfigParser(delimiters=("=",), strict=False)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(text)
    return [f"{key} = {value}" for key, value in parser.items("console_scripts")] if "console_scripts" in parser else []


def _scripts(path: Path) -> Iterator[Row]:
    for point in _entry_points(path):
        command, module, function = re.findall(r"[\w.\-]+", point)[:3]
        yield Row.script(f"bin/{command}", f"import sys\nfrom {module} import {function}\nsys.exit({function}())\n")
