"""YAML 1.2 without its surprises, from the parser's events: no tags, no aliases, one document, text keys.

`no`, `1:30`, `2020-12-12` and `0x1F` stay what was written; only null, true, false and decimal numbers are more than
text.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from typing import Any

from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings import Kind
from dlm_build.findings import documents as kinds
from dlm_build.items.document import COMMENT, Document, Number, Position, Value, child, line_at, position, refused
from dlm_build.items.limits import MAX_DEPTH, MAX_YAML_BYTES, NUMBER, YAML_FIX, check_size, number_problem, too_deep
from dlm_build.items.loading.conflicts import conflict

MAX_EVENTS = 12_000
"""At most a second of parsing; a real item has some hundreds."""
_NOT_A_NUMBER = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: dict[str, Value] = {"": None, "~": None, "true": True, "false": False, "null": None}
_NEAR = 6
"""Lines before an error in which its cause is looked for."""
_BLOCK = re.compile(r"( *(?:- +)*)[^\s#].*?: +([|>][-+0-9]{0,2})\s*(?:#.*)?")
_ENTRY = re.compile(r"[^\s:#\"'][^:#]*: [^|>\s#].*")
_ALIKE = "entries of one block start in the same column, as `key: value`"
_LINE = 240
"""Characters of a line that is shown to be pasted."""
_GLUED = re.compile(r"(?:[\w-]+:){1,2}[^\s:/\\#'\"]+")
"""A key and its value without a space between them, and no address."""
_APOSTROPHE = re.compile(r"[:\-,\[{] *'[^']*'\w")
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
        self.refusal: ItemInvalid | None = None
        """Of the first number that cannot be; said once it is clear that this is no other kind of document."""

    def document(self) -> Value:
        documents = 0
        for event in _events(self.text, self.origin):
            kind = type(event).__name__
            if kind == "DocumentStartEvent":
                documents += 1
                if documents > 1:
                    raise self._refused(event, kinds.SecondDocument)
            elif kind in ("MappingEndEvent", "SequenceEndEvent"):
                self.stack.pop()
            elif kind in ("ScalarEvent", "MappingStartEvent", "SequenceStartEvent", "AliasEvent"):
                self._take(kind, event)
        if self.refusal is not None and not _is_foreign(self.result):
            raise self.refusal
        return self.result

    def _take(self, kind: str, event: Any) -> None:
        if kind == "AliasEvent":
            raise self._refused(event, kinds.YamlAlias, self._here(), found=shown(event.anchor))
        if event.tag is not None:
            raise self._refused(event, kinds.YamlTag, self._here(), found=shown(str(event.tag)))
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
            raise self._refused(event, kinds.KeyNotText)
        pointer, fields = self.stack[-1]
        self.key = str(event.value)
        if self.key in fields and self.key != COMMENT:
            place = child(pointer, self.key)
            raise refused(kinds.DuplicateKey, self.origin, self._position(event), place, found=shown(self.key))
        self.places[child(pointer, self.key)] = self._position(event)

    def _here(self) -> str:
        """Where the next value belongs; the object itself where the next is a key."""
        if not self.stack:
            return ""
        parent, container = self.stack[-1]
        if isinstance(container, list):
            return child(parent, len(container))
        return parent if self.key is None else child(parent, self.key)

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
            return self._not_a_number(event, raw, "not a value of any field")
        if not NUMBER.fullmatch(raw):
            return raw
        if problem := number_problem(raw):
            return self._not_a_number(event, shown(raw, 40), problem)
        return Number(raw)

    def _not_a_number(self, event: Any, raw: str, problem: str) -> str:
        """Its text, which stands in for it to the end of the document."""
        near = line_at(self.text, event.start_mark.index)
        what = f"{problem}; the line is `{near}`"
        if self.refusal is None:
            place = self._position(event)
            self.refusal = refused(kinds.NumberRefused, self.origin, place, self._here(), found=raw, what=what)
        return raw

    def _refused(self, event: Any, kind: type[Kind], pointer: str = "", **found: str) -> ItemInvalid:
        near = line_at(self.text, event.start_mark.index)
        return refused(kind, self.origin, self._position(event), pointer, near=near, **found)

    def _position(self, event: Any) -> Position:
        return Position(line=event.start_mark.line + 1, column=event.start_mark.column + 1)


def _is_foreign(value: Value) -> bool:
    """Whether this is another kind of document altogether, for which reading has a better word than for a number."""
    from dlm_build.items.dialects import not_an_item  # it stands above the loaders

    if not isinstance(value, dict) or value.keys() & {"properties", "features", "collections"}:
        return False
    return not_an_item(value) != ""


def _events(text: str, origin: str) -> Iterator[Any]:
    """The parser's events, its errors translated, no more than MAX_EVENTS of them."""
    from ruamel.yaml import YAML
    from ruamel.yaml.error import MarkedYAMLError, YAMLError
    from ruamel.yaml.reader import ReaderError

    try:
        for count, event in enumerate(YAML(typ="safe", pure=True).parse(text)):
            if count > MAX_EVENTS:
                raise refused(kinds.DocumentTooLarge, origin, found=f"{MAX_EVENTS:,} values", fix=YAML_FIX)
            yield event
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        if mark and (problem := _conflict(text, origin, mark.index, error.context_mark)):
            raise problem from None
        raise _syntax_error(text, origin, mark.index if mark else 0, str(error.problem or error.context)) from None
    except ReaderError as error:
        raise _bad_character(text, origin, int(error.position)) from None
    except (YAMLError, ValueError, OverflowError) as error:  # the last two: numeric escapes no character has
        near, fix = line_at(text, 0), "correct the YAML"
        raise refused(kinds.NotYaml, origin, found=shown(str(error)), near=near, fix=fix) from None


