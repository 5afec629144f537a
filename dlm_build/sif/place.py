"""A file in the making, beside the one it will replace: whoever looks sees the old one or the new one, whole."""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from dlm_build.errors import InfraError, UsageError
from dlm_build.ownership import locked_file
from dlm_build.store import IN_OUTPUT, disk_error

MARGIN = 64 << 20
"""Bytes that must stay free beyond what is estimated."""


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A path for the new file; it takes `target`'s place when the block ends well, and is removed otherwise.

    What a killed process left there is removed first. Raises InfraError when the disk refuses, UsageError where
    `target` is a folder.
    """
    if target.is_dir():
        raise UsageError(f"{target} is a folder", "name a file that ends with .sif")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _sweep(target)
        part = target.with_name(f"{target.name}.part-{secrets.token_hex(8)}")
        handle = locked_file(part, wait=False)
    except OSError as problem:
        raise disk_error(problem, target.parent, IN_OUTPUT) from problem
    assert handle is not None
    try:
        yield part
        _take_place(part, target)
    except OSError as problem:
        raise disk_error(problem, target.parent, IN_OUTPUT) from problem
    finally:
        part.unlink(missing_ok=True)
        os.close(handle)


def _sweep(target: Path) -> None:
    """A part nobody holds locked is of a process that is no more."""
    for left in target.parent.glob(f"{_escaped(target.name)}.part-*"):
        with suppress(OSError):
            handle = locked_file(left, wait=False)
            if handle is not None:
                left.unlink(missing_ok=True)
                os.close(handle)


def _escaped(name: str) -> str:
    import glob

    return glob.escape(name)


def _take_place(part: Path, target: Path) -> None:
    """The bytes are durable already; now the name."""
    part.chmod(0o755)
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def refuse_full(needed: Mapping[Path, int]) -> None:
    """Raises InfraError where a disk has less free than all that goes there will need; folders may not exist yet."""
    wanted: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        there = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        first, before = wanted.get(there.stat().st_dev, (there, 0))
        wanted[there.stat().st_dev] = (first, before + size)
    for there, size in wanted.values():
        told = os.statvfs(there)
        free = told.f_bavail * told.f_frsize
        if free < size + MARGIN:
            raise InfraError(
                f"{there}: about {(size + MARGIN) >> 20} MiB are needed for the SIF, {free >> 20} MiB are free",
                "free space there, or name another folder with --output, or `store` in the settings",
            )
