"""Three rooms meet inside the container: building writes, running calls, the harness finds. They must agree."""

from __future__ import annotations

import ast
from pathlib import Path

from dlm_build.container_layout import INPUT, LAUNCHER, OUTPUT, PREFIX, ROOT
from dlm_build.harness.contract import Contract
from dlm_build.harness.environment import settled
from dlm_build.records import Runner
from dlm_build.running.options import container_options
from tests.unit.building.locks import rendered, text_of, tiny_lock
from tests.unit.running.test_options import ORDER

PACKAGE = Path(__file__).parents[2] / "dlm_build"
HOME = PACKAGE / "container_layout.py"


def inside(path: str) -> str:
    """A path of the context as the container sees it."""
    return "/" + path.partition("/")[2]


def test_what_building_writes_is_what_the_harness_finds(tmp_path: Path) -> None:
    context = rendered(tiny_lock())
    written = {inside(row.path) for row in context.files if row.path.partition("/")[2].startswith("opt/")}
    told = next(row.path for row in context.files if inside(row.path) == f"{ROOT}/dlm.json")
    (tmp_path / "dlm.json").write_text(text_of(context, told))
    contract = Contract(tmp_path)
    for folder in (contract.model, contract.source, contract.sample):
        assert any(path.startswith(f"{ROOT}/{folder.name}/") for path in written), folder.name
    assert f"{ROOT}/sample/{contract.sample_name}" in written
    assert f"{ROOT}/model/{contract.runner['weights']}" in written
    assert {LAUNCHER, f"{ROOT}/harness/__main__.py"} <= written


def test_the_launcher_is_the_entry_point_of_image_and_run() -> None:
    context = rendered(tiny_lock())
    launcher = next(row.path for row in context.files if inside(row.path) == LAUNCHER)
    assert text_of(context, launcher).startswith(f"#!{PREFIX}/bin/python ")
    assert f'ENTRYPOINT ["{LAUNCHER}"]' in text_of(context, "Dockerfile")
    made = container_options(ORDER)
    assert made["entrypoint"] == [LAUNCHER]
    assert {mount["Target"] for mount in made["mounts"]} == {INPUT, OUTPUT}


def test_the_harness_knows_the_commands_a_run_gives_and_the_image_has() -> None:
    harness = (PACKAGE / "harness" / "commands.py").read_text("utf-8")
    words = {node.value for node in ast.walk(ast.parse(harness)) if isinstance(node, ast.Constant)}
    given = [word for word in container_options(ORDER)["command"] if not word.startswith("/")]
    assert set(given) == {"predict", "--input", "--output"} and {*given, "info", "selftest"} <= words


def test_defaults_are_alike(tmp_path: Path) -> None:
    workspace = (PACKAGE / "harness" / "workspace.py").read_text("utf-8")
    assert f'"{Runner(kind="onnx").working_dir}"' in workspace
    (tmp_path / "env" / "bin").mkdir(parents=True)
    path = settled({"PATH": "/bin"}, tmp_path)["PATH"]
    assert path.split(":")[0] == f"{tmp_path}/{PREFIX.removeprefix(ROOT + '/')}/bin"


def test_the_places_are_spelled_out_once() -> None:
    """Docstrings may name them; code takes them from the one module."""
    for path in PACKAGE.rglob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        texts = [n.value for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str)]
        spelled = [t for t in texts if t.startswith((ROOT, "/dlm/")) and "\n" not in t]
        assert not spelled or path == HOME, f"{path}: {spelled}"
