"""From layers to one SIF file: merged, hashed and packed in one pass, verified, and only then put in place.

Equal parts give equal bytes, whichever of the two ways they came.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Literal, NamedTuple

from msgspec.structs import replace

from dlm_build.context_layout import CONTEXT, DEFINITION, LABELS
from dlm_build.proc import Programs
from dlm_build.progress import Event, Notify
from dlm_build.records import Context, Lock, Sif
from dlm_build.sif import squashfs
from dlm_build.sif.container_files import Described, container_files, inspect_metadata, mount_points, with_labels
from dlm_build.sif.merge import Layer, merged
from dlm_build.sif.place import beside, refuse_folder, settled, settling
from dlm_build.sif.rootfs import RootfsDigest, as_tar
from dlm_build.sif.sif_file import finish, objects_of, partition_offset, read_metadata, reading, replace_metadata
from dlm_build.store import sha256_of

_TELL_EVERY = 8 << 20

Way = Literal["image", "packages"]


class Parts(NamedTuple):
    """What a SIF is made of."""

    layers: Sequence[Layer]
    """The lowest first."""
    environment: dict[str, str]
    """The image's variables."""
    way: Way


class Request(NamedTuple):
    """What is asked for."""

    lock: Lock
    context: Context
    target: Path
    """The SIF's path."""
    compression: str | None = None
    """`zstd:4`, `gzip`, …; None: the fastest small one that this machine's mksquashfs has."""


class Progress:
    """Counts what is read of all layers."""

    def __init__(self, notify: Notify) -> None:
        self._notify = notify
        self.total = 0
        self._done = self._told = 0

    def read(self, size: int) -> None:
        self._done += size
        if self._done - self._told >= _TELL_EVERY:
            self._told = self._done
            total = max(self.total, self._done)
            self._notify(Event(step="sif", text="packing the SIF", done=self._done, total=total))


def refuse_unable(target: Path, compression: str | None, programs: Programs) -> None:
    """What would fail only when everything is installed: to be asked before anything long begins.

    Raises InfraError (mksquashfs) or UsageError (compression, target).
    """
    squashfs.chosen(compression, squashfs.installed(programs))
    refuse_folder(target)


def make_sif(parts: Parts, request: Request, programs: Programs, progress: Progress) -> Sif:
    """Raises InfraError (mksquashfs, disk), UsageError (compression, target) or ItemHostile (the base's variables)."""
    started = time.monotonic()
    packer = squashfs.installed(programs)
    compression = squashfs.chosen(request.compression, packer)
    described = describe(request.context, parts.environment)
    progress.total = sum(layer.size for layer in parts.layers)
    layers = (mount_points(), *parts.layers, container_files(described))
    definition, digest = described.definition.encode(), RootfsDigest()
    with beside(request.target) as part:
        with settling(part):
            squashfs.pack(programs, as_tar(merged(layers), digest), part, partition_offset(definition), compression)
        finish(part, definition, inspect_metadata(described))
        objects_of(part)
        sha256, size = settled(part), part.stat().st_size
    return Sif(
        path=str(request.target),
        sha256=sha256,
        size=size,
        rootfs_digest=digest.digest(),
        context_digest=request.context.digest,
        base_digest=request.lock.base.digest,
        made_from=parts.way,
        compression=str(compression),
        packed_by=f"mksquashfs {packer.version}",
        seconds=round(time.monotonic() - started, 3),
    )


def describe(context: Context, environment: dict[str, str]) -> Described:
    labels: dict[str, str] = json.loads(context.text_of(LABELS))
    labels[CONTEXT] = context.digest
    return Described(
        definition=context.text_of(DEFINITION), environment=environment, labels=dict(sorted(labels.items()))
    )


def labelled(sif: Sif, labels: dict[str, str]) -> Sif:
    """The SIF with more labels for `apptainer inspect`, e.g. its verdict; its root file system stays as it is.

    Raises InfraError. To be done before it is signed.
    """
    path = Path(sif.path)
    with beside(path) as part:
        shutil.copyfile(path, part)
        replace_metadata(part, with_labels(read_metadata(path), labels))
        sha256, size = settled(part), part.stat().st_size
    return replace(sif, sha256=sha256, size=size)


def is_still_there(sif: Sif) -> bool:
    """Whether the file is the very one that was made. Raises InfraError where it cannot be read."""
    path = Path(sif.path)
    with reading(path):
        return path.is_file() and path.stat().st_size == sif.size and sha256_of(path) == sif.sha256
