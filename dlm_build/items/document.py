"""What a loader gives: the values of one document, with every number as it was written, and where things stand."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii
from operator import attrgetter
from types import MappingProxyType
from typing import Any, TypeAlias

import msgspec

from dlm_build.errors import ItemHostile, ItemInvalid, Place, shown
from dlm_build.fetching.urls import shown_place
from dlm_build.findings import Kind
from dlm_build.findings.documents import FieldHostile, FieldInvalid
from dlm_build.records import Finding, Record

COMMENT = "$comment"
"""A key that may be there twice: nothing reads it, and people comment on more than one thing."""


class Number:
    """A number's own text: `1.10` is not `1.1` when it is a version. Never changed once it is made."""

    __slots__ = ("raw", "written")

    def __init__(self, raw: str) -> None:
        self.raw = raw
        self.written = msgspec.Raw(raw)
        """The same as it goes into JSON."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Number) and self.raw == other.raw

    def __hash__(self) -> int:
        return hash(self.raw)

    def __repr__(self) -> str:
        return f"Number({self.raw!r})"


Value: TypeAlias = "bool | str | Number | list[Value] | dict[str, Value] | None"


class Position(Record, frozen=True, kw_only=True):
    """Both counted from 1."""

    line: int
    column: int


class Document(Record, frozen=True, kw_only=True):
    """One document as read. Nothing in it has been checked against any dialect."""

    origin: str
    value: Value
    places: Callable[[], Mapping[str, Position]]
    """Position of every JSON pointer; looked up when asked, since only errors and checks need it."""
    findings: tuple[Finding, ...] = ()
    """What had to be repaired before it could be parsed."""

    def invalid(self, pointer: str, what: str, fix: str = "", kind: type[Kind] = FieldInvalid) -> ItemInvalid:
        """The error `file:line:column: pointer: what`."""
        position = nearest(self.places(), pointer)
        error = ItemInvalid(f"{where(self.origin, position, pointer)} {what}", fix)
        return error.at(place_of(kind, what, position, pointer))

    def hostile(self, pointer: str, what: str, fix: str = "") -> ItemHostile:
        position = nearest(self.places(), pointer)
        error = ItemHostile(f"{where(self.origin, position, pointer)} {what}", fix)
        return error.at(place_of(FieldHostile, what, position, pointer))


def nearest(places: Mapping[str, Position], pointer: str) -> Position | None:
    """Of the pointer, or of its nearest parent where the field itself is missing; None for the whole document."""
    while pointer:
        if position := places.get(pointer):
            return position
        pointer = pointer.rpartition("/")[0]
    return None


def refused(
    kind: type[Kind], origin: str, position: Position | None = None, pointer: str = "", **found: object
) -> ItemInvalid:
    """An error of a kind: its message and its fix are the kind's own."""
    finding = kind.at(pointer, **found)
    error = ItemInvalid(f"{where(origin, position, pointer)} {finding.message}", finding.hint)
    return error.at(place_of(kind, finding.message, position, pointer))


def place_of(kind: type[Kind], what: str, position: Position | None, pointer: str) -> Place:
    line, column = (position.line, position.column) if position else (None, None)
    return Place(code=kind.code, what=what, pointer=pointer, line=line, column=column)


def where(origin: str, position: Position | None, pointer: str) -> str:
    """`origin:line:column: pointer:`, as far as they are known."""
    return f"{at(origin, position)}: {pointer}:" if pointer else f"{at(origin, position)}:"


def at(origin: str, place: Position | None) -> str:
    """`origin:line:column`, as far as they are known."""
    name = shown_place(origin)
    return f"{name}:{place.line}:{place.column}" if place else name


def position(text: str, offset: int) -> Position:
    start = text.rfind("\n", 0, offset) + 1
    return Position(line=text.count("\n", 0, offset) + 1, column=offset - start + 1)


def line_at(text: str, offset: int) -> str:
    """The line around `offset`, as it may be printed."""
    start = text.rfind("\n", 0, offset) + 1
    end = text.find("\n", offset)
    return shown(text[start : end if end >= 0 else len(text)].strip())


def child(pointer: str, key: str | int) -> str:
    """The pointer of a member; characters that must not reach a terminal are escaped in it."""
    if isinstance(key, int):
        return f"{pointer}/{key}"
    name = key
    if not name.isprintable():
        name = name.encode("unicode_escape").decode("ascii")
    if len(name) > 200:
        name = name[:200] + "…"
    if "~" in name or "/" in name:
        name = name.replace("~", "~0").replace("/", "~1")
    return f"{pointer}/{name}"


def described(value: Value) -> str:
    """What a value is, in words, escaped: `the text "abc"`, `a list of 3`, …"""
    match value:
        case None:
            return "null"
        case bool():
            return "true" if value else "false"
        case Number(raw=raw):
            return f"the number {shown(raw, 40)}"
        case str():
            return f'the text "{shown(value)}"'
        case list():
            return f"a list of {len(value)}"
        case _:
            keys = ", ".join(shown(key, 30) for key in list(value)[:5])
            return f"an object with {keys or 'nothing in it'}"


def digest(value: Value) -> str:
    """sha256 hex of the canonical JSON: keys sorted, numbers as they were written, everything else escaped ASCII."""
    return hashlib.sha256(_canonical_ascii(value) or _canonical(value).encode("ascii")).hexdigest()


def _canonical_ascii(value: Value) -> bytes | None:
    """It in one go, which escapes what `_canonical` escapes as long as all is ASCII; else None."""
    try:
        canonical = msgspec.json.encode(value, order="sorted", enc_hook=attrgetter("written"))
    except UnicodeEncodeError:  # half of a pair of surrogates
        return None
    return canonical if canonical.isascii() and b"\x7f" not in canonical else None


def _canonical(value: Value) -> str:
    write = _WRITERS.get(type(value))
    return write(value) if write else "null" if value is None else "true" if value else "false"


def _canonical_object(fields: dict[str, Value]) -> str:
    return (
        "{" + ",".join([f"{encode_basestring_ascii(name)}:{_canonical(fields[name])}" for name in sorted(fields)]) + "}"
    )


def _canonical_list(rows: list[Value]) -> str:
    return "[" + ",".join(map(_canonical, rows)) + "]"


_WRITERS: Mapping[type, Callable[[Any], str]] = MappingProxyType(
    {
        str: encode_basestring_ascii,
        Number: attrgetter("raw"),
        dict: _canonical_object,
        list: _canonical_list,
    }
)
"""By kind of value: this walks every value of every document."""
