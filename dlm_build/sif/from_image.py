"""A SIF from the image that Docker built: its layers as the engine hands them out, never through `docker-daemon:`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from dlm_build.disk import disk_errors, refuse_full
from dlm_build.errors import InfraError
from dlm_build.proc import Programs
from dlm_build.progress import Notify
from dlm_build.records import Image, Sif
from dlm_build.sif.layers import ImageLayer
from dlm_build.sif.make import Parts, Progress, Request, make_sif
from dlm_build.sif.merge import merged
from dlm_build.sif.rootfs import RootfsDigest, as_tar
from dlm_build.store import Store

PACKED = 2
"""An image's bytes are at least this many times its layers', compressed, or its SIF."""


class Handed(Protocol):
    """What an engine hands out; `building.export.Exported` is one."""

    @property
    def layers(self) -> tuple[str, ...]: ...
    @property
    def environment(self) -> dict[str, str]: ...
    @property
    def digests(self) -> frozenset[str]: ...


class Engine(Protocol):
    def export(self, reference: str, folder: Path, notify: Notify) -> Handed: ...


def sif_from_image(
    image: Image, request: Request, engine: Engine, store: Store, programs: Programs, notify: Notify
) -> Sif:
    """Raises InfraError (engine, disk, mksquashfs), HashMismatch, UsageError or ItemHostile."""
    packed = image.size // PACKED
    refuse_full("the SIF", {store.root: packed, request.target.absolute().parent: packed})
    progress = Progress(notify)
    with store.scratch_folder() as folder, image_parts(image, folder, engine, progress, notify) as parts:
        return make_sif(parts, request, programs, progress)


def image_rootfs_digest(image: Image, engine: Engine, store: Store, notify: Notify) -> str:
    """`blake3:…` of the image's own root file system, to be held against a SIF's. Raises as `sif_from_image`."""
    digest, progress = RootfsDigest(), Progress(notify)
    refuse_full("the image's layers", {store.root: image.size // PACKED})
    with store.scratch_folder() as folder, image_parts(image, folder, engine, progress, notify) as parts:
        for _ in as_tar(merged(parts.layers), digest):
            pass
    return digest.digest()


@contextmanager
def image_parts(image: Image, folder: Path, engine: Engine, progress: Progress, notify: Notify) -> Iterator[Parts]:
    """The image's layers, in `folder`."""
    with disk_errors(folder):
        handed = engine.export(image.reference, folder, notify)
    if not {image.digest, image.config_digest} & handed.digests:
        raise InfraError(
            f"the engine handed out another image than {image.digest}", "do not build one tag twice at once"
        )
    layers = [ImageLayer(Path(path), progress.read) for path in handed.layers]
    yield Parts(layers, handed.environment, "image")
