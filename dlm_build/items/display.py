"""Texts for people: titles, descriptions, class names. Never used as names of anything; shown escaped by every sink.

Normalised to NFC, stripped of control, invisible and direction-changing characters, and cut at a length. A wrong type
is a finding: nothing about the build depends on them.
"""

from __future__ import annotations

import unicodedata
from functools import lru_cache

from dlm_build.findings.reading import InvisibleCharacters, NotAText, TextCut
from dlm_build.items.document import Number, described
from dlm_build.items.node import Node

TITLE = 300
DESCRIPTION = 20_000
_UNSEEN = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))


def display_text(node: Node, limit: int = TITLE, *, lines: bool = False) -> str | None:
    """The field as text that may be shown, or None. `lines` keeps line breaks and tabs."""
    value = node.value
    if value is None:
        return None
    if isinstance(value, str) and len(value) <= limit and value.isascii() and value.isprintable():
        return value.strip()
    match value:
        case str(text):
            pass
        case Number(raw=text):
            pass
        case bool(flag):
            text = "true" if flag else "false"
        case other:
            node.find(NotAText, found=described(other))
            return None
    kept = "\n\t" if lines else ""
    text = text.strip().replace("\r\n", "\n")
    clean = cleaned(text, kept)
    if clean != (text if text.isascii() else unicodedata.normalize("NFC", text)):
        node.find(InvisibleCharacters)
    if len(clean) > limit:
        node.find(TextCut, found=len(clean), limit=limit)
    return clean[:limit].strip() or None


def text_of(node: Node, *names: str) -> str | None:
    """As `display_text`, of the first of these members that says something; which of its names it has is no finding."""
    fields = node.value
    if not isinstance(fields, dict):
        return None
    for name in names:
        value = fields.get(name)
        if value is None:
            continue
        if isinstance(value, str) and len(value) <= TITLE and value.isascii() and value.isprintable():
            if text := value.strip():
                return text
        elif (member := node.at(name)).value is not None:
            return display_text(member)
    return None


def cleaned(text: str, kept: str = "") -> str:
    """NFC, line breaks to spaces, everything unseen left out; characters in `kept` stay."""
    if text.isascii() and text.isprintable():
        return text
    text = text.replace("\r\n", "\n")
    if not text.isprintable():
        spaced = (" " if c in "\n\t\r" and c not in kept else c for c in text)
        text = "".join(c for c in spaced if c in kept or unicodedata.category(c) not in _UNSEEN)
    return unicodedata.normalize("NFC", text)


@lru_cache(maxsize=512)
def phrase(text: str) -> str:
    """Lower case with single spaces: `Semantic_Segmentation` and `semantic  segmentation` are one."""
    return " ".join(text.lower().replace("_", " ").replace("-", " ").split())
