from __future__ import annotations

import importlib.util
import os
import py_compile
import sys
from pathlib import Path

import pytest

from tests.stack.bytecode import PYTHON, bytecode
from tests.stack.layers import EPOCH

SOURCE = b'"""Doc."""\n\n\ndef f(x: int) -> int:\n    return x + 1\n'
other_python = pytest.mark.skipif(
    sys.version_info[:2] != PYTHON, reason="the channel's Python is another one than this"
)


@other_python
def test_the_bytecode_is_what_python_itself_would_leave_beside_the_source(tmp_path: Path) -> None:
    made = bytecode("lib/python3.11/mod.py", SOURCE)
    assert made is not None and made.path == "lib/python3.11/__pycache__/mod.cpython-311.pyc"
    source = tmp_path / "mod.py"
    source.write_bytes(SOURCE)
    os.utime(source, (EPOCH, EPOCH))
    left = py_compile.compile(str(source), dfile="/lib/python3.11/mod.py", doraise=True)
    assert left is not None
    data = made.content.stream.read()
    assert data[:16] == Path(left).read_bytes()[:16] and data.startswith(importlib.util.MAGIC_NUMBER)


@pytest.mark.parametrize("path", ["bin/tool", "lib/python3.11/site-packages/x/tests/test_x.py", "lib/x.txt"])
def test_what_is_no_module_or_a_test_has_none(path: str) -> None:
    assert bytecode(path, SOURCE) is None


def test_a_file_for_another_python_has_none() -> None:
    assert bytecode("lib/python3.11/old.py", b"print 'two'\n") is None
