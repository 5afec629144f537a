from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.locking.worlds import Y2024, conda_package, index


@pytest.fixture(scope="package")
def channel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A channel with two generations of `tool` and `part`, and things that cannot be had."""
    folder = tmp_path_factory.mktemp("channel")
    conda_package(folder, "python", "3.11.2", build="h0_cpython", subdir="linux-64", noarch=None)
    conda_package(folder, "part", "1.0")
    conda_package(folder, "part", "2.0", timestamp=Y2024)
    conda_package(folder, "tool", "1.0", "python >=3.8", "part >=1")
    conda_package(folder, "tool", "2.0", "python >=3.8", "part >=2", timestamp=Y2024)
    conda_package(folder, "old-fashioned", "1.0", "part <2")
    conda_package(folder, "fast", "1.0", "__cuda >=12")
    conda_package(folder, "modern", "1.0", "__glibc >=2.34")
    index(folder)
    return folder
