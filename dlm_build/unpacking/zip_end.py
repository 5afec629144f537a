"""How a zip ends: the one record that says where its directory is, or a reason why there is no such one."""

from __future__ import annotations

import struct

from dlm_build.records import Record
from dlm_build.unpacking.names import Blame
from dlm_build.unpacking.reading import Reader

_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_END_MARK, _LOCATOR_MARK, _END64_MARK = b"PK\5\6", b"PK\6\7", b"PK\6\6"
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF


class End(Record, frozen=True, kw_only=True):
    """Where the central directory is and how many entries it has."""

    start: int
    size: int
    entries: int


def has_end(reader: Reader) -> bool:
    """Whether the file ends as a zip does, whatever it starts with."""
    tail, start = _tail(reader)
    return any(_fits(tail, at, start, reader.size) for at in _marks(tail))


def _tail(reader: Reader) -> tuple[bytes, int]:
    start = max(0, reader.size - _END.size - _FULL16)
    return reader.peek_at(start, reader.size - start), start


def _marks(tail: bytes) -> list[int]:
    found, at = [], tail.find(_END_MARK)
    while at >= 0:
        if at + _END.size <= len(tail):
            found.append(at)
        at = tail.find(_END_MARK, at + 1)
    return found


def _fits(tail: bytes, at: int, start: int, size: int) -> bool:
    return start + at + _END.size + int(_END.unpack_from(tail, at)[7]) == size


def read_end(reader: Reader, blame: Blame) -> End:
    tail, start = _tail(reader)
    marks = _marks(tail)
    fitting = [at for at in marks if _fits(tail, at, start, reader.size)]
    if not fitting:
        raise _no_end(tail, marks, start, blame)
    at = fitting[0]
    if any(mark > at for mark in marks):
        raise blame.hostile("it has two ends: another directory end hides in its comment")
    _, disk, first_disk, here, entries, size, offset, _ = _END.unpack_from(tail, at)
    end = End(start=offset, size=size, entries=entries)
    after = start + at
    locator = reader.peek_at(after - _LOCATOR.size, _LOCATOR.size) if after >= _LOCATOR.size else b""
    if locator.startswith(_LOCATOR_MARK):
        end, after = _read_end64(reader, end, locator, after - _LOCATOR.size, blame)
    elif _FULL32 in (size, offset):
        raise blame.hostile("it promises a zip64 directory end and has none")
    if (disk, first_disk) not in ((0, 0), (_FULL16, _FULL16)) or here != entries:
        raise blame.broken("it is one part of a split archive", hint="publish it as one file")
    return _placed(end, after, blame)


def _no_end(tail: bytes, marks: list[int], start: int, blame: Blame) -> Exception:
    for at in reversed(marks):
        _, _, _, _, _, size, offset, comment = _END.unpack_from(tail, at)
        rest = len(tail) - at - _END.size - comment
        if rest > 0 and offset + size == start + at:
            return blame.hostile(f"{rest} bytes follow after its end")
    return blame.broken("it is cut short: a zip's directory is at its end, and is missing", hint="download it again")


def _read_end64(reader: Reader, end: End, locator: bytes, after: int, blame: Blame) -> tuple[End, int]:
    _, disk, offset, disks = _LOCATOR.unpack(locator)
    raw = reader.peek_at(offset, _END64.size) if offset <= reader.size else b""
    if disk or disks > 1 or offset + _END64.size != after or not raw.startswith(_END64_MARK):
        raise blame.hostile("its zip64 directory end is not where it says")
    _, length, _, _, _, _, here, entries, size, start = _END64.unpack(raw)
    if length != _END64.size - 12 or here != entries:
        raise blame.hostile("its zip64 directory end contradicts itself")
    pairs = ((end.entries, entries, _FULL16), (end.size, size, _FULL32), (end.start, start, _FULL32))
    if any(old not in (new, full) for old, new, full in pairs):
        raise blame.hostile("its two directory ends, zip and zip64, contradict each other")
    return End(start=start, size=size, entries=entries), offset


def _placed(end: End, after: int, blame: Blame) -> End:
    stray = after - end.start - end.size
    if stray > 0:
        raise blame.hostile(f"{stray} bytes stand before it or between its directory and its end")
    if stray < 0:
        raise blame.hostile("its directory overlaps its end")
    if end.entries == 0:
        raise blame.broken("it is empty")
    return end
