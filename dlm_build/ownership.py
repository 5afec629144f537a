"""Locks that die with their process, and scratch folders that the next process can tell from those still in use."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from contextlib import suppress
from pathlib import Path


def locked_file(path: Path, *, wait: bool) -> int | None:
    """A handle that holds the lock on `path`, created where missing; None where another process holds it.

    A holder may have removed the file between our open and our lock; then what we locked is not `path` any more.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
            if _same_file(handle, path):
                return handle
        except BlockingIOError:
            os.close(handle)
            return None
        except BaseException:
            os.close(handle)
            raise
        os.close(handle)


def _same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def own_folder(base: Path) -> tuple[Path, int]:
    """A new folder whose `owner` file this process holds locked."""
    while True:
        folder = base / secrets.token_hex(8)
        with suppress(FileExistsError, FileNotFoundError):
            folder.mkdir()
            handle = locked_file(folder / "owner", wait=False)
            if handle is not None:
                return folder, handle


def sweep(base: Path) -> None:
    """Remove the folders of processes that are no more."""
    for folder in base.iterdir() if base.is_dir() else ():
        with suppress(OSError):
            handle = locked_file(folder / "owner", wait=False)
            if handle is not None:
                give_up(folder, handle)


def give_up(folder: Path, handle: int, pid: int | None = None) -> None:
    """Remove an owned folder, then let go of it. A fork of the owner (`pid` is another's) only lets go."""
    if pid in (None, os.getpid()):
        shutil.rmtree(folder, ignore_errors=True)
    os.close(handle)
