"""The story of reading: limits, parse, find the dialect, normalise."""

from __future__ import annotations

from msgspec.structs import replace

from dlm_build.findings.documents import DocumentEmpty, DocumentIsAPage, DocumentIsAPointer
from dlm_build.items.contradictions import disagreements
from dlm_build.items.dialects import read_dialect
from dlm_build.items.document import Document, position, refused
from dlm_build.items.limits import check_size
from dlm_build.items.loading.conflicts import conflict
from dlm_build.items.loading.json_text import load_json, refuse_wrapped, starts_like_json
from dlm_build.items.node import Node
from dlm_build.magic import HEAD, is_lfs_pointer
from dlm_build.records import Item


def read_item(text: str, origin: str) -> Item:
    """The item that `text` describes. Pure: nothing is fetched, resolved or looked up.

    `origin` is the path or URL the text came from, or `-`; relative hrefs are read as seen from there. Raises
    ItemInvalid (with file, line, column, JSON pointer, value and fix) or ItemHostile; nothing else for any text.
    """
    return item_of(load(text, origin))


def item_of(document: Document) -> Item:
    """The item that a document holds, with what it says twice. Raises as `read_item`."""
    item = read_dialect(Node.root(document))
    said_twice = disagreements(item)
    return replace(item, findings=(*item.findings, *said_twice)) if said_twice else item


def load(text: str, origin: str) -> Document:
    """JSON or YAML, decided by content, never by name."""
    check_size(text, origin)
    text = text.removeprefix("\ufeff")
    start = text.lstrip()[:1]
    if not start:
        raise refused(DocumentEmpty, origin)
    if start == "<":
        first = text.index(start)
        raise conflict(text, origin, first, first) or refused(DocumentIsAPage, origin)
    if starts_like_json(text):
        return load_json(text, origin)
    if is_lfs_pointer(text[:HEAD].encode("utf-8", "replace")):
        raise refused(DocumentIsAPointer, origin, position(text, 0))
    refuse_wrapped(text, origin)
    from dlm_build.items.loading.yaml_text import load_yaml

    return load_yaml(text, origin)
