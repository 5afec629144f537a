"""An image as the engine hands it out: its layers as files named by digest, and its configuration."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import msgspec

from dlm_build.errors import HashMismatch, InfraError
from dlm_build.oci import ImageConfig
from dlm_build.progress import Event, Notify
from dlm_build.records import Record
from dlm_build.unpacking.layers import read_tar
from dlm_build.unpacking.tar_entries import Content, Entry

_BLOBS = "blobs/sha256/"
_TELL_EVERY = 8 << 20
T = TypeVar("T")
_HINT = "an engine of version 25 or newer hands images out in the OCI layout; see `dlm-build doctor`"


class Exported(Record, frozen=True, kw_only=True):
    """An image outside of its engine."""

    layers: tuple[str, ...]
    """Paths of its layers, the lowest first; compressed as the engine keeps them."""
    environment: dict[str, str]
    digests: frozenset[str]
    """`sha256:…` of all that was handed out, manifests and configuration included."""


class _Row(msgspec.Struct):
    config: str = msgspec.field(name="Config")
    layers: list[str] = msgspec.field(name="Layers")


def take_in(chunks: Iterator[bytes], folder: Path, notify: Notify) -> Exported:
    """Write the blobs of an exported image to `folder`, each checked against the digest it is called by.

    Raises InfraError or HashMismatch, and OSError from the disk.
    """
    taken = Progress(notify)
    for entry, content in read_tar(chunks, "exported image"):
        if entry.kind == "file":
            _keep(entry, content, folder, taken)
    row = _listed(folder)
    config = _decoded((folder / _file(row.config)).read_bytes(), ImageConfig)
    return Exported(
        layers=tuple(str(folder / _file(name)) for name in row.layers),
        environment=config.environment,
        digests=frozenset(f"sha256:{path.name}" for path in folder.iterdir()),
    )


class Progress:
    def __init__(self, notify: Notify) -> None:
        self._notify, self._done, self._told = notify, 0, 0

    def add(self, size: int) -> None:
        self._done += size
        if self._done - self._told >= _TELL_EVERY:
            self._told = self._done
            self._notify(Event(step="sif", text="taking the image from the engine", done=self._done))


def _keep(entry: Entry, content: Content, folder: Path, taken: Progress) -> None:
    digest = hashlib.sha256()
    name = _file(entry.path) if entry.path.startswith(_BLOBS) else entry.path.replace("/", "-")
    with (folder / name).open("wb", buffering=0) as out:
        for piece in content:
            digest.update(piece)
            view = memoryview(piece)
            while view:
                view = view[out.write(view) or 0 :]
            taken.add(len(piece))
    if entry.path.startswith(_BLOBS) and digest.hexdigest() != name:
        raise HashMismatch(f"the engine handed out other bytes than sha256:{name}", "its disk may be failing")


def _file(name: str) -> str:
    """The file a blob is kept in."""
    if not name.startswith(_BLOBS) or "/" in name.removeprefix(_BLOBS):
        raise InfraError("the engine handed out an image in a form this version does not read", _HINT)
    return name.removeprefix(_BLOBS)


def _listed(folder: Path) -> _Row:
    try:
        (row,) = _decoded((folder / "manifest.json").read_bytes(), list[_Row])
    except (OSError, ValueError) as problem:
        raise InfraError("the engine handed out no image", _HINT) from problem
    return row


def _decoded(raw: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as problem:
        raise InfraError(f"the engine's description of the image cannot be read: {problem}", _HINT) from problem
