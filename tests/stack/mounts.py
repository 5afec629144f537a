"""Mount points left below a folder."""

from __future__ import annotations

import re
from pathlib import Path

from tests.stack.apt import find_program
from tests.stack.shell import run


def mounted_below(root: Path) -> list[Path]:
    """Mount points below ``root``, the deepest first."""
    fields = (line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines())
    points = (Path(re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), field)) for field in fields)
    return sorted((point for point in points if root in point.parents), key=lambda point: -len(point.parts))


def unmount_below(root: Path) -> None:
    """Unmount everything below ``root``."""
    for point in mounted_below(root):
        run([find_program("umount"), "--lazy", point])
