"""A file in the making, beside the one it will replace: whoever looks sees the old one or the new one, whole."""

from __future__ import annotations

import glob
import os
import secrets
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event

from dlm_build.disk import IN_OUTPUT, disk_error
from dlm_build.errors import UsageError, shown
from dlm_build.ownership import locked_file
from dlm_build.store import sha256_of

_FLUSH_SECONDS = 1.0


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A path for the new file; it takes `target`'s place when the block ends well, and is removed otherwise.

    What a killed process left there is removed first. Raises InfraError when the disk refuses, UsageError where
    `target` is a folder.
    """
    refuse_folder(target)
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


@contextmanager
def settling(part: Path) -> Iterator[None]:
    """What is written to `part` meanwhile goes to the disk at once, which leaves little to wait for in `settled`.

    Raises OSError from the disk, which tells of what it lost only once.
    """
    ended = Event()

    def flush() -> None:
        with part.open("rb") as stream:
            while not ended.wait(_FLUSH_SECONDS):
                os.fdatasync(stream.fileno())

    with ThreadPoolExecutor(1) as pool:
        flushed = pool.submit(flush)
        try:
            yield
        finally:
            ended.set()
        flushed.result()


def settled(part: Path) -> str:
    """Its sha256, once it is durable; the one is made while the other takes place."""
    with part.open("rb") as stream, ThreadPoolExecutor(1) as pool:
        durable = pool.submit(os.fsync, stream.fileno())
        sha256 = sha256_of(part)
        durable.result()
    return sha256


def refuse_folder(target: Path) -> None:
    """Raises UsageError where a file could not take its place."""
    if target.is_dir():
        raise UsageError(f"{shown(str(target), 300)} is a folder", "move it away, or give another --output")


def _sweep(target: Path) -> None:
    """A part nobody holds locked is of a process that is no more."""
    for left in target.parent.glob(f"{glob.escape(target.name)}.part-*"):
        with suppress(OSError):
            handle = locked_file(left, wait=False)
            if handle is not None:
                left.unlink(missing_ok=True)
                os.close(handle)


def _take_place(part: Path, target: Path) -> None:
    """The bytes are durable already; now the name."""
    part.chmod(0o755)
    part.replace(target)
    folder = os.open(target.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
