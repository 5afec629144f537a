"""What a compressed layer holds, made in a thread of its own while earlier bytes of it are used."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from queue import Empty, Queue
from threading import Event, Thread
from typing import IO, Protocol

from dlm_build.unpacking.tar_entries import broken

_READ, _MOST, _AHEAD = 128 << 10, 1 << 20, 8
"""Compressed bytes taken at a time, the most bytes they may become at a time, and how many of these may wait."""
_GZIP, _ZSTD = b"\x1f\x8b", (b"\x28\xb5\x2f\xfd", *(bytes((0x50 + n, 0x2A, 0x4D, 0x18)) for n in range(16)))
"""What they begin with; a zstd file may begin with a frame to be skipped."""


def decompressed(raw: IO[bytes], heard: Callable[[bytes], None], name: str) -> Iterator[bytes]:
    """`heard` gets the file's own bytes, in the thread. Raises BrokenLayer, with `name` in its message."""
    return _ahead(_unpacked(_heard(raw, heard), name))


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
            raise broken(name, f"its compression is damaged ({problem})") from problem
        chunk = decompressor.unused_data if decompressor.eof else b""
        if not chunk and (decompressor.eof or decompressor.needs_input):
            chunk = next(packed, b"")
        if data:
            yield data
    if not decompressor.eof:
        raise broken(name, "its compression is cut short")


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
