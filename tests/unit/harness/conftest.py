"""A handler changes the interpreter it runs in (path, modules, folder); each test here gets its own."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest


@pytest.fixture(autouse=True)
def own_interpreter(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    monkeypatch.delenv("DLM_DEVICE", raising=False)
    monkeypatch.delenv("DLM_UMASK", raising=False)
    before = set(sys.modules)
    yield
    mine = [name for name in set(sys.modules) - before if name.split(".")[0] in ("ts", "tiny", "helper", "pack")]
    for name in mine:
        del sys.modules[name]
