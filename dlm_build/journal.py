"""What has become known on the way, and how long each step took; makes the report whatever the end."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import msgspec

from dlm_build import __version__
from dlm_build.records import EngineEnd, Image, Item, Plan, Report, Run, Sif, Step, Verdict


class Known(msgspec.Struct, kw_only=True):
    """What a report says besides its verdict and its steps, under the same names; filled in on the way."""

    item: Item | None = None
    plan: Plan | None = None
    lock_digest: str | None = None
    context_digest: str | None = None
    image: Image | None = None
    sif: Sif | None = None
    handoff: tuple[str, ...] = ()
    run: Run | None = None
    engines: tuple[EngineEnd, ...] = ()


class Journal:
    """One command's; nothing in it outlives the command but the report."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._steps: list[Step] = []
        self.known = Known()

    @contextmanager
    def step(self, name: str) -> Iterator[Callable[[bool], None]]:
        """Times a step; the function it gives is told whether the step had been done already."""
        started, told = self._clock(), [False]
        try:
            yield told.append
        finally:
            seconds = round(self._clock() - started, 3)
            self._steps.append(Step(name=name, seconds=seconds, reused=told[-1]))

    def report(self, verdict: Verdict) -> Report:
        known = msgspec.structs.asdict(self.known)
        return Report(dlm_build=__version__, verdict=verdict, steps=tuple(self._steps), **known)
