"""The content-addressed store: bytes are named by their sha256, written beside and renamed, never changed.

A reader sees an object whole or not at all, under kill, full disk, or a second process writing the same bytes.
"""

from __future__ import annotations

import hashlib
import os
import secrets
import shutil
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from dlm_build.errors import HashMismatch, InfraError
from dlm_build.records import Record

CHUNK = 1 << 20


class Stored(Record, frozen=True, kw_only=True):
    sha256: str
    size: int


class Store:
    """Objects under `root/objects/ab/cdef…`, read-only; scratch files under `root/partial`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def path(self, sha256: str) -> Path:
        """Where the object is or would be."""
        return self.root / "objects" / sha256[:2] / sha256[2:]

    def has(self, sha256: str) -> bool:
        return self.path(sha256).is_file()

    def partial(self, name: str) -> Path:
        """A scratch path for a resumable download; `name` is one component."""
        folder = self.root / "partial"
        folder.mkdir(parents=True, exist_ok=True)
        return folder / name

    def add_bytes(self, data: bytes) -> Stored:
        return self.add_stream([data])

    def add_file(self, source: Path, expect: str | None = None) -> Stored:
        """Copy `source` in, hashing on the way: one read, one write."""
        with source.open("rb") as stream:
            return self.add_stream(iter(lambda: stream.read(CHUNK), b""), expect)

    def add_stream(self, chunks: Iterable[bytes], expect: str | None = None) -> Stored:
        """Write `chunks` as one object. Raises HashMismatch when they are not `expect`, InfraError on a full disk."""
        scratch = self.partial(f"{os.getpid()}-{secrets.token_hex(8)}")
        digest, size = hashlib.sha256(), 0
        try:
            with scratch.open("xb") as out:
                for chunk in chunks:
                    digest.update(chunk)
                    out.write(chunk)
                    size += len(chunk)
                out.flush()
                os.fsync(out.fileno())
            return self._adopt(scratch, Stored(sha256=digest.hexdigest(), size=size), expect)
        except OSError as problem:
            raise disk_error(problem, self.root) from problem
        finally:
            scratch.unlink(missing_ok=True)

    def adopt(self, scratch: Path, stored: Stored, expect: str | None = None) -> Stored:
        """Take over a finished scratch file of this store whose digest the caller computed while writing it."""
        try:
            return self._adopt(scratch, stored, expect)
        except OSError as problem:
            raise disk_error(problem, self.root) from problem

    def _adopt(self, scratch: Path, stored: Stored, expect: str | None) -> Stored:
        if expect is not None and stored.sha256 != expect:
            scratch.unlink(missing_ok=True)
            raise HashMismatch(
                f"sha256 is {stored.sha256} ({stored.size} bytes), promised was {expect}",
                "the file changed since its digest was written, or another file is served in its place",
            )
        target = self.path(stored.sha256)
        target.parent.mkdir(parents=True, exist_ok=True)
        scratch.chmod(0o444)
        scratch.replace(target)
        _sync_folder(target.parent)
        return stored

    def link(self, sha256: str, target: Path, mode: int = 0o444) -> None:
        """Make `target` the object, by hard link where mode and file system allow, else by copy."""
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            if mode == 0o444:
                with suppress(OSError):
                    os.link(self.path(sha256), target)
                    return
            shutil.copyfile(self.path(sha256), target)
            target.chmod(mode)
        except OSError as problem:
            raise disk_error(problem, target.parent) from problem


def disk_error(problem: OSError, place: Path) -> InfraError:
    """The operating system's complaint, as one the user can act on."""
    hint = "free space there, or set `store` in the settings to a larger disk"
    return InfraError(f"{place}: {problem.strerror}", hint)


def _sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