def _bad_character(text: str, origin: str, offset: int) -> ItemInvalid:
    character, near = shown(text[offset : offset + 1]), line_at(text, offset)
    return refused(kinds.CharacterRefused, origin, position(text, offset), found=character, near=near)


def _conflict(text: str, origin: str, end: int, context: Any) -> ItemInvalid | None:
    """The parser objects to the line after a marker, or to that where what it was reading began."""
    before = text.rfind("\n", 0, end)
    start = min(context.index, before) if context else before
    return conflict(text, origin, max(start, 0), min(end, len(text)))


def _syntax_error(text: str, origin: str, offset: int, problem: str) -> ItemInvalid:
    offset = min(offset, len(text))
    problem = re.sub(r"\('(<[a-z ]+>)',\)", r"\1", problem)
    found, near, fix = shown(problem), line_at(text, offset), _fix(text, offset, problem)
    return refused(kinds.NotYaml, origin, position(text, offset), found=found, near=near, fix=fix)


def _fix(text: str, offset: int, problem: str) -> str:
    line = text[text.rfind("\n", 0, offset) + 1 :].split("\n", 1)[0]
    glued = _GLUED.fullmatch(_line_before(text, offset).strip())
    if glued and ("mapping values are not allowed" in problem or "could not find expected ':'" in problem):
        return f"put a space after the last colon of `{shown(glued[0])}` before it"
    if "mapping values are not allowed" in problem:
        if before := _entry_further_left(text, offset):
            return f"indent this line like `{before}` before it, or that one like this: {_ALIKE}"
        parts = _UNQUOTED_COLON.fullmatch(line.rstrip())
        if parts and ":" in parts[3]:
            return _quoted(parts[2], parts[3])
        return "quote texts that have a colon, and indent the lines of a block alike"
    if "\\t" in problem or "\t" in problem:
        return "indent with spaces, not tabs"
    if indicator := _block_without_lines(text, offset):
        return f"indent the lines of the text below `{indicator}` by two spaces more than its key"
    if "escape character" in problem:
        return (
            "write `/` or `\\\\` for the backslash, or put the text into single quotes: in double ones it is an escape"
        )
    if "<scalar>" in problem and _APOSTROPHE.search(line):
        return "write the apostrophe twice, or put the text into double quotes"
    if "<block end>" in problem or "did not find expected key" in problem or "could not find expected ':'" in problem:
        return f"indent this line like its neighbours: {_ALIKE}"
    if "cannot start any token" in problem:
        return "quote the text: it begins with a character that YAML keeps for itself"
    if "end of stream" in problem:
        return "close the quote or bracket that was opened before"
    return "correct the YAML here; texts with any of : # [ ] { } , & * ! | > ' \" % @ ` are safest in double quotes"


def _entry_further_left(text: str, offset: int) -> str:
    """The whole entry in the line before, where it stands further left than the line at `offset`; else empty."""
    start = text.rfind("\n", 0, offset) + 1
    before = _line_before(text, offset)
    entry = before.strip()
    indent = len(text[start:offset]) - len(text[start:offset].lstrip(" "))
    is_entry = _ENTRY.fullmatch(entry) and not _BLOCK.fullmatch(before)
    return shown(entry) if is_entry and len(before) - len(before.lstrip(" ")) < indent else ""


def _line_before(text: str, offset: int) -> str:
    """The last line with something in it before the one at `offset`."""
    start = text.rfind("\n", 0, offset) + 1
    return text[max(0, start - _LINE) : start].rstrip().rpartition("\n")[2]


def _quoted(key: str, text: str) -> str:
    """How to quote a text with a colon: the line itself, where it is short enough to be shown whole."""
    line = f"{key}: {json.dumps(text, ensure_ascii=False)}"
    if len(line) <= _LINE and shown(line, _LINE) == line:
        return f"quote the text, it has a colon: `{line}`"
    return f'it has a colon: put `"` before and after the text that follows `{shown(key, 60)}:`'


def _block_without_lines(text: str, offset: int) -> str:
    """The `|` or `>` shortly before `offset` whose text is not indented below its key; empty where none is."""
    before = text[: text.find("\n", offset) + 1 or None].split("\n")
    lines = [line for line in before if line.strip()][-_NEAR:]
    for head, following in pairwise(lines):
        found = _BLOCK.fullmatch(head.rstrip()) if len(head) < 1000 else None
        if found and len(following) - len(following.lstrip(" ")) <= len(found[1]):
            return found[2]
    return ""
