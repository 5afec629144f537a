"""Reads one text after another: what may be asked, from whom, and how much in all.

The operator's own ITEM is trusted, and so is the server it lies on. Wherever else a catalogue links to is a
stranger's choice: https and public, as for an item's own hrefs. A catalogue on disk leads nowhere on this machine but
into its own folder.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from dlm_build.catalogues.asked import Asked, Bounds, Outside
from dlm_build.errors import (
    InfraError,
    ItemHostile,
    ItemInvalid,
    Place,
    ResourceExceeded,
    SourceGone,
    UsageError,
    shown,
)
from dlm_build.fetching.urls import has_userinfo, shown_place, shown_url, url_parts
from dlm_build.findings.documents import DocumentTooLarge
from dlm_build.items.document import Position, at, refused
from dlm_build.local_files import is_endless, is_folder
from dlm_build.records import Record

ITEM_LIMIT = 4 << 20
"""Bytes of one document."""
_ACCEPT = "application/geo+json, application/json;q=0.9, application/yaml;q=0.8, */*;q=0.5"
_PORTS = {"http": 80, "https": 443}


class Text(Record, frozen=True, kw_only=True):
    """What was read, and where it lies."""

    text: str
    place: str
    """The path, absolute, or the URL as it was asked for; `-` for standard input."""
    base: str
    """Links are read as seen from here: for a URL, where its redirects ended."""


class Reader:
    """Reads for one ITEM, and counts."""

    def __init__(self, asked: Asked, outside: Outside, bounds: Bounds) -> None:
        self._start, self._follow = asked.href, asked.follow
        self._outside, self._bounds = outside, bounds
        self._documents = self._bytes = 0
        self._seconds = 0.0
        self._folder = Path(asked.href).absolute().parent

    def start(self) -> Text:
        """ITEM itself. Raises SourceGone, ItemInvalid, UsageError for a password in it, or what fetching raises."""
        if self._start == "-":
            return Text(text=decoded(self._outside.stdin(), "standard input"), place="-", base="-")
        if is_url(self._start):
            if has_userinfo(self._start):
                raise UsageError(
                    f"ITEM {shown_url(self._start)} carries credentials in front of its host",
                    "get the item with a program that logs in, and give the file",
                )
            return self._url(plain(self._start), trusted=True)
        path = Path(self._start).absolute()
        try:
            with path.open("rb") as stream:
                data = stream.read(ITEM_LIMIT + 1)
        except (OSError, ValueError) as problem:
            raise SourceGone(
                f"item {shown(self._start)}: {getattr(problem, 'strerror', None) or problem}", _hint(self._start)
            ) from problem
        return Text(text=decoded(data, self._start), place=str(path), base=str(path))

    def linked(self, place: str) -> Text:
        """What lies at a place that `target` gave."""
        started = self._outside.clock()
        try:
            found = self._url(place, trusted=self._same_server(place)) if is_url(place) else self._file(place)
        finally:
            self._seconds += self._outside.clock() - started
        self._documents += 1
        self._bytes += len(found.text)
        return found

    def target(self, href: str, base: str) -> str:
        """Where a link in the document at `base` leads.

        Raises ItemHostile or ItemInvalid where it may not go, InfraError where it is not to be asked.
        """
        if is_url(base):
            return self._from_url(href, base)
        if is_url(href):
            if self._follow:
                return self._from_url(href, base)
            raise InfraError(
                f"{shown(base, 300)}: links to {shown_url(href)}, which is on the network and was not asked",
                "give that address as ITEM, or --online",
            )
        if base == "-":
            raise ItemInvalid(
                f"standard input: links to {shown(href)}, beside a file that is not known", "give its path or its URL"
            )
        path = Path(base).parent / unquote(url_parts(href).path if href.startswith("file:") else href)
        try:
            inside = path.resolve().is_relative_to(self._folder.resolve())
        except (OSError, ValueError, RuntimeError):  # a loop of links, a NUL
            inside = False
        if not inside:
            raise ItemHostile(
                f"{shown(base, 300)}: links to {shown(href)}, which lies outside the folder of ITEM",
                "give that file itself, or a catalogue further up",
            )
        return str(path.resolve())

    def _from_url(self, href: str, base: str) -> str:
        try:
            found = urljoin(base, href)
        except ValueError as problem:
            raise ItemInvalid(
                f"{shown_place(base)}: links to {shown(href)}: {problem}", "correct that link"
            ) from problem
        if not is_url(found):
            raise ItemHostile(
                f"{shown_place(base)}: links to {shown(href)}, which is no web address", "use an https address there"
            )
        return plain(found)

    def _url(self, url: str, *, trusted: bool) -> Text:
        answer = self._outside.fetch.get(url, limit=ITEM_LIMIT, headers={"accept": _ACCEPT}, trusted=trusted).found()
        return Text(text=decoded(answer.body, url), place=url, base=answer.url)

    def _file(self, place: str) -> Text:
        if is_endless(Path(place)) or is_folder(Path(place)):
            raise SourceGone(f"{shown(place, 300)}: is not a file", "correct the link that leads there")
        try:
            with Path(place).open("rb") as stream:
                data = stream.read(ITEM_LIMIT + 1)
        except OSError as problem:
            raise SourceGone(
                f"{shown(place, 300)}: {problem.strerror}", "correct the link that leads there, or put the file there"
            ) from problem
        return Text(text=decoded(data, place), place=place, base=place)

    def _same_server(self, url: str) -> bool:
        return is_url(self._start) and same_server(self._start, url)

    def refuse_endless(self) -> None:
        """Raises ResourceExceeded where ITEM has led too far; asked before every `linked`."""
        limits = self._bounds
        over = (
            f"{limits.documents:,} documents" if self._documents >= limits.documents
            else f"{limits.size >> 20:,} MiB" if self._bytes >= limits.size
            else f"{limits.seconds:.0f} s" if self._seconds >= limits.seconds
            else ""
        )  # fmt: skip
        if over:
            raise ResourceExceeded(
                f"{shown_url(self._start)}: leads on after {over}", "give a catalogue or a search with less inside"
            )


def _hint(item: str) -> str:
    """What to give in place of an ITEM that cannot be opened."""
    scheme = item.partition("://")[0].lower() if "://" in item else ""
    if scheme == "file":
        return "give the path alone, without `file://`"
    if scheme.isalnum():
        return f"get it with a program that reads {scheme}://, and give the file"
    if is_folder(Path(item)):
        return (
            f"give the item in it, e.g. {shown(str(Path(item) / 'item.json'))}; `dlm-build check` reads whole folders"
        )
    return "give the path of an item, its URL, or - for standard input"


_UTF_8 = "save it as UTF-8"
_OTHER_BYTES = (
    (b"\xff\xfe\x00\x00", ("UTF-32 text, and items are read as UTF-8", _UTF_8)),
    (b"\x00\x00", ("UTF-32 text, and items are read as UTF-8", _UTF_8)),
    *((start, ("UTF-16 text, and items are read as UTF-8", _UTF_8)) for start in (
        b"\xff\xfe", b"\xfe\xff", b"{\x00", b"\x00{", b"[\x00", b"\x00[")),
    (b"\x1f\x8b", ("compressed with gzip, not a text", "decompress it first: `gunzip -c FILE > item.json`")),
    (b"BZh", ("compressed with bzip2, not a text", "decompress it first: `bunzip2 -c FILE > item.json`")),
    (b"\xfd7zXZ", ("compressed with xz, not a text", "decompress it first: `unxz -c FILE > item.json`")),
    (b"\x28\xb5\x2f\xfd", ("compressed with zstd, not a text", "decompress it first: `unzstd FILE`")),
    (b"PK\x03\x04", ("a zip archive, not a text", "unpack it, and give the item that is in it")),
)  # fmt: skip
"""How bytes begin that are no UTF-8 text, what they are, and what to do."""


def is_url(href: str) -> bool:
    return href[:8].lower().startswith(("http://", "https://"))


def plain(url: str) -> str:
    """With its scheme in lower case: what is remote is told by that, further on."""
    scheme, colon, rest = url.partition(":")
    return f"{scheme.lower()}{colon}{rest}"


def same_server(mine: str, other: str) -> bool:
    """Same scheme, host and port; https in place of http counts as the same."""
    try:
        a, b = urlsplit(mine), urlsplit(other)
        same_port = (a.port or _PORTS[a.scheme]) == (b.port or _PORTS[b.scheme]) and a.scheme == b.scheme
    except (ValueError, KeyError):
        return False
    upgraded = (a.scheme, b.scheme, a.port, b.port) == ("http", "https", None, None)
    return a.hostname == b.hostname and (same_port or upgraded)


def decoded(data: bytes, where: str) -> str:
    """Raises ItemInvalid for what is too long, or no text."""
    if len(data) > ITEM_LIMIT:
        raise refused(DocumentTooLarge, where, found=f"{ITEM_LIMIT >> 20} MiB", fix="give a single STAC item")
    if other := next((what for start, what in _OTHER_BYTES if data.startswith(start)), None):
        raise _no_text(where, *other, Position(line=1, column=1))
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        before = data[: problem.start]
        column = len(before.rpartition(b"\n")[2].decode("utf-8-sig", "replace")) + 1
        place = Position(line=before.count(b"\n") + 1, column=column)
        what = f"not UTF-8 text (byte {problem.start}), so neither JSON nor YAML"
        raise _no_text(where, what, "save it as UTF-8", place) from problem


def _no_text(where: str, what: str, fix: str, place: Position) -> ItemInvalid:
    error = ItemInvalid(f"{at(where, place)}: {what}", fix)
    return error.at(Place(code=str(error.outcome), what=what, line=place.line, column=place.column))


def unanswered(problem: Exception, where: str) -> InfraError:
    """For what a library raises over an answer it cannot use."""
    return InfraError(
        f"{shown_url(where)}: the answer is not what its API promises: {shown(str(problem), 200)}",
        "give the address of the item itself",
    )
