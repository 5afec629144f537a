"""What installs an environment inside the image: pinned in `data/installer.json`, found in this site's index."""

from __future__ import annotations

from importlib import resources

import msgspec

from dlm_build.locking.pip import wheels_by_hash
from dlm_build.locking.uv import Uv
from dlm_build.locking.wheels import Target
from dlm_build.records import Package, Record


class Wheel(Record, frozen=True, kw_only=True):
    name: str
    version: str
    filename: str
    sha256: str
    size: int


class Pins(Record, frozen=True, kw_only=True):
    """`data/installer.json`."""

    about: str
    target: Target
    """The oldest Python and glibc they run on."""
    wheels: tuple[Wheel, ...]


def read_pins() -> Pins:
    raw = resources.files("dlm_build.locking").joinpath("data/installer.json").read_bytes()
    return msgspec.json.decode(raw, type=Pins)


def installer_wheels(uv: Uv) -> tuple[Package, ...]:
    """The pinned wheels with their URLs. As-of dates do not apply: they are tools, no part of the environment.

    Raises HashMismatch, InfraError.
    """
    pins = read_pins()
    packages = [
        Package(
            manager="pip",
            name=wheel.name,
            version=wheel.version,
            filename=wheel.filename,
            url="",
            sha256=wheel.sha256,
            size=wheel.size,
        )
        for wheel in pins.wheels
    ]
    return wheels_by_hash(packages, pins.target, uv, "environment installer")
