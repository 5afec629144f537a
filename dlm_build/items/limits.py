"""Limits checked on the raw text, before any parser sees it."""

from __future__ import annotations

import re
from itertools import accumulate

from dlm_build.errors import ItemInvalid
from dlm_build.findings.documents import DocumentTooDeep, DocumentTooLarge
from dlm_build.items.document import position, refused

MAX_BYTES = 4 << 20
MAX_YAML_BYTES = 256 << 10
"""Smaller than for JSON: the YAML parser is some hundred times slower, and a real item has 20 kB."""
YAML_FIX = "YAML is read up to this size only: convert the item to JSON"
MAX_DEPTH = 64
MAX_COMMAS = 100_000
"""In JSON, an upper bound of its values that costs nothing to count; a real item has some hundreds."""
MAX_NUMBERS = 300_000
"""The same where there are few texts: a footprint may have a hundred thousand points."""
MAX_ROWS = 10_000
"""Of any list or object whose entries are read."""
MAX_INTEGER = 2**64
MAX_DIGITS = 400
"""Of a number's text."""

NUMBER = re.compile(r"[-+]?(?:[0-9]++(?:\.[0-9]*+)?|\.[0-9]++)(?:[eE][-+]?[0-9]++)?")
_STEP = {ord("["): 1, ord("{"): 1, ord("]"): -1, ord("}"): -1}
_NO_BRACKETS = bytes(set(range(256)) - set(_STEP))
_NO_OPENINGS = bytes(set(range(256)) - set(b"[{"))
_BRACKET_OR_TEXT = re.compile(r'"[^"\\]*+(?:\\.[^"\\]*+)*+"?|[\[{]|[\]}]', re.DOTALL)


def check_size(text: str, origin: str, limit: int = MAX_BYTES) -> None:
    """Raises ItemInvalid where `text` has more than `limit` bytes of UTF-8."""
    if 4 * len(text) <= limit:  # no character has more bytes
        return
    size = len(text) if len(text) > limit else len(text.encode("utf-8", "surrogatepass"))
    if size > limit:
        fix = "an item describes a model in a few kilobytes: move tables and class lists into files and link them"
        if limit != MAX_BYTES:
            fix = YAML_FIX
        raise refused(DocumentTooLarge, origin, found=f"{limit:,} bytes", fix=fix)


def check_json(text: str, origin: str) -> None:
    """Raises ItemInvalid where there are too many values, or brackets are nested deeper than MAX_DEPTH."""
    if len(text) > MAX_COMMAS and (most := _too_many(text)):
        fix = "an item describes a model in some hundred values: move tables into files and link them"
        raise refused(DocumentTooLarge, origin, found=f"{most:,} values", fix=fix)
    openings = text.encode("ascii", "replace").translate(None, _NO_OPENINGS)
    if len(openings) > MAX_DEPTH and _deepest(text) > MAX_DEPTH:
        raise too_deep(origin, text, _too_deep_at(text))


def _too_many(text: str) -> int:
    """The limit that its values pass; 0 where they pass none. A member has four quotes at most."""
    quotes = text.count('"')
    most = MAX_NUMBERS if quotes <= MAX_COMMAS else MAX_COMMAS
    return most if text.count(",") > most or quotes > 4 * MAX_COMMAS else 0


def _deepest(text: str) -> int:
    """How deep brackets are nested, without those inside texts."""
    bare = text.replace("\\\\", "").replace('\\"', "") if "\\" in text else text
    outside = "".join(bare.split('"')[::2]).encode("ascii", "replace")
    return max(accumulate(map(_STEP.__getitem__, outside.translate(None, _NO_BRACKETS))), default=0)


def _too_deep_at(text: str) -> int:
    depth = 0
    for found in _BRACKET_OR_TEXT.finditer(text):
        mark = text[found.start()]
        depth += (mark in "[{") - (mark in "]}")
        if depth > MAX_DEPTH:
            return found.start()
    return 0


def too_deep(origin: str, text: str, offset: int) -> ItemInvalid:
    return refused(DocumentTooDeep, origin, position(text, offset), found=MAX_DEPTH)


def number_problem(raw: str) -> str:
    """Why a number's text cannot be used; empty where it can."""
    if len(raw) > MAX_DIGITS:
        return f"a number of {len(raw)} characters"
    if raw.lstrip("+-").isdigit():
        return "an integer beyond 64 bits" if abs(int(raw)) >= MAX_INTEGER else ""
    return "a number too large for any field (it reads as infinity)" if abs(float(raw)) == float("inf") else ""
