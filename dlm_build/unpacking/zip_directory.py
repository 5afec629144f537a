"""The central directory of a zip: one strict reading of every entry."""

from __future__ import annotations

import stat
import struct

from dlm_build.records import Record
from dlm_build.unpacking.names import Blame, checked_name
from dlm_build.unpacking.zip_end import End

ENCRYPTED = 0x0001 | 0x0040 | 0x2000
DESCRIPTOR, UTF8 = 0x0008, 0x0800
"""Flags: sizes follow the data; the name is UTF-8."""
STORED, DEFLATED = 0, 8
ZIP64 = 0x0001
_UNICODE_PATH = 0x7075
_FULL16, _FULL32 = 0xFFFF, 0xFFFFFFFF
_CENTRAL = struct.Struct("<4s6H3L5H2L")
_CENTRAL_MARK = b"PK\1\2"
_UNIX_HOSTS = (3, 19)


class Entry(Record, frozen=True, kw_only=True):
    """One member as the central directory has it. `name` is "" for a folder."""

    name: str
    raw: bytes
    offset: int
    packed: int
    size: int
    crc: int
    method: int
    flags: int


def parse_directory(raw: bytes, end: End, blame: Blame) -> list[Entry]:
    entries: list[Entry] = []
    at = 0
    while at < len(raw):
        if len(raw) - at < _CENTRAL.size or not raw.startswith(_CENTRAL_MARK, at):
            raise blame.hostile("its directory has bytes that are no entry")
        lengths = _CENTRAL.unpack_from(raw, at)[10:13]
        stop = at + _CENTRAL.size + sum(lengths)
        if stop > len(raw):
            raise blame.hostile("an entry of its directory runs past the directory's end")
        entries.append(_entry(raw[at:stop], blame))
        at = stop
    if len(entries) != end.entries or len(raw) != end.size:
        raise blame.hostile(f"its end promises {end.entries} entries, its directory has {len(entries)}")
    return entries


def _entry(raw: bytes, blame: Blame) -> Entry:
    fields = _CENTRAL.unpack_from(raw)
    made, _, flags, method, _, _, crc, packed, size, name_length, extra_length, _, disk, _, attributes, offset = fields[
        1:
    ]
    name = raw[_CENTRAL.size : _CENTRAL.size + name_length]
    extra = extra_fields(raw[_CENTRAL.size + name_length :][:extra_length], name, blame)
    size, packed, offset = widened(extra.get(ZIP64), (size, packed, offset), name, blame)
    if flags & ENCRYPTED:
        raise blame.broken("it is encrypted", name, "publish the archive without a password")
    if method not in (STORED, DEFLATED):
        raise blame.broken(f"compression method {method} is not supported", name, "use deflate or no compression")
    if method == STORED and size != packed:
        raise blame.hostile(f"stored as is, yet {packed} bytes packed and {size} unpacked", name)
    if disk not in (0, _FULL16):
        raise blame.broken("it is on another part of a split archive", name, "publish it as one file")
    return Entry(
        name=_member_name(name, flags, made >> 8, attributes, blame),
        raw=name, offset=offset, packed=packed, size=size, crc=crc, method=method, flags=flags,
    )  # fmt: skip


def _member_name(raw: bytes, flags: int, host: int, attributes: int, blame: Blame) -> str:
    """The checked name of a file, "" for a folder; links and devices are refused."""
    try:
        name = raw.decode("utf-8" if flags & UTF8 else "ascii")
    except UnicodeDecodeError as problem:
        raise blame.broken("its name is neither ASCII nor marked as UTF-8", raw) from problem
    folder = name.endswith("/")
    kind = stat.S_IFMT(attributes >> 16) if host in _UNIX_HOSTS else 0
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        what = "a symbolic link" if kind == stat.S_IFLNK else "a device, pipe or socket"
        raise blame.hostile(f"{what}; only files and folders are allowed", name)
    if (kind == stat.S_IFDIR and not folder) or (kind == stat.S_IFREG and folder):
        raise blame.hostile("its name and its attributes disagree on whether it is a folder", name)
    plain = checked_name(name.removesuffix("/"), blame)
    if not plain and not folder:
        raise blame.broken("it has no name", name)
    return "" if folder else plain


def extra_fields(raw: bytes, name: bytes, blame: Blame) -> dict[int, bytes]:
    """Extra fields by id. A name hidden in one of them must be the name itself."""
    fields: dict[int, bytes] = {}
    at = 0
    while len(raw) - at >= 4:
        kind, length = struct.unpack_from("<2H", raw, at)
        if at + 4 + length > len(raw) or (kind == ZIP64 and kind in fields):
            raise blame.hostile("its extra fields contradict themselves", name)
        fields[kind] = raw[at + 4 : at + 4 + length]
        at += 4 + length
    if any(raw[at:]):
        raise blame.hostile("bytes hide after its extra fields", name)
    if _UNICODE_PATH in fields and fields[_UNICODE_PATH][5:] != name:
        raise blame.hostile("it has two names: another is in its extra fields", name)
    return fields


def widened(field: bytes | None, narrow: tuple[int, int, int], name: bytes, blame: Blame) -> tuple[int, int, int]:
    """Values from the zip64 field where the 32-bit ones are full."""
    wanted = [n for n, value in enumerate(narrow) if value == _FULL32]
    if field is None:
        if wanted:
            raise blame.hostile("it promises a zip64 field and has none", name)
        return narrow
    if len(field) < 8 * len(wanted):
        raise blame.hostile("its zip64 field is too short", name)
    values = list(narrow)
    for place, n in enumerate(wanted):
        values[n] = struct.unpack_from("<Q", field, 8 * place)[0]
    return values[0], values[1], values[2]
