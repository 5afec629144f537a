"""Disks: space asked for before anything long begins, and their complaints as ones that the user can act on."""

from __future__ import annotations

import errno
import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from dlm_build.errors import InfraError
from dlm_build.local_files import is_there

MARGIN = 64 << 20
"""Bytes that must stay free beyond what is estimated."""
IN_STORE = "set `store` in the settings to"
IN_OUTPUT = "name with --output"
IN_TEMPORARY = "set TMPDIR to"
"""What moves bytes elsewhere, as disk_error words it."""
_FULL = ("no space left", "disk quota exceeded")


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


@contextmanager
def disk_errors(place: Path, instead: str = IN_STORE) -> Iterator[None]:
    """What the operating system complains of inside the block, as `disk_error` words it."""
    try:
        yield
    except OSError as problem:
        raise disk_error(problem, place, instead) from problem


def disk_error(problem: OSError, place: Path, instead: str = IN_STORE) -> InfraError:
    """The operating system's complaint, as one the user can act on."""
    if problem.errno in (errno.EACCES, errno.EPERM, errno.EROFS):
        hint = f"make it writable, or {instead} a folder that is"
    elif problem.errno == errno.ENOTDIR:
        hint = f"a file stands where a folder has to be: remove it, or {instead} a folder"
    elif problem.errno in (errno.ENOENT, errno.EISDIR):
        hint = "it was there a moment ago, or its name is wrong"
    elif problem.errno in (errno.ENOLCK, errno.EOPNOTSUPP):
        hint = f"this file system has no locks: {instead} a folder on a local disk"
    else:
        hint = more_space(instead)
    return InfraError(f"{problem.filename or place}: {problem.strerror or problem}", hint)


def more_space(instead: str = IN_STORE) -> str:
    """What to do about a full disk."""
    return f"free space there, or {instead} a folder on a larger disk"


def is_full(said: str) -> bool:
    """Whether it was a full disk that a program, by its own words, has failed for."""
    return any(words in said.lower() for words in _FULL)


@contextmanager
def temporary_folder() -> Iterator[Path]:
    """A fresh folder where TMPDIR says, removed at the end. What its disk complains of meanwhile is an InfraError."""
    place = _temporary_place()
    with (
        disk_errors(place, IN_TEMPORARY),
        tempfile.TemporaryDirectory(prefix="dlm-build-", dir=place, ignore_cleanup_errors=True) as folder,
    ):
        yield Path(folder)


def _temporary_place() -> Path:
    try:
        return Path(tempfile.gettempdir())
    except FileNotFoundError as problem:
        raise InfraError(
            "no folder for temporary files can be written to: not TMPDIR, nor /tmp, nor /var/tmp",
            "free space there, or set TMPDIR to a folder that is writable and has space",
        ) from problem
