"""Space on disks, asked for before anything long begins."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from dlm_build.errors import InfraError
from dlm_build.local_files import is_there

MARGIN = 64 << 20
"""Bytes that must stay free beyond what is estimated."""


def nearest(folder: Path) -> Path:
    """The folder itself, or the first above it that is there."""
    return next(place for place in (folder, *folder.absolute().parents) if is_there(place))


def refuse_full(what: str, needed: Mapping[Path, int]) -> None:
    """Raises InfraError where a disk has less free than `what` will need on it, in bytes by folder.

    The folders need not exist yet.
    """
    wanted: dict[int, tuple[Path, int]] = {}
    for folder, size in needed.items():
        there = nearest(folder)
        first, before = wanted.get(there.stat().st_dev, (there, 0))
        wanted[there.stat().st_dev] = (first, before + size)
    for there, size in wanted.values():
        told = os.statvfs(there)
        free = told.f_bavail * told.f_frsize
        if free < size + MARGIN:
            needed_mib, free_mib = (size + MARGIN) >> 20, free >> 20
            raise InfraError(
                f"{there}: too little space: about {needed_mib} MiB are needed for {what}, {free_mib} MiB are free",
                "free space there, or name another folder with --output, or with `store` in the settings",
            )
