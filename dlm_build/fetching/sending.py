"""Requests that change something at a server of the operator's choice: uploads, and what belongs to them.

Each is made once. Which of them may be made again only their maker knows, and says so with `repeated`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TypeVar

from dlm_build.errors import InfraError
from dlm_build.fetch import Response
from dlm_build.fetching.tries import Tries, refuse_busy
from dlm_build.fetching.wire import Trouble, Wire

T = TypeVar("T")
PIECE = 1 << 20
LARGEST = 1 << 20
"""Bytes of an answer that are read."""


class Broken(InfraError):
    """The exchange failed on the way, or the server is busy: nobody knows how much of it was done."""

    def __init__(self, trouble: Trouble) -> None:
        super().__init__(trouble.message, trouble.hint)
        self.trouble = trouble


class Part(NamedTuple):
    """A stretch of a file."""

    path: Path
    start: int
    size: int


class Sender:
    """Sends to trusted URLs: http and https. Memory does not grow with what is sent."""

    def __init__(self, wire: Wire, tries: Callable[[], Tries]) -> None:
        self._wire, self._tries = wire, tries

    def send(
        self,
        method: str,
        url: str,
        body: bytes | Part = b"",
        *,
        headers: Mapping[str, str] | None = None,
        sent: Callable[[int], None] | None = None,
    ) -> Response:
        """One request, whatever its status; `sent` hears how many more bytes went out.

        Raises Broken, or InfraError where the file cannot be read.
        """
        size = body.size if isinstance(body, Part) else len(body)
        told = {**(headers or {}), "content-length": str(size)}
        try:
            with self._wire.exchange(method, url, told, True, lambda: _pieces(body, sent)) as answer:
                refuse_busy(answer)
                text = b"".join(_upto(LARGEST, answer.chunks()))
                return Response(status=answer.status, headers=answer.headers, body=text, url=answer.address.url)
        except Trouble as trouble:
            raise Broken(trouble) from trouble

    def repeated(self, work: Callable[[], T]) -> T:
        """`work`, which may be done any number of times, until it ends without Broken. Raises InfraError."""
        tries = self._tries()
        while True:
            try:
                return work()
            except Broken as broken:
                tries.failed(broken.trouble)


def _pieces(body: bytes | Part, sent: Callable[[int], None] | None) -> Iterator[bytes]:
    for piece in (body,) if isinstance(body, bytes) else _read(body):
        yield piece
        if sent:
            sent(len(piece))


def _read(part: Part) -> Iterator[bytes]:
    try:
        with part.path.open("rb") as stream:
            stream.seek(part.start)
            left = part.size
            while left and (piece := stream.read(min(PIECE, left))):
                left -= len(piece)
                yield piece
    except OSError as problem:
        raise InfraError(f"{part.path}: {problem.strerror}", "it must be readable until it is sent") from problem
    if left:
        raise InfraError(f"{part.path} became shorter while it was sent", "do not change it; then push again")


def _upto(limit: int, chunks: Iterable[bytes]) -> Iterator[bytes]:
    """What an answer begins with."""
    for chunk in chunks:
        yield chunk[:limit]
        limit -= len(chunk)
        if limit <= 0:
            return
