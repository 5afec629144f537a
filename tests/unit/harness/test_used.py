"""What a run tells of itself: the device its program used, and the memory."""

from __future__ import annotations

import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from dlm_build.harness import commands, environment, used
from tests.unit.harness.folders import make_contract


@pytest.fixture
def maps(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A run that was given a GPU, without modules that could use it, children or the driver."""
    for name in ("torch", *used.WITH_GPU):
        monkeypatch.delitem(sys.modules, name, raising=False)
    monkeypatch.setenv("DLM_DEVICE", "gpu")
    children(monkeypatch, 0)
    (tmp_path / "maps").write_text("7f00 r-xp /usr/lib/libc.so.6\n")
    return tmp_path / "maps"


def children(monkeypatch: pytest.MonkeyPatch, kilobytes: int) -> None:
    monkeypatch.setattr(resource, "getrusage", lambda _kind: SimpleNamespace(ru_maxrss=kilobytes))


def torch(took: int, ready: bool = True) -> Any:
    cuda = SimpleNamespace(
        is_initialized=lambda: ready, device_count=lambda: 2, max_memory_allocated=lambda index: took * index
    )
    return SimpleNamespace(cuda=cuda)


def device(maps: Path) -> str | None:
    return used.device_of_program(str(maps))


def test_without_a_gpu_it_is_the_cpu(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DLM_DEVICE", "cpu")
    monkeypatch.setitem(sys.modules, "torch", torch(5))
    assert device(maps) == "cpu"


def test_without_the_driver_there_was_no_gpu(maps: Path) -> None:
    assert device(maps) == "cpu"


def test_a_driver_alone_tells_nothing(maps: Path) -> None:
    maps.write_text("7f00 r-xp /usr/lib/libcuda.so.570.1\n")
    assert device(maps) is None
    maps.unlink()
    assert device(maps) is None


def test_what_a_program_started_may_have_used_it(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    children(monkeypatch, 100)
    assert device(maps) is None


@pytest.mark.parametrize(("took", "ready", "wanted"), [(5, True, "gpu"), (0, True, "cpu"), (5, False, "cpu")])
def test_torch_tells(maps: Path, monkeypatch: pytest.MonkeyPatch, took: int, ready: bool, wanted: str) -> None:
    maps.write_text("7f00 r-xp /usr/lib/libcuda.so.570.1\n")
    monkeypatch.setitem(sys.modules, "torch", torch(took, ready))
    assert device(maps) == wanted


def test_torch_does_not_tell_of_others(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps.write_text("7f00 r-xp /usr/lib/libcuda.so.570.1\n")
    monkeypatch.setitem(sys.modules, "torch", torch(0))
    monkeypatch.setitem(sys.modules, "onnxruntime", SimpleNamespace())
    assert device(maps) is None


def test_a_torch_without_these_functions_tells_nothing(maps: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    maps.write_text("7f00 r-xp /usr/lib/libcuda.so.570.1\n")
    monkeypatch.setitem(sys.modules, "torch", SimpleNamespace())
    assert device(maps) is None


# --- the line for dlm-build -----------------------------------------------------------------------------------------


def told(root: Path, capfd: pytest.CaptureFixture[str], runner: dict[str, Any], code: str = "") -> list[str]:
    contract = make_contract(root, files={"model/tiny.py": code, "in.txt": "seven"}, runner=runner)
    assert commands.main(["predict", str(root / "in.txt"), "--output", str(root / "out")], contract.root) == 0
    return capfd.readouterr().err.splitlines()


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Started anew, with the mark in a pipe."""
    reading, writing = os.pipe()
    os.write(writing, b"mark-1")
    os.close(writing)
    monkeypatch.setenv(environment.MARK, "1")
    monkeypatch.setenv(environment.HANDED, str(reading))


def test_dlm_build_gets_its_line_and_the_model_is_not_told_the_mark(
    tmp_path: Path, asked: None, capfd: pytest.CaptureFixture[str]
) -> None:
    code = "import os, sys\ndef predict(path): print('half', end='', file=sys.stderr); return sorted(os.environ)\n"
    pipe = int(os.environ[environment.HANDED])
    lines = told(tmp_path, capfd, {"kind": "handler", "handler": "tiny.py"}, code)
    mark, _, words = lines[-1].partition(" ")
    report = json.loads(words)
    assert mark == "mark-1" and report["device"] == "cpu" and report["peak_memory"] > 1 << 20
    assert environment.HANDED not in json.loads((tmp_path / "out/in.json").read_text())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(pipe)


@pytest.mark.parametrize("number", ["9999", "no number", ""])
def test_a_pipe_that_is_none_holds_no_mark(monkeypatch: pytest.MonkeyPatch, number: str) -> None:
    monkeypatch.setenv(environment.HANDED, number)
    assert environment.take_mark() == ""


PRYING = """\
import os
def predict(path):
    found = open("/proc/self/environ", "rb").read()
    for number in os.listdir("/proc/self/fd"):
        link = "/proc/self/fd/" + number
        if int(number) > 2 and os.path.exists(link) and os.readlink(link).startswith("pipe:"):
            found += os.read(int(number), 512)
    return found.decode()
"""


@pytest.mark.programs
@pytest.mark.parametrize("started_anew", [{}, {environment.MARK: "1"}], ids=["as it comes", "settled before"])
def test_the_mark_is_in_nothing_that_the_process_of_the_model_was_started_with(
    tmp_path: Path, started_anew: dict[str, str]
) -> None:
    runner = {"kind": "handler", "handler": "tiny.py"}
    make_contract(tmp_path, files={"model/tiny.py": PRYING, "in.txt": "seven"}, runner=runner)
    shutil.copytree(Path(environment.__file__).parent, tmp_path / "harness")
    argv = [sys.executable, str(tmp_path / "harness"), "predict", str(tmp_path / "in.txt"), "--output"]
    given = {"PATH": "/usr/bin:/bin", "TMPDIR": str(tmp_path), environment.REPORT: "mark-1", **started_anew}
    ended = subprocess.run(
        [*argv, str(tmp_path / "out")], env=given, capture_output=True, text=True, timeout=60, check=True
    )
    assert ended.stderr.splitlines()[-1].startswith('mark-1 {"device": "cpu"')
    seen = (tmp_path / "out/in.txt").read_text()
    assert "DLM_SETTLED=1" in seen and "mark-1" not in seen


@pytest.mark.programs
@pytest.mark.parametrize(("given", "device"), [("gpu", None), ("cpu", "cpu")])
def test_a_command_does_not_tell_what_it_made_of_a_gpu(
    tmp_path: Path, asked: None, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str],
    given: str, device: str | None,
) -> None:  # fmt: skip
    monkeypatch.setenv("DLM_DEVICE", given)
    lines = told(tmp_path, capfd, {"kind": "command", "argv": ["true"]})
    assert json.loads(lines[-1].partition(" ")[2])["device"] == device
    assert ("computed on" in lines[0]) == (device is not None)


def test_nobody_else_gets_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(environment.MARK, "1")
    assert not {environment.REPORT, environment.HANDED} & os.environ.keys()
    lines = told(tmp_path, capfd, {"kind": "handler", "handler": "tiny.py"}, "def predict(path): return 'ok'\n")
    assert len(lines) == 1 and lines[0].startswith("dlm: computed on the CPU, peak memory ")
