"""What lies beside a list for pip and says which Python it is for: evidence, where nothing better says so."""

from __future__ import annotations

import posixpath
import re
import tomllib
from collections.abc import Callable, Iterable, Sequence

from packaging.specifiers import InvalidSpecifier, SpecifierSet

from dlm_build.locks import PYTHON_NAMES
from dlm_build.planning.pythons import fits
from dlm_build.records import EnvironmentFile

_VERSION = re.compile(r"\s*(?:python-)?(\d{1,2}\.\d{1,2})(?:\.\d{1,3})?\s")


def said_beside(
    origin: str, files: Sequence[EnvironmentFile], pythons: Iterable[str]
) -> tuple[str, EnvironmentFile] | None:
    """A version specifier and the file that says it, where that fits one of the `pythons`; the most telling first."""
    place, _, path = origin.partition(":")
    of = {file.name: file for file in files if file.kind == "python"}
    usable = tuple(pythons)
    for name in PYTHON_NAMES:
        file = of.get(f"{place}:{posixpath.join(posixpath.dirname(path), name)}")
        said = _read(name)(file.text) if file else None
        if file and said and any(fits(python, [said]) for python in usable):
            return str(said), file
    return None


def _read(name: str) -> Callable[[str], SpecifierSet | None]:
    return _requires_python if name.endswith(".toml") else _first_version


def _first_version(text: str) -> SpecifierSet | None:
    """Of `python-3.8.12` or `3.8`; the patch release is the channel's to choose."""
    found = _VERSION.match(f"{text}\n")
    return SpecifierSet(f"=={found[1]}.*") if found else None


def _requires_python(text: str) -> SpecifierSet | None:
    try:
        project = tomllib.loads(text).get("project")
        said = project.get("requires-python") if isinstance(project, dict) else None
        return SpecifierSet(said) if isinstance(said, str) and len(said) <= 100 else None
    except (tomllib.TOMLDecodeError, InvalidSpecifier, RecursionError):
        return None
