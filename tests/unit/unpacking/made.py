"""Zips and tars made by hand, field by field, so that each can lie in one place."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field, replace


@dataclass(frozen=True)
class Made:
    """One member; a field set here and not derived is a lie on purpose."""

    name: bytes = b"model.onnx"
    data: bytes = b"weights " * 8
    method: int = 0
    flags: int = 0
    made: int = 3 << 8
    attributes: int = 0o100644 << 16
    extra: bytes = b""
    central_extra: bytes = b""
    packed: bytes | None = None
    size: int | None = None
    crc: int | None = None
    central_name: bytes | None = None
    central_size: int | None = None
    central_packed: int | None = None
    central_crc: int | None = None
    central_flags: int | None = None
    central_method: int | None = None
    central_offset: int | None = None
    descriptor: bytes | None = None
    before: bytes = b""
    disk: int = 0

    def body(self) -> bytes:
        if self.packed is not None:
            return self.packed
        if self.method == 8:
            engine = zlib.compressobj(9, zlib.DEFLATED, -15)
            return engine.compress(self.data) + engine.flush()
        return self.data

    def numbers(self) -> tuple[int, int, int]:
        crc = zlib.crc32(self.data) if self.crc is None else self.crc
        return crc, len(self.body()), len(self.data) if self.size is None else self.size

    def local(self) -> bytes:
        told = (0, 0, 0) if self.flags & 8 else self.numbers()
        head = struct.pack(
            "<4s5H3L2H", b"PK\3\4", 20, self.flags, self.method, 0, 33, *told, len(self.name), len(self.extra)
        )
        tail = b""
        if self.flags & 8:
            tail = b"PK\7\x08" + struct.pack("<LLL", *self.numbers()) if self.descriptor is None else self.descriptor
        return head + self.name + self.extra + self.body() + tail

    def central(self, offset: int) -> bytes:
        told = (self.central_crc, self.central_packed, self.central_size)
        numbers = [own if lie is None else lie for own, lie in zip(self.numbers(), told, strict=True)]
        name = self.name if self.central_name is None else self.central_name
        flags = self.flags if self.central_flags is None else self.central_flags
        method = self.method if self.central_method is None else self.central_method
        place = offset if self.central_offset is None else self.central_offset
        lengths = (len(name), len(self.central_extra), 0)
        head = (b"PK\1\2", self.made, 20, flags, method, 0, 33, *numbers, *lengths)
        return struct.pack("<4s6H3L5H2L", *head, self.disk, 0, self.attributes, place) + name + self.central_extra


@dataclass(frozen=True)
class Zip:
    """A whole zip."""

    members: tuple[Made, ...] = field(default_factory=lambda: (Made(),))
    prefix: bytes = b""
    gap: bytes = b""
    """Between the last member and the directory."""
    comment: bytes = b""
    suffix: bytes = b""
    entries: int | None = None
    here: int | None = None
    start: int | None = None
    size: int | None = None
    disk: int = 0
    end64: bytes | None = None
    honest_prefix: bool = False
    """Offsets count the prefix, as a self-extractor's do."""

    def bytes(self) -> bytes:
        out, places = b"", []
        shift = len(self.prefix) if self.honest_prefix else 0
        for member in self.members:
            out += member.before
            places.append(len(out) + shift)
            out += member.local()
        out += self.gap
        central = b"".join(m.central(at) for m, at in zip(self.members, places, strict=True))
        start = len(out) + shift
        count = len(self.members)
        end = struct.pack(
            "<4s4H2LH", b"PK\5\6", self.disk, self.disk,
            count if self.here is None else self.here,
            count if self.entries is None else self.entries,
            len(central) if self.size is None else self.size,
            start if self.start is None else self.start,
            len(self.comment),
        )  # fmt: skip
        return self.prefix + out + central + (self.end64 or b"") + end + self.comment + self.suffix


def zip64_end(start: int, size: int, entries: int, after: int, length: int = 44) -> bytes:
    """A zip64 end and its locator, for a file whose directory ends at `after`."""
    return struct.pack("<4sQ2H2L4Q", b"PK\6\6", length, 45, 45, 0, 0, entries, entries, size, start) + struct.pack(
        "<4sLQL", b"PK\6\7", 0, after, 1
    )


def zip_of(*members: Made) -> bytes:
    return Zip(members=members).bytes()


def named(name: str | bytes, **changes: object) -> Made:
    raw = name if isinstance(name, bytes) else name.encode()
    flags = 0 if raw.isascii() else 0x0800
    return replace(Made(name=raw, flags=flags), **changes)  # type: ignore[arg-type]


def tar_header(name: bytes, size: int = 0, kind: bytes = b"0", link: bytes = b"", prefix: bytes = b"") -> bytes:
    """One ustar header with a right checksum."""
    raw = bytearray(512)
    raw[0 : len(name)] = name
    raw[100:108], raw[108:116], raw[116:124] = b"0000644\0", b"0000000\0", b"0000000\0"
    raw[124:136], raw[136:148] = b"%011o\0" % size, b"00000000000\0"
    raw[156:157] = kind
    raw[157 : 157 + len(link)] = link
    raw[257:265] = b"ustar\x0000"
    raw[345 : 345 + len(prefix)] = prefix
    raw[148:156] = b" " * 8
    raw[148:156] = b"%06o\0 " % sum(raw)
    return bytes(raw)


def tar_member(name: bytes, data: bytes = b"", kind: bytes = b"0", link: bytes = b"") -> bytes:
    return tar_header(name, len(data), kind, link) + data + bytes(-len(data) % 512)


def pax(kind: str = "x", **fields: str) -> bytes:
    """An extended header; `g` is one for every member."""
    rows = b""
    for key, value in fields.items():
        body = f" {key}={value}\n".encode()
        length = len(body) + 1
        while len(str(length)) + len(body) != length:
            length = len(str(length)) + len(body)
        rows += str(length).encode() + body
    return tar_member(b"PaxHeaders/x", rows, kind.encode())


def tar_of(*parts: bytes) -> bytes:
    return b"".join(parts) + bytes(1024)
