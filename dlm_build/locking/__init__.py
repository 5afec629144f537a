"""Locking: every name of a Plan turned into bytes. Nothing heavy is imported before it is used.

`lock.make_lock` tells the story; `conda` and `pip` solve, `published` reads a lock the publisher made, `installer`
pins what installs the environment, `fetching` brings the bytes into the store, `files` writes conda-lock's formats.
"""

from __future__ import annotations

from dlm_build.locking.diff import lock_diff
from dlm_build.locking.fetching import fill_store
from dlm_build.locking.files import conda_lock_yaml, explicit_text
from dlm_build.locking.lock import make_lock

__all__ = ["conda_lock_yaml", "explicit_text", "fill_store", "lock_diff", "make_lock"]
