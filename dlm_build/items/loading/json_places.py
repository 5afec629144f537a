"""Where the values of a JSON text stand. Looked up one by one: a finding needs a few positions of some thousand."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from json.decoder import JSONDecoder

import msgspec

from dlm_build.items.document import Position, child

_GAP = r"[ \t\n\r]*+"
_colon = re.compile(rf"{_GAP}:{_GAP}").match
_key = re.compile(rf'{_GAP},?{_GAP}("[^"\\]*+(?:\\.[^"\\]*+)*+"){_GAP}:{_GAP}').match
_row = re.compile(rf"{_GAP},?{_GAP}(?!\])").match
_value_and_end = JSONDecoder().raw_decode
_raw_members = msgspec.json.Decoder(dict[str, msgspec.Raw]).decode
_raw_rows = msgspec.json.Decoder(list[msgspec.Raw]).decode
_SMALL = 16 << 10
"""Bytes of an object in which each key may be sought by itself."""


class JsonPlaces(Mapping[str, Position]):
    """Position by JSON pointer: of its key for a member of an object, else of the value.

    `text` must be JSON that was parsed. Of what is not asked for nothing is made: msgspec skips it.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._known: _Value | None = None

    def _whole(self) -> _Value:
        if self._known is None:
            self._known = _whole(self._text)
        return self._known

    def __getitem__(self, pointer: str) -> Position:
        above, *names = pointer.split("/")
        if above:
            raise KeyError(pointer)
        found = self._whole()
        for name in names:
            found = found.member(name)
        return Position(line=found.line, column=found.shown - self._text.rfind("\n", 0, found.shown))

    def __iter__(self) -> Iterator[str]:
        waiting = [("", self._whole())]
        while waiting:
            pointer, value = waiting.pop()
            yield pointer
            waiting.extend((f"{pointer}/{name}", inner) for name, inner in reversed(value.members().items()))

    def __len__(self) -> int:
        return sum(1 for _ in self)


def _whole(text: str) -> _Value:
    start = len(text) - len(text.lstrip(" \t\n\r"))
    try:
        raw = msgspec.Raw(text.encode())
    except UnicodeEncodeError:  # half a surrogate pair
        raw = None
    is_ascii = text.isascii()
    line = text.count("\n", 0, start) + 1
    return _Value(text, is_ascii, is_ascii and "\\" not in text, start, line, start, raw)


class _Value(msgspec.Struct, eq=False):
    """One value in the text, and those in it as far as they were asked for. Offsets are in characters."""

    text: str
    is_ascii: bool
    """All of the text."""
    is_plain: bool
    """And no character of it is escaped."""
    shown: int
    """Where its key begins, for a member of an object; else the value."""
    line: int
    """Of `shown`, counted from 1."""
    start: int
    raw: msgspec.Raw | None
    """Itself as UTF-8; None where msgspec refuses what the standard library reads, which is half a surrogate pair."""
    known: dict[str, _Value] = {}
    """By the name that a pointer has for it."""
    all_known: bool = False
    values: dict[str, msgspec.Raw] | None = None
    """Of an object in which a key was sought, the values."""

    def member(self, name: str) -> _Value:
        """Raises KeyError."""
        if not self.all_known and name not in self.known:
            found = self._sought(name)
            if found is None:
                return self.members()[name]
            self.known[name] = found
        return self.known[name]

    def members(self) -> dict[str, _Value]:
        """All of them, in their order; none of a plain value."""
        if not self.all_known:
            opening = self.text[self.start]
            self.known = dict(self._in_object() if opening == "{" else self._in_list() if opening == "[" else ())
            self.all_known = True
        return self.known

    def _sought(self, name: str) -> _Value | None:
        """A member, told by its key where no other in the object is alike; None where it has to be looked through."""
        if not self.is_plain or self.raw is None or len(self.raw) > _SMALL or self.text[self.start] != "{":
            return None
        if self.values is None:
            self.values = _raw_members(self.raw)
        if name not in self.values or (place := self._only_key(f'"{name}"')) is None:
            return None
        at, start = place
        line = self.line + self.text.count("\n", self.shown, at)
        return self._inner(at, line, start, self.values[name])

    def _only_key(self, key: str) -> tuple[int, int] | None:
        """Where it stands and where its value begins; None where an object inside has it too."""
        text, end, found = self.text, self.end, None
        at = text.find(key, self.start, end)
        while at >= 0:
            if colon := _colon(text, at + len(key)):
                if found:
                    return None
                found = at, colon.end()
            at = text.find(key, at + 1, end)
        return found

    def _in_object(self) -> Iterator[tuple[str, _Value]]:
        text, raws = self.text, self._raws(lambda raw: _raw_members(raw).values())
        at, before, line = self.start + 1, self.shown, self.line
        while key := _key(text, at):
            shown = key.start(1)
            line += text.count("\n", before, shown)
            name = key[1][1:-1] if "\\" not in key[1] else _value_and_end(text, shown)[0]
            value = self._inner(shown, line, key.end(), next(raws, None))
            yield child("", name)[1:], value
            at, before = value.end, shown

    def _in_list(self) -> Iterator[tuple[str, _Value]]:
        text, raws, count = self.text, self._raws(_raw_rows), 0
        at, before, line = self.start + 1, self.shown, self.line
        while row := _row(text, at):
            shown = row.end()
            line += text.count("\n", before, shown)
            value = self._inner(shown, line, shown, next(raws, None))
            yield str(count), value
            at, before, count = value.end, shown, count + 1

    def _raws(self, inside: Callable[[msgspec.Raw], Iterable[msgspec.Raw]]) -> Iterator[msgspec.Raw]:
        """Of every value in it; of none where msgspec refuses one."""
        try:
            return iter(inside(self.raw)) if self.raw is not None else iter(())
        except msgspec.DecodeError:
            return iter(())

    def _inner(self, shown: int, line: int, start: int, raw: msgspec.Raw | None) -> _Value:
        return _Value(self.text, self.is_ascii, self.is_plain, shown, line, start, raw)

    @property
    def end(self) -> int:
        if self.raw is None:
            return _value_and_end(self.text, self.start)[1]
        return self.start + len(self.raw if self.is_ascii else str(self.raw, "utf-8"))
