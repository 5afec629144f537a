"""Several pieces of work at a time, by threads that nobody has to wait for.

A server that is silent, or asks to wait, holds up whoever asked it; not the end of everything after a failure or
Ctrl-C.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from concurrent.futures import FIRST_EXCEPTION, Executor, Future, wait
from functools import partial
from queue import Empty, SimpleQueue
from threading import Thread
from types import TracebackType
from typing import Any, NamedTuple, ParamSpec, TypeVar

from dlm_build.progress import Event, Notify

P = ParamSpec("P")
S = TypeVar("S")
T = TypeVar("T")


class Abandoned(Exception):
    """Ends work whose result nobody waits for any more."""


class _Task(NamedTuple):
    future: Future[Any]
    work: Callable[[], Any]


class Threads(Executor):
    """At most so many. Left with an error, it begins nothing more and waits for nothing; the process may end."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._threads: list[Thread] = []
        self._tasks: SimpleQueue[_Task | None] = SimpleQueue()
        self._abandoned = False

    def submit(self, work: Callable[P, T], /, *args: P.args, **named: P.kwargs) -> Future[T]:
        future: Future[T] = Future()
        self._tasks.put(_Task(future, partial(work, *args, **named)))
        if len(self._threads) < self._most:
            self._threads.append(Thread(target=_work, args=(self._tasks,), daemon=True))
            self._threads[-1].start()
        return future

    def each(self, work: Callable[[S], object], what: Iterable[S]) -> None:
        """`work` is done with each. Raises what the first to fail raised, as soon as it does."""
        done, _ = wait([self.submit(work, one) for one in what], return_when=FIRST_EXCEPTION)
        for future in done:
            future.result()

    def telling(self, notify: Notify) -> Notify:
        """For work to tell of itself by: what is abandoned ends when it next has something to tell."""

        def heard(event: Event) -> None:
            if self._abandoned:
                raise Abandoned
            notify(event)

        return heard

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        self._abandoned = not wait
        if cancel_futures:
            _cancel(self._tasks)
        for _ in self._threads:
            self._tasks.put(None)
        for thread in self._threads if wait else ():
            thread.join()

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self.shutdown(wait=kind is None, cancel_futures=kind is not None)


def _work(tasks: SimpleQueue[_Task | None]) -> None:
    while task := tasks.get():
        if task.future.set_running_or_notify_cancel():
            try:
                task.future.set_result(task.work())
            except BaseException as problem:
                task.future.set_exception(problem)


def _cancel(tasks: SimpleQueue[_Task | None]) -> None:
    try:
        while task := tasks.get_nowait():
            task.future.cancel()
    except Empty:
        return
