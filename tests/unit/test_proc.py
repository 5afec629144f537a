"""The door to programs: limits, whole groups, kept output, honest errors."""

from __future__ import annotations

import errno
import gc
import os
import signal
import sys
import time
from pathlib import Path
from typing import NoReturn

import pytest

from dlm_build import proc
from dlm_build.errors import InfraError
from dlm_build.proc import KEPT, RealPrograms, end_group, own_program, start

pytestmark = pytest.mark.programs
PYTHON = sys.executable


def programs(**environment: str) -> RealPrograms:
    return RealPrograms({"PATH": os.defpath, **environment})


def alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except FileNotFoundError:
        return False


def ends(pid: int) -> bool:
    for _ in range(100):
        if not alive(pid):
            return True
        time.sleep(0.05)
    return False


def test_status_and_both_streams() -> None:
    done = programs().run([PYTHON, "-c", "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"])
    assert (done.status, done.stdout, done.stderr, done.timed_out) == (3, "out\n", "err\n", False)
    assert done.tail() == "err"


def test_a_program_of_ours_is_found_where_this_process_finds_its_modules(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As by PYTHONPATH or `pip install --user`, which `python -I` alone does not see."""
    package, elsewhere = tmp_path / "it's here", tmp_path / "elsewhere"
    package.mkdir()
    elsewhere.mkdir()
    (package / "ours.py").write_text("import json, sys\nprint(__name__, sys.argv[1:])")
    (elsewhere / "json.py").write_text("raise SystemExit('not ours')")
    monkeypatch.syspath_prepend(package)
    monkeypatch.syspath_prepend("")
    done = programs(PYTHONPATH=str(elsewhere)).run([*own_program("ours"), "a", "-b"], cwd=elsewhere)
    assert (done.status, done.stdout, done.stderr) == (0, "__main__ ['a', '-b']\n", "")


def test_a_killed_program_says_by_which_signal() -> None:
    done = programs().run([PYTHON, "-c", "import os; print('a', flush=True); os.kill(os.getpid(), 9)"])
    assert (done.signal, done.tail(), done.tail(1)) == (
        "SIGKILL",
        "a\nit was ended by SIGKILL",
        "it was ended by SIGKILL",
    )
    assert programs().run([PYTHON, "-c", ""]).signal is None


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
def test_a_machine_without_another_thread_is_infra_and_nothing_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[int] = []

    def refused(*_: object) -> NoReturn:
        raise RuntimeError("can't start new thread")

    def noted(pid: int) -> None:
        started.append(pid)
        end_group(pid)

    monkeypatch.setattr("threading.Thread.start", refused)
    monkeypatch.setattr("dlm_build.proc.end_group", noted)
    with pytest.raises(InfraError, match="refuses another thread") as problem:
        programs().run([PYTHON, "-c", "import time; time.sleep(60)"])
    assert "ulimit" in (problem.value.hint or "")
    assert len(started) == 1 and ends(started[0])
    del problem
    gc.collect()  # nobody reads its streams, and they go with the process


def test_a_machine_without_another_process_is_infra(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> NoReturn:
        raise BlockingIOError(errno.EAGAIN, os.strerror(errno.EAGAIN))

    monkeypatch.setattr("subprocess.Popen", refused)
    with pytest.raises(InfraError, match="cannot start true: Resource temporarily unavailable"):
        programs().run(["true"])
    with pytest.raises(InfraError, match="cannot start true: Resource temporarily unavailable"):
        start(["true"], {})


def test_the_environment_is_the_given_one_and_nothing_else(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_TOKEN", "hunter2")
    show = "import os; print(sorted(k for k in os.environ if k not in ('LC_CTYPE',)))"
    done = programs(GIVEN="1").run([PYTHON, "-c", show], env={"ADDED": "2"})
    assert done.stdout == "['ADDED', 'GIVEN', 'PATH']\n"


def test_stdin_folder_and_lines(tmp_path: Path) -> None:
    heard: list[str] = []
    code = "import os, sys; print(os.getcwd(), sys.stdin.read()); sys.stderr.write('a\\nb\\n')"
    done = programs().run([PYTHON, "-c", code], cwd=tmp_path, stdin=b"fed", on_line=heard.append)
    assert done.stdout == f"{tmp_path} fed\n"
    assert heard == ["a", "b"]


def test_what_hearing_a_line_raises_ends_the_program_and_passes_through() -> None:
    """As where stderr leads to a program that reads no more: a build is then interrupted, and has not failed."""

    def unheard(_: str) -> NoReturn:
        raise BrokenPipeError(errno.EPIPE, os.strerror(errno.EPIPE))

    code = "import sys, time; print('a', file=sys.stderr, flush=True); time.sleep(60)"
    started = time.monotonic()
    with pytest.raises(BrokenPipeError):
        programs().run([PYTHON, "-c", code], on_line=unheard)
    assert time.monotonic() - started < 30


def test_no_stdin_is_an_empty_one() -> None:
    assert programs().run([PYTHON, "-c", "import sys; print(repr(sys.stdin.read()))"]).stdout == "''\n"


def test_a_program_that_does_not_read_its_stdin_is_no_error() -> None:
    assert programs().run([PYTHON, "-c", "pass"], stdin=b"x" * (1 << 20)).status == 0


def test_a_missing_program_is_infra_and_names_it() -> None:
    with pytest.raises(InfraError, match="no-such-program") as caught:
        programs().run(["no-such-program"])
    assert "install" in caught.value.hint


def test_no_shell_reads_the_arguments() -> None:
    hostile = "$(id); `id` && id | id > /tmp/x"
    assert programs().run([PYTHON, "-c", "import sys; print(sys.argv[1])", hostile]).stdout == hostile + "\n"


FORKING = """
import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, flush=True)
time.sleep(600)
"""


def test_the_limit_ends_the_whole_group() -> None:
    started = time.monotonic()
    done = programs().run([PYTHON, "-c", FORKING], timeout=1.5)
    assert done.timed_out and done.status < 0
    assert time.monotonic() - started < 30
    assert ends(int(done.stdout))


LEAVING = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"], start_new_session=len(sys.argv) > 1)
print(child.pid, flush=True)
"""


