from __future__ import annotations

import ast
import ctypes
import errno
import json
import os
import sys
import tempfile
from pathlib import Path

import pytest

import dlm_build.harness
from dlm_build.harness import commands, environment
from dlm_build.harness.contract import Contract, HarnessError
from tests.unit.harness.folders import make_contract

FOLDER = Path(dlm_build.harness.__file__).parent
OWN_INSTALLER = "install_environment.py"


@pytest.fixture(autouse=True)
def settled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started already under the settled environment: otherwise `main` would replace the test process."""
    monkeypatch.setenv(environment.MARK, "1")


def handler(root: Path, code: str) -> None:
    files = {"model/tiny.py": code, "sample/in.txt": "seven"}
    make_contract(root, files=files, runner={"kind": "handler", "handler": "tiny.py"})


def predict(root: Path) -> int:
    return commands.main(["predict", "--input", str(root / "sample/in.txt"), "--output", str(root / "out")], root)


def test_predict_writes_and_ends_with_0(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler(tmp_path, "def predict(path): return 'ok'\n")
    assert predict(tmp_path) == 0
    assert (tmp_path / "out" / "in.txt").read_text() == "ok"
    assert capsys.readouterr().err.startswith("dlm: computed on the CPU, peak memory ")


def test_inputs_need_no_option(tmp_path: Path) -> None:
    handler(tmp_path, "def predict(path): return 'ok'\n")
    given = [str(tmp_path / "sample/in.txt"), "--output", str(tmp_path / "out")]
    assert commands.main(["predict", *given], tmp_path) == 0
    assert (tmp_path / "out" / "in.txt").read_text() == "ok"


def test_results_can_be_read_and_removed_by_the_host_that_asks_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = """
import os, tempfile
def predict(path, out):
    os.makedirs(out + "/deep")
    os.chmod(out + "/deep", 0o700)
    handle, name = tempfile.mkstemp(dir=out + "/deep")
    os.close(handle)
    os.rename(name, out + "/deep/result")
    os.symlink("/etc/passwd", out + "/link")
