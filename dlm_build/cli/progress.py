"""Draws progress events: bars on a terminal, plain lines elsewhere, nothing with --quiet. Always on stderr."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, cast

from dlm_build.cli.streams import Heard
from dlm_build.errors import shown
from dlm_build.progress import Event, Notify, silent

PLAIN_INTERVAL = 5.0
"""Seconds between two plain lines about the same piece of work."""


@contextmanager
def showing(*, quiet: bool, verbose: bool) -> Iterator[Notify]:
    """A Notify for the terminal at hand, open for as long as the block runs."""
    if quiet:
        yield silent
    elif sys.stderr.isatty():
        with _bars() as notify:
            yield notify
    else:
        yield _plain(verbose)


def _plain(verbose: bool) -> Notify:
    last: dict[str, float] = {}
    said: set[str] = set()
    stderr = Heard()

    def notify(event: Event) -> None:
        now = time.monotonic()
        if event.total == 0:
            return
        ended = event.total is not None and event.done == event.total
        if event.done is not None and not verbose and not ended and now - last.get(event.step, 0.0) < PLAIN_INTERVAL:
            return
        last[event.step] = now
        line = f"{event.step:>7}  {shown(event.text, 300)}{_amount(event)}"
        if line not in said:
            said.add(line)
            print(line, file=stderr, flush=True)

    return notify


def _amount(event: Event) -> str:
    if event.done is None:
        return ""
    if event.unit == "bytes":
        total = f" of {event.total / 1e6:.1f}" if event.total else ""
        return f"  {event.done / 1e6:.1f}{total} MB"
    if event.total == 1:
        return ""
    return f"  {event.done} of {event.total} {event.unit}" if event.total else f"  {event.done} {event.unit}"


@contextmanager
def _bars() -> Iterator[Notify]:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn
    from rich.table import Column

    console = Console(file=cast(IO[str], Heard()))
    whole = Column(no_wrap=True)  # on a narrow terminal the bar shrinks and the text breaks; the time stays
    columns = (
        SpinnerColumn(table_column=whole),
        TextColumn("{task.fields[step]:>7}"),
        TextColumn("{task.description}", table_column=Column()),
        BarColumn(bar_width=24),
        TextColumn("{task.fields[amount]}"),
        TimeElapsedColumn(table_column=whole),
    )
    tasks: dict[str, TaskID] = {}
    with Progress(*columns, console=console, transient=True) as progress:

        def notify(event: Event) -> None:
            text = escape(shown(event.text, 80))
            if event.done is None:
                console.print(f"[dim]{event.step:>7}[/]  {text}")
            if event.step not in tasks:
                for done in tasks.values():
                    progress.update(done, visible=False)
                tasks[event.step] = progress.add_task(text, step=event.step, amount="", total=None)
            progress.update(
                tasks[event.step],
                description=text,
                completed=event.done or 0,
                total=event.total,
                amount=_amount(event).strip(),
            )

        yield notify
