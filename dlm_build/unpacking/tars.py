"""The members of a tar, plain or gzipped, in one pass: only files and folders, every other kind is refused.

tarfile decodes the headers. The walk is ours, because tarfile follows what it finds: it reads extended headers of any
length into memory, takes links, and stops silently where an archive is damaged.
"""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from typing import Protocol

from dlm_build.store import CHUNK
from dlm_build.unpacking.names import Blame, NamesSeen, checked_name
from dlm_build.unpacking.reading import Budget, Reader, Staging

_BLOCK = tarfile.BLOCKSIZE
_HEADER_LIMIT = 1 << 20
"""Bytes of an extended header."""
_EXTENDED = (tarfile.XHDTYPE, tarfile.XGLTYPE, tarfile.SOLARIS_XHDTYPE)
_LONG_NAMES = (tarfile.GNUTYPE_LONGNAME, tarfile.GNUTYPE_LONGLINK)
_FILES = (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.CONTTYPE)
_LINKS = (tarfile.SYMTYPE, tarfile.LNKTYPE)
_CUT = "download it again"


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def unpack_tar(reader: Reader, zipped: bool, staging: Staging, budget: Budget, blame: Blame) -> None:
    """Stage every file. Raises ItemHostile or ItemInvalid; nothing is adopted."""
    source: _Readable = gzip.GzipFile(fileobj=reader, mode="rb") if zipped else reader  # type: ignore[call-overload]
    stream = _Stream(source, budget, blame)
    seen = NamesSeen(blame)
    count = 0
    for info in _headers(stream, blame):
        count += 1
        budget.refuse_count(count)
        name = _member_name(info, blame)
        if name:
            seen.add(name)
            budget.refuse_total(info.size)
            staging.add(name, stream.contents(info))
    if not count:
        raise blame.broken("it is empty")
    reader.drain()


class _Stream:
    """Decompressed bytes, counted."""

    def __init__(self, source: _Readable, budget: Budget, blame: Blame) -> None:
        self._source, self._budget, self._blame = source, budget, blame

    def read(self, size: int) -> bytes:
        """Up to `size` bytes, fewer only at the end."""
        try:
            data = self._source.read(size)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            raise self._blame.broken(f"its compression is damaged or cut short ({problem})", hint=_CUT) from problem
        self._budget.spend(len(data))
        return data

    def exactly(self, size: int, member: str | None = None) -> bytes:
        data = self.read(size)
        if len(data) != size:
            raise self._blame.broken("it is cut short", member, _CUT)
        return data

    def contents(self, info: tarfile.TarInfo) -> Iterator[bytes]:
        """The member's bytes; its padding is read, too."""
        left = info.size
        while left:
            data = self.exactly(min(left, CHUNK), info.name)
            left -= len(data)
            yield data
        self.exactly(-info.size % _BLOCK, info.name)

    def refuse_rest(self) -> None:
        """After the end there may only be padding."""
        while data := self.read(64 << 10):
            if any(data):
                raise self._blame.hostile("bytes follow after its end")


def _headers(stream: _Stream, blame: Blame) -> Iterator[tarfile.TarInfo]:
    """Headers of files and folders, with the longer names and sizes of their extended headers."""
    extended: dict[str, str] = {}
    while any(block := stream.exactly(_BLOCK)):
        info = _decoded(block, blame)
        if info.type in _EXTENDED or info.type in _LONG_NAMES:
            told = _extension(info, stream, blame)
            extended |= {} if info.type == tarfile.XGLTYPE else told
            continue
        info.name = extended.get("path", info.name)
        if "size" in extended:
            info.size = _number(extended["size"], info.name, blame)
        extended = {}
        yield info
    stream.refuse_rest()


def _decoded(block: bytes, blame: Blame) -> tarfile.TarInfo:
    try:
        info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    except (tarfile.HeaderError, UnicodeDecodeError) as problem:
        raise blame.broken(f"a header of it cannot be read ({problem})", hint=_CUT) from problem
    if info.size < 0:
        raise blame.hostile("its size is negative", info.name)
    return info


def _extension(info: tarfile.TarInfo, stream: _Stream, blame: Blame) -> dict[str, str]:
    if info.size > _HEADER_LIMIT:
        raise blame.hostile(f"an extended header of {info.size} bytes")
    raw = b"".join(stream.contents(info))
    try:
        if info.type in _LONG_NAMES:
            return {"path": raw.rstrip(b"\0").decode()} if info.type == tarfile.GNUTYPE_LONGNAME else {}
        fields = dict(_pax_records(raw))
    except (UnicodeDecodeError, ValueError) as problem:
        raise blame.broken("an extended header of it cannot be read") from problem
    if any(key.startswith("GNU.sparse.") for key in fields):
        raise blame.hostile("a sparse member; only plain files and folders are allowed", fields.get("path"))
    if info.type == tarfile.XGLTYPE and not {"path", "size", "linkpath"}.isdisjoint(fields):
        raise blame.hostile("a global header that renames or resizes every member")
    return fields


def _pax_records(raw: bytes) -> Iterator[tuple[str, str]]:
    """`<length> <key>=<value>\\n` rows. Raises ValueError on anything else."""
    while raw:
        digits, _, _ = raw.partition(b" ")
        length = int(digits) if digits.isdigit() and len(digits) < 8 else 0
        if length <= len(digits) + 1 or length > len(raw) or raw[length - 1 : length] != b"\n":
            raise ValueError("not a pax record")
        key, equals, value = raw[len(digits) + 1 : length - 1].partition(b"=")
        if not equals:
            raise ValueError("not a pax record")
        if key in (b"path", b"size") or key.startswith(b"GNU.sparse."):
            yield key.decode(), value.decode()
        raw = raw[length:]


def _number(text: str, member: str, blame: Blame) -> int:
    if not (text.isascii() and text.isdigit() and len(text) < 20):
        raise blame.hostile("its size is not a number", member)
    return int(text)


def _member_name(info: tarfile.TarInfo, blame: Blame) -> str:
    """The checked name of a file, "" for a folder."""
    if info.type in _LINKS:
        raise blame.hostile("a link; only files and folders are allowed", info.name)
    if info.type not in (*_FILES, tarfile.DIRTYPE):
        raise blame.hostile("a device, pipe or sparse file; only files and folders are allowed", info.name)
    plain = checked_name(info.name.rstrip("/"), blame)
    if info.type == tarfile.DIRTYPE:
        if info.size:
            raise blame.hostile("a folder with contents", info.name)
        return ""
    if not plain:
        raise blame.broken("it has no name", info.name)
    return plain
