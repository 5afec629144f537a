"""Layers of container images: their entries in one pass, whatever their compression, and an entry as tar again.

A layer is named by its digest and was checked against it, so what is read here is what the registry's owner packed:
links, devices and any mode are allowed. Nothing of it is ever extracted by name. The headers are decoded by hand,
since tarfile takes five times as long for a header as its file takes to compress.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from queue import Empty, Queue
from threading import Event, Thread
from typing import IO, Literal, NamedTuple, Protocol

from dlm_build.errors import InfraError, shown

Kind = Literal["file", "folder", "symlink", "hardlink", "device"]
Content = Iterator[bytes]

_BLOCK = 512
_READ, _MOST, _AHEAD = 128 << 10, 1 << 20, 8
"""Compressed bytes taken at a time, the most bytes they may become at a time, and how many of these may wait."""
_GZIP, _ZSTD = b"\x1f\x8b", (b"\x28\xb5\x2f\xfd", *(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16)))
"""What they begin with; a zstd file may begin with a frame to be skipped."""
_EXTENDED_LIMIT = 1 << 20
_EXTENSIONS = (b"x", b"g", b"L", b"K")
_KINDS: dict[bytes, Kind] = {
    b"0": "file", b"\0": "file", b"7": "file", b"5": "folder", b"2": "symlink", b"1": "hardlink",
    b"3": "device", b"4": "device", b"6": "device",
}  # fmt: skip
_FLAGS: dict[Kind, bytes] = {"file": b"0", "folder": b"5", "symlink": b"2", "hardlink": b"1"}
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s247x")
_FIELDS = struct.Struct("100s8s16x12s20xc100s6s82x155s12x")
"""Name, mode, size, kind, target, dialect and what stands before the name."""
_NO_ONE = b"0000000\0"
_OCTAL_LIMIT = 8**11


class Entry(NamedTuple):
    """One entry of a layer, or of a root file system."""

    path: str
    """Relative, `/`-separated, without `.` or `..`; bytes that are no UTF-8 as surrogates."""
    kind: Kind
    mode: int
    """Permission bits with set-user-id, set-group-id and sticky."""
    size: int = 0
    target: str = ""
    """Of a symbolic link as written; of a hard link the path it shares its content with."""


class BrokenLayer(InfraError):
    """A layer that is no tar, or names what lies outside of it."""


def read_layer(path: Path, heard: Callable[[bytes], None]) -> Iterator[tuple[Entry, Content]]:
    """Entries in the layer's order, each with its bytes, which must be taken before the next entry or not at all.

    `heard` gets the file's own bytes, all of them where the entries are taken to their end, in a thread of their own.
    Raises BrokenLayer, or OSError from the disk.
    """
    with path.open("rb") as raw:
        yield from read_tar(_ahead(_unpacked(_heard(raw, heard), path.name)), path.name)


def read_tar(chunks: Iterator[bytes], name: str) -> Iterator[tuple[Entry, Content]]:
    """The same for a tar that is not compressed and comes in `chunks`; `name` is for messages."""
    stream = _Stream(chunks, name)
    extended: dict[str, bytes] = {}
    while any(block := stream.exactly(_BLOCK)):
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


def packed_header(entry: Entry) -> bytes:
    """The entry as a tar header that GNU tar and mksquashfs read: no owner, no time."""
    name, target = entry.path.encode("utf-8", "surrogateescape"), entry.target.encode("utf-8", "surrogateescape")
    longer = _long(b"L", name) + _long(b"K", target)
    return longer + _header(name, entry.mode, entry.size, _FLAGS[entry.kind], target)


def padding(size: int) -> bytes:
    """What follows a content of `size` bytes in a tar."""
    return bytes(-size % _BLOCK)


END = bytes(2 * _BLOCK)
"""What ends a tar."""


def _long(flag: bytes, name: bytes) -> bytes:
    if len(name) <= 100:
        return b""
    return _header(b"././@LongLink", 0, len(name) + 1, flag, b"") + name + b"\0" + padding(len(name) + 1)


def _header(name: bytes, mode: int, size: int, flag: bytes, target: bytes) -> bytes:
    length = b"%011o\0" % size if size < _OCTAL_LIMIT else b"\x80" + size.to_bytes(11, "big")
    head = _HEADER.pack(
        name[:100], b"%07o\0" % mode, _NO_ONE, _NO_ONE, length, b"00000000000\0", b" " * 8, flag, target[:100],
        b"ustar  \0",
    )  # fmt: skip
    return head[:148] + b"%06o\0 " % _sum(head) + head[156:]


def _sum(head: bytes) -> int:
    """Of its bytes: what Adler-32 counts, too, and names of 255s are too short for its limit."""
    return (zlib.adler32(head) & 0xFFFF) - 1


# --- compression -------------------------------------------------------------------------------------------------


class _Decompressor(Protocol):
    @property
    def eof(self) -> bool: ...
    @property
    def needs_input(self) -> bool: ...
    @property
    def unused_data(self) -> bytes: ...
    def decompress(self, data: bytes, max_length: int) -> bytes: ...


def _heard(raw: IO[bytes], heard: Callable[[bytes], None]) -> Iterator[bytes]:
    while chunk := raw.read(_READ):
        heard(chunk)
        yield chunk


def _unpacked(packed: Iterator[bytes], name: str) -> Iterator[bytes]:
    """gzip and zstd by their first bytes, many members in a row included; anything else as it is."""
    chunk = next(packed, b"")
    if not chunk.startswith((_GZIP, *_ZSTD)):
        yield chunk
        yield from packed
        return
    decompressor = _decompressor(chunk)
    while chunk or not (decompressor.eof or decompressor.needs_input):
        if decompressor.eof:
            decompressor = _decompressor(chunk)
        try:
            data = decompressor.decompress(chunk, _MOST)
        except Exception as problem:  # the errors of the two libraries have no parent of their own
            raise _broken(name, f"its compression is damaged ({problem})") from problem
        chunk = decompressor.unused_data if decompressor.eof else b""
        if not chunk and (decompressor.eof or decompressor.needs_input):
            chunk = next(packed, b"")
        if data:
            yield data
    if not decompressor.eof:
        raise _broken(name, "its compression is cut short")


def _decompressor(start: bytes) -> _Decompressor:
    if start.startswith(_GZIP):
        from isal.igzip_lib import DECOMP_GZIP, IgzipDecompressor

        return IgzipDecompressor(flag=DECOMP_GZIP)
    from backports.zstd import ZstdDecompressor

    return ZstdDecompressor()


def _ahead(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same, made in a thread of its own while earlier ones are used."""
    made: Queue[bytes | BaseException | None] = Queue(_AHEAD)
    unwanted = Event()

    def work() -> None:
        end: BaseException | None = None
        try:
            for chunk in chunks:
                made.put(chunk)
                if unwanted.is_set():
                    return
        except BaseException as problem:
            end = problem
        made.put(end)

    thread = Thread(target=work, daemon=True)
    thread.start()
    try:
        while isinstance(item := made.get(), bytes):
            yield item
        if item is not None:
            raise item
    finally:
        unwanted.set()
        while thread.is_alive():
            with suppress(Empty):
                made.get(timeout=0.01)


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
            raise _broken(self._name, f"an extended header of {size} bytes")
        return self.exactly(size + -size % _BLOCK)[:size]

    def content(self, size: int) -> Content:
        end = self._at + size
        if end + -size % _BLOCK > len(self._held):
            return self._in_pieces(size)
        piece = self._held[self._at : end]
        self._at = end + -size % _BLOCK
        return iter((piece,) if piece else ())

    def _in_pieces(self, size: int) -> Content:
        yield from self._some(size)
        self.exactly(-size % _BLOCK)

    def _some(self, size: int) -> Iterator[bytes]:
        """As the chunks come, without joining them."""
        while size:
            if self._at == len(self._held):
                self._held, self._at = next(self._chunks, b""), 0
                if not self._held:
                    raise _broken(self._name, "it is cut short")
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
        raise _broken(layer, f"an entry of a kind this version does not read ({fields.flag!r})")
    if "size" in extended:
        size = int(extended["size"])
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
        raise _broken(layer, f"an entry outside of it: {shown(ascii(name))}")
    return "/".join(parts)


