"""Locking: every name of a Plan turned into bytes. Nothing is imported before it is used.

`lock.make_lock` tells the story; `conda` and `pip` solve (`solver` asks rattler, `unsolvable` says why it found
nothing, `stand_ins` tell uv what conda provides), `published` and `explicit` read a lock the publisher made,
`installer` pins what installs the environment, `fetching` brings the bytes into the store, `files` writes conda-lock's
formats.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from dlm_build.locking.diff import lock_diff
    from dlm_build.locking.fetching import fill_store
    from dlm_build.locking.files import conda_lock_yaml, explicit_text
    from dlm_build.locking.lock import make_lock
    from dlm_build.locking.outside import Outside

__all__ = ["Outside", "conda_lock_yaml", "explicit_text", "fill_store", "lock_diff", "make_lock"]

_HOMES = {
    "conda_lock_yaml": "files",
    "explicit_text": "files",
    "fill_store": "fetching",
    "lock_diff": "diff",
    "make_lock": "lock",
    "Outside": "outside",
}


def __getattr__(name: str) -> Any:
    """A run that finds its lock unchanged needs none of the solvers, so each name brings only its own module."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
