"""One line of the diagnosis, and what a look at the machine may use."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Literal, NamedTuple

from dlm_build.config import Settings
from dlm_build.errors import InfraError
from dlm_build.proc import Finished, Programs
from dlm_build.records import Record
from dlm_build.running.sif_run import ordinary_user


class Line(Record, frozen=True, kw_only=True):
    name: str
    state: Literal["ok", "warn", "missing"]
    """`missing` stops builds; `warn` only weakens or slows them."""
    detail: str
    fix: str = ""


class Look(NamedTuple):
    """The doors of a preflight, and who would run the models."""

    settings: Settings
    programs: Programs
    own_user: int
    """Ours; 0 for root."""
    root: Path = Path("/")
    """Where `dev`, `proc` and `lib` lie."""

    def as_runner(self, *argv: str) -> Finished | None:
        """What the user who runs the models gets from a program; None where it cannot be started."""
        try:
            user = ordinary_user(self.settings, self.own_user)
            become = ("setpriv", f"--reuid={user[0]}", f"--regid={user[1]}", "--clear-groups", "--") if user else ()
            return self.programs.run((*become, *argv), timeout=30)
        except InfraError:
            return None

    def found(self, *names: str, also: str = "") -> str | None:
        """The path of the first of these programs on PATH, or in the folder `also`."""
        path = f"{also}:{self.settings.environment.get('PATH', '')}:/usr/bin:/bin:/usr/sbin:/sbin".lstrip(":")
        return next(filter(None, (shutil.which(name, path=path) for name in names)), None)
