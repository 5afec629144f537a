"""The members of a zip, read strictly: whatever two programs could read differently is refused.

Python's own zipfile reads what it can find; here the question is whether there is anything else to be found. The
central directory, every local header, every data descriptor and every byte between them must tell one story. Only
then is the file read, once, from front to back.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from typing import Any

from dlm_build.records import Record
from dlm_build.store import CHUNK
from dlm_build.unpacking.names import Blame, NamesSeen
from dlm_build.unpacking.reading import Budget, Reader, Staging
from dlm_build.unpacking.zip_directory import (
    DEFLATED,
    DESCRIPTOR,
    ENCRYPTED,
    UTF8,
    ZIP64,
    Entry,
    extra_fields,
    parse_directory,
    widened,
)
from dlm_build.unpacking.zip_end import read_end

_LOCAL = struct.Struct("<4s5H3L2H")
_LOCAL_MARK, _DESCRIPTOR_MARK = b"PK\3\4", b"PK\7\x08"
_FULL32 = 0xFFFFFFFF
_SAME_FLAGS = ENCRYPTED | DESCRIPTOR | UTF8
_DIRECTORY_LIMIT = 256 << 20
"""Bytes of a central directory: the most entries allowed, with long names."""
_DEFLATE_READ = 64 << 10


class Place(Record, frozen=True, kw_only=True):
    """Where a member's data starts, and where the member ends, its descriptor included."""

    entry: Entry
    data: int
    end: int


def read_directory(reader: Reader, budget: Budget, blame: Blame) -> tuple[Place, ...]:
    """Every member in order of place, names and structure checked. Raises ItemHostile or ItemInvalid."""
    end = read_end(reader, blame)
    budget.refuse_count(end.entries)
    if end.size > _DIRECTORY_LIMIT:
        raise blame.hostile(f"its directory takes {end.size} bytes")
    entries = parse_directory(reader.peek_at(end.start, end.size), end, blame)
    budget.refuse_declared(sum(entry.size for entry in entries), sum(entry.packed for entry in entries))
    seen = NamesSeen(blame)
    for entry in entries:
        if entry.name:
            seen.add(entry.name)
    return _placed(reader, sorted(entries, key=lambda entry: entry.offset), end.start, blame)


def unpack_members(reader: Reader, places: tuple[Place, ...], staging: Staging, budget: Budget, blame: Blame) -> None:
    """Stage every member, in one pass over the file."""
    for place in places:
        entry = place.entry
        reader.skip_to(place.data)
        chunks = _checked(_contents(reader, entry, blame), entry, budget, blame)
        if entry.name:
            staging.add(entry.name, chunks)
        elif any(chunks):
            raise blame.hostile("a folder with contents", entry.raw)
        reader.skip_to(place.end)
    reader.drain()


def _placed(reader: Reader, entries: list[Entry], directory: int, blame: Blame) -> tuple[Place, ...]:
    """Members lie one after another from the first byte to the directory, each under its own local header."""
    places: list[Place] = []
    expected = 0
    for n, entry in enumerate(entries):
        if entry.offset < expected:
            raise blame.hostile("it overlaps another member: a zip bomb", entry.raw)
        if entry.offset > expected:
            where = "before" if n else "at the archive's start, before"
            raise blame.hostile(f"{entry.offset - expected} unexplained bytes {where} it", entry.raw)
        following = entries[n + 1].offset if n + 1 < len(entries) else directory
        places.append(_place(reader, entry, following, blame))
        expected = places[-1].end
    if expected != directory:
        what = "overlaps the directory" if expected > directory else "is followed by unexplained bytes"
        raise blame.hostile(f"it {what}", entries[-1].raw)
    return tuple(places)


