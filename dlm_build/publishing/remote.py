"""One repository of a registry, as who pushes to it sees it: what is there, blobs in, manifests in, the tag last."""

from __future__ import annotations

from typing import NamedTuple
from urllib.parse import urlsplit

from dlm_build.errors import HashMismatch, InfraError
from dlm_build.fetch import Response
from dlm_build.fetching.sending import Broken, Part
from dlm_build.fetching.urls import joined, url_parts
from dlm_build.oci import content_digest, is_digest
from dlm_build.progress import Event, Notify
from dlm_build.publishing.access import Access, Web
from dlm_build.publishing.refusals import no_registry, refused, unreached
from dlm_build.publishing.target import Target
from dlm_build.registry import ACCEPT, LARGEST

BINARY = "application/octet-stream"
TELL_EVERY = 8 << 20


class Blob(NamedTuple):
    """Something to upload."""

    digest: str
    body: bytes | Part

    @property
    def size(self) -> int:
        return self.body.size if isinstance(self.body, Part) else len(self.body)


class Session(NamedTuple):
    """An upload that has begun."""

    url: str
    at: int
    """Bytes that the registry has of it."""


class Told:
    """Counts what went out of one blob, and tells now and then."""

    def __init__(self, notify: Notify, total: int) -> None:
        self._notify, self._total = notify, total
        self._done = self._last = 0

    def at(self, done: int) -> None:
        """An upload begins, or goes on, here."""
        self._done = self._last = done

    def __call__(self, more: int) -> None:
        self._done += more
        if self._done - self._last >= TELL_EVERY:
            self._last = self._done
            self._notify(Event(step="push", text="pushing the SIF", done=self._done, total=self._total))


