"""How a run ends: well, badly, too late, or with too much of something."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import pytest

from tests.engines.running.models import LIMITS, Model, names

pytestmark = pytest.mark.engine


def test_a_good_model_ends_well_and_its_outputs_come_home(model: Model, tmp_path: Path) -> None:
    run = model(
        """
        import os, sys, time
        os.makedirs(out + "/deep")
        open(out + "/deep/result.txt", "w").write("forty-two")
        print("to stdout")
        print("to stderr", file=sys.stderr)
        time.sleep(1.5)  # long enough for a busy machine to look once at its memory
        """.replace("\n        ", "\n")
    )
    assert (run.end, run.exit_status, run.device) == ("finished", 0, "cpu"), run
    assert run.device_reason == "the model does not ask for a GPU"
    assert names(run) == ["deep/result.txt"]
    assert run.outputs[0].sha256 == hashlib.sha256(b"forty-two").hexdigest()
    assert Path(run.output_folder, "deep/result.txt").read_text() == "forty-two"
    assert "to stdout\n" in run.log_tail
    assert "to stderr\n" in run.log_tail
    assert (tmp_path / "run" / "run.log").read_text() == run.log_tail
    assert run.peak_memory is not None
    assert 1 << 20 < run.peak_memory < LIMITS.memory


@pytest.mark.parametrize(
    ("program", "status"),
    [("raise SystemExit(3)", 3), ("1/0", 1), ("import os; os.kill(os.getpid(), 11)", 139)],
)
def test_a_failing_model_is_a_model_error_with_its_status(model: Model, program: str, status: int) -> None:
    run = model(program)
    assert (run.end, run.exit_status) == ("model-error", status), run
    assert run.detail.startswith(f"the model ended with status {status}")


def test_a_models_traceback_is_kept_without_control_characters(model: Model) -> None:
    run = model("raise ValueError('\\x1b]0;owned\\x07 \\x1b[31mred')")
    assert "ValueError: \N{REPLACEMENT CHARACTER}]0;owned" in run.log_tail
    assert "\x1b" not in run.log_tail


@pytest.mark.parametrize(
    "program",
    [
        "import time\nwhile True: time.sleep(1)",
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  os.fork()\nwhile True: time.sleep(1)",
    ],
    ids=["hangs", "ignores signals", "daemonizes"],
)
def test_a_model_that_hangs_is_ended_on_time(model: Model, program: str) -> None:
    started = time.monotonic()
    run = model(program, seconds=1.5)
    assert (run.end, run.exit_status) == ("timeout", None), run
    assert run.detail == "the model was still running after 1.5 s; it was ended"
    assert 1.5 <= run.seconds < 10
    assert time.monotonic() - started < 30


def test_what_a_model_leaves_running_does_not_outlive_it(model: Model) -> None:
    run = model("import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(300)")
    assert run.end == "finished"


@pytest.mark.parametrize(
    "program",
    [
        "x = []\nwhile True: x.append(bytearray(b'x' * (8 << 20)))",
        "for path in ('/dev/shm/x', '/tmp/x', '/workspace/x'): open(path, 'wb').write(b'x' * (40 << 20))",
        "import os, sys\nif os.fork() == 0: x = bytearray(b'x' * (1 << 30))\nelse: sys.exit(os.wait()[1] and 9)",
    ],
    ids=["heap", "scratch files", "child"],
)
def test_a_model_that_eats_memory_is_a_resource_matter(model: Model, program: str) -> None:
    run = model(program, memory=96 << 20, output=1 << 30)
    assert run.end == "resource", run
    assert run.detail == f"the model used more than {96 << 20} bytes of memory"


def test_a_fork_bomb_is_a_resource_matter(model: Model) -> None:
    run = model(
        "import os, time\nwhile True:\n  try:\n    os.fork()\n  except OSError:\n    time.sleep(0.05)", seconds=30
    )
    assert run.end == "resource", run
    assert run.detail == "the model filled its limit of 64 processes and threads; it was ended"
    assert run.seconds < 15


@pytest.mark.parametrize(
    ("program", "detail"),
    [
        ("f = open(out + '/x', 'wb')\nwhile True: f.write(b'x' * 65536)", f"wrote more than {8 << 20} bytes of output"),
        (
            "n = 0\nwhile True:\n  n += 1\n  open(out + '/%d' % n, 'wb').write(b'x' * 1000000)",
            f"wrote more than {8 << 20} bytes of output",
        ),
        ("n = 0\nwhile True:\n  n += 1\n  open(out + '/%d' % n, 'w').close()", "made more than 100 output files"),
        (
            "import os\nos.chdir(out)\nwhile True:\n  os.mkdir('d')\n  os.chdir('d')",
            "nested its output folders deeper than 32",
        ),
    ],
    ids=["one file", "many files", "empty files", "nested"],
)
def test_a_model_that_fills_the_disk_is_a_resource_matter(model: Model, program: str, detail: str) -> None:
    run = model(program)
    assert run.end == "resource", run
    assert detail in run.detail
    assert run.outputs == ()


def test_a_huge_sparse_file_never_reaches_the_disk(model: Model) -> None:
    run = model("import os\nos.truncate(os.open(out + '/x', os.O_CREAT | os.O_WRONLY), 10 << 40)")
    assert run.end in ("model-error", "resource"), run
    assert sum(file.size for file in run.outputs) <= LIMITS.output


def test_a_flood_of_talk_is_cut_with_both_ends_kept(model: Model, tmp_path: Path) -> None:
    program = "import sys\nprint('FIRST')\nfor n in range(40): sys.stdout.write('x' * 999999 + '\\n')\nprint('LAST')"
    run = model(program)
    assert run.end == "finished", run
    kept = (tmp_path / "run" / "run.log").read_bytes()
    assert kept.startswith(b"FIRST")
    assert kept.endswith(b"LAST\n")
    assert b"bytes cut" in kept
    assert len(kept) < (64 << 10) + 100
    assert len(run.log_tail) <= 16_384


def test_endless_talk_ends_with_the_time(model: Model) -> None:
    run = model("import sys\nwhile True: sys.stdout.write('x' * 65536)", seconds=3)
    assert run.end == "timeout", run
