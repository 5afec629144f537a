"""Bytecode as conda packages bring it along with what is not noarch: beside its source, and dated like it."""

from __future__ import annotations

import importlib.util
import marshal
import struct
import sys
from pathlib import PurePosixPath

from tests.stack.condapkg import Content, Row
from tests.stack.layers import EPOCH

PYTHON = (3, 11)
"""Of the channel. Another Python makes other bytecode, so then the packages go without."""


def bytecode(path: str, source: bytes) -> Row | None:
    """The row of `path`'s bytecode; None where it has none: no module, a test, or written for another Python."""
    place = PurePosixPath(path)
    if sys.version_info[:2] != PYTHON or place.suffix != ".py" or {"test", "tests"} & set(place.parts):
        return None
    try:
        code = compile(source, f"/{path}", "exec", dont_inherit=True)
    except (SyntaxError, ValueError):
        return None
    header = importlib.util.MAGIC_NUMBER + struct.pack("<3I", 0, EPOCH, len(source))
    name = f"{place.parent}/__pycache__/{place.stem}.cpython-311.pyc"
    return Row(name, Content.of(header + marshal.dumps(code)))
