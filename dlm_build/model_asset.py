"""Which of an item's assets may be the model: by role, else by key, else by being an archive. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from urllib.parse import urlsplit

from dlm_build.records import Asset

_ROLES = (
    frozenset({"model artefact", "model artifact", "model archive", "archive"}),
    frozenset({"mlm:model", "ml model:checkpoint", "model"}),
    frozenset({"mlm:weights", "weights", "model weights", "model weight", "checkpoint"}),
)
"""Best first, spelled with spaces."""
_KEYS = ("model archive", "archive", "model artefact", "model artifact", "model", "checkpoint", "weights")
_PACKED_SUFFIXES = (".mar", ".zip", ".tar", ".tar.gz", ".tgz")
SINGLE_SUFFIXES = (".onnx", ".pt", ".pth", ".ckpt", ".pb", ".h5", ".keras", ".safetensors", ".tflite", ".npz", ".pt2")
_PACKED_TYPES = re.compile(r"application/(x-)?(zip|tar|gzip|gtar|mar|zip-compressed)\b")


def candidates(assets: Sequence[Asset]) -> tuple[Asset, ...]:
    """The assets that may be the model; one where it is clear, none where there are no assets."""
    for roles in _ROLES:
        having = [asset for asset in assets if roles & {_spaced(role) for role in asset.roles}]
        if having:
            return tuple(_narrowed(having))
    for key in _KEYS:
        if named := [asset for asset in assets if _spaced(asset.key) == key]:
            return tuple(named)
    if len(assets) == 1:
        return tuple(assets)
    packed = [asset for asset in assets if is_packed(asset, path_of(asset.href))]
    return tuple(packed or assets)


def is_packed(asset: Asset, name: str) -> bool:
    """Whether its publisher calls the asset an archive, by the suffix of `name` or by its media type."""
    lower = name.lower()
    if lower.endswith(_PACKED_SUFFIXES):
        return True
    return not lower.endswith(SINGLE_SUFFIXES) and _PACKED_TYPES.match((asset.media_type or "").lower()) is not None


def path_of(href: str) -> str:
    """The path in an address; all of it where it is no URL that can be read."""
    try:
        return urlsplit(href).path
    except ValueError:
        return href


def _narrowed(assets: list[Asset]) -> list[Asset]:
    """Of several with the role, the one whose key says so, else the one that is an archive."""
    for key in _KEYS:
        if len(named := [asset for asset in assets if _spaced(asset.key) == key]) == 1:
            return named
    packed = [asset for asset in assets if is_packed(asset, path_of(asset.href))]
    return packed if len(packed) == 1 else assets


def _spaced(text: str) -> str:
    return " ".join(re.split(r"[\s_-]+", text.strip().lower()))
