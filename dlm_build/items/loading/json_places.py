"""Where the values of a JSON text stand. Looked up one by one: a finding needs a few positions of some thousand."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from json.decoder import JSONDecoder
from typing import NamedTuple

from dlm_build.items.document import Position, child

_GAP = re.compile(r"[ \t\n\r]*+[:,]?[ \t\n\r]*+")
_value_and_end = JSONDecoder().raw_decode


class _Spot(NamedTuple):
    """Offsets in the text."""

    shown: int
    """Of the key, for a member of an object; else of the value."""
    value: int


class JsonPlaces(Mapping[str, Position]):
    """Position by JSON pointer: of its key for a member of an object, else of the value.

    `text` must be JSON that was parsed. Each list or object is looked through once, when first something in it is
    asked for; what is not asked for is skipped by the standard library's own scanner.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._members: dict[str, dict[str, _Spot]] = {}
        self._lines: list[int] = []
        """Where each line begins; found with the first position."""

    def __getitem__(self, pointer: str) -> Position:
        offset = self._spot(pointer).shown
        self._lines = self._lines or [0, *(found.end() for found in re.finditer("\n", self._text))]
        line = bisect_right(self._lines, offset)
        return Position(line=line, column=offset - self._lines[line - 1] + 1)

    def __iter__(self) -> Iterator[str]:
        waiting = [""]
        while waiting:
            pointer = waiting.pop()
            yield pointer
            waiting.extend(reversed(self._below(pointer)))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _spot(self, pointer: str) -> _Spot:
        if not pointer:
            start = self._after_gap(0)
            return _Spot(start, start)
        return self._below(pointer.rpartition("/")[0])[pointer]

    def _below(self, pointer: str) -> dict[str, _Spot]:
        """The members or rows of what stands at `pointer`; none of a plain value."""
        if pointer not in self._members:
            start = self._spot(pointer).value
            inside = {"{": self._in_object, "[": self._in_list}.get(self._text[start])
            self._members[pointer] = inside(pointer, start) if inside else {}
        return self._members[pointer]

    def _in_object(self, pointer: str, start: int) -> dict[str, _Spot]:
        text = self._text
        members: dict[str, _Spot] = {}
        at = self._after_gap(start + 1)
        while text[at] != "}":
            key, end = _value_and_end(text, at)
            value = self._after_gap(end)
            members[child(pointer, key)] = _Spot(at, value)
            at = self._after_gap(_value_and_end(text, value)[1])
        return members

    def _in_list(self, pointer: str, start: int) -> dict[str, _Spot]:
        text = self._text
        rows: dict[str, _Spot] = {}
        at = self._after_gap(start + 1)
        while text[at] != "]":
            rows[f"{pointer}/{len(rows)}"] = _Spot(at, at)
            at = self._after_gap(_value_and_end(text, at)[1])
        return rows

    def _after_gap(self, at: int) -> int:
        """Past spaces and what divides two values."""
        gap = _GAP.match(self._text, at)
        assert gap is not None  # it matches the empty text too
        return gap.end()