class Remote:
    """Every method raises UsageError where the registry refuses, InfraError where it cannot be reached."""

    def __init__(self, web: Web, target: Target, access: Access) -> None:
        self._web, self._target, self._access = web, target, access
        self._sender = web.sender()

    def greet(self) -> None:
        """Raises UsageError where the host is no registry, or does not know us."""
        try:
            answer = self._web.get(f"{self._target.base}/v2/", limit=LARGEST, trusted=True)
        except InfraError as problem:
            raise unreached(self._target, problem) from problem
        if answer.status not in (200, 401) or (answer.status == 401 and "www-authenticate" not in answer.headers):
            raise no_registry(self._target, answer)
        if answer.status == 401:
            self._access.answer(answer.headers["www-authenticate"])

    def tagged(self, reference: str) -> str | None:
        """The digest that a tag (or a digest) leads to; None where it leads nowhere."""
        answer = self._asked("HEAD", f"/manifests/{reference}")
        if answer.status == 404:
            return None
        digest = answer.headers.get("docker-content-digest", "")
        return digest if is_digest(digest) else content_digest(self.manifest(reference))

    def manifest(self, reference: str) -> bytes:
        answer = self._asked("GET", f"/manifests/{reference}")
        if answer.status != 200:
            raise refused(self._target, f"the manifest {reference}", answer, known=self._known)
        return answer.body

    def held(self, blob: Blob) -> int | None:
        """How many bytes of it are there, None where nothing is; a registry that tells no size is believed."""
        answer = self._asked("HEAD", f"/blobs/{blob.digest}")
        if answer.status != 200:
            return None
        size = answer.headers.get("content-length", "")
        return int(size) if size.isdecimal() and len(size) <= 18 else blob.size

    def put_manifest(self, body: bytes, media_type: str, reference: str) -> None:
        """By digest, or under a tag; either may be done again."""
        url, kind = f"{self._target.api}/manifests/{reference}", {"content-type": media_type}
        answer = self._sender.repeated(lambda: self._sent("PUT", url, body, kind))
        if answer.status not in (200, 201, 202):
            raise refused(self._target, f"the manifest {reference}", answer, known=self._known)
        told = answer.headers.get("docker-content-digest")
        if told is not None and told != content_digest(body):
            raise HashMismatch(f"{self._target.host} stored another manifest: {told}", "push again")

    def put_blob(self, blob: Blob, notify: Notify) -> bool:
        """Whether it had to be sent. What is begun anew asks first whether it is there by now.

        Raises HashMismatch where the registry holds a part of it and keeps that.
        """
        return self._sender.repeated(lambda: self._put_once(blob, Told(notify, blob.size)))

    # --- one upload ---------------------------------------------------------------------------------------------

    def _put_once(self, blob: Blob, told: Told) -> bool:
        before = self.held(blob)
        if before == blob.size:
            return False
        self._upload(blob, told)
        if before is not None and (after := self.held(blob)) != blob.size:
            raise HashMismatch(
                f"{self._target.host} has {after} bytes of the blob {blob.digest}, not {blob.size}, and keeps them",
                "its operator must remove the broken blob; or push to another repository",
            )
        return True

    def _upload(self, blob: Blob, told: Told) -> None:
        session = self._opened()
        while True:
            try:
                told.at(session.at)
                self._finish(session, blob, told)
                return
            except Broken:
                further = self._kept(session)
                if further is None or further.at <= session.at or further.at > blob.size:
                    raise
                session = further

    def _opened(self) -> Session:
        url = f"{self._target.api}/blobs/uploads/"
        answer = self._sent("POST", url, b"", {})
        if answer.status != 202:
            raise refused(self._target, "an upload", answer, known=self._known)
        return Session(self._location(answer, url), 0)

    def _finish(self, session: Session, blob: Blob, told: Told) -> None:
        """The whole of it in one request; or what is left, and then its name."""
        if session.at:
            span = {"content-type": BINARY, "content-range": f"{session.at}-{blob.size - 1}"}
            rest = _from(blob.body, session.at)
            answer = self._sent("PATCH", session.url, rest, span, told)
            if answer.status not in (202, 204):
                raise refused(self._target, "the rest of an upload", answer, known=self._known)
            session = Session(self._location(answer, session.url), blob.size)
        body = _from(blob.body, session.at)
        url = f"{session.url}{'&' if '?' in session.url else '?'}digest={blob.digest}"
        answer = self._sent("PUT", url, body, {"content-type": BINARY}, told)
        if answer.status not in (201, 202, 204):
            raise refused(self._target, f"the blob {blob.digest}", answer, known=self._known)

    def _kept(self, session: Session) -> Session | None:
        """How much of a broken upload the registry kept; many keep nothing."""
        headers = self._access.headers() if self._is_ours(session.url) else {}
        answer = self._web.get(session.url, limit=LARGEST, headers=headers, trusted=True)
        first, _, last = answer.headers.get("range", "").removeprefix("bytes=").partition("-")
        if answer.status != 204 or first != "0" or not last.isdecimal() or len(last) > 18:
            return None
        return Session(self._location(answer, session.url), int(last) + 1 if int(last) else 0)

    def _location(self, answer: Response, url: str) -> str:
        """Where the upload goes on. It may be another server, but not one that is less protected."""
        place = joined(url, answer.headers.get("location") or url)
        if url_parts(place).scheme != "https" and not (self._target.plain_http and self._is_ours(place)):
            raise InfraError(
                f"{self._target.host} wants the upload at an address that is not protected",
                "its operator must make it tell https addresses (http.host, relativeurls of the registry)",
            )
        return place

    # --- one request --------------------------------------------------------------------------------------------

    @property
    def _known(self) -> bool:
        return bool(self._access.headers())

    def _is_ours(self, url: str) -> bool:
        """Whether the URL is the registry's own; others get no credentials."""
        return url_parts(url)[:2] == urlsplit(self._target.base)[:2]

    def _asked(self, method: str, path: str) -> Response:
        for last in (False, True):
            headers = {"accept": ACCEPT, **self._access.headers()}
            url = f"{self._target.api}{path}"
            if method == "HEAD":
                answer = self._web.head(url, headers=headers, trusted=True)
            else:
                answer = self._web.get(url, limit=LARGEST, headers=headers, trusted=True)
            if answer.status != 401 or last or not self._access.answer(answer.headers.get("www-authenticate", "")):
                break
        if answer.status not in (200, 404):
            raise refused(self._target, f"a look at {self._target.name}", answer, known=self._known)
        return answer

    def _sent(
        self, method: str, url: str, body: bytes | Part, headers: dict[str, str], told: Told | None = None
    ) -> Response:
        """With credentials where they belong; once more where they had aged."""
        for last in (False, True):
            own = self._access.headers() if self._is_ours(url) else {}
            answer = self._sender.send(method, url, body, headers={**headers, **own}, sent=told)
            if answer.status != 401 or last or not self._access.answer(answer.headers.get("www-authenticate", "")):
                break
        return answer


def _from(body: bytes | Part, start: int) -> bytes | Part:
    if isinstance(body, bytes):
        return body[start:]
    return Part(body.path, body.start + start, body.size - start)
