"""Wheels out of a `pylock.toml`: which one fits the Python and the glibc of the image."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any
from urllib.parse import unquote

from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, parse_wheel_filename

from dlm_build.errors import InfraError
from dlm_build.fetching.urls import url_parts
from dlm_build.locking.grammar import checked
from dlm_build.records import Package, Record

INDEX = "index"
"""Channel of a wheel that the operator's index (or find-links folder) served."""
_LEGACY = {17: "manylinux2014_x86_64", 12: "manylinux2010_x86_64", 5: "manylinux1_x86_64"}


class Target(Record, frozen=True, kw_only=True):
    """What wheels must fit: CPython `X.Y` (or `X.Y.Z`) on x86_64 Linux with this glibc."""

    python: str
    glibc: str

    @property
    def minor(self) -> tuple[int, int]:
        major, minor = self.python.split(".")[:2]
        return int(major), int(minor)


class Entry(Record, frozen=True, kw_only=True):
    """One package of a `pylock.toml` with the wheels that were offered for it."""

    name: str
    version: str
    wheels: tuple[Package, ...]


def supported_tags(target: Target) -> dict[Tag, int]:
    """Every tag that fits, with its rank; 0 is the best."""
    platforms = list(_platforms(target.glibc))
    version = target.minor
    interpreter = f"cp{version[0]}{version[1]}"
    abi = interpreter + ("m" if version < (3, 8) else "")
    tags = [
        *cpython_tags(version, abis=[abi], platforms=platforms),
        *compatible_tags(version, interpreter=interpreter, platforms=platforms),
    ]
    return {tag: rank for rank, tag in reversed(list(enumerate(tags)))}


def _platforms(glibc: str) -> Iterator[str]:
    for minor in range(int(glibc.split(".")[1]), 4, -1):
        yield f"manylinux_2_{minor}_x86_64"
        if minor in _LEGACY:
            yield _LEGACY[minor]
    yield "linux_x86_64"


def rank(filename: str, supported: Mapping[Tag, int]) -> int | None:
    """How well a wheel fits (0 is best), None where it does not."""
    try:
        _, _, _, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return None
    return min((supported[tag] for tag in tags if tag in supported), default=None)


def best(wheels: Sequence[Package], supported: Mapping[Tag, int]) -> Package | None:
    """The wheel that fits best; of equals, the one with the highest build number, then the first name."""
    ranked = [(found, wheel) for wheel in wheels if (found := rank(wheel.filename, supported)) is not None]
    if not ranked:
        return None
    return min(ranked, key=lambda pair: (pair[0], _negative_build(pair[1].filename), pair[1].filename))[1]


def _negative_build(filename: str) -> tuple[int, str]:
    build = parse_wheel_filename(filename)[2]
    return (-build[0], build[1]) if build else (0, "")


def read_pylock(text: str, origin: str) -> tuple[Entry, ...]:
    """The entries of a `pylock.toml` that uv wrote, wheels checked by grammar. Raises InfraError when it is not one."""
    try:
        packages = tomllib.loads(text).get("packages", [])
        return tuple(_entry(package, origin) for package in packages)
    except (tomllib.TOMLDecodeError, KeyError, TypeError, AttributeError) as problem:
        raise InfraError(
            f"uv's answer is not a pylock.toml dlm-build can read: {problem!r}", "use the uv that came with dlm-build"
        ) from problem


def _entry(package: dict[str, Any], origin: str) -> Entry:
    name, version = package["name"], package.get("version", "")
    wheels = tuple(_wheel(name, version, wheel, origin) for wheel in package.get("wheels", []))
    return Entry(name=name, version=version, wheels=wheels)


def _wheel(name: str, version: str, wheel: dict[str, Any], origin: str) -> Package:
    url = wheel["url"]
    return checked(
        Package(
            manager="pip",
            name=name,
            version=version,
            channel=INDEX,
            filename=unquote(url_parts(url).path).rpartition("/")[2],
            url=url,
            sha256=wheel.get("hashes", {}).get("sha256", ""),
            size=wheel.get("size"),
        ),
        origin,
    )
