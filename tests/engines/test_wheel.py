"""What users install: the wheel alone, in an empty environment, away from any checkout.

Needs a Python package index (for hatchling and the dependencies) beside the stack.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from dlm_build.records import Context, Plan, from_json
from tests.engines.conftest import Cli
from tests.engines.test_examples import EXAMPLES

ROOT = Path(__file__).parents[2]
ITEM = str(EXAMPLES / "segmentation-onnx" / "item.json")
MINUTES = 15

pytestmark = pytest.mark.engine


def called(*argv: str | Path, cwd: Path) -> str:
    ended = subprocess.run(
        [str(word) for word in argv], cwd=cwd, capture_output=True, text=True, timeout=MINUTES * 60, check=False
    )
    assert ended.returncode == 0, ended.stderr
    return ended.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    called(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", folder, ROOT, cwd=folder)
    (made,) = folder.glob("dlm_build-*.whl")
    return made


@pytest.fixture(scope="module")
def program(wheel: Path) -> str:
    """`dlm-build` of an environment that holds the wheel and what it asks for, nothing else."""
    home = wheel.parent / "environment"
    called(sys.executable, "-m", "venv", home, cwd=wheel.parent)
    called(home / "bin" / "python", "-m", "pip", "install", "--quiet", wheel, cwd=wheel.parent)
    called(home / "bin" / "python", "-m", "pip", "check", cwd=wheel.parent)
    where = called(home / "bin" / "python", "-c", "import dlm_build; print(dlm_build.__file__)", cwd=wheel.parent)
    assert where.startswith(str(home))
    return str(home / "bin" / "dlm-build")


def test_a_wheel_holds_the_package_with_its_data_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as opened:
        names = set(opened.namelist())
    package = {p.relative_to(ROOT).as_posix() for p in (ROOT / "dlm_build").rglob("*") if p.suffix in (".py", ".json")}
    templates = {f"dlm_build/dockerfile_templates/{p.name}" for p in (ROOT / "dockerfile_templates").iterdir()}
    assert package | templates <= names
    assert {name.split("/")[0].partition("-")[0] for name in names} == {"dlm_build"}
    assert not any("__pycache__" in name or "/tests/" in name for name in names)


def test_an_installed_wheel_plans_and_renders_as_the_checkout_does(cli: Cli, program: str) -> None:
    installed = Cli(cli.folder, cli.config, program)
    assert installed("--help").stdout.startswith("Usage: dlm-build")
    assert installed("bases", "list").status == 0
    plan = from_json(Plan, installed("plan", ITEM, "--json", "-q").stdout.encode())
    assert plan == from_json(Plan, cli("plan", ITEM, "--json", "-q").stdout.encode())
    context = from_json(Context, installed("render", ITEM, "--json", "-q", "-o", "wheel").stdout.encode())
    assert context == from_json(Context, cli("render", ITEM, "--json", "-q", "-o", "checkout").stdout.encode())
    assert (cli.folder / "wheel" / "context" / "Dockerfile").is_file()
