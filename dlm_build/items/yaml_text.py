"""YAML 1.2 without its surprises, from the parser's events: no tags, no aliases, one document, text keys.

`no`, `1:30`, `2020-12-12` and `0x1F` stay what was written; only null, true, false and decimal numbers are more than
text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

from dlm_build.errors import ItemInvalid, shown
from dlm_build.items.document import Document, Number, Position, Value, at, child, line_at, position
from dlm_build.items.limits import MAX_DEPTH, MAX_YAML_BYTES, NUMBER, check_size, number_problem, too_deep

MAX_EVENTS = 40_000
"""About two seconds of parsing; a real item has some hundreds."""
_NOT_A_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, Value] = {"": None, "~": None, "true": True, "false": False, "null": None}
_UNQUOTED_COLON = re.compile(r"(\s*(?:- )*)([^:#\"']+): (.+)")


def load_yaml(text: str, origin: str) -> Document:
    """Raises ItemInvalid with line, column, the faulty line and, where it can be told, the line as it should be."""
    check_size(text, origin, MAX_YAML_BYTES)
    reader = _Composer(text, origin)
    value = reader.document()
    return Document(origin=origin, value=value, places=lambda: reader.places)


class _Composer:
    """Builds plain values from events with a stack of its own, so that depth costs no recursion."""

    def __init__(self, text: str, origin: str) -> None:
        self.text = text
        self.origin = origin
        self.places: dict[str, Position] = {}
        self.result: Value = None
        self.stack: list[tuple[str, list[Value] | dict[str, Value]]] = []
        self.key: str | None = None

    def document(self) -> Value:
        documents = 0
        for event in _events(self.text, self.origin):
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise self._refused(event, "a second document begins", "keep one item in the file")
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self.stack.pop()
            elif kind in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent", "AliasEvent"):
                self._take(kind, event)
        return self.result

    def _take(self, kind: str, event: Any) -> None:
        if kind == "AliasEvent":
            raise self._refused(event, f"the alias *{shown(event.anchor)} is not read", "write the value out here")
        if event.tag is not None:
            raise self._refused(event, f"the tag {shown(str(event.tag))} is not read", "remove the tag")
        if self.stack and isinstance(self.stack[-1][1], dict) and self.key is None:
            self._take_key(kind, event)
            return
        if kind == "ScalarEvent":
            self._place(event, self._scalar(event))
            return
        if len(self.stack) >= MAX_DEPTH:
            raise too_deep(self.origin, self.text, event.start_mark.index)
        container: list[Value] | dict[str, Value] = {} if kind == "MappingStartEvent" else []
        self.stack.append((self._place(event, container), container))

    def _take_key(self, kind: str, event: Any) -> None:
        if kind != "ScalarEvent":
            raise self._refused(event, "a key is a list or an object", "quote the key")
        pointer, fields = self.stack[-1]
        self.key = str(event.value)
        if self.key in fields:
            place = f"{self._at(event)}: {child(pointer, self.key)}:"
            raise ItemInvalid(f'{place} the key "{shown(self.key)}" is given twice', "keep one of them")
        self.places[child(pointer, self.key)] = self._position(event)

    def _place(self, event: Any, value: Value) -> str:
        """Puts a value where it belongs; gives its pointer."""
        if not self.stack:
            self.result = value
            self.places[""] = self._position(event)
            return ""
        parent, container = self.stack[-1]
        if isinstance(container, dict):
            assert self.key is not None
            container[self.key] = value
            pointer, self.key = child(parent, self.key), None
            return pointer
        pointer = child(parent, len(container))
        container.append(value)
        self.places[pointer] = self._position(event)
        return pointer

    def _scalar(self, event: Any) -> Value:
        raw = str(event.value)
        if not event.implicit[0]:  # quoted or block text
            return raw
        if raw in ("True", "TRUE", "False", "FALSE", "Null", "NULL"):
            raw = raw.lower()
        if raw in _WORDS:
            return _WORDS[raw]
        if _NOT_A_NUMBER.fullmatch(raw):
            raise self._refused(event, f"{raw} is not a value of any field", "use null, or leave the field out")
        if not NUMBER.fullmatch(raw):
            return raw
        if problem := number_problem(raw):
            raise self._refused(event, f"{shown(raw, 40)} is {problem}", "quote it if it is text")
        return Number(raw)

    def _refused(self, event: Any, what: str, fix: str) -> ItemInvalid:
        return ItemInvalid(
            f"{self._at(event)}: {what}; the line is `{line_at(self.text, event.start_mark.index)}`", fix
        )

    def _at(self, event: Any) -> str:
        return at(self.origin, self._position(event))

    def _position(self, event: Any) -> Position:
        return Position(line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _events(text: str, origin: str) -> Iterator[Any]:
    """The parser's events, its errors translated, no more than MAX_EVENTS of them."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        for count, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
            if count > MAX_EVENTS:
                raise ItemInvalid(
                    f"{at(origin, None)}: the document has more than {MAX_EVENTS:,} values",
                    "YAML is read up to this size only: convert the item to JSON",
                )
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise _syntax_error(text, origin, mark.index if mark else 0, str(error.problem or error.context)) from None
    except ReaderError as error:
        raise _bad_character(text, origin, int(error.position)) from None
    except (YAMLError, ValueError, OverflowError) as error:  # the last two: numeric escapes no character has
        raise ItemInvalid(f"{at(origin, None)}: not valid YAML: {shown(str(error))}", "correct the YAML") from None


def _bad_character(text: str, origin: str, offset: int) -> ItemInvalid:
    where, character = at(origin, position(text, offset)), shown(text[offset : offset + 1])
    what = f"the character {character} may not stand in YAML; the line is `{line_at(text, offset)}`"
    return ItemInvalid(f"{where}: {what}", "remove it, or write it escaped inside double quotes")


def _syntax_error(text: str, origin: str, offset: int, problem: str) -> ItemInvalid:
    offset = min(offset, len(text))
    where = at(origin, position(text, offset))
    problem = re.sub(r"\('(<[a-z ]+>)',\)", r"\1", problem)
    what = f"{where}: not valid YAML: {shown(problem)}; the line is `{line_at(text, offset)}`"
    return ItemInvalid(what, _fix(text, offset, problem))


def _fix(text: str, offset: int, problem: str) -> str:
    line = text[text.rfind("\n", 0, offset) + 1 :].split("\n", 1)[0]
    if "mapping values are not allowed" in problem:
        parts = _UNQUOTED_COLON.fullmatch(line.rstrip())
        if parts and ":" in parts[3]:
            return f"quote the text, it has a colon: `{shown(f'{parts[2]}: {json.dumps(parts[3])}', 200)}`"
        return "quote texts that have a colon, and indent the lines of a block alike"
    if "\\t" in problem or "\t" in problem:
        return "indent with spaces, not tabs"
    if "<block end>" in problem or "did not find expected key" in problem or "could not find expected ':'" in problem:
        return "indent this line like its neighbours: entries of one block start in the same column, as `key: value`"
    if "cannot start any token" in problem:
        return "quote the text: it begins with a character that YAML keeps for itself"
    if "end of stream" in problem:
        return "close the quote or bracket that was opened before"
    return "correct the YAML here; texts with any of : # [ ] { } , & * ! | > ' \" % @ ` are safest in double quotes"
