"""What is known of builds, drivers and GPUs: a data file with its sources, checked when it is read."""

from __future__ import annotations

from importlib import resources

import msgspec

from dlm_build.errors import InfraError
from dlm_build.records import Record


class DriverFloor(Record, frozen=True, kw_only=True):
    """The lowest Linux driver for a CUDA major version, or before 11 for a minor one."""

    cuda: str
    floor: str


class Dropped(Record, frozen=True, kw_only=True):
    """GPUs that a CUDA version no longer serves."""

    below: str
    since_cuda: str


class BuildRow(Record, frozen=True, kw_only=True):
    """The GPUs that a range of a framework's own wheels has code for."""

    framework: str
    since: str
    before: str | None
    """The first version that is not meant; None: all later ones known."""
    cuda: tuple[str, ...]
    sm: tuple[str, ...]
    """Compute capabilities with machine code."""
    ptx: str | None
    """The capability of the PTX that later GPUs can compile; None: there is none."""
    source: str


class GpuTable(Record, frozen=True, kw_only=True):
    collected: str
    rule: str
    drivers: tuple[DriverFloor, ...]
    driver_sources: tuple[str, ...]
    dropped: tuple[Dropped, ...]
    dropped_sources: tuple[str, ...]
    builds: tuple[BuildRow, ...]


def load_gpu_table() -> GpuTable:
    """The table shipped with this version. Raises InfraError where the file was damaged."""
    file = resources.files(__package__) / "data" / "builds.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=GpuTable)
    except (msgspec.DecodeError, OSError) as problem:
        raise InfraError(f"the table of GPU builds is damaged: {problem}", "install dlm-build again") from problem