def _extension(flag: bytes, raw: bytes, layer: str) -> dict[str, bytes]:
    """What pax and GNU headers say of the entry after them."""
    if flag in (b"L", b"K"):
        return {"path" if flag == b"L" else "linkpath": _text(raw)}
    found: dict[str, bytes] = {}
    while raw and flag == b"x":
        digits, _, _ = raw.partition(b" ")
        length = int(digits) if digits.isdigit() else 0
        if not len(digits) < length <= len(raw):
            raise _broken(layer, "an extended header cannot be read")
        key, _, value = raw[len(digits) + 1 : length - 1].partition(b"=")
        if key in (b"path", b"linkpath", b"size"):
            found[key.decode()] = value
        elif key.startswith(b"GNU.sparse."):
            found["sparse"] = value
        raw = raw[length:]
    return found


def _text(field: bytes) -> bytes:
    return field.partition(b"\0")[0]


def _number(field: bytes, layer: str) -> int:
    if field[0] & 0x80:
        return int.from_bytes(field[1:], "big")
    try:
        return int(field.strip(b" \0") or b"0", 8)
    except ValueError:
        raise _broken(layer, "it is no tar") from None


def _broken(layer: str, what: str) -> BrokenLayer:
    return BrokenLayer(f"layer {shown(layer)}: {what}", "build the image again, or use another base")
