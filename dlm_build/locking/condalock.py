"""conda-lock's models and reader, and the constants of conda that it brings, imported once and quietly. It costs about
half a second: only where a file of its format is read or written, or `defaults` is asked for."""

from __future__ import annotations

import warnings

with warnings.catch_warnings():
    # it warns of what it will have to replace in itself, which is no news to its users
    warnings.simplefilter("ignore", DeprecationWarning)
    warnings.simplefilter("ignore", PendingDeprecationWarning)
    from conda_lock._vendor.conda.base.constants import DEFAULT_CHANNELS_UNIX
    from conda_lock.conda_lock import render_lockfile_for_platform
    from conda_lock.lockfile import parse_conda_lock_file
    from conda_lock.lockfile.v1.models import HashModel, LockedDependency, LockMeta
    from conda_lock.lockfile.v1.models import Lockfile as LockfileV1
    from conda_lock.lockfile.v2prelim.models import LockedDependency as Row
    from conda_lock.lockfile.v2prelim.models import Lockfile, lockfile_v1_to_v2
    from conda_lock.models.channel import Channel

__all__ = [
    "DEFAULT_CHANNELS_UNIX",
    "Channel",
    "HashModel",
    "LockMeta",
    "LockedDependency",
    "Lockfile",
    "LockfileV1",
    "Row",
    "lockfile_v1_to_v2",
    "parse_conda_lock_file",
    "render_lockfile_for_platform",
]
