"""Each way a run in a SIF can end, on the real engine."""

from __future__ import annotations

import pytest

from tests.engines.running.models import Model, names

pytestmark = pytest.mark.engine


def test_finished(model: Model) -> None:
    run = model("print('hello'); open(out + '/a.txt', 'w').write('result')")
    assert (run.end, run.exit_status, names(run)) == ("finished", 0, ["a.txt"])
    assert "hello" in run.log_tail and run.device == "cpu"
    assert run.peak_memory and run.peak_memory > 1 << 20


def test_model_error(model: Model) -> None:
    run = model("raise SystemExit(3)")
    assert (run.end, run.exit_status) == ("model-error", 3)
    assert "status 3" in run.detail


def test_a_model_that_ends_itself_by_a_signal(model: Model) -> None:
    run = model("import os; os.kill(os.getpid(), 11)")
    assert (run.end, run.exit_status) == ("model-error", 139)


def test_timeout(model: Model) -> None:
    run = model("import time; print('busy', flush=True); time.sleep(600)", seconds=1)
    assert run.end == "timeout" and run.seconds < 20 and "busy" in run.log_tail
