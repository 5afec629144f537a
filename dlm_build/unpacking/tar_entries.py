"""An entry of a layer or of a root file system, and how a tar has it."""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Literal, NamedTuple

from dlm_build.errors import InfraError, shown

Kind = Literal["file", "folder", "symlink", "hardlink", "device"]
Content = Iterator[bytes]

BLOCK = 512
END = bytes(2 * BLOCK)
"""What ends a tar."""
_FLAGS: dict[Kind, bytes] = {"file": b"0", "folder": b"5", "symlink": b"2", "hardlink": b"1"}
_HEADER = struct.Struct("100s8s8s8s12s12s8s1s100s8s247x")
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


def broken(layer: str, what: str) -> BrokenLayer:
    return BrokenLayer(f"layer {shown(layer)}: {what}", "build the image again, or use another base")


def packed_header(entry: Entry) -> bytes:
    """The entry as a tar header that GNU tar and mksquashfs read: no owner, no time."""
    name, target = entry.path.encode("utf-8", "surrogateescape"), entry.target.encode("utf-8", "surrogateescape")
    longer = _long(b"L", name) + _long(b"K", target)
    return longer + _header(name, entry.mode, entry.size, _FLAGS[entry.kind], target)


def padding(size: int) -> bytes:
    """What follows a content of `size` bytes in a tar."""
    return bytes(-size % BLOCK)


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
