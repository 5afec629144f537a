"""The file that --output names: a plain one is whole or not there, anything else is written into."""

from __future__ import annotations

import errno
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from dlm_build.errors import InfraError, UsageError, shown

UNWRITABLE = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO)
"""What a disk or a terminal may answer, whatever was asked for; a terminal that was hung up: EIO."""


@contextmanager
def opened(path: str) -> Iterator[IO[str]]:
    """Raises UsageError where no such file can be written, InfraError where the disk takes no more."""
    try:
        with _opened(Path(path)) as stream:
            yield stream
    except OSError as problem:
        kind = InfraError if problem.errno in UNWRITABLE else UsageError
        raise kind(f"{shown(path)}: {problem.strerror}", "give --output a file that can be written") from problem


@contextmanager
def _opened(target: Path) -> Iterator[IO[str]]:
    """A device, a pipe or a link (/dev/null, /dev/stdout) stays what it is: root could replace it."""
    if target.is_symlink() or (target.exists() and not target.is_file()):
        with target.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    beside = Path(f"{target}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
