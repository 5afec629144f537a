"""The file that --output names: a plain one is whole or not there, anything else is written into."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO


@contextmanager
def opened(path: str) -> Iterator[IO[str]]:
    """Raises OSError. A device, a pipe or a link (/dev/null, /dev/stdout) stays what it is: root could replace it."""
    target = Path(path)
    if target.is_symlink() or (target.exists() and not target.is_file()):
        with target.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        return
    beside = Path(f"{path}.{os.getpid()}.part")
    try:
        with beside.open("w", encoding="utf-8", newline="\n") as stream:
            yield stream
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
