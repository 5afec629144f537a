"""Turning a wheel into the files and metadata of a conda package."""

from __future__ import annotations

import sys
import zipfile
from pathlib import Path

import pytest

from tests.stack.bytecode import PYTHON
from tests.stack.condapkg import PLACEHOLDER, Recipe
from tests.stack.wheels import Wheel, find, rows

WHEEL = Wheel("Typing_Extensions", "4.12.2", "0" * 64, "typing_extensions", "PSF-2.0", "2024-06-07T18:52:13Z", ())


@pytest.fixture
def wheel(tmp_path: Path) -> Path:
    path = tmp_path / "tool-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("tool/__init__.py", "x = 1\n")
        archive.writestr("tool-1.0.data/scripts/raw", "#!python\n")
        archive.writestr("tool-1.0.data/data/share/tool.txt", "text")
        archive.writestr("tool-1.0.data/headers/tool.h", "")
        archive.writestr("tool-1.0.dist-info/entry_points.txt", "[console_scripts]\ntool = tool.cli:main [extra]\n")
    return path


def test_a_compiled_wheel_gets_its_place_in_the_prefix_and_its_commands(wheel: Path) -> None:
    found = {row.path: (row.content.stream.read(), row.mode) for row in rows(wheel, pure=False)}
    made = found.pop("lib/python3.11/site-packages/tool/__pycache__/__init__.cpython-311.pyc", None)
    assert (made is not None) is (sys.version_info[:2] == PYTHON)
    assert found == {
        "lib/python3.11/site-packages/tool/__init__.py": (b"x = 1\n", 0o644),
        "bin/raw": (b"#!python\n", 0o755),
        "share/tool.txt": (b"text", 0o644),
        "lib/python3.11/site-packages/tool-1.0.dist-info/entry_points.txt": (
            b"[console_scripts]\ntool = tool.cli:main [extra]\n",
            0o644,
        ),
        "bin/tool": (
            f"#!{PLACEHOLDER}/bin/python\nimport sys\nfrom tool.cli import main\nsys.exit(main())\n".encode(),
            0o755,
        ),
    }


def test_a_pure_wheel_leaves_its_commands_to_the_installer(wheel: Path) -> None:
    paths = [row.path for row in rows(wheel, pure=True)]
    assert "site-packages/tool/__init__.py" in paths
    assert "bin/tool" not in paths


def test_a_wheel_is_found_however_its_name_is_written(tmp_path: Path) -> None:
    assert find(tmp_path, WHEEL) is None
    (tmp_path / "typing_extensions-4.12.1-py3-none-any.whl").touch()
    assert find(tmp_path, WHEEL) is None
    right = tmp_path / "typing_extensions-4.12.2-py3-none-any.whl"
    right.touch()
    assert find(tmp_path, WHEEL) == right


def test_index_of_a_package_carries_license_and_upload_time_in_milliseconds() -> None:
    recipe = Recipe("tool", "1.0", "pyh0_0", ("python >=3.8",), "MIT", "2024-01-01T00:00:00Z", noarch=True)
    assert recipe.index() == {
        "name": "tool",
        "version": "1.0",
        "build": "pyh0_0",
        "build_number": 0,
        "depends": ["python >=3.8"],
        "license": "MIT",
        "subdir": "noarch",
        "noarch": "python",
        "timestamp": 1704067200000,
    }
