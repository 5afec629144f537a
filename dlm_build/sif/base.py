"""A base image's layers in the store, fetched from its registry by digest: manifest, configuration, then each layer."""

from __future__ import annotations

from typing import Literal, NamedTuple, TypeVar

import msgspec

from dlm_build.errors import InfraError
from dlm_build.oci import ImageConfig, is_digest
from dlm_build.progress import Notify
from dlm_build.records import BaseImage
from dlm_build.registry import Registry
from dlm_build.store import Store
from dlm_build.threads import Threads

AT_ONCE = 4
T = TypeVar("T")


class _Descriptor(msgspec.Struct, frozen=True):
    digest: str
    size: int
    media_type: str = msgspec.field(name="mediaType", default="")


class _Manifest(msgspec.Struct):
    config: _Descriptor
    layers: list[_Descriptor]


class BaseLayers(NamedTuple):
    """What a base image consists of."""

    image: BaseImage
    rows: tuple[_Descriptor, ...]
    environment: dict[str, str]

    @property
    def sha256s(self) -> tuple[str, ...]:
        """Of its layers, the lowest first."""
        return tuple(_hex(row.digest) for row in self.rows)

    @property
    def size(self) -> int:
        return sum(row.size for row in self.rows)

    def missing(self, store: Store) -> int:
        """Bytes the store does not have yet."""
        return sum(row.size for row in self.rows if not store.has(_hex(row.digest)))

    def fetch(self, registry: Registry, store: Store, notify: Notify) -> None:
        """Raises InfraError, SourceGone or HashMismatch."""
        with Threads(AT_ONCE) as threads:
            heard = threads.telling(notify)
            threads.each(
                lambda row: registry.blob(self.image, row.digest, row.size, store, heard), dict.fromkeys(self.rows)
            )


def base_layers(image: BaseImage, registry: Registry, store: Store) -> BaseLayers:
    """Which layers `image` has; the network is asked only for what the store lacks. Raises as `Registry.resolve`."""
    manifest = _decoded(_document(image, "manifests", image.digest, registry, store), _Manifest, image)
    for row in (manifest.config, *manifest.layers):
        if not is_digest(row.digest) or row.size < 0:
            raise _unreadable(image, "a digest in it is none")
    config = _decoded(_document(image, "blobs", manifest.config.digest, registry, store), ImageConfig, image)
    return BaseLayers(image, tuple(manifest.layers), config.environment)


def _document(
    image: BaseImage, kind: Literal["manifests", "blobs"], digest: str, registry: Registry, store: Store
) -> bytes:
    if store.has(_hex(digest)):
        return store.path(_hex(digest)).read_bytes()
    body = registry.document(image.repository, kind, digest)
    store.add_bytes(body)
    return body


def _decoded(raw: bytes, kind: type[T], image: BaseImage) -> T:
    try:
        return msgspec.json.decode(raw, type=kind)
    except msgspec.DecodeError as problem:
        raise _unreadable(image, str(problem)) from problem


def _unreadable(image: BaseImage, why: str) -> InfraError:
    return InfraError(f"the manifest of {image.reference} cannot be read: {why}", "use another base")


def _hex(digest: str) -> str:
    return digest.removeprefix("sha256:")
