"""What one run is given, whichever engine it runs on."""

from __future__ import annotations

import secrets
from pathlib import Path

from dlm_build.records import Limits, Record
from dlm_build.running.gpu import Device


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
