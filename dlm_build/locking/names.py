"""Which Python distributions conda packages stand for."""

from __future__ import annotations

import json
from collections.abc import Iterable
from importlib import resources

from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from dlm_build.records import Package


def provided(conda: Iterable[Package]) -> dict[str, str]:
    """Distribution name → version, of every conda package that is a Python package."""
    table = name_table()
    found: dict[str, str] = {}
    for package in conda:
        names = table.get(package.name, [package.name])
        if package.name in table or _needs_python(package):
            found |= {canonicalize_name(name): version for name in names if (version := _pep440(package.version))}
    return found


def name_table() -> dict[str, list[str]]:
    """Conda names that differ from the distributions they hold."""
    text = resources.files("dlm_build.locking").joinpath("data/python_names.json").read_text("utf-8")
    table: dict[str, list[str]] = json.loads(text)["names"]
    return table


def _needs_python(package: Package) -> bool:
    return any(depends.split()[0] in ("python", "python_abi") for depends in package.depends)


def _pep440(version: str) -> str | None:
    try:
        return str(Version(version))
    except InvalidVersion:
        return None
