"""Starts processes, 20,000 at most, before it answers; they end with their parent or after five minutes.

Run it only where the number of processes is limited.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import Any

from predict import predict

PROCESSES = 20_000
SECONDS = 300


def fork() -> None:
    """Raises BlockingIOError where no more processes are allowed."""
    parent = os.getpid()
    for _ in range(PROCESSES):
        if os.fork() == 0:
            for _ in range(SECONDS):
                if os.getppid() != parent:
                    break
                time.sleep(1)
            os._exit(0)


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes]:
    if data:
        fork()
    folder = Path(context.system_properties["model_dir"])
    return [predict(bytes(row.get("data") or row.get("body") or b""), folder) for row in data or []]
