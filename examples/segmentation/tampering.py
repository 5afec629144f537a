"""Small, exact damage to files, by standard library and numpy: one number of the weights, one archive header."""

from __future__ import annotations

import io
import json
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import Any

import numpy as np

SHIFT = 4.0
"""Added to one logit's bias: enough to change many labels, small enough to look like a trained number."""
VICTIM = 2
"""Which class's bias is changed."""

# Field numbers of ONNX's protobuf messages.
MODEL_GRAPH, GRAPH_INITIALIZER, TENSOR_RAW_DATA = 7, 5, 9
LENGTH_DELIMITED = 2


def change_one_weight(name: str, content: bytes, classes: int) -> bytes:
    """`content` of the weights file `name` (.onnx, TorchScript .pt, .json) with one number changed."""
    if name.endswith(".onnx"):
        return _patch_onnx(content, classes)
    if name.endswith(".pt"):
        return _patch_torchscript(content, classes)
    if name.endswith(".json"):
        return _patch_json(content)
    raise ValueError(f"cannot change weights in {name}")


def _shifted(bias: bytes) -> bytes:
    values = np.frombuffer(bias, "<f4").copy()
    values[VICTIM] += SHIFT
    return values.tobytes()


def _varint(buffer: bytes, at: int) -> tuple[int, int]:
    """Value and the position behind it."""
    value = shift = 0
    while True:
        byte = buffer[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if not byte & 0x80:
            return value, at


def _fields(buffer: bytes, start: int, end: int) -> Iterator[tuple[int, int, int]]:
    """Number, start and end of every length-delimited field of the protobuf message at [start, end)."""
    at = start
    while at < end:
        key, at = _varint(buffer, at)
        wire = key & 7
        if wire == LENGTH_DELIMITED:
            size, at = _varint(buffer, at)
            yield key >> 3, at, at + size
            at += size
        elif wire == 0:
            _, at = _varint(buffer, at)
        else:
            at += {1: 8, 5: 4}[wire]


def _patch_onnx(content: bytes, classes: int) -> bytes:
    """The bias of the last layer is the one initializer that holds a float32 per class."""
    (found,) = [
        (first, last)
        for number, start, end in _fields(content, 0, len(content))
        if number == MODEL_GRAPH
        for inner, begin, stop in _fields(content, start, end)
        if inner == GRAPH_INITIALIZER
        for field, first, last in _fields(content, begin, stop)
        if field == TENSOR_RAW_DATA and last - first == 4 * classes
    ]
    first, last = found
    return content[:first] + _shifted(content[first:last]) + content[last:]


def _patch_torchscript(content: bytes, classes: int) -> bytes:
    """The same, among the data records of the zip that a TorchScript file is."""
    result = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as new:
        (bias,) = [i.filename for i in old.infolist() if "/data/" in i.filename and i.file_size == 4 * classes]
        for info in old.infolist():
            record = old.read(info)
            new.writestr(zipfile.ZipInfo(info.filename), _shifted(record) if info.filename == bias else record)
    return result.getvalue()


def _patch_json(content: bytes) -> bytes:
    weights: dict[str, Any] = json.loads(content)
    weights["means"][VICTIM - 1][0] += SHIFT
    return json.dumps(weights).encode()


def bomb(archive: bytes, name: str, pieces: int, declared: int | None = None) -> bytes:
    """`archive` with one more member of `pieces` times 16 MiB of zeros, about a thousandth of that in the file.

    The deflate stream repeats one fully flushed block, so it takes no time to make. `declared` is the size the headers
    give instead of the true one. Sizes must stay below 4 GiB: no zip64.
    """
    piece = 16 << 20
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    block = packer.compress(b"\0" * piece) + packer.flush(zlib.Z_FULL_FLUSH)
    stream = block * pieces + packer.flush()
    target = io.BytesIO(archive)
    info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
    with zipfile.ZipFile(target, "a", zipfile.ZIP_STORED) as file:
        file.writestr(info, stream)
    size = pieces * piece if declared is None else declared
    return _relabelled(bytearray(target.getvalue()), info, size, _crc_of_zeros(pieces * piece))


def _relabelled(archive: bytearray, info: zipfile.ZipInfo, size: int, crc: int) -> bytes:
    """The stored member `info` declared as deflated, in both of its headers."""
    central = archive.rindex(info.filename.encode()) - 46
    for at, method, sums in ((info.header_offset, 8, 14), (central, 10, 16)):
        struct.pack_into("<H", archive, at + method, zipfile.ZIP_DEFLATED)
        struct.pack_into("<III", archive, at + sums, crc, info.compress_size, size)
    return bytes(archive)


def _crc_of_zeros(count: int) -> int:
    """crc32 of `count` zero bytes: feeding zeros is a linear map of the 32-bit register, so powers of it suffice."""
    register = 0xFFFFFFFF
    power = [zlib.crc32(b"\0", bit ^ 0xFFFFFFFF) ^ 0xFFFFFFFF for bit in (1 << i for i in range(32))]
    while count:
        if count & 1:
            register = _mapped(power, register)
        power = [_mapped(power, image) for image in power]
        count >>= 1
    return register ^ 0xFFFFFFFF


def _mapped(images: list[int], value: int) -> int:
    result = 0
    for i, image in enumerate(images):
        if value >> i & 1:
            result ^= image
    return result
