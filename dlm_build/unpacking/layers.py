"""Layers of container images: their entries in one pass, whatever their compression.

A layer is named by its digest and was checked against it, so what is read here is what the registry's owner packed:
links, devices and any mode are allowed. Nothing of it is ever extracted by name. The headers are decoded by hand,
since tarfile takes five times as long for a header as its file takes to compress.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from dlm_build.errors import shown
from dlm_build.unpacking.decompressed import decompressed
from dlm_build.unpacking.tar_entries import BLOCK, BrokenLayer, Content, Entry, Kind, broken

_EXTENDED_LIMIT = 1 << 20
_DIGITS = 20
_EXTENSIONS = (b"x", b"g", b"L", b"K")
_KINDS: dict[bytes, Kind] = {
    b"0": "file", b"\0": "file", b"7": "file", b"5": "folder", b"2": "symlink", b"1": "hardlink",
    b"3": "device", b"4": "device", b"6": "device",
}  # fmt: skip
_FIELDS = struct.Struct("100s8s16x12s20xc100s6s82x155s12x")
"""Name, mode, size, kind, target, dialect and what stands before the name."""


def read_layer(path: Path, heard: Callable[[bytes], None]) -> Iterator[tuple[Entry, Content]]:
    """Entries in the layer's order, each with its bytes, which must be taken before the next entry or not at all.

    `heard` gets the file's own bytes, all of them where the entries are taken to their end, in a thread of their own.
    Raises BrokenLayer, or OSError from the disk.
    """
    with path.open("rb") as raw:
        yield from read_tar(decompressed(raw, heard, path.name), path.name)


def read_tar(chunks: Iterator[bytes], name: str) -> Iterator[tuple[Entry, Content]]:
    """The same for a tar that is not compressed and comes in `chunks`; `name` is for messages."""
    stream = _Stream(chunks, name)
    extended: dict[str, bytes] = {}
    while any(block := stream.exactly(BLOCK)):
        fields = _Fields(*_FIELDS.unpack(block))
        size = _number(fields.size, name)
        if fields.flag in _EXTENSIONS:
            extended |= _extension(fields.flag, stream.exactly_padded(size), name)
            continue
        entry = _entry(fields, size, extended, name)
        extended = {}
        content = stream.content(entry.size)
        yield entry, content
        for _ in content:  # whatever was not taken
            pass
    for _ in chunks:  # damage behind the end is damage, too
        pass


class _Stream:
    """Bytes of the tar, by number."""

    def __init__(self, chunks: Iterator[bytes], name: str) -> None:
        self._chunks, self._name = chunks, name
        self._held, self._at = b"", 0

    def exactly(self, size: int) -> bytes:
        held, at = self._held, self._at
        if at + size <= len(held):
            self._at = at + size
            return held[at : at + size]
        return b"".join(self._some(size))

    def exactly_padded(self, size: int) -> bytes:
        if size > _EXTENDED_LIMIT:
            raise broken(self._name, f"an extended header of {size} bytes")
        return self.exactly(size + -size % BLOCK)[:size]

    def content(self, size: int) -> Content:
        end = self._at + size
        if end + -size % BLOCK > len(self._held):
            return self._in_pieces(size)
        piece = self._held[self._at : end]
        self._at = end + -size % BLOCK
        return iter((piece,) if piece else ())

    def _in_pieces(self, size: int) -> Content:
        yield from self._some(size)
        self.exactly(-size % BLOCK)

    def _some(self, size: int) -> Iterator[bytes]:
        """As the chunks come, without joining them."""
        while size:
            if self._at == len(self._held):
                self._held, self._at = next(self._chunks, b""), 0
                if not self._held:
                    raise broken(self._name, "it is cut short")
            piece = self._held[self._at : self._at + size]
            self._at += len(piece)
            size -= len(piece)
            yield piece


# --- headers -----------------------------------------------------------------------------------------------------


class _Fields(NamedTuple):
    """Of a header, as they lie in it."""

    name: bytes
    mode: bytes
    size: bytes
    flag: bytes
    target: bytes
    dialect: bytes
    prefix: bytes


def _entry(fields: _Fields, size: int, extended: dict[str, bytes], layer: str) -> Entry:
    name, target = _text(fields.name), _text(fields.target)
    if fields.dialect == b"ustar\0" and fields.prefix[0]:
        name = _text(fields.prefix) + b"/" + name
    name, target = extended.get("path", name), extended.get("linkpath", target)
    kind = _KINDS.get(fields.flag)
    if kind is None or "sparse" in extended:
        raise broken(layer, f"an entry of a kind this version does not read ({fields.flag!r})")
    if "size" in extended:
        size = _decimal(extended["size"], layer)
    mode = _number(fields.mode, layer) & 0o7777
    path = _path(name, layer)
    if kind == "file":
        return Entry(path, "folder", mode) if name.endswith(b"/") else Entry(path, "file", mode, size)
    linked = _path(target, layer) if kind == "hardlink" else target.decode("utf-8", "surrogateescape")
    return Entry(path, kind, mode, 0, linked)


def _path(name: bytes, layer: str) -> str:
    """Normalised; the root itself is the empty path."""
    if b"." not in (name[:1], name[-1:]) and b"/." not in name and b"//" not in name and not name.startswith(b"/"):
        return name.rstrip(b"/").decode("utf-8", "surrogateescape")
    parts = [part for part in name.decode("utf-8", "surrogateescape").split("/") if part not in ("", ".")]
    if ".." in parts:
        raise broken(layer, f"an entry outside of it: {shown(ascii(name))}")
    return "/".join(parts)


def _extension(flag: bytes, raw: bytes, layer: str) -> dict[str, bytes]:
    """What pax and GNU headers say of the entry after them."""
    if flag in (b"L", b"K"):
        return {"path" if flag == b"L" else "linkpath": _text(raw)}
    found: dict[str, bytes] = {}
    while raw and flag == b"x":
        digits, _, _ = raw.partition(b" ")
        length = _decimal(digits, layer)
        if not len(digits) < length <= len(raw):
            raise _unreadable(layer)
        key, _, value = raw[len(digits) + 1 : length - 1].partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            found[key.decode()] = value
        elif key.startswith(b"GNU.sparse."):
            found["sparse"] = value
        raw = raw[length:]
    return found


def _decimal(digits: bytes, layer: str) -> int:
    """Of an extended header. No more digits than a size has: Python counts no thousands of them."""
    if not digits.isdigit() or len(digits) > _DIGITS:
        raise _unreadable(layer)
    return int(digits)


def _unreadable(layer: str) -> BrokenLayer:
    return broken(layer, "an extended header cannot be read")


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, layer: str) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise broken(layer, "it is no tar") from None
