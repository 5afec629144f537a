"""One door per outside thing: imports are read from the source, so that a second door cannot be opened unseen."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "dlm_build"
DOORS = {
    "subprocess": {"proc.py"},
    "httpx": {"fetch.py", "fetching/"},
    "requests": {"docker_client.py", "running/"},  # its errors come through the Docker SDK
    "urllib.request": {"fetching/", "harness/install_environment.py"},
    "zipfile": {"archives.py", "unpacking/", "harness/install_environment.py", "locking/stand_ins.py"},
    "tarfile": {"archives.py", "unpacking/"},
    "jinja2": {"building/"},
    "docker": {"docker_client.py", "building/docker_engine.py", "running/"},
    "click": {"cli/"},
    "pystac": {"catalogues/"},
    "pystac_client": {"catalogues/"},
    "pickle": set(),
}
INSIDE_CONTAINER = "harness/"
STEPS = ("items", "gathering", "planning", "locking", "building", "sif", "running", "judging", "harness")
BETWEEN_STEPS = {
    ("building/render.py", "locking"),  # the lock as the two files that other tools read
}


@cache
def imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


def modules() -> list[str]:
    return sorted(str(p.relative_to(PACKAGE)) for p in PACKAGE.rglob("*.py"))


@pytest.mark.parametrize("door", sorted(DOORS))
def test_each_outside_thing_has_its_own_door(door: str) -> None:
    allowed = tuple(DOORS[door])
    for module in modules():
        if module.startswith(INSIDE_CONTAINER) and door not in ("zipfile", "urllib.request"):
            continue
        opened = any(name == door or name.startswith(f"{door}.") for name in imports(PACKAGE / module))
        assert not opened or module.startswith(allowed), f"{module} imports {door}"


def test_the_harness_knows_nothing_of_dlm_build() -> None:
    for module in modules():
        if module.startswith(INSIDE_CONTAINER):
            assert not any(name.split(".")[0] == "dlm_build" for name in imports(PACKAGE / module)), module


def test_the_door_to_programs_is_opened_by_the_command_line_alone() -> None:
    opened = [module for module in modules() if "dlm_build.proc.RealPrograms" in imports(PACKAGE / module)]
    assert opened and all(module.startswith("cli/") for module in opened)


def test_a_client_of_docker_is_opened_in_one_place() -> None:
    opened = [module for module in modules() if re.search(r"from_env\(|DockerClient\(", (PACKAGE / module).read_text())]
    assert opened == ["docker_client.py"]


@pytest.mark.parametrize("nouns", ["records.py", "errors.py"])
def test_nouns_import_nothing_of_ours(nouns: str) -> None:
    assert not any(name.startswith("dlm_build") for name in imports(PACKAGE / nouns))


def test_nothing_imports_the_command_line() -> None:
    for module in modules():
        if not module.startswith("cli/"):
            assert not any(name.startswith("dlm_build.cli") for name in imports(PACKAGE / module)), module


def test_steps_know_the_records_and_not_each_other() -> None:
    found = set()
    for module in modules():
        own = module.partition("/")[0]
        named = {name.split(".")[1] for name in imports(PACKAGE / module) if name.startswith("dlm_build.")}
        found |= {(module, other) for other in named & set(STEPS) - {own} if own in STEPS}
    assert found == BETWEEN_STEPS
