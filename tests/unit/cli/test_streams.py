"""Progress that nobody can hear: work goes on, and a pipe that was closed interrupts it, whichever thread tells."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Thread

import pytest

from dlm_build.cli.progress import showing
from dlm_build.progress import Event


def by_a_thread(tell: Callable[[], None]) -> None:
    thread = Thread(target=tell)
    thread.start()
    thread.join()


def at_once(tell: Callable[[], None]) -> None:
    tell()


WAYS = pytest.mark.parametrize("way", [at_once, by_a_thread])


@WAYS
@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device that is always full")
def test_a_full_disk_below_a_log_ends_no_work(
    way: Callable[[Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    with Path("/dev/full").open("w") as full:
        monkeypatch.setattr(sys, "stderr", full)
        with showing(quiet=False, verbose=False) as notify:
            way(lambda: notify(Event(step="build", text="one")))
            way(lambda: notify(Event(step="build", text="two")))


@WAYS
def test_a_terminal_that_was_hung_up_ends_no_work(
    way: Callable[[Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "w") as terminal:
        monkeypatch.setattr(sys, "stderr", terminal)
        monkeypatch.setenv("TERM", "xterm-256color")
        with showing(quiet=False, verbose=False) as notify:
            notify(Event(step="build", text="one"))
            os.close(ours)
            way(lambda: notify(Event(step="build", text="two", done=1, total=2)))
            way(lambda: notify(Event(step="build", text="three")))
        assert sys.stderr is terminal


@WAYS
def test_a_closed_pipe_is_an_interruption(
    way: Callable[[Callable[[], None]], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    inlet, outlet = os.pipe()
    os.close(inlet)
    with os.fdopen(outlet, "w") as out:
        monkeypatch.setattr(sys, "stderr", out)
        with pytest.raises(KeyboardInterrupt), showing(quiet=False, verbose=False) as notify:
            way(lambda: notify(Event(step="build", text="one")))
            time.sleep(5)
        with showing(quiet=False, verbose=False) as notify:
            way(lambda: notify(Event(step="build", text="nobody is interrupted twice")))
