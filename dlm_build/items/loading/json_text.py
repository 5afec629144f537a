"""JSON: strict, numbers kept as written, duplicate keys refused, two certain repairs.

The fast path is the standard library's decoder with hooks. Only when it objects is the text walked again, slowly, to
say where.
"""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Iterator
from functools import lru_cache
from typing import NoReturn

from msgspec.structs import replace

from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings import Kind
from dlm_build.findings.documents import DuplicateKey, NotJson, NumberRefused
from dlm_build.findings.reading import CommentInJson, LeadingCommentLines, TrailingComma
from dlm_build.items.document import COMMENT, Document, Number, Value, child, line_at, position, refused
from dlm_build.items.limits import NUMBER, check_json, number_problem, too_deep
from dlm_build.items.loading.conflicts import conflict
from dlm_build.items.loading.json_places import JsonPlaces
from dlm_build.records import Finding, Record

_TOKEN = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"|[\[\]{}:,]|[^\s\[\]{}:,"]++', re.DOTALL)
_TRAILING = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]\s*+,|,(?=\s*[\]}])', re.DOTALL)
"""Or a text, or a comma behind nothing: there a value is missing, and which one is not guessed."""
_LEADING = re.compile(r"\s*+(?:(?://[^\n]*+(?:\n|\Z)|/\*(?:[^*]|\*(?!/))*+\*/)\s*+)++")
_COMMENT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|//[^\n]*+|/\*(?:[^*]|\*(?!/))*+(?:\*/)?', re.DOTALL)
"""Or a text, inside which there is none."""
_WRAPPED = (
    (re.compile(r"\s*+```"), "a code block of Markdown", "keep what stands between the lines of ```"),
    (re.compile(r"\s*+(?:export\s++default|module\.exports\s*+=|(?:const|let|var)\s++[\w$]++\s*+=)\s*+[\[{]"),
     "JSON inside JavaScript", "keep the object alone, from its first { to its last }"),
    (re.compile(r"\s*+[\w$.]++\s*+\(\s*+[\[{]"), "JSON inside a call, as JSONP has it",
     "keep the object alone, from its first { to its last }"),
)  # fmt: skip
_QUOTED_KEY = re.compile(r'"(?:[^"\\\n]|\\.)*+"[ \t]*+:')
"""How YAML may begin, and JSON never does."""
_FIXES = (
    ("property name", 'write keys in double quotes, `"key": value`, and no comma after the last one'),
    ("',' delimiter", "put a comma between this value and the one before it, or close the bracket before it"),
    ("':' delimiter", 'write `"key": value`'),
    ("Extra data", "keep one JSON object in the file"),
    ("control character", r"write line breaks inside texts as `\n`"),
    ("Unterminated string", 'close the text with `"`'),
    ("escape", r"write a backslash as `\\`"),
    ("Expecting value", "put a value here: a text in double quotes, a number, true, false, null, a list or an object"),
)


_MAX_WALK = 256 << 10
"""Characters; the slow walk of a longer text would take seconds, so what is refused in it has no line."""


class _Refused(Exception):
    """Raised by the decoder's hooks, which know what is wrong but not where."""

    def __init__(self, kind: type[Kind], **found: str) -> None:
        super().__init__(kind.code)
        self.kind = kind
        self.found = found


class _Token(Record, frozen=True, kw_only=True):
    pointer: str
    text: str
    offset: int
    is_key: bool = False


def load_json(text: str, origin: str) -> Document:
    """Raises ItemInvalid with line, column and the faulty line."""
    check_json(text, origin)
    findings: tuple[Finding, ...] = ()
    try:
        value = _decode(text, text, origin)
    except json.JSONDecodeError:
        repaired, findings = _repaired(text)
        try:
            value = _decode(repaired, text, origin)
        except json.JSONDecodeError as error:
            raise _syntax_error(error, text, origin) from None
        text = repaired
    places = JsonPlaces(text)
    return Document(origin=origin, value=value, places=lambda: places, findings=findings)


def starts_like_json(text: str) -> bool:
    """Whether the first thing in the text, after comment lines, is a JSON object, list or string; a key is not."""
    comments = _LEADING.match(text)
    rest = text[comments.end() if comments else 0 :].lstrip()
    return rest[:1] in ("{", "[") or (rest[:1] == '"' and not _QUOTED_KEY.match(rest))


def _decode(text: str, original: str, origin: str) -> Value:
    try:
        value: Value = _DECODER.decode(text)
    except _Refused as problem:
        raise _refusal(problem, text, original, origin) from None
    except RecursionError:  # brackets hidden from the count, as by a lone quote in a comment line
        raise too_deep(origin, text, 0) from None
    return value


@lru_cache(maxsize=4096)
def _number(raw: str) -> Number:
    """Made once for as long as it is in use: sizes, classes and corners are the same few numbers in most items."""
    if (len(raw) > 15 or "e" in raw or "E" in raw) and (problem := number_problem(raw)):
        raise _Refused(NumberRefused, found=shown(raw, 40), what=problem)
    return Number(raw)


