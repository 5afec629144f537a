"""A registry on loopback, as strict as the specification, that fails where it is told to."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

NAME = "lab/coast"
Fault = Callable[["Answering"], bool]
"""Whether it answered, or broke off, in the registry's place."""


class Registry:
    """What it holds, what it was asked, and how it fails."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.blobs: dict[str, bytes] = {}
        self.manifests: dict[str, tuple[str, bytes]] = {}
        """By digest: media type and bytes."""
        self.tags: dict[str, str] = {}
        self.uploads: dict[str, bytes] = {}
        self.asked: list[tuple[str, str]] = []
        self.authorizations: list[str] = []
        self.faults: list[Fault] = []
        """Each is tried once per request until it says that it did something; then it is gone."""
        self.keeps_parts = False
        """Whether what arrived of a broken upload can be gone on with."""
        self.scheme: str | None = None
        """`basic` or `bearer`: how it wants to know who asks."""
        self.user = "ada:secret"
        self.valid_token = "t1"

    @property
    def host(self) -> str:
        return f"127.0.0.1:{self.port}"

    def count(self, method: str, part: str = "") -> int:
        return sum(one == method and part in path for one, path in self.asked)


class Answering(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 10
    registry: Registry

    def _any(self) -> None:
        told = self.registry
        parts = urlsplit(self.path)
        told.asked.append((self.command, self.path))
        if header := self.headers.get("authorization"):
            told.authorizations.append(header)
        for fault in list(told.faults):
            if fault(self):
                told.faults.remove(fault)
                return
        if parts.path == "/token":
            self._token()
        elif self._allowed():
            self._serve(parts.path, {name: value[0] for name, value in parse_qs(parts.query).items()})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = _any

    def log_message(self, *args: object) -> None: ...

    def say(self, status: int, body: bytes = b"", **headers: str) -> None:
        self.send_response_only(status)
        for name, value in {"content_length": str(len(body)), **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def refuse(self, status: int, code: str = "DENIED", **headers: str) -> None:
        self.body()  # as servers do that want their answer heard
        told = {"errors": [{"code": code, "message": "no \x1b[31mway"}]}
        self.say(status, json.dumps(told).encode(), **headers)

    def body(self) -> bytes:
        """What is left of it."""
        left, self.headers["x-left"] = int(self.headers.get("x-left", self.headers.get("content-length", "0"))), "0"
        return self.rfile.read(left)

    def take(self, count: int) -> None:
        """Read so many bytes of the body, keep them where this registry keeps parts, and hang up."""
        arrived = self.rfile.read(count)
        if self.registry.keeps_parts:
            self.registry.uploads[urlsplit(self.path).path] += arrived
        self.close_connection = True
        self.connection.close()

    def _allowed(self) -> bool:
        told, sent = self.registry, self.headers.get("authorization")
        good = {None: None, "basic": _basic(told.user), "bearer": f"Bearer {told.valid_token}"}[told.scheme]
        if told.scheme is None or sent == good:
            return True
        realm = f'realm="http://{told.host}/token",service="lab"' if told.scheme == "bearer" else 'realm="lab"'
        self.refuse(401, "UNAUTHORIZED", www_authenticate=f"{told.scheme.title()} {realm}")
        return False

    def _token(self) -> None:
        told, form = self.registry, parse_qs(urlsplit(self.path).query) or parse_qs(self.body().decode())
        assert form["scope"] == [f"repository:{NAME}:pull,push"] and form["service"] == ["lab"], form
        known = self.headers.get("authorization") == _basic(told.user) or form.get("refresh_token") == ["identity"]
        self.say(200, json.dumps({"token": told.valid_token}).encode()) if known else self.refuse(401)

    def _serve(self, path: str, query: dict[str, str]) -> None:
        told, own = self.registry, f"/v2/{NAME}"
        digest, upload = path.rpartition("/")[2], path.startswith(f"{own}/blobs/uploads/")
        if path == "/v2/":
            self.say(200)
        elif upload and self.command == "POST":
            place = f"{own}/blobs/uploads/{len(told.uploads)}"
            told.uploads[place] = b""
            self.say(202, location=f"{place}?state=1")
        elif upload and path in told.uploads:
            self._upload(path, query)
        elif path.startswith(f"{own}/blobs/"):
            self.say(200, told.blobs[digest]) if digest in told.blobs else self.refuse(404, "BLOB_UNKNOWN")
        elif path.startswith(f"{own}/manifests/"):
            self._manifest(digest)
        else:
            self.refuse(404, "NAME_UNKNOWN")

    def _upload(self, place: str, query: dict[str, str]) -> None:
        told = self.registry
        if self.command == "GET":
            if not told.keeps_parts:
                self.refuse(404, "BLOB_UPLOAD_INVALID")
                return
            self.say(204, range=f"0-{max(0, len(told.uploads[place]) - 1)}", location=f"{place}?state=2")
            return
        if self.command == "PATCH":
            span = re.fullmatch(r"(\d+)-(\d+)", self.headers["content-range"])
            assert span and int(span[1]) == len(told.uploads[place]), self.headers["content-range"]
        told.uploads[place] += self.body()
        if self.command == "PATCH":
            self.say(202, location=f"{place}?state=3")
            return
        if _digest(told.uploads[place]) != query["digest"]:
            self.refuse(400, "DIGEST_INVALID")
            return
        told.blobs[query["digest"]] = told.uploads[place]
        self.say(201, docker_content_digest=query["digest"])

    def _manifest(self, reference: str) -> None:
        told = self.registry
        if self.command == "PUT":
            raw = self.body()
            rows = json.loads(raw)
            assert all(row["digest"] in told.blobs for row in [rows["config"], *rows["layers"]]), "a blob is missing"
            digest = _digest(raw)
            told.manifests[digest] = (self.headers["content-type"], raw)
            if reference != digest:
                told.tags[reference] = digest
            self.say(201, docker_content_digest=digest)
            return
        digest = told.tags.get(reference, reference)
        if digest not in told.manifests:
            self.refuse(404, "MANIFEST_UNKNOWN")
            return
        kind, raw = told.manifests[digest]
        self.say(200, raw, content_type=kind, docker_content_digest=digest)


@contextmanager
def registry() -> Iterator[Registry]:
    class Bound(Answering): ...

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *args: object) -> None: ...

    http = Quiet(("127.0.0.1", 0), Bound)
    Bound.registry = Registry(http.server_address[1])
    thread = threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    yield Bound.registry
    http.shutdown()
    http.server_close()


def _basic(user: str) -> str:
    return "Basic " + base64.b64encode(user.encode()).decode()


def _digest(data: bytes) -> str:
    return f"sha256:{hashlib.sha256(data).hexdigest()}"
