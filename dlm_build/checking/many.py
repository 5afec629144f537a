"""Many items, one after the other, or several at a time in processes of their own; in the order they were given.

Nothing is kept of an item that has been handed on, so ten thousand take no more memory than one.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from itertools import chain, islice
from pathlib import Path

from msgspec.structs import replace

from dlm_build.catalogues import Asked, SourceText, Unread, every
from dlm_build.catalogues.asked import Outside
from dlm_build.checking.check import Ask, check_text, unread
from dlm_build.checking.left_out import left_out
from dlm_build.checking.records import Checked, LeftOut, Summary
from dlm_build.checking.workers import workers
from dlm_build.errors import ItemInvalid, UsageError, shown
from dlm_build.threads import Threads

Given = SourceText | Unread
_LINE_LIMIT = 8192
"""Characters of one line of a list."""
_BATCH = 16
"""Items that go to another process together."""


def sources(given: Iterable[str], outside: Outside, *, follow: bool = False) -> Iterator[Given]:
    """The texts behind what the operator named: a path, a folder, a URL, `-`, or `@list.txt` with one of these a line.

    `follow` says whether a catalogue on this disk may lead to the network.

    Raises UsageError for a list that cannot be read.
    """
    return chain.from_iterable(every(Asked(href=href, follow=follow), outside) for href in _named(given))


def _named(given: Iterable[str]) -> Iterator[str]:
    for href in given:
        if href.startswith("@") and len(href) > 1:
            yield from _listed(href[1:])
        else:
            yield href


def _listed(path: str) -> Iterator[str]:
    """One a line, read as they are wanted; blank lines and those that begin with `# ` are left out."""
    try:
        with Path(path).open(encoding="utf-8-sig") as stream:
            while line := stream.readline(_LINE_LIMIT):
                if line.strip() and not re.match(r"\s*#(?:\s|$)", line):
                    yield line.strip()
    except (OSError, UnicodeDecodeError) as problem:
        raise UsageError(f"list {shown(path)}: {problem}", "give a text file with one ITEM a line") from problem


def no_items(summary: Summary) -> Checked:
    """In place of the items, where all that was given leads to files that are none."""
    first = summary.left_out[0].origin
    what = f"{shown(first, 300)}: no file that was given is a STAC item; {len(summary.left_out)} left out"
    return unread(ItemInvalid(what, "give an item, or a folder or catalogue of some"), first)


def check_one(source: Given, ask: Ask | None = None) -> Checked:
    """What could not be had is a grade F too."""
    if isinstance(source, Unread):
        return unread(source.problem, source.origin)
    checked = check_text(source.text, source.origin, ask)
    return replace(checked, findings=(*checked.findings, *source.notes)) if source.notes else checked


Check = Callable[[Given], Checked]
Result = Checked | LeftOut


def sorted_out(source: Given, checked: Checked) -> Result:
    """What a check found; or what a file is that nobody called an item, and that is none."""
    aside = left_out(source, checked) if isinstance(source, SourceText) else None
    return aside or checked


def check_all(texts: Iterable[Given], jobs: int = 1) -> Iterator[Result]:
    """Each as soon as it and those before it are done, by `jobs` processes. Raises InfraError where one was killed."""
    if jobs <= 1:
        for text in texts:
            yield sorted_out(text, check_one(text))
        return
    with workers(jobs) as pool:
        waiting: deque[Future[list[Result]]] = deque()
        for batch in _batches(map(_portable, texts)):
            waiting.append(pool.submit(_checked, batch))
            if len(waiting) >= 4 * jobs:
                yield from waiting.popleft().result()
        while waiting:
            yield from waiting.popleft().result()


def check_asking(texts: Iterable[Given], check: Check, jobs: int = 1) -> Iterator[Result]:
    """As `check_all`, by a check that asks servers: `jobs` threads, since it mostly waits."""
    with Threads(max(1, jobs)) as pool:
        waiting: deque[Future[Result]] = deque()
        for text in texts:
            waiting.append(pool.submit(_asked, text, check))
            if len(waiting) >= 2 * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()


def _asked(source: Given, check: Check) -> Result:
    return sorted_out(source, check(source))


def _portable(source: Given) -> SourceText | Checked:
    """What may go to another process: an error may not."""
    return source if isinstance(source, SourceText) else check_one(source)


def _batches(texts: Iterable[SourceText | Checked]) -> Iterator[list[SourceText | Checked]]:
    rows = iter(texts)
    while batch := list(islice(rows, _BATCH)):
        yield batch


def _checked(batch: list[SourceText | Checked]) -> list[Result]:
    """Runs in a worker."""
    return [one if isinstance(one, Checked) else sorted_out(one, check_one(one)) for one in batch]
