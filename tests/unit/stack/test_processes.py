"""A process is known by more than its number."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.stack.layout import State, open_state, write_json
from tests.stack.processes import Program, ensure_running, identity, running_pid, start_time
from tests.stack.shell import StackError


def test_this_process_is_recognised(tmp_path: Path) -> None:
    state = State(tmp_path)
    write_json(tmp_path / "pid" / "me.json", identity(os.getpid()))
    assert running_pid(state, "me") == os.getpid()


@pytest.mark.parametrize("change", [{"started": 1}, {"boot": "another"}, {"pid": 2**22 + 1}])
def test_a_later_process_with_the_same_number_is_not(tmp_path: Path, change: dict[str, object]) -> None:
    write_json(tmp_path / "pid" / "me.json", {**identity(os.getpid()), **change})
    assert running_pid(State(tmp_path), "me") is None


def test_nothing_noted_is_nothing_running(tmp_path: Path) -> None:
    assert running_pid(State(tmp_path), "me") is None
    assert start_time(2**22 + 1) is None


def test_a_stranger_that_answers_is_not_taken_for_ours(tmp_path: Path) -> None:
    program = Program("registry", ["/bin/false"], lambda: True)
    with pytest.raises(StackError, match="did not start answers in place of registry"):
        ensure_running(State(tmp_path), program)


def test_a_state_folder_too_deep_for_a_socket_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StackError, match="too long for a socket"):
        open_state(str(tmp_path / ("x" * 80)))
