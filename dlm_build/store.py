"""The content-addressed store: bytes are named by their sha256, written beside and renamed, never changed.

    root/objects/ab/cdef…    objects, read-only, with one fixed time stamp
    root/notes/<kind>/<key>  small facts about objects (an archive's members), written whole; never trusted alone
    root/partial/<name>      downloads that a later process may resume
    root/scratch/<owner>/    files in the making; the owner's lock dies with its process and the next one sweeps them
    root/locks/<name>        one worker per piece of work, across processes

A reader sees an object whole or not at all, under kill, full disk, or a second process writing the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
import stat
import threading
import weakref
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import TypeVar

import msgspec

from dlm_build.disk import disk_error, disk_errors
from dlm_build.errors import HashMismatch
from dlm_build.ownership import give_up, locked_file, own_folder, sweep
from dlm_build.records import Record, from_json, to_json

CHUNK = 1 << 20
OBJECT_TIME = 315532800
"""1980-01-01: objects have no time of their own, so that tools that compare times see equal bytes as equal files."""
MODE = 0o444
_ZEROS = bytes(CHUNK)
_HOLE = 64 << 10


R = TypeVar("R", bound=Record)


class Stored(Record, frozen=True, kw_only=True):
    sha256: str
    size: int


class Store:
    """Objects by digest. One instance may be shared by threads; many processes may share one root."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self._workbench: Path | None = None
        self._making = threading.Lock()

    # --- reading

    def path(self, sha256: str) -> Path:
        """Where the object is or would be."""
        return self.root / "objects" / sha256[:2] / sha256[2:]

    def has(self, sha256: str) -> bool:
        """Whether the object is there, as it was written.

        Files in users' folders are links to it, and `chmod -R` or an editor there reaches it: a mode is put right, and
        what was written to is hashed again, and is no more where it holds other bytes now.
        """
        path = self.path(sha256)
        try:
            told = path.stat()
        except OSError:
            return False
        if not stat.S_ISREG(told.st_mode):
            return False
        if stat.S_IMODE(told.st_mode) != MODE:
            with suppress(OSError):  # another user's store is read as it is, and `link` copies
                path.chmod(MODE)
        return int(told.st_mtime) == OBJECT_TIME or _is_still(path, sha256)

    def link(self, sha256: str, target: Path, mode: int = MODE) -> None:
        """Make `target` the object, by hard link where mode and file system allow, else by copy. Replaces `target`."""
        with disk_errors(target.parent):
            target.parent.mkdir(parents=True, exist_ok=True)
            target.unlink(missing_ok=True)  # writing through an old link would change the object it shares
            if mode == MODE and _linked(self.path(sha256), target):
                return
            shutil.copyfile(self.path(sha256), target)
            target.chmod(mode)

    # --- writing

    def add_bytes(self, data: bytes) -> Stored:
        return self.add_stream([data])

    def add_file(self, source: Path, expect: str | None = None) -> Stored:
        """Copy `source` in, hashing on the way: one read, one write."""
        with disk_errors(source), source.open("rb") as stream:
            return self.add_stream(iter(lambda: stream.read(CHUNK), b""), expect)

    def add_stream(self, chunks: Iterable[bytes], expect: str | None = None) -> Stored:
        """Write `chunks` as one object. Raises HashMismatch when they are not `expect`, InfraError on a full disk."""
        with self.incoming() as incoming:
            for chunk in chunks:
                incoming.write(chunk)
            return incoming.keep(expect)

    def incoming(self) -> Incoming:
        """An object in the making; see Incoming."""
        return Incoming(self, self.scratch() / secrets.token_hex(8))

    def adopt(self, scratch: Path, stored: Stored, expect: str | None = None) -> Stored:
        """Take over a finished scratch file of this store whose digest the caller computed while writing it."""
        if expect is not None and stored.sha256 != expect:
            scratch.unlink(missing_ok=True)
            raise HashMismatch(
                f"sha256 is {stored.sha256} ({stored.size} bytes), promised was {expect}",
                "the file changed since its digest was written, or another file is served in its place",
            )
        target = self.path(stored.sha256)
        with disk_errors(self.root):
            _make_folder(target.parent)
            _settle(scratch)
            scratch.replace(target)
            _sync_folder(target.parent)
        return stored

    # --- notes

    def note(self, kind: str, key: str, record: Record) -> None:
        """Remember `record` under `kind`/`key`; the last writer wins, a reader sees one of them whole."""
        with self.incoming() as incoming:
            incoming.write(to_json(record))
            incoming.place(self.root / "notes" / kind / key)

    def noted(self, kind: str, key: str, shape: type[R]) -> R | None:
        """What was noted, or None; a note that cannot be read is as good as none."""
        try:
            return from_json(shape, (self.root / "notes" / kind / key).read_bytes())
        except (OSError, msgspec.DecodeError):
            return None

    # --- scratch space

    def partial(self, name: str) -> Path:
        """A path for a resumable download, kept when its process dies; `name` is one component."""
        with disk_errors(self.root):
            return _made(self.root / "partial") / name

    def scratch(self) -> Path:
        """This process's folder for unfinished files, on the objects' own file system; gone when the process is."""
        with self._making:
            if self._workbench is None or not self._workbench.is_dir():
                with disk_errors(self.root):
                    sweep(self.root / "scratch")
                    self._workbench, handle = own_folder(_made(self.root / "scratch"))
                weakref.finalize(self, give_up, self._workbench, handle, os.getpid())
            return self._workbench

    @contextmanager
    def scratch_folder(self) -> Iterator[Path]:
        """A fresh folder inside `scratch()`, removed at the end; what its disk complains of meanwhile: InfraError."""
        folder = self.scratch() / secrets.token_hex(8)
        try:
            with disk_errors(folder):
                folder.mkdir()
                yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Wait for, then hold, the lock called `name` (one component); it is released when the process dies."""
        with disk_errors(self.root):
            path = _made(self.root / "locks") / name
            handle = locked_file(path, wait=True)
        assert handle is not None
        try:
            yield
        finally:
            path.unlink(missing_ok=True)
            os.close(handle)


class Incoming:
    """An object in the making: write, then `keep`; leaving the `with` block without keeping it removes it.

    A caller that wants all or nothing of several objects seals each (`seal` gives path and digest, and leaves the
    file in scratch space) and adopts them together.
    """

    def __init__(self, store: Store, path: Path) -> None:
        self._store = store
        self.path = path
        self._digest = hashlib.sha256()
        self._size = 0
        self._done = False
        with disk_errors(path.parent):
            self._out = path.open("xb", buffering=0)

    def __enter__(self) -> Incoming:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, at: TracebackType | None) -> None:
        self._out.close()
        if not self._done:
            self.path.unlink(missing_ok=True)

    def write(self, chunk: bytes) -> None:
        """Append; long runs of zeros become holes in the file."""
        self._digest.update(chunk)
        self._size += len(chunk)
        try:
            if len(chunk) >= _HOLE and _all_zeros(chunk):
                self._out.seek(len(chunk), os.SEEK_CUR)
                return
            view = memoryview(chunk)
            while view:
                view = view[self._out.write(view) or 0 :]
        except OSError as problem:
            raise disk_error(problem, self._store.root) from problem

    def seal(self) -> Stored:
        """Make the bytes durable and give their digest; the file stays at `path`."""
        with disk_errors(self._store.root):
            self._out.truncate(self._size)
            os.fsync(self._out.fileno())
            self._out.close()
        self._done = True
        return Stored(sha256=self._digest.hexdigest(), size=self._size)

    def keep(self, expect: str | None = None) -> Stored:
        """Make it an object of the store. Raises HashMismatch when the bytes are not `expect`."""
        stored = self.seal()
        self._done = False
        self._store.adopt(self.path, stored, expect)
        self._done = True
        return stored

    def place(self, target: Path) -> None:
        """Put it at `target` instead, by rename."""
        self.seal()
        self._done = False
        with disk_errors(target.parent):
            _make_folder(target.parent)
            self.path.replace(target)
            _sync_folder(target.parent)
        self._done = True


def _all_zeros(chunk: bytes) -> bool:
    if chunk[0] or chunk[-1]:
        return False
    return chunk == (_ZEROS if len(chunk) == CHUNK else bytes(len(chunk)))


def _settle(path: Path) -> None:
    """The fixed mode and time of an object."""
    path.chmod(MODE)
    os.utime(path, (OBJECT_TIME, OBJECT_TIME))


def sha256_of(path: Path) -> str:
    """Of a file's bytes, in hex. Raises OSError."""
    with path.open("rb", buffering=0) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _is_still(path: Path, sha256: str) -> bool:
    """Whether an object with another time has its bytes; it has its time again then, and is removed otherwise."""
    try:
        whole = sha256_of(path) == sha256
    except OSError:
        return False
    with suppress(OSError):
        if whole:
            os.utime(path, (OBJECT_TIME, OBJECT_TIME))
        else:
            path.unlink()
    return whole


def _linked(path: Path, target: Path) -> bool:
    """Whether `target` is a hard link to the object now, with an object's mode."""
    try:
        os.link(path, target)
    except OSError:
        return False
    if stat.S_IMODE(target.stat().st_mode) == MODE:
        return True
    target.unlink()
    return False


def _made(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        _sync_folder(folder.parent)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
