"""A SIF with no Docker anywhere: the base's layers from its registry, the environment installed on this host.

No root, no container and no program of the environment's is needed. The installer is the one that Docker's build runs,
taken from the context, and writes the very same tree.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from dlm_build.container_layout import PREFIX
from dlm_build.context_layout import DOCKERFILE, ENVIRONMENT_LOCK, INSTALLER
from dlm_build.disk import refuse_full
from dlm_build.errors import InfraError
from dlm_build.installing import installing_problem
from dlm_build.proc import Programs
from dlm_build.progress import Event, Notify
from dlm_build.records import Context, Lock, Package, Sif
from dlm_build.registry import Registry
from dlm_build.sif.base import BaseLayers, base_layers
from dlm_build.sif.layers import ImageLayer, RowsLayer, TreeLayer
from dlm_build.sif.make import Parts, Progress, Request, make_sif
from dlm_build.sif.merge import Layer
from dlm_build.store import Store

INSTALLING_SECONDS = 4 * 3600.0
UNPACKED = 5
"""Packages unpack to about this many times their size."""
_COPY = re.compile(r"^COPY ((?:source|model|dlm)-[0-9a-f]{32})/ /$", re.MULTILINE)


class Sources(NamedTuple):
    """Where the bytes come from."""

    registry: Registry
    store: Store
    programs: Programs
    notify: Notify


def sif_from_packages(request: Request, sources: Sources) -> Sif:
    """The lock's packages must be in the store (`locking.fill_store`).

    Raises InfraError (registry, disk, mksquashfs), SourceGone, HashMismatch, ItemInvalid for a package that cannot be
    installed, UsageError or ItemHostile.
    """
    base = base_layers(request.lock.base, sources.registry, sources.store)
    refuse_full("the SIF", _needed(request, base, sources.store))
    base.fetch(sources.registry, sources.store, sources.notify)
    progress = Progress(sources.notify)
    with sources.store.scratch_folder() as folder, package_parts(request, base, folder, sources, progress) as parts:
        return make_sif(parts, request, sources.programs, progress)


def _needed(request: Request, base: BaseLayers, store: Store) -> dict[Path, int]:
    packages = sum(package.size or 0 for package in request.lock.packages)
    trees = sum(row.size for row in request.context.files)
    packed = base.size + packages + trees
    return {store.root: packages * UNPACKED + base.missing(store), request.target.absolute().parent: packed}


@contextmanager
def package_parts(
    request: Request, base: BaseLayers, folder: Path, sources: Sources, progress: Progress
) -> Iterator[Parts]:
    """The layers as the image would have them; the environment is installed in `folder`."""
    tree = _installed(request.lock, request.context, folder, sources)
    trees = _COPY.findall(request.context.text_of(DOCKERFILE))
    store, files = sources.store, request.context.files
    layers: list[Layer] = [
        *(ImageLayer(store.path(sha256), progress.read, sha256) for sha256 in base.sha256s),
        TreeLayer(tree, progress.read),
        *(RowsLayer(name, files, store, progress.read) for name in trees),
    ]
    yield Parts(layers, base.environment, "packages")


def _installed(lock: Lock, context: Context, folder: Path, sources: Sources) -> Path:
    """The root folder that holds the environment at its prefix."""
    root, scratch = folder / "root", folder / "scratch"
    for place in (root, scratch):
        place.mkdir()
    packages = _packages(lock.packages + lock.installer, folder / "packages", sources.store)
    installer, locked = (_written(context, name, folder) for name in (INSTALLER, ENVIRONMENT_LOCK))
    argv = (
        sys.executable, "-I", "-B", str(installer), "--lock", str(locked),
        "--packages", str(packages), "--prefix", PREFIX, "--root", str(root),
    )  # fmt: skip
    sources.notify(Event(step="sif", text="installing the environment"))
    ended = sources.programs.run(argv, env={"TMPDIR": str(scratch)}, timeout=INSTALLING_SECONDS)
    if ended.status != 0:
        raise installing_problem(ended.status, ended.tail().splitlines())
    return root


def _written(context: Context, name: str, folder: Path) -> Path:
    path = folder / Path(name).name
    path.write_text(context.text_of(name), "utf-8")
    return path


def _packages(packages: tuple[Package, ...], folder: Path, store: Store) -> Path:
    folder.mkdir()
    for package in packages:
        if not store.has(package.sha256):
            raise InfraError(f"the store lacks {package.filename}", "run the same command again; it is fetched anew")
        store.link(package.sha256, folder / package.filename)
    return folder
