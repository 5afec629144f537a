"""A download into the store: hashed while it streams, resumed where the server can prove it is the same file."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import time
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlm_build.disk import disk_error
from dlm_build.errors import HashMismatch, InfraError, ResourceExceeded, SourceGone
from dlm_build.fetching.pages import stood_in
from dlm_build.fetching.patience import Patience
from dlm_build.fetching.tries import Tries, refuse_busy, refuse_missing
from dlm_build.fetching.urls import shown_url
from dlm_build.fetching.wire import Answer, Trouble, Wire
from dlm_build.magic import HEAD, stand_in
from dlm_build.progress import Event, Notify
from dlm_build.records import Record
from dlm_build.store import CHUNK, Store, Stored

LARGEST = 64 << 30
"""Bytes of a download whose size nobody promised."""
_RANGE = re.compile(r"bytes (\d+)-(\d+)/(\d+|\*)")
_TELL_EVERY = 8 << 20


class Wanted(Record, frozen=True, kw_only=True):
    """One download."""

    url: str
    trusted: bool
    expect: str | None = None
    size: int | None = None
    headers: dict[str, str] = {}
    """Sent along, to the first host only; no part of what the download is called by."""

    @property
    def key(self) -> str:
        return hashlib.sha256(self.url.encode()).hexdigest()

    @property
    def shown(self) -> str:
        return shown_url(self.url)


class _Tag(Record, frozen=True, kw_only=True):
    """What a partial download is a part of."""

    etag: str
    total: int | None


class _Fetched(Record, frozen=True, kw_only=True):
    """What a URL served, and the tag that tells whether it still does."""

    etag: str
    stored: Stored


class Download:
    """The state of one download: bytes on disk, their digest so far, and the tag of the file they are from."""

    def __init__(self, wanted: Wanted, store: Store, notify: Notify, patience: Patience) -> None:
        self._wanted, self._store, self._notify, self._patience = wanted, store, notify, patience
        self._part = store.partial(f"{wanted.key}.part")
        self._digest = hashlib.sha256()
        self._offset = self._told = self._furthest = 0
        self._tag: _Tag | None = None
        self._resumed = False

    def run(self, wire: Wire, tries: Tries) -> Stored:
        """Ask until it is whole. Raises InfraError, SourceGone, HashMismatch or ResourceExceeded."""
        begun = False
        while True:
            try:
                begun = begun or self._take_up()
                with wire.exchange("GET", self._wanted.url, self._headers(), self._wanted.trusted) as answer:
                    if done := self._take(answer, tries):
                        return done
            except Trouble as trouble:
                tries.failed(trouble)
            except OSError as problem:  # the network's own were translated: this is the disk
                raise disk_error(problem, self._store.root) from problem

    # --- one answer

    def _headers(self) -> dict[str, str]:
        if self._offset and self._tag:
            return {**self._wanted.headers, "range": f"bytes={self._offset}-", "if-range": self._tag.etag}
        self._restart(None)
        earlier = self._earlier()
        return {**self._wanted.headers, **({"if-none-match": earlier.etag} if earlier else {})}

    def _take(self, answer: Answer, tries: Tries) -> Stored | None:
        """The stored object, or None where the answer was of no use and must be asked for anew."""
        refuse_busy(answer)
        earlier = self._earlier()
        if answer.status == 304 and earlier:
            return earlier.stored
        if answer.status == 416 or (answer.status == 206 and not self._continues(answer.headers)):
            self._restart(None)
            raise Trouble(f"{self._wanted.shown}: the server continues with other bytes than asked", "use a mirror")
        if answer.status != 206:
            refuse_missing(answer.status, answer.address.url)
            self._restart(self._tag_of(answer))
        self._refuse_size(answer)
        self._write(answer, tries)
        return self._finish()

    def _continues(self, headers: Mapping[str, str]) -> bool:
        """Whether a 206 is the rest of what is on disk: same place, same tag, same total."""
        found = _RANGE.fullmatch(headers.get("content-range", ""))
        if not found or self._tag is None or int(found.group(1)) != self._offset:
            return False
        total = None if found.group(3) == "*" else int(found.group(3))
        same_total = None in (total, self._tag.total) or total == self._tag.total
        return same_total and headers.get("etag", self._tag.etag) == self._tag.etag

    def _tag_of(self, answer: Answer) -> _Tag | None:
        """Only a strong tag proves that two answers are parts of one file."""
        etag = answer.headers.get("etag", "")
        return _Tag(etag=etag, total=_length(answer.headers)) if etag.startswith('"') else None

    def _refuse_size(self, answer: Answer) -> None:
        length = _length(answer.headers)
        if length is None:
            return
        whole = self._offset + length
        if self._wanted.size is not None and whole != self._wanted.size:
            if self._offset == 0:
                self._refuse_other_thing(next(_headed(answer.chunks()), b""), answer)
            raise HashMismatch(
                f"{self._wanted.shown}: the server has {whole} bytes, promised were {self._wanted.size}",
                "the file changed since its size was written, or another file is served in its place",
            )
        _refuse_large(whole, LARGEST, self._wanted)
        free = shutil.disk_usage(self._part.parent).free
        if length > free:
            raise InfraError(
                f"{self._store.root}: {self._wanted.shown} needs {length} more bytes, {free} are free",
                "free space there, or set `store` in the settings to a larger disk",
            )

    # --- bytes

    def _write(self, answer: Answer, tries: Tries) -> None:
        chunks = _headed(_lively(answer.chunks(), self._patience, self._wanted))
        limit = LARGEST if self._wanted.size is None else self._wanted.size
        unread = self._offset == 0
        with self._part.open("ab", buffering=0) as out:
            for chunk in chunks:
                if unread:
                    self._refuse_other_thing(chunk, answer)
                unread = False
                _refuse_large(self._offset + len(chunk), limit, self._wanted)
                self._append(out.fileno(), chunk)
                if self._offset >= self._furthest + CHUNK:
                    self._furthest = self._offset
                    tries.progressed()
            os.fsync(out.fileno())

    def _refuse_other_thing(self, head: bytes, answer: Answer) -> None:
        """A page, a pointer or an error is said to be one, rather than to have another size or digest."""
        found = stand_in(head) if head else None
        if found:
            raise stood_in(found, answer.address.url, self._wanted.url)

    def _append(self, handle: int, chunk: bytes) -> None:
        view = memoryview(chunk)
        while view:
            written = os.write(handle, view)
            self._digest.update(view[:written])
            self._offset += written
            view = view[written:]
        if self._offset - self._told >= _TELL_EVERY:
            self._told = self._offset
            total = self._wanted.size or (self._tag.total if self._tag else None)
            self._notify(Event(step="gather", text=f"downloading {self._wanted.shown}", done=self._offset, total=total))

    def _take_up(self) -> bool:
        """Continue what an earlier process left, where its tag was noted."""
        self._tag = self._store.noted("downloads", self._wanted.key, _Tag)
        if self._tag is None or not self._part.is_file():
            return True
        with self._part.open("rb") as stream:
            while data := stream.read(CHUNK):
                self._digest.update(data)
                self._offset += len(data)
        self._resumed = self._offset > 0
        return True

    def _restart(self, tag: _Tag | None) -> None:
        self._digest, self._offset, self._told, self._resumed = hashlib.sha256(), 0, 0, False
        self._tag = tag
        self._part.unlink(missing_ok=True)
        if tag:
            self._store.note("downloads", self._wanted.key, tag)

    def _finish(self) -> Stored | None:
        stored = Stored(sha256=self._digest.hexdigest(), size=self._offset)
        if self._tag and self._tag.total is not None and self._offset != self._tag.total:
            raise Trouble(f"{self._wanted.shown}: the server sent fewer bytes than it said", "use a mirror")
        if self._wanted.expect not in (None, stored.sha256):
            doubtful = self._resumed
            self._restart(None)
            if doubtful:
                return None  # the part on disk may have been damaged: once more, from the start
            raise HashMismatch(
                f"{self._wanted.shown}: sha256 is {stored.sha256} ({stored.size} bytes), "
                f"promised was {self._wanted.expect}",
                "the file changed since its digest was written, or another file is served in its place",
            )
        self._store.adopt(self._part, stored)
        if self._tag:
            self._store.note("urls", self._wanted.key, _Fetched(etag=self._tag.etag, stored=stored))
        return stored

    def _earlier(self) -> _Fetched | None:
        """What this URL served before, where it is still in the store and fits."""
        earlier = self._store.noted("urls", self._wanted.key, _Fetched)
        if earlier is None or not self._store.has(earlier.stored.sha256):
            return None
        fits = self._wanted.expect in (None, earlier.stored.sha256) and self._wanted.size in (None, earlier.stored.size)
        return earlier if fits else None


def copied(path: Path, wanted: Wanted, store: Store) -> Stored:
    """The same for a file:// URL. Raises SourceGone or HashMismatch."""
    if not path.is_file():
        raise SourceGone(f"{wanted.shown}: there is no such file", "correct the address")
    size = path.stat().st_size
    if wanted.size not in (None, size):
        raise HashMismatch(
            f"{wanted.shown}: the file has {size} bytes, promised were {wanted.size}", "the file changed since"
        )
    try:
        return store.add_file(path, wanted.expect)
    except HashMismatch as problem:
        raise HashMismatch(f"{wanted.shown}: {problem.message}", problem.hint) from problem


