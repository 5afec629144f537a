"""The process environment a model sees: the same on every machine, its caches in the scratch folder."""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from pathlib import Path

MARK = "DLM_SETTLED"


def settled(environ: Mapping[str, str], root: Path) -> dict[str, str]:
    """`environ` with fixed seeds and locale, the environment's programs first on PATH, and no user site."""
    prefix = root / "env"
    settings = dict(environ)
    settings.update(PYTHONHASHSEED="0", PYTHONNOUSERSITE="1", PYTHONDONTWRITEBYTECODE="1", PYTHONUNBUFFERED="1")
    for name, value in _defaults(prefix).items():
        settings.setdefault(name, value)
    programs = str(prefix / "bin")
    path = settings.get("PATH", "/usr/local/bin:/usr/bin:/bin")
    if prefix.is_dir() and programs not in path.split(":"):
        settings["PATH"] = programs + ":" + path
    if environ.get("DLM_DEVICE") != "gpu":
        settings["CUDA_VISIBLE_DEVICES"] = ""
    return settings


def _defaults(prefix: Path) -> dict[str, str]:
    scratch = "/tmp"  # noqa: S108
    threads = str(_processors())
    defaults = {
        "DLM_DEVICE": "cpu",
        "HOME": scratch,
        "TMPDIR": scratch,
        "XDG_CACHE_HOME": scratch + "/.cache",
        "MPLCONFIGDIR": scratch + "/.cache/matplotlib",
        "NUMBA_CACHE_DIR": scratch + "/.cache/numba",
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
    """Start this process anew under the settled environment, unless it runs under it already."""
    if os.environ.get(MARK) != "1":
        wanted = dict(settled(os.environ, root), **{MARK: "1"})
        here = str(Path(__file__).resolve().parent)
        os.execve(sys.executable, [sys.executable, "-s", here, *argv], wanted)  # noqa: S606
