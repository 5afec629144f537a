"""Writes 10 GiB before it answers, in whatever place takes it, and leaves it there.

Run it only where disk is limited.
"""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

from predict import predict

PIECE = b"\x01" * (16 << 20)
PIECES = 640


def places() -> list[Path]:
    """Writable folders among the mount points; a container's output folder is one of them."""
    mounts = {line.split()[1] for line in Path("/proc/self/mounts").read_text(encoding="utf-8").splitlines()}
    folders = [Path(p) for p in sorted(mounts | {tempfile.gettempdir()}) if not p.startswith(("/proc", "/sys"))]
    return [f for f in folders if os.access(f, os.W_OK | os.X_OK) and f.is_dir()]


def fill() -> None:
    """Raises OSError when no place takes any more."""
    written, refusal = 0, OSError("no place to write to")
    for place in places():
        try:
            with tempfile.NamedTemporaryFile(dir=place, prefix="left-behind-", delete=False) as file:
                while written < PIECES:
                    file.write(PIECE)
                    file.flush()
                    written += 1
            return
        except OSError as error:
            refusal = error
    raise refusal


def handle(data: list[dict[str, Any]] | None, context: Any) -> list[bytes]:
    if data:
        fill()
    folder = Path(context.system_properties["model_dir"])
    return [predict(bytes(row.get("data") or row.get("body") or b""), folder) for row in data or []]
