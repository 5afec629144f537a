"""What a manifest says, as a registry gave it."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import msgspec

from dlm_build.errors import InfraError


def decoded(manifest: bytes) -> dict[str, Any]:
    with suppress(msgspec.DecodeError, RecursionError):
        return msgspec.json.decode(manifest, type=dict[str, Any])
    raise InfraError("the registry's manifest is not a JSON object", "see what stands before the registry")


def config_of(manifest: dict[str, Any]) -> str | None:
    config = manifest.get("config")
    return config.get("digest") if isinstance(config, dict) else None


def size_of(manifest: dict[str, Any]) -> int:
    layers = manifest.get("layers")
    return sum(int(row.get("size", 0)) for row in layers or () if isinstance(row, dict))