def _constant(raw: str) -> NoReturn:
    raise _Refused(NumberRefused, found=raw, what="not a JSON value")


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        (twice, count), *_ = Counter(key for key, _ in pairs if key != COMMENT).most_common(1) or [("", 0)]
        if count > 1:
            raise _Refused(DuplicateKey, found=shown(twice))
    return fields


_DECODER = json.JSONDecoder(parse_float=_number, parse_int=_number, parse_constant=_constant, object_pairs_hook=_object)


def _repaired(text: str) -> tuple[str, tuple[Finding, ...]]:
    """Comments and trailing commas blanked out, so that every other character keeps its place."""
    findings = []
    comments = _LEADING.match(text)
    if comments:
        text = _blank(comments.group()) + text[comments.end() :]
        findings.append(LeadingCommentLines.at(""))
    inner = [found.start() for found in _COMMENT.finditer(text) if text[found.start()] == "/"]
    if inner:
        findings.append(_at(CommentInJson, text, inner))
        text = _COMMENT.sub(lambda found: _blank(found[0]) if found[0][0] == "/" else found[0], text)
    commas = [found.start() for found in _TRAILING.finditer(text) if text[found.start()] == ","]
    if commas:
        findings.append(_at(TrailingComma, text, commas))
        text = _TRAILING.sub(lambda found: " " if found.group() == "," else found.group(), text)
    return text, tuple(findings)


def _blank(text: str) -> str:
    return re.sub(r"[^\n]", " ", text)


def _at(kind: type[Kind], text: str, offsets: list[int]) -> Finding:
    first = position(text, offsets[0])
    others = len(offsets) - 1
    more = f" and in {others} more place{'s' if others > 1 else ''}" if others else ""
    found = kind.at("", found=f"line {first.line}, column {first.column}{more}")
    return replace(found, line=first.line, column=first.column)


def refuse_wrapped(text: str, origin: str) -> None:
    """Raises ItemInvalid where JSON stands inside something else, of which YAML would say nothing that helps."""
    for pattern, what, fix in _WRAPPED:
        if pattern.match(text):
            raise refused(NotJson, origin, position(text, 0), found=what, near=line_at(text, 0), fix=fix)


def _syntax_error(error: json.JSONDecodeError, text: str, origin: str) -> ItemInvalid:
    if problem := conflict(text, origin, error.pos, error.pos):
        return problem
    fix = next((fix for word, fix in _FIXES if word in error.msg), "correct the JSON here")
    if text[error.pos : error.pos + 1] == "'":
        fix = "JSON has double quotes only: write \"…\" for '…'"
    elif text[error.pos : error.pos + 1] in ("“", "”", "„"):
        fix = 'write straight quotes, "…", for the curved ones of a word processor'
    near = line_at(text, error.pos)
    return refused(NotJson, origin, position(text, error.pos), found=error.msg, near=near, fix=fix)


def _refusal(problem: _Refused, text: str, original: str, origin: str) -> ItemInvalid:
    """With its place: that of the first thing in the text that any hook would object to."""
    place = _first_refused(text) if len(text) <= _MAX_WALK else None
    if place is None:
        return refused(problem.kind, origin, None, "", **problem.found)
    token, problem = place
    return refused(problem.kind, origin, position(original, token.offset), token.pointer, **problem.found)


def _first_refused(text: str) -> tuple[_Token, _Refused] | None:
    seen: set[str] = set()
    for token in _walk(text):
        if token.is_key:
            if token.pointer in seen and not token.pointer.endswith(f"/{COMMENT}"):
                return token, _Refused(DuplicateKey, found=shown(_plain(token.text)))
            seen.add(token.pointer)
        elif token.text.lstrip("-") in ("NaN", "Infinity"):
            return token, _Refused(NumberRefused, found=token.text, what="not a JSON value")
        elif NUMBER.fullmatch(token.text) and (what := number_problem(token.text)):
            return token, _Refused(NumberRefused, found=shown(token.text, 40), what=what)
    return None


def _walk(text: str) -> Iterator[_Token]:
    """Every key and every value's first token with its pointer. The text need only be bracketed soundly."""
    stack: list[tuple[str, int]] = []  # the container's pointer, and the next index of a list or -1 in an object
    pointer, expect_key = "", False
    for found in _TOKEN.finditer(text):
        part, offset = found.group(), found.start()
        if part in ("]", "}"):
            if stack:
                stack.pop()
            expect_key = False
        elif part == ",":
            parent, index = stack[-1] if stack else ("", 0)
            expect_key = index < 0
            if index >= 0 and stack:
                stack[-1] = (parent, index + 1)
                pointer = child(parent, index + 1)
        elif expect_key and part[0] == '"':
            pointer = child(stack[-1][0], _plain(part))
            expect_key = False
            yield _Token(pointer=pointer, text=part, offset=offset, is_key=True)
        elif part != ":":
            yield _Token(pointer=pointer, text=part, offset=offset)
            if part in ("{", "["):
                expect_key = part == "{"
                stack.append((pointer, -1 if expect_key else 0))
                pointer = pointer if expect_key else child(pointer, 0)


def _plain(token: str) -> str:
    try:
        return str(json.loads(token, strict=False))
    except json.JSONDecodeError:
        return token[1:-1]
