"""Files that say what an environment is: which of them a build reads, and the lines of conda's explicit form.

is_lock(name)        what `check` takes for a lock by its name alone; a build reads each of them
is_foreign(name)     a lock, or a list, of a tool whose format is not read
is_aside(path)       in a folder of docs, tests or CI, whose environments are not the model's
found_unnamed(paths) which of an archive's files is one, where the item names none
is_explicit(text)    `@EXPLICIT`, as conda, conda-lock and dlm-build itself write it
build_of(url)        the build that a conda package's file name ends with, such as `cpu_py311h1_0`
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Literal
from urllib.parse import unquote

from dlm_build.errors import ItemInvalid, shown
from dlm_build.records import Record

_LOCK = re.compile(
    r"(?:.*[.-])?conda-lock\.ya?ml|explicit[\w.-]*\.txt|requirements[\w.-]*lock[\w.-]*\.txt"
    r"|[\w.-]*[.-]lock(?:\.(?:txt|ya?ml))?",
    re.IGNORECASE,
)
_FOREIGN = re.compile(
    r"(?:pixi|uv|poetry|pdm|renv|packrat)\.lock|Pipfile(?:\.lock)?"
    r"|.+\.(?:toml|cfg|json|py|ipynb|r|jl|sh|nix)|python_env\.ya?ml|MLproject|(?:.+\.)?Dockerfile(?:\..+)?",
    re.IGNORECASE,
)
_EXPLICIT = re.compile(r"^@EXPLICIT[ \t]*\r?$", re.MULTILINE)
_CONDA = re.compile(r"(?P<name>.+)-(?P<version>[^-]+)-(?P<build>[^-]+)\.(?:conda|tar\.bz2)")
_WHEEL = re.compile(r"#\s*pip\s+(?P<name>\S+)\s+@\s+(?P<url>\S+)")
_DIGEST = re.compile(r"(?:sha256[:=])?(?P<sha256>[0-9a-f]{64})|(?:md5[:=])?(?P<md5>[0-9a-f]{32})|")

EXPLICIT_NAMES = ("explicit.txt", "conda-linux-64.lock")
"""Taken for an environment only where the text is one."""
NAMES = (
    ("conda-lock.yml", "conda-lock.yaml"),
    EXPLICIT_NAMES,
    ("environment.yml", "environment.yaml", "conda.yaml", "conda.yml"),
    ("requirements.txt",),
)
"""Of files that are found where the item names none, best first."""
PYTHON_NAMES = ("runtime.txt", ".python-version", "pyproject.toml")
"""Of files that say which Python a list for pip beside them is for, best first."""
_ASIDE = frozenset(
    {"doc", "docs", "documentation", "test", "tests", "ci", ".ci", ".circleci", ".devcontainer", ".github"}
)
"""Folders whose environment files are for something else than running the model; none is taken unless it is named."""


class LockedRow(Record, frozen=True, kw_only=True):
    """A package as a lock file names it."""

    manager: Literal["conda", "pip"]
    name: str
    version: str
    url: str
    """Without the digest behind it."""
    sha256: str = ""
    md5: str | None = None
    depends: tuple[str, ...] = ()


def is_lock(name: str) -> bool:
    """`name` is a file's, without folders."""
    folded = name.casefold()
    if "lock" not in folded and "expl" not in folded:
        return False
    return _LOCK.fullmatch(name) is not None and not is_foreign(name)


def is_aside(path: str) -> bool:
    """Whether it lies in a folder whose environments are not the model's."""
    return not _ASIDE.isdisjoint(path.split("/"))


def found_unnamed(paths: Iterable[str]) -> str | None:
    """Which of an archive's files a build takes for the environment where the item names none, by their names."""
    named: dict[str, str] = {}
    for path in paths:
        if not is_aside(path):
            named.setdefault(path.rpartition("/")[2], path)
    return next((named[name] for names in NAMES for name in names if name in named), None)


def is_foreign(name: str) -> bool:
    return _FOREIGN.fullmatch(name) is not None


def is_explicit(text: str) -> bool:
    return _EXPLICIT.search(text) is not None


def build_of(url: str) -> str:
    """Empty where `url` names no conda package."""
    found = _CONDA.fullmatch(_file(url))
    return found["build"] if found else ""


def explicit_rows(text: str, origin: str) -> tuple[LockedRow, ...]:
    """Every package of an explicit list, wheels too, which it has as comments. Raises ItemInvalid with file and line.

    Nothing of them is checked but that each line names a package.
    """
    return tuple(_rows(text, origin))


def _rows(text: str, origin: str) -> Iterator[LockedRow]:
    for number, line in enumerate(text.splitlines(), 1):
        place, line = f"{shown(origin)}:{number}", line.strip()
        if wheel := _WHEEL.match(line):
            yield _wheel(wheel["name"], wheel["url"], place)
        elif line and not line.startswith("#") and line != "@EXPLICIT":
            yield _conda(line, place)


def _conda(line: str, place: str) -> LockedRow:
    url, sha256, md5 = _parted(line, place)
    found = _CONDA.fullmatch(_file(url))
    if not found:
        raise ItemInvalid(
            f"{place}: {shown(line)} is not the address of a conda package",
            "below @EXPLICIT write one address a line, with the sha256 behind it, or publish a conda-lock.yml",
        )
    return LockedRow(manager="conda", name=found["name"], version=found["version"], url=url, sha256=sha256, md5=md5)


def _wheel(name: str, line: str, place: str) -> LockedRow:
    url, sha256, _ = _parted(line, place)
    if not _file(url).endswith(".whl"):
        raise ItemInvalid(f"{place}: {shown(_file(url))} is not a wheel", "only wheels are installed; lock a wheel")
    version = _file(url).partition("-")[2].partition("-")[0]
    return LockedRow(manager="pip", name=name, version=version, url=url, sha256=sha256)


def _parted(line: str, place: str) -> tuple[str, str, str | None]:
    """The address, and the digest behind it as sha256 or md5."""
    url, _, digest = line.partition("#")
    found = _DIGEST.fullmatch(digest.lower())
    if not found:
        raise ItemInvalid(f"{place}: {shown(digest)} is neither an md5 nor a sha256", "write #sha256:… behind the URL")
    return url, found["sha256"] or "", found["md5"]


def _file(url: str) -> str:
    return unquote(url.partition("?")[0]).rpartition("/")[2]
