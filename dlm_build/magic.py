"""What bytes are, told by how they begin: never by a name, a media type or a header."""

from __future__ import annotations

import re
from typing import Any, Literal

import msgspec

from dlm_build.records import Record

HEAD = 4096
"""First bytes that every judgement here is made from."""
Instead = Literal["page", "confirmation", "login", "lfs-pointer", "annex-pointer", "xml-error", "json-error", "empty"]
"""What hosts serve, or checkouts hold, in place of a file."""

_SPACE = rb"(?:\xef\xbb\xbf)?\s*+"
_ASIDE = rb"(?:(?><\?xml[^>]{0,200}>|<!--.{0,1000}?-->)\s*+){0,5}+"
_WEB_PAGE = re.compile(_SPACE + _ASIDE + rb"<(?:!doctype\s++html|html|head|body)\b", re.IGNORECASE | re.DOTALL)
_XML_ERROR = re.compile(_SPACE + _ASIDE + rb"<(?:\w{1,20}:)?Error(?:Response)?\b", re.DOTALL)
_XML_FIELD = re.compile(rb"<(Code|Message)>([^<]{1,300})</")
_CONFIRMATION = re.compile(rb"virus scan|download_warning|can't scan this file|confirm=", re.IGNORECASE)
_LOGIN = re.compile(rb"sign[ -]?in\b|log[ -]?in\b|anmelden|se connecter", re.IGNORECASE)
"""In a title; the menus of public pages say it too."""
_PASSWORD = re.compile(rb"type=[\"']?password", re.IGNORECASE)
_LFS = re.compile(rb"version https://(?:git-lfs\.github\.com|hawser\.github\.com)/spec/v1\r?\n")
_LFS_OBJECT = re.compile(rb"^oid sha256:([0-9a-f]{64})\r?\nsize ([0-9]{1,15})\r?$", re.MULTILINE)
_ANNEX = re.compile(rb"(?:\.\./)*+(?:\.git)?/annex/objects/[^\n]{1,500}\s*+")
_SAYING = frozenset({"error", "errors", "message", "detail", "error_description", "err", "fault"})
_BESIDE = _SAYING | {
    "code", "status", "statuscode", "status_code", "title", "type", "reason", "documentation_url", "request_id",
    "requestid", "path", "timestamp", "success", "ok", "url", "instance", "trace_id", "description", "exception",
}  # fmt: skip


_IR_VERSION, _MODEL_VERSION, _GRAPH = 0x08, 0x28, 0x3A
_SHORT_FIELDS = (0x12, 0x1A, 0x22)
"""Producer's name and version, domain."""
_LONG_FIELDS = (0x32, 0x42, 0x72)
"""Description, imported operators, metadata. Each of these is a protobuf tag of ONNX's ModelProto."""


class StandIn(Record, frozen=True, kw_only=True):
    """Something served in place of a file."""

    what: Instead
    said: str = ""
    """The host's own words, where it gave some; not escaped."""
    sha256: str | None = None
    size: int | None = None
    """Of the object that a Git LFS pointer stands for."""


def stand_in(head: bytes) -> StandIn | None:
    """What these first bytes of a file are, where they are surely not the file's own; None where they may be."""
    if not head:
        return StandIn(what="empty")
    start = head[:HEAD]
    if _WEB_PAGE.match(start):
        return _page(start)
    if _LFS.match(start):
        found = _LFS_OBJECT.search(start)
        return StandIn(
            what="lfs-pointer", sha256=found[1].decode() if found else None, size=int(found[2]) if found else None
        )
    if _XML_ERROR.match(start):
        words = b" ".join(text for _, text in _XML_FIELD.findall(start))
        return StandIn(what="xml-error", said=_words(words))
    if _ANNEX.fullmatch(start):
        return StandIn(what="annex-pointer")
    return _json_error(start)


def is_lfs_pointer(head: bytes) -> bool:
    return _LFS.match(head) is not None


def looks_like_web_page(head: bytes) -> bool:
    """Whether these first bytes are an HTML page, which is what a share link serves in place of the file."""
    return _WEB_PAGE.match(head[:HEAD]) is not None


def is_plain_text(head: bytes) -> bool:
    """Whether these are words for people, as no binary file begins: eight printable characters or more, no others."""
    start = head[:512].removeprefix(b"\xef\xbb\xbf")
    return len(start) >= 8 and re.fullmatch(rb"[\t\n\r\x20-\x7e]*+", start) is not None


def is_onnx(head: bytes, size: int) -> bool:
    """Whether a file of `size` bytes that begins so is an ONNX model: its version, a few texts, a graph that fits.

    Fields are taken in any order, though every known writer gives them in that of their numbers; what stands before
    the graph must end within `head`.
    """
    at, first = 0, True
    while at < len(head):
        tag, at = _varint(head, at)
        value, at = _varint(head, at)
        if first and (tag != _IR_VERSION or not 1 <= value <= 99):
            return False
        first = False
        if tag == _GRAPH:
            return 0 < value <= size - at
        if tag in _SHORT_FIELDS:
            text = head[at : at + value]
            if len(text) < value or value > 1000:
                return False
        elif tag not in (_IR_VERSION, _MODEL_VERSION, *_LONG_FIELDS):
            return False
        at += value if tag in (*_SHORT_FIELDS, *_LONG_FIELDS) else 0
    return False


def _varint(raw: bytes, at: int) -> tuple[int, int]:
    """A number in protobuf's spelling and the place after it; 0 at the end of `raw`."""
    value = 0
    for shift in range(0, 70, 7):
        if at >= len(raw):
            return 0, at
        value |= (raw[at] & 0x7F) << shift
        at += 1
        if raw[at - 1] < 0x80:
            return value, at
    return 0, len(raw)


def _page(start: bytes) -> StandIn:
    title = re.search(rb"<title[^>]{0,200}>([^<]{1,200})</title", start, re.IGNORECASE)
    asks = _PASSWORD.search(start) or (title and _LOGIN.search(title[1]))
    what: Instead = "confirmation" if _CONFIRMATION.search(start) else "login" if asks else "page"
    return StandIn(what=what, said=_words(title[1]) if title else "")


def _json_error(start: bytes) -> StandIn | None:
    """Only a small whole object of nothing but an error's usual fields: a model's own JSON has others."""
    if not start.lstrip().startswith(b"{") or len(start) >= HEAD:
        return None
    try:
        fields = msgspec.json.decode(start, type=dict[str, Any])
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return None
    names = {name.lower() for name in fields}
    if not names & _SAYING or not names <= _BESIDE:
        return None
    said = next(str(value) for name, value in fields.items() if name.lower() in _SAYING)
    return StandIn(what="json-error", said=_words(said.encode("utf-8", "replace")))


def _words(raw: bytes) -> str:
    return " ".join(raw.decode("utf-8", "replace").split())[:300]
