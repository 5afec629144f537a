"""The process environment a model sees: the same on every machine, its caches in the scratch folder."""

from __future__ import annotations

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path

MARK = "DLM_SETTLED"
REPORT = "DLM_REPORT"
"""What dlm-build wants its line to begin with (used.py); the model is not told."""
HANDED = "DLM_REPORT_FROM"
"""The number of the open pipe that holds it after the new start."""
SCRATCH = "/tmp"  # noqa: S108
DRIVER = "libcuda.so.1"
NO_DEVICE = ("", "-1", "NoDevFiles")
"""What people set CUDA_VISIBLE_DEVICES to for none."""
STRAY = (
    "LD_PRELOAD", "PYTHONHOME", "PYTHONPATH", "PYTHONPLATLIBDIR", "PYTHONUSERBASE", "PYTHONWARNINGS",
    "GDAL_DATA", "GDAL_DRIVER_PATH", "PROJ_DATA", "PROJ_LIB", "CUDA_HOME", "CUDA_PATH",
)  # fmt: skip
"""Set by a cluster's module files and by conda for programs of the host; they would lead the model to its files."""


def settled(environ: Mapping[str, str], root: Path, system: Path = Path("/")) -> dict[str, str]:
    """`environ` with fixed seeds and locale, the environment's programs first on PATH, and no user site.

    The model computes on what DLM_DEVICE names; where nobody says, on a GPU that the container was given.
    """
    prefix = root / "env"
    stray = _stray(system / ".singularity.d" / "env")
    settings = {name: value for name, value in environ.items() if name not in stray}
    settings.update(PYTHONHASHSEED="0", PYTHONNOUSERSITE="1", PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    for name, value in _defaults(prefix).items():
        settings.setdefault(name, value)
    if not os.access(settings["TMPDIR"], os.W_OK):
        settings["TMPDIR"] = SCRATCH  # the host's, which is not in here
    programs = str(prefix / "bin")
    path = settings.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    if prefix.is_dir() and programs not in path.split(":"):
        settings["PATH"] = programs + ":" + path
    settings.setdefault("DLM_DEVICE", _device(environ.get("CUDA_VISIBLE_DEVICES"), system / "dev"))
    if settings["DLM_DEVICE"] != "gpu":
        settings["CUDA_VISIBLE_DEVICES"] = ""
    return settings


def _stray(scripts: Path) -> set[str]:
    """Names that Apptainer and Singularity let in from the host; none in Docker, and not what the image itself sets."""
    if not scripts.is_dir():
        return set()
    own = "".join(path.read_text("utf-8", "replace") for path in scripts.glob("*.sh"))
    return {name for name in STRAY if f"export {name}=" not in own}


def _device(chosen: str | None, dev: Path) -> str:
    """`gpu` where there is a device and the driver's library, which `--nv` and `--gpus` bring; else `cpu`."""
    there = any(dev.glob("nvidia[0-9]*")) or (dev / "dxg").exists()
    return "gpu" if there and chosen not in NO_DEVICE and _driver_loads() else "cpu"


def _driver_loads() -> bool:
    try:
        ctypes.CDLL(DRIVER)
    except OSError:
        return False
    return True


def _defaults(prefix: Path) -> dict[str, str]:
    threads = str(_processors())
    defaults = {
        "HOME": SCRATCH,
        "TMPDIR": SCRATCH,
        "XDG_CACHE_HOME": SCRATCH + "/.cache",
        "MPLCONFIGDIR": SCRATCH + "/.cache/matplotlib",
        "NUMBA_CACHE_DIR": SCRATCH + "/.cache/numba",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
    }
    for name, folder in (("PROJ_DATA", "proj"), ("GDAL_DATA", "gdal")):
        if (prefix / "share" / folder).is_dir():
            defaults[name] = str(prefix / "share" / folder)
    return defaults


def _processors() -> int:
    """Processors this process may use, at most 16: more threads seldom help one scene."""
    try:
        usable = len(os.sched_getaffinity(0))
    except AttributeError:  # not on every system a developer tries this on
        usable = os.cpu_count() or 1
    return max(1, min(usable, 16))


def wants_gpu() -> bool:
    """Whether this run was given a GPU; what the model makes of it is its own matter."""
    return os.environ.get("DLM_DEVICE") == "gpu"


def enter(root: Path, argv: list[str]) -> None:
    """Start this process anew under the settled environment, unless it runs under it already.

    What a process was started with stays readable in /proc/self/environ, whatever it takes out of `os.environ`. So
    the mark goes through a pipe, and who was started with it starts anew in any case.
    """
    if os.environ.get(MARK) == "1" and REPORT not in os.environ:
        return
    wanted = dict(settled(os.environ, root), **{MARK: "1"})
    wanted.pop(HANDED, None)
    mark = wanted.pop(REPORT, "")
    if mark:
        wanted[HANDED] = str(_piped(mark))
    here = str(Path(__file__).resolve().parent)
    os.execve(sys.executable, [sys.executable, "-s", here, *argv], wanted)  # noqa: S606


def _piped(text: str) -> int:
    """The reading end of a pipe with `text` in it, which outlives a new start."""
    reading, writing = os.pipe()
    os.write(writing, text.encode()[:512])  # what any pipe takes without a reader
    os.close(writing)
    os.set_inheritable(reading, True)
    return reading


def take_mark() -> str:
    """What `enter` handed over, to be taken before any code of the model runs; empty where there is nothing.

    Afterwards neither the environment of this process nor an open file holds it.
    """
    number = os.environ.pop(HANDED, "")
    if not number.isdigit():
        return ""
    try:
        with open(int(number), "rb") as pipe:  # noqa: PTH123
            return pipe.read(512).decode()
    except (OSError, ValueError):  # started by other hands
        return ""
