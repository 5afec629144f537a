"""Why an environment could not be installed: the installer's end, in Docker's build as on this host for a SIF."""

from __future__ import annotations

from collections.abc import Sequence

from dlm_build.disk import is_full, more_space
from dlm_build.errors import DlmBuildError, HashMismatch, InfraError, ItemInvalid, shown

_SHOWN = 12
"""Lines, the last that it said."""
_KILLED = (-9, 137)


def installing_problem(status: int, talk: Sequence[str]) -> DlmBuildError:
    """The error for the installer's exit status, which is not 0; `talk` is what it said, line by line."""
    from dlm_build.harness.install_environment import EXIT_HASH, EXIT_PACKAGE

    said = "\n  ".join(("the environment could not be installed:", *[shown(line, 400) for line in talk[-_SHOWN:]]))
    if status == EXIT_HASH:
        return HashMismatch(said, "remove that package from the store (its sha256 names it) and run again")
    if status == EXIT_PACKAGE:
        return ItemInvalid(said, "the lock has a broken package: lock another version of it with --update")
    if status in _KILLED:
        return InfraError(said, "it was killed, most likely for lack of memory; give the engine, or the job, more")
    if is_full(said):
        return InfraError(said, more_space())
    return InfraError(said, "this is no fault of the model; report it with this output")
