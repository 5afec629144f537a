"""What this machine can do for dlm-build, and how to mend what is missing.

Each line is one small function that looks at one thing through a door and never raises.
"""

from __future__ import annotations

import os
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from packaging.version import Version

from dlm_build.disk import nearest
from dlm_build.errors import DlmBuildError
from dlm_build.preflight.line import Line
from dlm_build.records import Record

if TYPE_CHECKING:
    from dlm_build.building.docker_engine import EngineInfo
    from dlm_build.doors import Doors
    from dlm_build.preflight.line import Look

__all__ = ["Diagnosis", "Line", "diagnose", "diagnose_made"]

TO_ITSELF = re.compile(r"(?:; | \()?(?:see )?`dlm-build doctor`(?: says [^;)]*)?\)?")
"""In a fix of another room: whoever reads it here has asked already."""
WANTED_SPACE = 20 << 30
"""Bytes: a CUDA image, its environment and the build cache of one PyTorch model."""


class Diagnosis(Record, frozen=True, kw_only=True):
    ready: bool
    only_sif: bool = False
    """Docker cannot be used, and SIF files can be made and run without it."""
    lines: tuple[Line, ...]


def diagnose(doors: Doors) -> Diagnosis:
    docker, sif = _engine(doors), _sif(doors)
    only_sif = _able(sif) and any(line.state == "missing" for line in docker)
    lines = [
        *(_spared(docker) if only_sif else docker), _gpu(doors, needs_docker=not _able(sif)), *sif,
        _registry(doors), *_channels(doors), _index(doors), _space(doors),
    ]  # fmt: skip
    return msgspec.structs.replace(_diagnosis(lines), only_sif=only_sif)


def diagnose_made(folder: Path, doors: Doors) -> Diagnosis:
    """Whether what a build left in `folder` can run here. Raises UsageError where it left nothing."""
    from dlm_build.preflight.made import made_in, made_lines

    lines = made_lines(made_in(folder), _look(doors), doors.engine.image)
    return _diagnosis(lines)


def _diagnosis(lines: list[Line]) -> Diagnosis:
    told = tuple(msgspec.structs.replace(line, fix=TO_ITSELF.sub("", line.fix)) for line in lines)
    return Diagnosis(ready=all(line.state != "missing" for line in lines), lines=told)


def _spared(docker: list[Line]) -> list[Line]:
    """Docker's lines, which stop nothing on a machine that makes and runs SIF files without it."""
    return [
        msgspec.structs.replace(line, state="warn", detail=f"{line.detail}; SIF files need none (--to sif)")
        if line.state == "missing"
        else line
        for line in docker
    ]


def _able(sif: list[Line]) -> bool:
    return {line.name for line in sif if line.state == "ok"} >= {"SIF engine", "mksquashfs"}


def _sif(doors: Doors) -> list[Line]:
    from dlm_build.preflight import sif_lines

    return sif_lines(_look(doors))


def _look(doors: Doors) -> Look:
    from dlm_build.preflight.line import Look

    return Look(doors.settings, doors.programs, os.geteuid())


def _engine(doors: Doors) -> list[Line]:
    try:
        info = doors.engine.describe()
    except DlmBuildError as problem:
        return [Line(name="docker engine", state="missing", detail=problem.message, fix=problem.hint)]
    rootless = ", rootless" if info.rootless else ""
    engine = Line(name="docker engine", state="ok", detail=f"{info.server} (API {info.api}{rootless}) at {info.host}")
    return [engine, _buildx(info), _image_store(info)]


def _buildx(info: EngineInfo) -> Line:
    from dlm_build.building.docker_engine import OLDEST_BUILDX

    fix = f"install the docker-buildx plugin, {OLDEST_BUILDX} or later"
    if info.buildx is None:
        return Line(name="buildx", state="missing", detail="`docker buildx` does not answer", fix=fix)
    new_enough = Version(info.buildx) >= Version(OLDEST_BUILDX)
    return Line(
        name="buildx", state="ok" if new_enough else "missing", detail=info.buildx, fix="" if new_enough else fix
    )


def _image_store(info: EngineInfo) -> Line:
    if info.containerd_store:
        return Line(name="image store", state="ok", detail="containerd image store")
    fix = 'set {"features": {"containerd-snapshotter": true}} in the daemon\'s configuration and restart it'
    return Line(name="image store", state="missing", detail="classic store: it keeps no manifest digests", fix=fix)


def _gpu(doors: Doors, *, needs_docker: bool) -> Line:
    """The engine's; where there is none and SIF files do without, the one that `--nv` gives them."""
    from dlm_build.running.gpu import find_host_gpu, probe

    fix = "install the NVIDIA driver and nvidia-container-toolkit (`nvidia-ctk cdi generate`); CPU until then"
    try:
        found = probe(doors.at_engine(), doors.programs)
    except DlmBuildError as problem:
        if needs_docker:
            return Line(name="GPU", state="warn", detail=problem.message, fix=problem.hint)
        found, fix = find_host_gpu(doors.programs), "install the NVIDIA driver; CPU until then"
    named = f"{found.name}, driver {found.driver or 'unknown'}: " if found.name else ""
    if found.available:
        return Line(name="GPU", state="ok", detail=f"{named}{found.reason}")
    return Line(name="GPU", state="warn", detail=found.reason, fix=fix)


def _registry(doors: Doors) -> Line:
    from dlm_build.planning.base_image import decide_installer

    pin = decide_installer(doors.tables, doors.settings).value
    mirrors = doors.settings.registries.get(pin.repository.split("/")[0])
    through = f" through {', '.join(mirrors.mirrors)}" if mirrors and mirrors.mirrors else ""
    return _reached("registry", f"{pin.repository}{through}", lambda: doors.registry.resolve(pin))


def _channels(doors: Doors) -> list[Line]:
    from dlm_build.locking.channels import served_channels

    served = served_channels(["conda-forge"], doors.settings, "doctor")
    return [_channel(url, doors) for channel in served for url in channel.urls]


def _channel(url: str, doors: Doors) -> Line:
    return _reached("conda channel", url, lambda: doors.fetch.head(f"{url}noarch/repodata.json", trusted=True))


def _index(doors: Doors) -> Line:
    url = doors.settings.index.url
    if url is None:
        return Line(name="package index", state="ok", detail="uv's default (asked when a lock needs it)")
    return _reached("package index", url, lambda: doors.fetch.head(url, trusted=True))


def _reached(name: str, where: str, ask: Callable[[], object]) -> Line:
    try:
        ask()
    except DlmBuildError as problem:
        return Line(name=name, state="warn", detail=f"{where}: {problem.message}", fix=problem.hint)
    return Line(name=name, state="ok", detail=where)


def _space(doors: Doors) -> Line:
    free = shutil.disk_usage(nearest(Path(doors.settings.store))).free
    detail = f"{free / 1e9:.0f} GB free for {doors.settings.store}"
    if free < WANTED_SPACE:
        return Line(name="disk", state="warn", detail=detail, fix="set `store` in the settings to a larger disk")
    return Line(name="disk", state="ok", detail=detail)
