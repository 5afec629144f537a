"""Processes that check items for this one: the terminal and its signals are its own, and they end with it."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from multiprocessing import active_children, get_context, parent_process
from threading import Thread
from typing import TypeVar

from dlm_build.errors import InfraError
from dlm_build.proc import RAISE_LIMITS

S = TypeVar("S")
T = TypeVar("T")


class Workers:
    """As many processes as it was made for, each begun when there is something to do."""

    def __init__(self, pool: ProcessPoolExecutor) -> None:
        self._pool = pool

    def submit(self, work: Callable[[S], T], what: S) -> Future[T]:
        with _starting():
            return self._pool.submit(work, what)


@contextmanager
def workers(count: int) -> Iterator[Workers]:
    """What is not done when the block fails is left. Raises InfraError where one is ended by somebody else."""
    with _starting():
        pool = ProcessPoolExecutor(count, mp_context=get_context("spawn"), initializer=_end_with_parent)
    try:
        yield Workers(pool)
    except BrokenProcessPool as problem:
        raise InfraError(
            f"one of {count} processes that checked items was ended, most likely for lack of memory",
            "give a smaller number with --jobs",
        ) from problem
    except BaseException:
        for process in active_children():
            process.kill()  # they write nothing that could be left half made
        raise
    finally:
        pool.shutdown(cancel_futures=True)


@contextmanager
def _starting() -> Iterator[None]:
    """A process that is started inside hears neither Ctrl-C nor its terminal's end, which go to all that belong to it.

    Who started it hears them, and stops it without a traceback from each. Raises InfraError where none can be started.
    """
    before = signal.pthread_sigmask(signal.SIG_BLOCK, (signal.SIGINT, signal.SIGHUP))
    try:
        yield
    except OSError as problem:
        raise InfraError(f"cannot start a process that checks items: {problem.strerror}", RAISE_LIMITS) from problem
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _end_with_parent() -> None:
    """Runs first in each process. One that waits for work does not notice that a killed parent will send none."""
    Thread(target=_outlive, daemon=True).start()


def _outlive() -> None:
    parent = parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
