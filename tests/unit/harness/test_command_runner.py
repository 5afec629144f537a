"""Plain commands. These start programs, as the harness does inside its container."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from dlm_build.harness.command_runner import run_command
from dlm_build.harness.contract import EXIT_CONTRACT, Contract, HarnessError
from tests.unit.harness.folders import make_contract

pytestmark = pytest.mark.programs


def command(root: Path, argv: list[str], files: dict[str, str] | None = None, **runner: Any) -> Contract:
    (root / "scene.tif").write_text("pixels")
    declared = {"kind": "command", "argv": argv, **runner}
    return make_contract(root, files=files, runner=declared, sample={"input": {"path": "test/scene_1.tif"}})


def run(contract: Contract, root: Path) -> tuple[int, dict[str, str]]:
    status = run_command(contract, [root / "scene.tif"], root / "out")
    files = (path for path in sorted((root / "out").rglob("*")) if path.is_file())
    return status, {str(path.relative_to(root / "out")): path.read_text() for path in files}


def test_input_and_output_are_put_into_the_words(tmp_path: Path) -> None:
    contract = command(tmp_path, ["cp", "{input}", "{output}/copy.tif"])
    assert run(contract, tmp_path) == (0, {"copy.tif": "pixels"})


def test_names_with_spaces_and_quotes_stay_one_word(tmp_path: Path) -> None:
    root = tmp_path / "a 'b\" $(id)"
    root.mkdir()
    contract = command(root, ["cp '{input}' {output}/x"], shell=False)
    with pytest.raises(HarnessError, match="is not in this container"):
        run(contract, root)
    assert run(command(root, ["cp", "{input}", "{output}/x"]), root) == (0, {"x": "pixels"})
    assert run(command(root, ["cat {input} {input} > {output}/y"], shell=True), root)[1]["y"] == "pixelspixels"


def test_the_archive_lies_in_the_working_folder_and_new_files_are_collected(tmp_path: Path) -> None:
    program = "import os\nopen('result.txt', 'w').write(open('deep/config.yml').read() + os.getcwd())\n"
    files = {"model/run.py": program, "model/deep/config.yml": "x: 1 "}
    status, made = run(command(tmp_path, [sys.executable, "run.py"], files), tmp_path)
    assert (status, made) == (0, {"result.txt": f"x: 1 {tmp_path}/work"})


def test_nothing_is_collected_when_the_program_used_the_output_folder(tmp_path: Path) -> None:
    contract = command(tmp_path, ["sh", "-c", "echo a > {output}/a; echo b > b"])
    assert run(contract, tmp_path) == (0, {"a": "a\n"})


def test_links_and_caches_are_not_collected(tmp_path: Path) -> None:
    line = "mkdir __pycache__ sub; echo x > __pycache__/x; echo y > y.pyc; ln -s /etc/passwd link; echo z > sub/z"
    assert run(command(tmp_path, ["sh", "-c", line]), tmp_path) == (0, {"sub/z": "z\n"})


def test_the_input_is_found_under_its_archive_name(tmp_path: Path) -> None:
    contract = command(tmp_path, ["sh", "-c", "cat test/scene_1.tif scene_1.tif > {output}/o"])
    assert run(contract, tmp_path) == (0, {"o": "pixelspixels"})


def test_the_source_can_be_imported_and_lies_at_hand(tmp_path: Path) -> None:
    files = {
        "source/pkg.py": "word = 'hello'",
        "source/tools/run.py": "import pkg\nopen('o.txt', 'w').write(pkg.word)\n",
    }
    contract = command(tmp_path, [sys.executable, "tools/run.py"], files)
    assert run(contract, tmp_path) == (0, {"o.txt": "hello"})


@pytest.mark.parametrize(("line", "status"), [("exit 3", 3), ("kill -9 $$", 137), ("exit 0", 0)])
def test_the_programs_status_is_passed_on(tmp_path: Path, line: str, status: int) -> None:
    assert run(command(tmp_path, ["sh", "-c", line]), tmp_path) == (status, {})


def test_a_program_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(HarnessError, match="the command's program 'no-such-program' is not in this container"):
        run(command(tmp_path, ["no-such-program"]), tmp_path)


def test_a_file_that_cannot_be_run_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "script").write_text("no interpreter line")
    assert run(command(tmp_path, [str(tmp_path / "script")]), tmp_path)[0] == EXIT_CONTRACT
    assert "cannot be started: Permission denied" in capsys.readouterr().err


def test_several_inputs_need_a_place_for_the_name(tmp_path: Path) -> None:
    contract = command(tmp_path, ["true"])
    with pytest.raises(HarnessError, match="one file at a time"):
        run_command(contract, [tmp_path / "scene.tif", tmp_path / "other.tif"], tmp_path / "out")


def test_a_working_folder_that_cannot_be_written_is_replaced_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    contract = command(tmp_path, ["sh", "-c", "pwd > here"], working_dir="/proc/no-such-folder")
    status, files = run(contract, tmp_path)
    assert (status, files["here"].startswith("/proc")) == (0, False)
    assert "/proc/no-such-folder cannot be written; working in" in capsys.readouterr().err
