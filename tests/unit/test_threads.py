"""Several pieces of work at a time: all of it where all goes well, none of it waited for where something fails."""

from __future__ import annotations

import subprocess
import sys
import time
from threading import Event as Flag
from threading import Lock

import pytest

from dlm_build.errors import InfraError
from dlm_build.progress import Event, silent
from dlm_build.threads import Abandoned, Threads


def test_all_is_done_in_order_and_not_too_much_at_once() -> None:
    now, most, lock = list[int](), list[int](), Lock()

    def work(number: int) -> int:
        with lock:
            now.append(number)
            most.append(len(now))
        time.sleep(0.002)
        with lock:
            now.remove(number)
        return number * number

    with Threads(3) as threads:
        assert list(threads.map(work, range(20))) == [number * number for number in range(20)]
    assert max(most) <= 3


def test_what_is_running_when_the_block_ends_well_is_waited_for() -> None:
    done = list[int]()
    with Threads(2) as threads:
        threads.submit(lambda: time.sleep(0.05) or done.append(1))  # type: ignore[func-returns-value]
    assert done == [1]


def test_the_first_failure_is_raised_at_once_and_nothing_more_is_begun() -> None:
    silence, begun = Flag(), list[int]()

    def work(number: int) -> None:
        begun.append(number)
        if number == 1:
            raise InfraError("the cable is out")
        silence.wait(60)

    started = time.monotonic()
    with pytest.raises(InfraError, match="the cable is out"), Threads(2) as threads:
        threads.each(work, range(20))
    assert time.monotonic() - started < 30
    silence.set()
    assert len(begun) <= 3


def test_what_is_abandoned_ends_when_it_next_tells_something() -> None:
    heard = list[Event]()
    with pytest.raises(KeyboardInterrupt), Threads(1) as threads:
        telling = threads.telling(heard.append)
        telling(Event(step="lock", text="one"))
        raise KeyboardInterrupt
    with pytest.raises(Abandoned):
        telling(Event(step="lock", text="two"))
    assert [event.text for event in heard] == ["one"]
    with Threads(1) as others:
        pass
    others.telling(silent)(Event(step="lock", text="all went well"))


INTERRUPTED = """
import sys
from dlm_build.proc import RealPrograms
from dlm_build.threads import Threads
with Threads(2) as threads:
    threads.submit(RealPrograms({}).run, ("/bin/sh", "-c", "echo $$ >&2; exec sleep 600"), on_line=print)
    assert sys.stdin.readline() == "go\\n"
    raise KeyboardInterrupt
"""


@pytest.mark.programs
def test_a_process_ends_without_its_threads_and_ends_what_they_started() -> None:
    child = subprocess.Popen(
        [sys.executable, "-u", "-c", INTERRUPTED],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    )  # fmt: skip
    assert child.stdin is not None and child.stdout is not None
    sleeper = int(child.stdout.readline())
    child.communicate("go\n", timeout=30)
    until = time.monotonic() + 20
    while is_alive(sleeper) and time.monotonic() < until:
        time.sleep(0.05)
    assert not is_alive(sleeper)


def is_alive(pid: int) -> bool:
    said = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False).stdout
    return said.strip() not in ("", "Z", "Zs")
