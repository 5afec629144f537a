"""The folder one item's records are written to: whole or not at all, one process at a time.

What is written there is listed in `WRITTEN`.
"""

from __future__ import annotations

import errno
import fcntl
import hashlib
import os
import re
import secrets
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

import msgspec

from dlm_build.errors import InfraError, UsageError, shown
from dlm_build.local_files import is_absent
from dlm_build.records import Item, R, Record, from_json, to_json

WRITTEN = (
    "item.json", "materials.json", "plan.json", "lock.json", "conda-lock.yml", "explicit.txt",
    "context", "context.json",
    "image.json", "outputs", "run.log", "verified.json",
    "sif.json", "sif", "verified-sif.json", "handoff",
    "report.json", "pushed.json",
)  # fmt: skip
"""Of a work folder, beside the SIF, which has the item's name."""
_LOCK = ".lock"
_UNBINDABLE = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")
_TRIES = 16
"""Of taking a folder that others make and remove meanwhile."""


def default_folder(item: Item) -> Path:
    """`dlm-out/<readable part of the id>-<8 hex of where the item lies>`, so that an item that was mended is built in
    the folder it had; hostile ids only lose their readable part."""
    return Path("dlm-out") / f"{slug(item.id)}-{hashlib.sha256(item.origin.encode()).hexdigest()[:8]}"


def undashed(output: str) -> Path:
    """The folder of --output; no part of `./-x`, which a Path shortens to `-x`, is an option of the programs that get
    it."""
    folder = Path(output)
    return folder.absolute() if str(folder).startswith("-") else folder


def slug(text: str) -> str:
    """Lower-case letters, digits and single dashes, at most 40; `item` where nothing is left."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower())[:40].strip("-") or "item"


def is_work_folder(names: Collection[str]) -> bool:
    """Whether a folder with these names in it is one of dlm-build's own."""
    return _LOCK in names and "materials.json" in names


