"""Which of the run's output files answers the expected one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import PurePosixPath

from dlm_build.records import OutputFile


def answering(expected: str, outputs: Sequence[OutputFile]) -> OutputFile | None:
    """By the same path, then base name, then stem, then being the only one of its suffix, then the only one at all."""
    wanted = PurePosixPath(expected)
    rules = (
        lambda p: p == wanted,
        lambda p: p.name == wanted.name,
        lambda p: p.stem == wanted.stem,
        lambda p: _suffix(p) == _suffix(wanted),
        lambda _: True,
    )
    for rule in rules:
        found = [output for output in outputs if rule(PurePosixPath(output.path))]
        if len(found) == 1:
            return found[0]
    return None


def _suffix(path: PurePosixPath) -> str:
    return {".tiff": ".tif", ".jpeg": ".jpg"}.get(path.suffix.lower(), path.suffix.lower())
