"""The host's NVIDIA driver, as `--nv` puts it into a container: which CUDA it serves, which glibc it needs."""

from __future__ import annotations

import re
from pathlib import Path

from packaging.version import InvalidVersion, Version

from dlm_build.errors import InfraError
from dlm_build.gpu import Gpu, GpuTable, load_gpu_table
from dlm_build.preflight.line import Line, Look
from dlm_build.running.gpu import described

LIBRARIES = ("libcuda.so.1", "libnvidia-ml.so.1")
"""What every CUDA program loads of the driver."""
OLDEST_IMAGE = "2.27"
"""glibc of Ubuntu 18.04, the oldest base of the table that still lives."""
LARGEST = 128 << 20
"""Bytes of a library that are looked at."""
UNLISTED = Line(
    name="driver libraries",
    state="warn",
    detail="`ldconfig -p` lists no libcuda.so.1",
    fix="put the folder of libcuda.so.1 into the loader's cache (ldconfig)",
)


def driver_lines(look: Look) -> list[Line]:
    """None on a machine without an NVIDIA GPU: the GPU's own line says so."""
    gpu = described(look.programs)
    return [_serves(gpu, load_gpu_table()), _glibc(look)] if gpu else []


def _serves(gpu: Gpu, table: GpuTable) -> Line:
    served = newest_cuda(gpu.driver, table)
    detail = f"{gpu.driver} serves {gpu.name}, compute capability {gpu.capability or 'unknown'}"
    if served is None:
        fix = f"install a driver of at least {table.drivers[-1].floor}"
        return Line(name="NVIDIA driver", state="warn", detail=f"{detail}, and no CUDA that is known", fix=fix)
    newest = table.drivers[0]
    if served == newest.cuda:
        return Line(name="NVIDIA driver", state="ok", detail=f"{detail}, and CUDA up to {served}")
    fix = f"models built for CUDA {newest.cuda} need a driver of at least {newest.floor}"
    return Line(name="NVIDIA driver", state="warn", detail=f"{detail}, and CUDA up to {served}", fix=fix)


def newest_cuda(driver: str | None, table: GpuTable) -> str | None:
    """The newest CUDA version of the table whose floor the driver reaches."""
    try:
        own = Version(driver or "")
    except InvalidVersion:
        return None
    return next((row.cuda for row in table.drivers if own >= Version(row.floor)), None)


def _glibc(look: Look) -> Line:
    needed = driver_glibc(look)
    if needed is None:
        return UNLISTED
    detail = f"--nv works in images with glibc {needed} or later"
    if Version(needed) <= Version(OLDEST_IMAGE):
        return Line(name="driver libraries", state="ok", detail=detail)
    return Line(name="driver libraries", state="warn", detail=detail, fix="choose a newer base with --base for others")


def driver_glibc(look: Look) -> str | None:
    """The oldest glibc that every library of the host's driver can be loaded with; None where there are none."""
    needs = [needed_glibc(_bytes(path)) for path in _libraries(look)]
    return max(needs, key=Version) if needs else None


def _libraries(look: Look) -> list[Path]:
    try:
        cache = look.programs.run(("/sbin/ldconfig", "-p"), timeout=30).stdout
    except InfraError:
        return []
    rows = re.findall(r"^\s*(\S+) \([^)]*x86-64[^)]*\) => (\S+)$", cache, re.MULTILINE)
    return [Path(path) for name, path in rows if name in LIBRARIES]


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            return stream.read(LARGEST)
    except OSError:
        return b""


def needed_glibc(library: bytes) -> str:
    """The newest glibc version whose symbols a library asks for, from the names in it; `2.0` where it asks for none."""
    named = {found.decode() for found in re.findall(rb"\0GLIBC_(\d+\.\d+)(?=[.\d]*\0)", library)}
    return max(named, key=Version, default="2.0")
