"""Reading an archive once, front to back: its digest, its members' bytes and the limits all come from one pass."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from pathlib import Path
from queue import Queue
from threading import Thread
from types import TracebackType

from dlm_build.errors import ResourceExceeded
from dlm_build.progress import Event, Notify
from dlm_build.records import Member, Record
from dlm_build.store import CHUNK, Incoming, Store, Stored
from dlm_build.unpacking.names import Blame

_TELL_EVERY = 32 << 20


class Caps(Record, frozen=True, kw_only=True):
    """What an archive may cost. Sizes in bytes."""

    entries: int = 200_000
    total: int = 64 << 30
    """Of all members, unpacked."""
    ratio: int = 200
    """Unpacked bytes per packed byte …"""
    free: int = 8 << 30
    """… beyond this many unpacked bytes: fresh or pruned weights of some GiB really are nearly all zeros."""


class Hasher:
    """sha256 in a thread of its own, so that two digests of one pass cost the time of one."""

    def __init__(self) -> None:
        self._digest = hashlib.sha256()
        self._queue: Queue[bytes | None] = Queue(maxsize=8)
        self._thread = Thread(target=self._work, daemon=True)
        self._thread.start()

    def _work(self) -> None:
        while (chunk := self._queue.get()) is not None:
            self._digest.update(chunk)

    def update(self, chunk: bytes) -> None:
        self._queue.put(chunk)

    def hexdigest(self) -> str:
        """Ends the thread."""
        if self._thread.is_alive():
            self._queue.put(None)
            self._thread.join()
        return self._digest.hexdigest()


class Reader:
    """A file from front to back. With `hashing`, every byte goes into `sha256()` as it is read."""

    def __init__(self, path: Path, notify: Notify, *, hashing: bool, label: str) -> None:
        self._file = path.open("rb", buffering=0)
        self.size = os.fstat(self._file.fileno()).st_size
        self.position = 0
        self._hasher = Hasher() if hashing else None
        self._notify, self._label, self._told = notify, label, 0

    def __enter__(self) -> Reader:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._file.close()
        if self._hasher:
            self._hasher.hexdigest()

    def read(self, size: int = CHUNK) -> bytes:
        """Up to `size` bytes; fewer only at the end."""
        data = self._file.read(size)
        while 0 < len(data) < size and (more := self._file.read(size - len(data))):
            data += more
        self.position += len(data)
        if self._hasher and data:
            self._hasher.update(data)
        if self.position - self._told >= _TELL_EVERY:
            self._told = self.position
            self._notify(Event(step="gather", text=self._label, done=self.position, total=self.size))
        return data

    def peek_at(self, offset: int, size: int) -> bytes:
        """Bytes from anywhere, outside the pass."""
        return os.pread(self._file.fileno(), size, offset)

    def skip_to(self, position: int) -> None:
        """Read on to `position`, or to the end where that comes first."""
        while self.position < position and self.read(min(CHUNK, position - self.position)):
            pass

    def drain(self) -> None:
        """Read to the end."""
        while self.read():
            pass

    def sha256(self) -> str:
        """Digest of what was read; of the file, once it was read to its end."""
        assert self._hasher is not None
        return self._hasher.hexdigest()


class Budget:
    """Counts unpacked bytes while they come out and stops an archive that is larger than anyone meant."""

    def __init__(self, caps: Caps, reader: Reader, blame: Blame) -> None:
        self._caps, self._reader, self._blame = caps, reader, blame
        self._out = 0

    def spend(self, size: int) -> None:
        self._out += size
        self.refuse_declared(self._out, self._reader.position)

    def refuse_declared(self, size: int, packed: int) -> None:
        """Of the whole archive as its directory says, before anything is unpacked; of what came out so far, after."""
        if size > self._caps.free and size > self._caps.ratio * packed:
            raise self._blame.hostile(
                f"a zip bomb: {size} bytes out of {packed}, more than {self._caps.ratio}:1",
                hint="where the weights really are that empty, publish the archive without compression",
            )
        self.refuse_total(size)

    def refuse_total(self, size: int) -> None:
        if size > self._caps.total:
            raise ResourceExceeded(
                f"archive {self._blame.archive}: its members unpack to more than {self._caps.total} bytes",
                "publish only what the model needs",
            )

    def refuse_count(self, entries: int) -> None:
        if entries > self._caps.entries:
            raise self._blame.hostile(f"{entries} entries, more than the limit of {self._caps.entries}")


class Staging:
    """Members of one archive, unpacked but not yet the store's: all of them are adopted, or none."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._members: list[Member] = []
        self._waiting: dict[str, Incoming] = {}

    def __enter__(self) -> Staging:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        for incoming in self._waiting.values():
            incoming.path.unlink(missing_ok=True)

    def add(self, path: str, chunks: Iterator[bytes]) -> Stored:
        """Take one member. A small one that is there already is not written again."""
        first, second = next(chunks, b""), next(chunks, None)
        if second is None:
            stored = Stored(sha256=hashlib.sha256(first).hexdigest(), size=len(first))
            if stored.sha256 not in self._waiting and not self._store.has(stored.sha256):
                self._written(first, None, chunks)
        else:
            stored = self._written(first, second, chunks)
        self._members.append(Member(path=path, size=stored.size, sha256=stored.sha256))
        return stored

    def take(self, path: str, stored: Stored) -> bool:
        """Take a member that is an object of the store already; says whether it is."""
        if self._store.has(stored.sha256):
            self._members.append(Member(path=path, size=stored.size, sha256=stored.sha256))
            return True
        return False

    def _written(self, first: bytes, second: bytes | None, rest: Iterator[bytes]) -> Stored:
        with self._store.incoming() as incoming:
            incoming.write(first)
            if second is not None:
                incoming.write(second)
            for chunk in rest:
                incoming.write(chunk)
            stored = incoming.seal()
        if stored.sha256 in self._waiting:
            incoming.path.unlink()
        else:
            self._waiting[stored.sha256] = incoming
        return stored

    def adopt(self) -> tuple[Member, ...]:
        """Make every member an object of the store; sorted by path."""
        sizes = {member.sha256: member.size for member in self._members}
        for sha256 in list(self._waiting):
            self._store.adopt(self._waiting[sha256].path, Stored(sha256=sha256, size=sizes[sha256]))
            del self._waiting[sha256]
        return tuple(sorted(self._members, key=lambda member: member.path))
