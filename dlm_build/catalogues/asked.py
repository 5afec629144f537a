"""What is asked for, what comes back, and how far a search for it may go."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple, Protocol

from dlm_build.errors import DlmBuildError
from dlm_build.fetch import Fetcher
from dlm_build.progress import Notify
from dlm_build.records import Finding, Record


class Asked(Record, frozen=True, kw_only=True):
    """ITEM as its user gave it."""

    href: str
    """A path, an http(s) URL, or `-`."""
    id: str | None = None
    """Which item, where there are several."""
    collection: str | None = None
    """In which collection of an API."""
    follow: bool = True
    """Whether a document on this disk may lead to the network."""


class SourceText(Record, frozen=True, kw_only=True):
    """The text of one item, and its own place: relative hrefs are read as seen from there."""

    text: str
    origin: str
    """Of what `resolve` and `every` give: without what may be secret in a URL, since it is printed and recorded."""
    notes: tuple[Finding, ...] = ()
    """What a reader of the item should know about how it was found."""
    in_folder: bool = False
    """Whether nobody named it: it lies in a folder that was given."""


class Unread(NamedTuple):
    """One place where an item should be and could not be had; the others are read all the same."""

    origin: str
    problem: DlmBuildError


class Bounds(Record, frozen=True, kw_only=True):
    """How far one ITEM may lead."""

    documents: int = 2_000
    """Catalogues, items and pages that are read."""
    depth: int = 16
    """Catalogues below each other."""
    size: int = 256 << 20
    """Bytes of all of them."""
    seconds: float = 300.0
    """Of reading; the time the caller takes between two items does not count."""


BULK = Bounds(documents=100_000, size=16 << 30, seconds=6 * 3600.0)
"""For a check of everything: a large catalogue, and still not for ever."""


class Outside(Protocol):
    """The doors that reading needs; `doors.Doors` is one."""

    @property
    def fetch(self) -> Fetcher: ...
    @property
    def notify(self) -> Notify: ...
    @property
    def clock(self) -> Callable[[], float]: ...
    @property
    def stdin(self) -> Callable[[], bytes]: ...
