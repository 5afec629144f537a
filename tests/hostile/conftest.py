"""One worker for all tests of a process, and a scratch folder with what lies beside an item."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.hostile.generated import beside
from tests.hostile.running import Program


@pytest.fixture(scope="session")
def program() -> Iterator[Program]:
    with Program() as started:
        yield started


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """`folder` with the files that good items name; `home` and `tmp` are empty."""
    for name in ("folder", "home", "tmp"):
        (tmp_path / name).mkdir()
    for name, data in beside().items():
        (tmp_path / "folder" / name).write_bytes(data)
    return tmp_path