def test_a_program_that_ended_has_not_timed_out_and_leaves_nothing_behind() -> None:
    done = programs().run([PYTHON, "-c", LEAVING], timeout=9.0)
    assert (done.status, done.timed_out) == (0, False)
    assert done.seconds < 9.0
    assert ends(int(done.stdout))


def test_a_daemon_with_a_session_of_its_own_is_left_alone() -> None:
    quiet = LEAVING.replace("start_new", "stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new")
    done = programs().run([PYTHON, "-c", quiet, "daemon"], timeout=60.0)
    assert (done.status, done.timed_out) == (0, False)
    assert alive(int(done.stdout))
    os.kill(int(done.stdout), signal.SIGKILL)


def test_a_flood_keeps_head_and_tail() -> None:
    code = "print('first')\nfor n in range(200000): print('x' * 60)\nprint('last')"
    done = programs().run([PYTHON, "-c", code])
    assert done.stdout.startswith("first\n") and done.stdout.endswith("last\n")
    assert "output cut" in done.stdout
    assert len(done.stdout) < 2 * KEPT


def test_the_tail_of_a_program_that_prints_line_after_line_costs_each_line_the_same(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(proc, "KEPT", 1 << 20)
    kept, begun = proc._Kept(None), time.process_time()
    for _ in range((1 << 20) + (1 << 19)):
        kept.add("\n")
    assert time.process_time() - begun < 5  # a list that is shortened from its front takes twenty
    assert kept.text().count("\n") == (1 << 20) + (1 << 18) + 2


def test_bytes_that_are_not_text_are_shown_not_raised() -> None:
    assert "�" in programs().run([PYTHON, "-c", "import sys; sys.stdout.buffer.write(b'\\xff\\n')"]).stdout


def test_ending_a_group_that_is_gone_is_no_error() -> None:
    end_group(2**22 + 1)


# --- a program that is led ------------------------------------------------------------------------------------------


@pytest.mark.programs
def test_a_child_is_heard_line_by_line_then_told_then_heard_to_its_end() -> None:
    child = start(["/bin/sh", "-c", 'echo ready; read word; echo "got $word, $ONLY" >&2; exit 3'], {"ONLY": "this"})
    assert child.line() == b"ready\n" and child.status() is None
    child.tell(b"go\n")
    assert b"".join(child.rest()) == b"got go, this\n"
    child.end()
    assert child.status() == 3


@pytest.mark.programs
def test_a_child_that_does_not_end_is_ended() -> None:
    child = start(["/bin/sh", "-c", "sleep 600 & echo on; wait"], {})
    assert child.line() == b"on\n"
    child.end()
    assert child.status() == 137


@pytest.mark.programs
def test_telling_a_child_that_has_ended_is_no_error() -> None:
    child = start(["/bin/true"], {})
    assert child.line() == b""
    child.tell(b"x" * 10)
    child.end()


@pytest.mark.programs
def test_a_child_that_is_not_there_is_infra() -> None:
    with pytest.raises(InfraError, match="cannot start /nonexistent"):
        start(["/nonexistent"], {})