class WorkFolder:
    """Reads and writes records by file name inside `root`."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def save(self, name: str, record: Record) -> Path:
        return self.save_bytes(name, to_json(record))

    def save_bytes(self, name: str, data: bytes) -> Path:
        """Beside, fsync, rename; a file that already holds `data` is left alone."""
        target = self.root / name
        try:
            if target.is_file() and target.read_bytes() == data:
                return target
            return write_atomic(target, data)
        except OSError as problem:
            raise _unusable(problem, target) from problem

    def load(self, name: str, kind: type[R]) -> R | None:
        """The record, or None where it is absent or of another version of dlm-build.

        Raises InfraError for one that cannot be read.
        """
        path = self.root / name
        try:
            return from_json(kind, path.read_bytes())
        except msgspec.DecodeError:
            return None
        except OSError as problem:
            if is_absent(problem):
                return None
            raise InfraError(
                f"cannot read {shown(str(path), 300)}: {problem.strerror or problem}",
                "make it readable for the user who runs dlm-build, or give another folder with --output",
            ) from problem

    def forget(self, name: str) -> None:
        try:
            (self.root / name).unlink(missing_ok=True)
        except OSError as problem:
            raise _unusable(problem, self.root / name) from problem

    @contextmanager
    def owned(self) -> Iterator[None]:
        """Hold the folder for this process; it is made where it is not there. What ends with an error before anything
        was saved leaves nothing of it behind.

        Raises InfraError when another dlm-build works in it or it cannot be written, UsageError where it is a file or
        holds somebody's own.
        """
        missing = [place for place in (self.root, *self.root.parents) if _is_missing(place)]
        is_first = _is_missing(self._lock_file)
        if is_first:
            self._spare()
        try:
            with self._claimed():
                try:
                    self._try_out()
                    yield
                except BaseException:
                    if is_first:
                        with suppress(OSError):
                            self._lock_file.unlink()
                    raise
        except BaseException:
            for place in missing:
                with suppress(OSError):  # it holds something
                    place.rmdir()
            raise

    def _spare(self) -> None:
        """Where dlm-build did not work before, a file called like a record is somebody's own: maybe the item itself.

        Raises UsageError.
        """
        taken = next((name for name in WRITTEN if not _is_missing(self.root / name)), None)
        if taken and self.load("item.json", Item) is None:
            raise UsageError(
                f"--output {shown(str(self.root), 300)} holds {taken}, which dlm-build did not write and would replace",
                "give it a folder of its own, e.g. `--output out`",
            )

    def refuse_unbindable(self) -> None:
        """Raises UsageError where no engine can bind the folder into a container: a path not in UTF-8, or of lines."""
        place = str(self.root.absolute())
        if _UNBINDABLE.search(place):
            raise UsageError(
                f"no container can be given the folder {shown(place, 300)}",
                "use --output with a path in UTF-8 and without control characters",
            )

    @property
    def _lock_file(self) -> Path:
        return self.root / _LOCK

    def _claimed(self) -> IO[bytes]:
        """The lock file, locked: closing it lets go.

        Whoever made the folder in vain removes it again, maybe just now: then it is made anew.
        """
        for _ in range(_TRIES):
            self._create()
            try:
                handle = self._lock_file.open("wb")
            except FileNotFoundError:
                continue
            except OSError as problem:
                raise _unusable(problem, self.root) from problem
            self._take(handle)
            if self._is_still_there(handle):
                return handle
            handle.close()
        raise _unusable(FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT)), self._lock_file)

    def _take(self, handle: IO[bytes]) -> None:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as problem:
            handle.close()
            if isinstance(problem, BlockingIOError):
                raise InfraError(
                    f"another dlm-build is working in {self.root}", "wait for it, or give another --output"
                ) from problem
            raise _unusable(problem, self.root) from problem

    def _is_still_there(self, handle: IO[bytes]) -> bool:
        try:
            return os.path.samestat(os.fstat(handle.fileno()), self._lock_file.stat())
        except OSError:
            return False

    def _try_out(self) -> None:
        """A folder may have a lock file of earlier and be full or read-only today."""
        try:
            write_atomic(self.root / ".tried", b"written")
        except OSError as problem:
            raise _unusable(problem, self.root) from problem
        self.forget(".tried")

    def _create(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
        except FileExistsError as problem:
            what = "a file" if self.root.exists() else "a link to what is not there"
            raise UsageError(f"--output {self.root} is {what}", "give a folder") from problem
        except OSError as problem:
            raise _unusable(problem, self.root) from problem


def _is_missing(place: Path) -> bool:
    """What cannot be looked at was not made here, so it counts as there."""
    try:
        place.lstat()
    except OSError as problem:
        return isinstance(problem, FileNotFoundError)
    return False


def _unusable(problem: OSError, place: Path) -> InfraError:
    return InfraError(
        f"cannot write {place}: {problem.strerror or problem}",
        "start dlm-build in a folder that is writable and has space, or give one with --output",
    )


def write_atomic(target: Path, data: bytes) -> Path:
    """Readers see the old bytes or the new ones, after any crash."""
    beside = target.with_name(f".{target.name}.{os.getpid()}-{secrets.token_hex(4)}")
    try:
        with beside.open("xb") as out:
            out.write(data)
            out.flush()
            os.fsync(out.fileno())
        beside.replace(target)
    finally:
        beside.unlink(missing_ok=True)
    return target


def load_file(path: Path, kind: type[R], what: str) -> R:
    """A record the operator names on the command line. Raises UsageError."""
    try:
        return from_json(kind, path.read_bytes())
    except OSError as problem:
        raise UsageError(f"{what} {path}: {problem.strerror}", "give the path of an existing file") from problem
    except msgspec.DecodeError as problem:
        raise UsageError(
            f"{what} {path} is not one that this version reads: {problem}", "make it again with `dlm-build`"
        ) from problem