def _length(headers: Mapping[str, str]) -> int | None:
    value = headers.get("content-length", "")
    return int(value) if value.isdecimal() and len(value) < 20 else None


def _refuse_large(size: int, limit: int, wanted: Wanted) -> None:
    if size <= limit:
        return
    if wanted.size is not None:
        raise HashMismatch(
            f"{wanted.shown}: more bytes come than the promised {wanted.size}",
            "the file changed since its size was written, or another file is served in its place",
        )
    raise ResourceExceeded(f"{wanted.shown}: larger than {limit} bytes", "publish only what the model needs")


def _headed(chunks: Iterator[bytes]) -> Iterator[bytes]:
    """The same bytes, the first piece long enough to tell what they are; what came before a failure comes too."""
    head = b""
    try:
        for chunk in chunks:
            head += chunk
            if len(head) >= HEAD:
                break
    except Trouble:
        if head:
            yield head
        raise
    if head:
        yield head
    yield from chunks


def _lively(chunks: Iterator[bytes], patience: Patience, wanted: Wanted) -> Iterator[bytes]:
    """Raises Trouble when less comes than a stalled line would give."""
    since, got = time.monotonic(), 0
    for chunk in chunks:
        got += len(chunk)
        yield chunk
        passed = time.monotonic() - since
        if passed >= patience.window:
            if got < patience.slowest * passed:
                raise Trouble(f"{wanted.shown}: only {got} bytes came in {passed:.0f} s", "use a mirror")
            since, got = time.monotonic(), 0
