"""Files of this machine that an item or a catalogue names: told without waiting for any, and without an error."""

from __future__ import annotations

import errno
import os
from pathlib import Path

_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


def is_there(path: Path) -> bool:
    """False also where nothing can be told, as of a name that is too long, for which pathlib raises."""
    return os.path.exists(path)  # noqa: PTH110 - as above


def is_file(path: Path) -> bool:
    return os.path.isfile(path)  # noqa: PTH113 - as above


def is_folder(path: Path) -> bool:
    return os.path.isdir(path)  # noqa: PTH112 - as above


def is_absent(problem: OSError) -> bool:
    """Whether nothing is there, or could be; not where a look was refused or failed."""
    return problem.errno in _ABSENT


def is_endless(path: Path) -> bool:
    """Whether what is there may be waited for or read for ever: a pipe, a device, a socket."""
    return is_there(path) and not is_file(path) and not is_folder(path)
