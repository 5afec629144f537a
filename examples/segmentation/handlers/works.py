"""An honest handler with TorchServe's function entry point. The server calls it once with no data to initialise."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from predict import predict


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes]:
    folder = Path(context.system_properties["model_dir"])
    return [predict(bytes(row.get("data") or row.get("body") or b""), folder) for row in data or []]