"""
    handler(tmp_path, code)
    monkeypatch.setattr(os, "umask", lambda _mode: 0)
    assert predict(tmp_path) == 0
    assert (tmp_path / "out/deep/result").stat().st_mode & 0o777 == 0o600
    (tmp_path / "out/deep/result").unlink()
    (tmp_path / "out/deep").rmdir()
    (tmp_path / "out/link").unlink()
    monkeypatch.setenv("DLM_UMASK", "0")
    assert predict(tmp_path) == 0
    assert (tmp_path / "out/deep/result").stat().st_mode & 0o777 == 0o666
    assert (tmp_path / "out/deep").stat().st_mode & 0o777 == 0o777


def test_what_the_model_raises_is_shown_and_ends_with_1(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler(tmp_path, "def predict(path): raise ArithmeticError('my own trouble')\n")
    assert predict(tmp_path) == 1
    assert "ArithmeticError: my own trouble" in capsys.readouterr().err


def test_what_the_harness_refuses_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler(tmp_path, "")
    assert predict(tmp_path) == 70
    assert capsys.readouterr().err.startswith("dlm: the handler 'tiny.py' must define one handler class")


@pytest.mark.parametrize(
    ("argv", "status", "message"),
    [
        ([], 64, "the following arguments are required: COMMAND"),
        (["dance"], 64, "invalid choice: 'dance'"),
        (["predict", "--input", "x"], 64, "the following arguments are required: --output"),
        (["predict", "--output", "."], 64, "no input is given"),
        (["predict", "absent.tif", "--output", "."], 66, "input absent.tif is not a file"),
        (["predict", "--input", "absent.tif", "--output", "."], 66, "input absent.tif is not a file"),
        (
            ["predict", "--input", "dlm.json", "--output", "absent/deeper"],
            73,
            "output absent/deeper has no folder above it (No such file or directory): make it first",
        ),
        (["predict", "--input", "dlm.json", "--output", "dlm.json"], 73, "dlm.json cannot be used as a folder (File"),
        (["predict", "--input", "dlm.json", "./dlm.json", "--output", "."], 64, "two inputs are named 'dlm'"),
    ],
)
def test_wrong_use_says_what_is_wrong(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], argv: list[str], status: int, message: str
) -> None:
    make_contract(tmp_path)
    assert commands.main(argv, tmp_path) == status
    assert message in capsys.readouterr().err


def test_a_folder_for_results_is_made_where_there_is_one_to_make_it_in(tmp_path: Path) -> None:
    handler(tmp_path, "def predict(path): return 'ok'\n")
    given = [str(tmp_path / "sample/in.txt"), "--output", str(tmp_path / "new")]
    assert commands.main(["predict", *given], tmp_path) == 0
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["in.txt"]


@pytest.mark.parametrize("number", [errno.EROFS, errno.EACCES])
@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_cannot_be_written_is_one_line_that_says_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], number: int, there: bool
) -> None:
    handler(tmp_path, "def predict(path): raise AssertionError('not to be run')\n")

    def refused(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(tempfile, "TemporaryFile", refused)
    monkeypatch.setattr(Path, "mkdir", refused)
    output = tmp_path / ("out" if there else "new")
    assert commands.main(["predict", str(tmp_path / "sample/in.txt"), "--output", str(output)], tmp_path) == 73
    said = capsys.readouterr().err
    assert said.startswith(f"dlm: output {output} cannot be written ({os.strerror(number)}): bind a folder of your own")
    assert said.count("\n") == 1


def test_info_prints_the_file_itself(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_contract(tmp_path, title="a title")
    assert commands.main(["info"], tmp_path) == 0
    assert capsys.readouterr().out == (tmp_path / "dlm.json").read_text()


def test_selftest_says_what_came_out(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler(tmp_path, "import numpy\ndef predict(path): return numpy.zeros((2, 3), 'int16')\n")
    assert commands.main(["selftest"], tmp_path) == 0
    assert capsys.readouterr().out == "in.npy\t140 bytes\t1x2x3 int16\n"


def test_selftest_without_result_or_sample_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    handler(tmp_path, "def predict(path): return None\n")
    assert commands.main(["selftest"], tmp_path) == 1
    assert "wrote nothing" in capsys.readouterr().err
    (tmp_path / "sample" / "in.txt").unlink()
    assert commands.main(["selftest"], tmp_path) == 70
    assert "holds no sample" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "cannot be read"), ("[]", "does not hold a JSON object"), ('{"runner": 3}', "/runner is not")],
)
def test_a_damaged_dlm_json_is_said(tmp_path: Path, text: str, message: str) -> None:
    (tmp_path / "dlm.json").write_text(text)
    with pytest.raises(HarnessError, match=message):
        Contract(tmp_path)


def test_an_unknown_runner_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    make_contract(tmp_path, runner={"kind": "telepathy"}, files={"sample/in.txt": ""})
    assert predict(tmp_path) == 70
    assert "/runner/kind is 'telepathy', which this harness does not know" in capsys.readouterr().err


@pytest.mark.parametrize("sample", ["a/b.tif", {"input": "a/b.tif"}, {"input": {"path": "a/b.tif"}}])
def test_the_samples_own_name_is_found_however_it_is_told(tmp_path: Path, sample: object) -> None:
    assert make_contract(tmp_path, sample=sample).sample_name == "a/b.tif"
    assert make_contract(tmp_path, sample=None).sample_name is None


def test_the_environment_is_settled_once_and_for_all(tmp_path: Path) -> None:
    (tmp_path / "env" / "bin").mkdir(parents=True)
    (tmp_path / "env" / "share" / "proj").mkdir(parents=True)
    given = {"PATH": "/bin", "PYTHONHASHSEED": "random", "OMP_NUM_THREADS": "3", "HOME": "/home/me"}
    first = environment.settled(given, tmp_path)
    assert first["PATH"] == f"{tmp_path}/env/bin:/bin"
    assert (first["PYTHONHASHSEED"], first["OMP_NUM_THREADS"], first["HOME"]) == ("0", "3", "/home/me")
    assert first["PROJ_DATA"] == f"{tmp_path}/env/share/proj"
    assert (first["CUDA_VISIBLE_DEVICES"], first["DLM_DEVICE"]) == ("", "cpu")
    assert environment.settled(first, tmp_path) == first


def test_in_a_sif_what_the_host_set_for_its_own_programs_is_left_out(tmp_path: Path) -> None:
    given = {
        "PYTHONPATH": "/opt/site",
        "PYTHONHOME": "/usr",
        "GDAL_DATA": "/home/me/conda",
        "PROJ_LIB": "/x",
        "OTHER": "y",
    }
    assert environment.settled(given, tmp_path, tmp_path).items() >= given.items(), "Docker lets nothing in"
    scripts = tmp_path / ".singularity.d" / "env"
    scripts.mkdir(parents=True)
    (scripts / "10-docker2singularity.sh").write_text("#!/bin/sh\nexport PROJ_LIB=/x\n")
    made = environment.settled(given, tmp_path, tmp_path)
    assert not {"PYTHONPATH", "PYTHONHOME", "GDAL_DATA"} & made.keys()
    assert (made["PROJ_LIB"], made["OTHER"]) == ("/x", "y"), "what the image sets, and what leads nowhere"


def test_a_scratch_folder_of_the_host_is_used_where_it_is_inside(tmp_path: Path) -> None:
    assert environment.settled({"TMPDIR": str(tmp_path)}, tmp_path)["TMPDIR"] == str(tmp_path)
    assert environment.settled({"TMPDIR": "/scratch/jobs/5"}, tmp_path)["TMPDIR"] == "/tmp"


def test_a_gpu_run_sees_its_devices(tmp_path: Path) -> None:
    assert "CUDA_VISIBLE_DEVICES" not in environment.settled({"DLM_DEVICE": "gpu"}, tmp_path)


@pytest.mark.parametrize(
    ("given", "files", "driver", "device"),
    [
        ({}, ("nvidia0", "nvidiactl"), True, "gpu"),
        ({"CUDA_VISIBLE_DEVICES": "1"}, ("nvidia0", "nvidia1"), True, "gpu"),
        ({}, ("dxg",), True, "gpu"),
        ({}, ("nvidia0",), False, "cpu"),
        ({}, ("nvidiactl", "null"), True, "cpu"),
        ({}, (), True, "cpu"),
        ({"DLM_DEVICE": "cpu"}, ("nvidia0",), True, "cpu"),
        ({"CUDA_VISIBLE_DEVICES": ""}, ("nvidia0",), True, "cpu"),
        ({"CUDA_VISIBLE_DEVICES": "-1"}, ("nvidia0",), True, "cpu"),
    ],
)
def test_a_gpu_that_the_container_was_given_is_used_without_being_asked_for(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    given: dict[str, str],
    files: tuple[str, ...],
    driver: bool,
    device: str,
) -> None:
    (tmp_path / "dev").mkdir()
    for name in files:
        (tmp_path / "dev" / name).touch()

    def load(name: str) -> None:
        assert name == "libcuda.so.1"
        if not driver:
            raise OSError(name)

    monkeypatch.setattr(ctypes, "CDLL", load)
    made = environment.settled(given, tmp_path, tmp_path)
    assert made["DLM_DEVICE"] == device
    assert made.get("CUDA_VISIBLE_DEVICES") == (given.get("CUDA_VISIBLE_DEVICES") if device == "gpu" else "")


def test_the_interpreter_starts_anew_only_where_it_must(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[tuple[list[str], str]] = []
    monkeypatch.setattr(os, "execve", lambda _program, argv, env: started.append((argv, env["PYTHONHASHSEED"])))
    environment.enter(tmp_path, ["info"])
    assert started == []
    monkeypatch.delenv(environment.MARK)
    environment.enter(tmp_path, ["info"])
    assert started == [([sys.executable, "-s", str(FOLDER), "info"], "0")]


def sources() -> list[Path]:
    return sorted(path for path in FOLDER.glob("*.py") if path.name != OWN_INSTALLER)


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_old_pythons_can_read_every_file(path: Path) -> None:
    ast.parse(path.read_text(), feature_version=(3, 7))


@pytest.mark.parametrize("path", sources(), ids=lambda path: path.name)
def test_nothing_of_dlm_build_is_imported(path: Path) -> None:
    assert "dlm_build" not in [name for name in imported(path) if name != "."]


def imported(path: Path) -> list[str]:
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [alias.name.split(".")[0] for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append("." if node.level else (node.module or "").split(".")[0])
    return names


@pytest.mark.programs
def test_the_folder_runs_alone(tmp_path: Path) -> None:
    """As in the container: copied beside dlm.json and run as a folder, with nothing else of dlm-build to import."""
    import shutil
    import subprocess

    shutil.copytree(FOLDER, tmp_path / "harness", ignore=shutil.ignore_patterns("__pycache__"))
    code = (
        "import sys\ndef predict(path): return [p for p in sys.path if 'harness' in p] + ['contract' in sys.modules]\n"
    )
    handler(tmp_path, code)
    argv = [sys.executable, str(tmp_path / "harness"), "predict", "--input", str(tmp_path / "sample/in.txt")]
    ended = subprocess.run(
        [*argv, "--output", str(tmp_path / "out")], env={}, cwd="/", capture_output=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, b""), ended.stderr
    assert json.loads((tmp_path / "out" / "in.json").read_text()) == [False]
