"""Ignores the polite signals and never answers."""

from __future__ import annotations

import signal
import time
from pathlib import Path
from typing import Any

from predict import predict


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes]:
    if data:
        for polite in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
            signal.signal(polite, signal.SIG_IGN)
        while True:
            time.sleep(60)
    folder = Path(context.system_properties["model_dir"])
    return [predict(bytes(row.get("data") or row.get("body") or b""), folder) for row in data or []]
