"""Which of an item's assets may be the model: by role, else by key, else by being an archive. Pure."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from urllib.parse import urlsplit

from dlm_build.records import Asset
from dlm_build.weight_files import SINGLE_SUFFIXES

_ROLES = (
    frozenset({"model artefact", "model artifact", "model archive", "archive"}),
    frozenset({"mlm:model", "ml model:checkpoint", "model"}),
    frozenset({"mlm:weights", "weights", "model weights", "model weight", "checkpoint"}),
)
"""Best first, spelled with spaces."""
_OTHERS = frozenset({
    "metadata", "thumbnail", "overview", "documentation", "source code", "code", "environment", "environment file",
    "container", "docker", "container image", "inferencing image", "inference runtime", "training runtime", "runtime",
})  # fmt: skip
"""Roles of what is beside a model."""
_FOR_PEOPLE = frozenset({"metadata", "thumbnail", "overview", "documentation"})
_PREFIX = re.compile(r"(?:mlm|ml model|dlm):")
_KEYS = ("model archive", "archive", "model artefact", "model artifact", "model", "checkpoint", "weights")
_PACKED_SUFFIXES = (".mar", ".zip", ".tar", ".tar.gz", ".tgz")
_BARE_NAME = re.compile(r"[\w.-]*")
_DIVIDED = re.compile(r"[\s_-]+")
_PACKED_TYPES = re.compile(r"application/(x-)?(zip|tar|gzip|gtar|mar|zip-compressed)\b")


def candidates(assets: Sequence[Asset]) -> tuple[Asset, ...]:
    """The assets that may be the model; one where it is clear, none where there are no assets."""
    spoken = [frozenset(map(_spaced, asset.roles)) for asset in assets]
    for roles in _ROLES:
        having = [asset for asset, said in zip(assets, spoken, strict=True) if not roles.isdisjoint(said)]
        if having:
            return tuple(_narrowed(having))
    keys = [_spaced(asset.key) for asset in assets]
    if found := next((key for key in _KEYS if key in keys), None):
        return tuple(asset for asset, key in zip(assets, keys, strict=True) if key == found)
    if len(assets) == 1:
        return tuple(assets)
    packed = [asset for asset in assets if is_packed(asset, path_of(asset.href))]
    return tuple(packed or assets)


def models(assets: Sequence[Asset]) -> tuple[Asset, ...]:
    """The candidates, without those that are some for want of another only, and that are for people by their roles."""
    return tuple(asset for asset in candidates(assets) if not (asset.roles and _FOR_PEOPLE.issuperset(asset.roles)))


def says_another(asset: Asset) -> bool:
    """Whether its roles say that it is something else, so that it is a candidate only for want of another."""
    return bool(asset.roles) and _OTHERS.issuperset(_PREFIX.sub("", _spaced(role)) for role in asset.roles)


def is_packed(asset: Asset, name: str) -> bool:
    """Whether its publisher calls the asset an archive, by the suffix of `name` or by its media type."""
    lower = name.lower()
    if lower.endswith(_PACKED_SUFFIXES):
        return True
    return not lower.endswith(SINGLE_SUFFIXES) and _PACKED_TYPES.match((asset.media_type or "").lower()) is not None


def path_of(href: str) -> str:
    """The path in an address; all of it where it is no URL that can be read."""
    if _BARE_NAME.fullmatch(href):
        return href
    try:
        return urlsplit(href).path
    except ValueError:
        return href


def _narrowed(assets: list[Asset]) -> list[Asset]:
    """Of several with the role, the one whose key says so, else the one that is an archive."""
    if len(assets) == 1:
        return assets
    keys = [_spaced(asset.key) for asset in assets]
    if key := next((key for key in _KEYS if keys.count(key) == 1), None):
        return [assets[keys.index(key)]]
    packed = [asset for asset in assets if is_packed(asset, path_of(asset.href))]
    return packed if len(packed) == 1 else assets


@lru_cache(maxsize=512)
def _spaced(text: str) -> str:
    plain = text.strip().lower()
    return plain if plain.isalnum() else _DIVIDED.sub(" ", plain)