def _place(reader: Reader, entry: Entry, following: int, blame: Blame) -> Place:
    raw = reader.peek_at(entry.offset, _LOCAL.size)
    if len(raw) < _LOCAL.size or not raw.startswith(_LOCAL_MARK):
        raise blame.hostile("the directory points at something that is no member", entry.raw)
    fields = _LOCAL.unpack(raw)
    variable = fields[9] + fields[10]
    _check_local(fields, reader.peek_at(entry.offset + _LOCAL.size, variable), entry, blame)
    data = entry.offset + _LOCAL.size + variable
    end = data + entry.packed
    if entry.flags & DESCRIPTOR and end <= following:
        if not _is_descriptor(reader.peek_at(end, min(following - end, 25)), entry):
            raise blame.hostile("what follows it is not its data descriptor", entry.raw)
        end = following
    return Place(entry=entry, data=data, end=end)


def _check_local(fields: tuple[Any, ...], names: bytes, entry: Entry, blame: Blame) -> None:
    _, _, flags, method, _, _, crc, packed, size, name_length, _ = fields
    if names[:name_length] != entry.raw:
        raise blame.hostile(f"its own header calls it {names[:name_length]!r}", entry.raw)
    extra = extra_fields(names[name_length:], entry.raw, blame)
    size, packed, _ = widened(extra.get(ZIP64), (size, packed, 0), entry.raw, blame)
    if (flags ^ entry.flags) & _SAME_FLAGS or method != entry.method:
        raise blame.hostile("its own header and the directory disagree on how it is packed", entry.raw)
    told = (crc, packed, size)
    later = entry.flags & DESCRIPTOR and told in ((0, 0, 0), (0, entry.packed, entry.size))
    if told != (entry.crc, entry.packed, entry.size) and not later:
        raise blame.hostile("its own header and the directory disagree on its size or checksum", entry.raw)


def _is_descriptor(raw: bytes, entry: Entry) -> bool:
    values = (entry.crc, entry.packed, entry.size)
    shapes = [struct.pack("<LQQ", *values)]
    if max(values) <= _FULL32:
        shapes.append(struct.pack("<LLL", *values))
    return any(raw in (shape, _DESCRIPTOR_MARK + shape) for shape in shapes)


def _contents(reader: Reader, entry: Entry, blame: Blame) -> Iterator[bytes]:
    if entry.method == DEFLATED:
        yield from _inflated(reader, entry, blame)
        return
    left = entry.packed
    while left:
        data = reader.read(min(left, CHUNK))
        if not data:
            raise blame.broken("it is cut short", entry.raw, "download it again")
        left -= len(data)
        yield data


def _inflated(reader: Reader, entry: Entry, blame: Blame) -> Iterator[bytes]:
    engine, left, data = zlib.decompressobj(-zlib.MAX_WBITS), entry.packed, b""
    try:
        while not engine.eof and (left or data):
            if not data:
                data = reader.read(min(left, _DEFLATE_READ))
                left = left - len(data) if data else 0
            if chunk := engine.decompress(data, CHUNK):
                yield chunk
            data = engine.unconsumed_tail
        if not engine.eof and (chunk := engine.flush()):
            yield chunk
    except zlib.error as problem:
        raise blame.broken(f"its compressed data is damaged ({problem})", entry.raw, "download it again") from problem
    if not engine.eof:
        raise blame.broken("its compressed data is cut short", entry.raw, "download it again")
    if left or engine.unused_data:
        raise blame.hostile("bytes hide after its compressed data", entry.raw)


def _checked(chunks: Iterator[bytes], entry: Entry, budget: Budget, blame: Blame) -> Iterator[bytes]:
    size = crc = 0
    for chunk in chunks:
        size += len(chunk)
        if size > entry.size:
            raise blame.hostile(f"it unpacks to more than the {entry.size} bytes it promises", entry.raw)
        budget.spend(len(chunk))
        crc = zlib.crc32(chunk, crc)
        yield chunk
    if size != entry.size:
        raise blame.hostile(f"it unpacks to {size} bytes and promises {entry.size}", entry.raw)
    if crc != entry.crc:
        raise blame.broken("its checksum (CRC) is wrong: the bytes are damaged", entry.raw, "download it again")
