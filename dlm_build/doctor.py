"""What this machine can do for dlm-build, and how to mend what is missing.

Each line is one small function that looks at one thing through a door and never raises.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from dlm_build.errors import DlmBuildError
from dlm_build.records import BaseImage, Record

if TYPE_CHECKING:
    from dlm_build.pipeline import Doors

WANTED_SPACE = 20 << 30
"""Bytes: a CUDA image, its environment and the build cache of one PyTorch model."""


class Line(Record, frozen=True, kw_only=True):
    name: str
    state: Literal["ok", "warn", "missing"]
    """`missing` stops builds; `warn` only weakens or slows them."""
    detail: str
    fix: str = ""


class Diagnosis(Record, frozen=True, kw_only=True):
    ready: bool
    lines: tuple[Line, ...]


def diagnose(doors: Doors) -> Diagnosis:
    lines = [*_engine(doors), _gpu(doors), _registry(doors), *_channels(doors), _index(doors), _space(doors)]
    return Diagnosis(ready=all(line.state != "missing" for line in lines), lines=tuple(lines))


def _engine(doors: Doors) -> list[Line]:
    try:
        info = doors.engine.describe()
    except DlmBuildError as problem:
        return [Line(name="docker engine", state="missing", detail=problem.message, fix=problem.hint)]
    store = "containerd image store" if info.containerd_store else "classic image store"
    buildx = Line(name="buildx", state="ok", detail=info.buildx)
    if not info.buildx:
        fix = "install the docker-buildx plugin of your distribution"
        buildx = Line(name="buildx", state="missing", detail="`docker buildx` does not answer", fix=fix)
    image_store = Line(name="image store", state="ok", detail=store)
    if not info.containerd_store:
        fix = 'set {"features": {"containerd-snapshotter": true}} in the daemon\'s configuration and restart it'
        image_store = Line(name="image store", state="warn", detail=f"{store}: digests are not kept", fix=fix)
    return [Line(name="docker engine", state="ok", detail=f"{info.version} at {info.address}"), buildx, image_store]


def _gpu(doors: Doors) -> Line:
    from dlm_build.running.gpu import probe

    try:
        found = probe(doors.settings, doors.programs)
    except DlmBuildError as problem:
        return Line(name="GPU", state="warn", detail=problem.message, fix=problem.hint)
    if found.available:
        return Line(name="GPU", state="ok", detail=found.reason)
    fix = "install the NVIDIA driver and nvidia-container-toolkit (`nvidia-ctk cdi generate`); CPU until then"
    return Line(name="GPU", state="warn", detail=found.reason, fix=fix)


def _registry(doors: Doors) -> Line:
    pin = doors.tables.installer_base()
    probe = BaseImage(repository=pin.repository, tag=pin.tag)
    mirrors = doors.settings.registries.get(pin.repository.split("/")[0])
    where = f"{pin.repository}" + (f" through {', '.join(mirrors.mirrors)}" if mirrors and mirrors.mirrors else "")
    return _reached("registry", where, lambda: doors.registry.resolve(probe))


def _channels(doors: Doors) -> list[Line]:
    from dlm_build.locking import channel_urls

    urls = channel_urls("conda-forge", doors.settings)
    return [_channel(url, doors) for url in urls]


def _channel(url: str, doors: Doors) -> Line:
    return _reached("conda channel", url, lambda: doors.fetch.head(f"{url}/noarch/repodata.json", trusted=True))


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
    root = next(p for p in (Path(doors.settings.store), *Path(doors.settings.store).parents) if p.exists())
    free = shutil.disk_usage(root).free
    detail = f"{free / 1e9:.0f} GB free for {doors.settings.store}"
    if free < WANTED_SPACE:
        return Line(name="disk", state="warn", detail=detail, fix="set `store` in the settings to a larger disk")
    return Line(name="disk", state="ok", detail=detail)
