"""Pushing images to the stack's registry: blobs, manifests and indexes over its HTTP API."""

from __future__ import annotations

import hashlib
import http.client
import json
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from tests.stack.shell import StackError

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"


@dataclass(frozen=True)
class Blob:
    """Something a manifest points at."""

    media_type: str
    digest: str
    size: int

    def descriptor(self, **more: object) -> dict[str, object]:
        return {"mediaType": self.media_type, "digest": self.digest, "size": self.size, **more}


def canonical(value: object) -> bytes:
    """JSON bytes that depend on nothing but the value, so that digests stay put."""
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def digest_of(data: bytes) -> str:
    return "sha256:" + hashlib.sha256(data).hexdigest()


@dataclass(frozen=True)
class Repository:
    """One repository of the registry on a loopback port."""

    port: int
    name: str

    def push_file(self, path: Path, digest: str, media_type: str = LAYER) -> Blob:
        """Upload a file whose digest the caller knows; nothing is sent when the registry has it."""
        blob = Blob(media_type, digest, path.stat().st_size)
        if not self._has(f"blobs/{digest}"):
            with path.open("rb") as stream:
                self._upload(digest, blob.size, stream)
        return blob

    def push_bytes(self, data: bytes, media_type: str) -> Blob:
        """Upload a small blob."""
        blob = Blob(media_type, digest_of(data), len(data))
        if not self._has(f"blobs/{blob.digest}"):
            self._upload(blob.digest, blob.size, data)
        return blob

    def put_manifest(self, data: bytes, media_type: str, reference: str = "") -> Blob:
        """Store a manifest or index under its digest, or under a tag when ``reference`` names one."""
        blob = Blob(media_type, digest_of(data), len(data))
        path = f"/v2/{self.name}/manifests/{reference or blob.digest}"
        self._call("PUT", path, 201, data, {"Content-Type": media_type})
        return blob

    def has_manifest(self, reference: str) -> bool:
        return self._has(f"manifests/{reference}")

    def _has(self, what: str) -> bool:
        accept = {"Accept": f"{MANIFEST}, {INDEX}"}
        return self._ask("HEAD", f"/v2/{self.name}/{what}", b"", accept)[0] == 200

    def _upload(self, digest: str, size: int, data: bytes | BinaryIO) -> None:
        location = self._call("POST", f"/v2/{self.name}/blobs/uploads/", 202, b"", {})
        parts = urlsplit(location)
        headers = {"Content-Type": "application/octet-stream", "Content-Length": str(size)}
        self._call("PUT", f"{parts.path}?{parts.query}&digest={digest}", 201, data, headers)

    def _call(self, method: str, path: str, wanted: int, data: bytes | BinaryIO, headers: dict[str, str]) -> str:
        status, location, said = self._ask(method, path, data, headers)
        if status != wanted:
            raise StackError(f"registry answered {status} to {method} {path.partition('?')[0]}: {said[:200]!r}")
        return location

    def _ask(self, method: str, path: str, data: bytes | BinaryIO, headers: dict[str, str]) -> tuple[int, str, bytes]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)
        try:
            connection.request(method, path, body=data, headers=headers)
            answer = connection.getresponse()
            return answer.status, answer.getheader("Location", ""), answer.read()
        except OSError as error:
            raise StackError(f"registry on port {self.port}: {error}", "run `python -m tests.stack up`") from None
        finally:
            connection.close()
