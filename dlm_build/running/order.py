"""What one run is given and needs, whichever engine it runs on."""

from __future__ import annotations

import secrets
from pathlib import Path
from typing import NamedTuple

from dlm_build.config import Settings
from dlm_build.container_layout import MOUNTS, ROOT
from dlm_build.errors import ItemInvalid, shown
from dlm_build.proc import Programs
from dlm_build.progress import Notify
from dlm_build.records import Limits, Record
from dlm_build.running.gpu import Device
from dlm_build.store import Store

OPEN_FILES = 4096
"""No more than any engine may grant: raising its own limit needs a privilege that engines in containers lack."""
SCRATCH_FILES = 200_000
"""Files and folders each scratch file system may hold."""

NEEDED = (ROOT, MOUNTS, "/usr/bin", "/usr/lib", "/usr/local/bin", "/bin", "/sbin", "/lib", "/lib64", "/etc")
RESERVED = (ROOT, MOUNTS, "/proc", "/sys", "/dev", "/etc", "/boot")


class Host(NamedTuple):
    """What a run needs of this machine."""

    settings: Settings
    """They name the engine and the limits."""
    programs: Programs
    store: Store
    notify: Notify
    device: Device | None = None
    """What was chosen for this run already; None: it is looked for."""


def new_mark() -> str:
    """One that nobody can foresee."""
    return f"dlm-report-{secrets.token_hex(8)}"


class Order(Record, frozen=True, kw_only=True):
    """The part of a fully decided run that every engine needs; each adds its own."""

    sample: str
    """File name of the input inside INPUT."""
    place: Path
    """The host folder whose subfolders the container sees."""
    working_dir: str
    limits: Limits
    device: Device
    processors: int
    mark: str
    """What the harness begins its words to us with; the model's program is not told it."""

    @property
    def variables(self) -> dict[str, str]:
        """What the harness and the model see, besides the image's own environment, whichever engine runs them."""
        return {
            "DLM_DEVICE": self.device.kind,
            "DLM_REPORT": self.mark,
            "TMPDIR": "/tmp",  # noqa: S108
            "LC_ALL": "C.UTF-8",
            "TZ": "UTC",
            "OMP_NUM_THREADS": str(self.processors),
            "PYTHONHASHSEED": "0",
            "PYTHONNOUSERSITE": "1",
            "PYTHONDONTWRITEBYTECODE": "1",
        }


def checked_working_dir(path: str) -> str:
    """`path` if a scratch file system may cover it. Raises ItemInvalid."""
    inside = any(path == place or path.startswith(place + "/") for place in RESERVED)
    above = any(place == path or place.startswith(path.rstrip("/") + "/") for place in NEEDED)
    if not path.startswith("/") or ".." in path.split("/") or inside or above:
        raise ItemInvalid(
            f"working folder {shown(path)} would hide files that the container needs",
            "set docker.working_dir of the item to a folder of its own, e.g. /workspace",
        )
    return path
