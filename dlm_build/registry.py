"""Container registries: which digests an image really has, and its layers where no engine fetches them.

Every manifest asked for by digest is hashed. Mirrors from the settings are asked before the registry itself.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, Literal
from urllib.parse import quote, urlencode

import msgspec
from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import (
    AccessRefused,
    DlmBuildError,
    HashMismatch,
    InfraError,
    ResourceExceeded,
    SourceGone,
    shown,
)
from dlm_build.fetch import Fetcher, Response
from dlm_build.fetching.urls import url_parts
from dlm_build.oci import content_digest, is_digest
from dlm_build.progress import Notify
from dlm_build.records import BaseImage, Record
from dlm_build.store import Store, Stored

INDEX_TYPES = ("application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json")
MANIFEST_TYPES = ("application/vnd.oci.image.manifest.v1+json", "application/vnd.docker.distribution.manifest.v2+json")
ACCEPT = ", ".join((*INDEX_TYPES, *MANIFEST_TYPES))
GIVE_UP_AFTER = 3
"""Failures in a row after which an address is not asked again."""
LARGEST = 4 << 20
"""Bytes of a manifest or image configuration."""
_HOSTS = {"docker.io": "registry-1.docker.io"}
"""Registries that answer at another name than images are called by."""
_CHALLENGE = re.compile(r'([A-Za-z_]{1,32})="([^"]{0,2000})"')

State = Literal["alive", "dead"]


class Manifest(Record, frozen=True, kw_only=True):
    """One manifest as a registry sent it, its digest computed from its bytes."""

    digest: str
    content: dict[str, Any]

    @property
    def is_index(self) -> bool:
        return "manifests" in self.content


class Registry:
    """Anonymous, read-only client. `fetch` is the door to HTTP; registries and mirrors are the operator's choice."""

    def __init__(self, fetch: Fetcher, settings: Settings) -> None:
        self.settings = settings
        self._fetch = fetch
        self._failures: dict[str, int] = {}
        self._tokens: dict[str, str] = {}

    def resolve(self, image: BaseImage) -> BaseImage:
        """`image` with the digests it has at the registry, linux/amd64 always among them.

        An index decides which platform manifest is meant. Raises SourceGone where the registry answers that the pin
        is not there, HashMismatch where the bytes are others, InfraError where no registry or mirror can be reached.
        """
        pinned = image.index_digest or image.platform_digest
        found = self.manifest(image.repository, pinned or image.tag)
        if not found.is_index:
            self._check_platform(image, found)
            return replace(image, index_digest=None, platform_digest=found.digest)
        child = _amd64_of(found, image)
        self.manifest(image.repository, child)
        return replace(image, index_digest=found.digest, platform_digest=child)

    def manifest(self, repository: str, reference: str) -> Manifest:
        """By tag or digest. Raises as `resolve` does."""
        host, name = _split(repository)
        pin = reference if is_digest(reference) else None
        body = self._asked(host, f"{name}/manifests/{reference}", f"{repository} {reference}", pin).body
        return Manifest(digest=content_digest(body), content=_decoded(body, f"{repository} {reference}"))

    def document(self, repository: str, kind: Literal["manifests", "blobs"], digest: str) -> bytes:
        """A manifest or image configuration by digest, as its bytes. Raises as `resolve` does."""
        host, name = _split(repository)
        return self._asked(host, f"{name}/{kind}/{digest}", f"{repository} {digest}", digest).body

    def blob(self, image: BaseImage, digest: str, size: int, store: Store, notify: Notify) -> Stored:
        """A layer of `image` as an object of the store, where it is not one already. Raises as `resolve` does."""
        host, name = _split(image.repository)
        wanted = Stored(sha256=digest.removeprefix("sha256:"), size=size)
        problems: list[DlmBuildError] = []
        for base in () if store.has(wanted.sha256) else self._endpoints(host):
            try:
                return self._layer(f"{base}/v2/{name}", image.digest, wanted, store, notify)
            except (InfraError, SourceGone, HashMismatch, ResourceExceeded) as problem:
                problems.append(problem)
        if problems:
            raise next((problem for problem in problems if isinstance(problem, HashMismatch)), problems[-1])
        return wanted

    def _layer(self, place: str, manifest: str, wanted: Stored, store: Store, notify: Notify) -> Stored:
        """A token may expire while a layer comes: then another is asked for, once, and what has come is kept."""
        self._with_token(f"{place}/manifests/{manifest}", only_head=True)
        try:
            return self._downloaded(place, wanted, store, notify)
        except AccessRefused:
            if self._tokens.pop(place, None) is None:
                raise
        self._with_token(f"{place}/manifests/{manifest}", only_head=True)
        return self._downloaded(place, wanted, store, notify)

    def _downloaded(self, place: str, wanted: Stored, store: Store, notify: Notify) -> Stored:
        token = self._tokens.get(place)
        return self._fetch.download(
            f"{place}/blobs/sha256:{wanted.sha256}",
            store,
            expect=wanted.sha256,
            size=wanted.size,
            notify=notify,
            trusted=True,
            headers={"authorization": f"Bearer {token}"} if token else {},
        )

    def state(self, repository: str, digest: str) -> State:
        """Whether the registry still has it, without fetching it. Raises InfraError where none can be reached."""
        host, name = _split(repository)
        try:
            self._asked(host, f"{name}/manifests/{digest}", f"{repository}@{digest}", only_head=True)
        except SourceGone:
            return "dead"
        return "alive"

    def _check_platform(self, image: BaseImage, found: Manifest) -> None:
        """A single manifest does not say what it is for; its configuration does."""
        described = found.content.get("config")
        digest = described.get("digest") if isinstance(described, dict) else None
        if not isinstance(digest, str) or not is_digest(digest):
            raise InfraError(
                f"{image.repository}: the manifest {found.digest} has no configuration", "use another base"
            )
        body = self.document(image.repository, "blobs", digest)
        config = _decoded(body, f"{image.repository} {digest}")
        if (config.get("os"), config.get("architecture")) != ("linux", "amd64"):
            system = f"{shown(str(config.get('os')))}/{shown(str(config.get('architecture')))}"
            raise SourceGone(f"{image.repository}@{found.digest} is for {system}", "use the linux/amd64 digest")

    def _asked(
        self, host: str, path: str, what: str, digest: str | None = None, *, only_head: bool = False
    ) -> Response:
        """The first good answer of the mirrors and the registry: of these very bytes, where their digest is known."""
        gone: list[str] = []
        unreachable: list[str] = []
        other: list[str] = []
        for base in self._endpoints(host):
            if self._failures.get(base, 0) >= GIVE_UP_AFTER:
                unreachable.append(f"{base}: did not answer {GIVE_UP_AFTER} times, not asked again")
                continue
            try:
                answer = self._with_token(f"{base}/v2/{path}", only_head)
            except (InfraError, ResourceExceeded) as problem:
                self._failures[base] = self._failures.get(base, 0) + 1
                unreachable.append(f"{base}: {problem.message}")
                continue
            self._failures[base] = 0
            if answer.status == 200 and digest in (None, content_digest(answer.body)):
                return answer
            if answer.status == 200:
                other.append(f"{base}: {content_digest(answer.body)}")
                continue
            (gone if answer.status in (401, 403, 404) else unreachable).append(f"{base}: status {answer.status}")
        if other:
            raise HashMismatch(f"{what} arrived as other bytes ({'; '.join(other)})", "that mirror may be broken")
        if unreachable:
            raise _unreachable(host, what, [*gone, *unreachable])
        hint = "the pin died: choose another with --base, or `dlm-build bases list`"
        raise SourceGone(f"{what} is not there ({'; '.join(gone)})", hint)

    def _endpoints(self, host: str) -> Iterator[str]:
        own = self.settings.registries.get(host)
        yield from (mirror.rstrip("/") for mirror in (own.mirrors if own else ()))
        yield base_url(host, self.settings)

    def _with_token(self, url: str, only_head: bool) -> Response:
        """One request, repeated once with a token where the registry hands them out to anyone."""
        scope = url.rpartition("/manifests/")[0] or url.rpartition("/blobs/")[0]
        answer = self._request(url, only_head, self._tokens.get(scope))
        if answer.status != 401:
            return answer
        token = self._token(_header(answer, "www-authenticate"))
        if token is None:
            return answer
        self._tokens[scope] = token
        return self._request(url, only_head, token)

    def _request(self, url: str, only_head: bool, token: str | None) -> Response:
        headers = {"Accept": ACCEPT} | ({"Authorization": f"Bearer {token}"} if token else {})
        if only_head:
            return self._fetch.head(url, headers=headers, trusted=True)
        return self._fetch.get(url, limit=LARGEST, headers=headers, trusted=True)

    def _token(self, challenge: str) -> str | None:
        """Anonymous pull token of a `Bearer` challenge; None where it is none, or names no https address."""
        scheme, fields = parse_challenge(challenge)
        realm = fields.pop("realm", "")
        if scheme != "bearer" or not realm.startswith("https://") or not url_parts(realm).hostname:
            return None
        wanted = urlencode([(key, fields[key]) for key in ("service", "scope") if key in fields])
        answer = self._fetch.get(f"{realm}{'&' if '?' in realm else '?'}{wanted}", limit=LARGEST, trusted=True)
        if answer.status != 200:
            return None
        given = _decoded(answer.body, "the registry's token")
        token = given.get("token") or given.get("access_token")
        return token if isinstance(token, str) and re.fullmatch(r"[\x21-\x7e]{1,8192}", token) else None


def base_url(host: str, settings: Settings) -> str:
    """Of the registry that images name as `host`: https, but for this machine itself and where the settings say."""
    own = settings.registries.get(host)
    plain = (own and own.plain_http) or re.fullmatch(r"(localhost|127\.0\.0\.1|\[::1\])(:\d+)?", host)
    return f"{'http' if plain else 'https'}://{_HOSTS.get(host, host)}"


def parse_challenge(text: str) -> tuple[str, dict[str, str]]:
    """Scheme in lower case, and the quoted parameters, of a `WWW-Authenticate` header."""
    scheme, _, rest = text.partition(" ")
    return scheme.lower(), dict(_CHALLENGE.findall(rest[:8192]))


def _split(repository: str) -> tuple[str, str]:
    """Registry host and the path of the repository, safe in a URL."""
    host, _, name = repository.partition("/")
    return host, quote(name)


def _decoded(body: bytes, what: str) -> dict[str, Any]:
    try:
        content = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, msgspec.ValidationError, RecursionError):
        raise InfraError(
            f"{what}: the registry's answer is not a JSON object", "check the mirrors in the settings"
        ) from None
    return content


def _amd64_of(index: Manifest, image: BaseImage) -> str:
    rows = index.content["manifests"]
    for row in rows if isinstance(rows, list) else []:
        platform = row.get("platform") if isinstance(row, dict) else None
        if not isinstance(platform, dict) or platform.get("os") != "linux" or platform.get("architecture") != "amd64":
            continue
        digest = row.get("digest")
        if isinstance(digest, str) and is_digest(digest):
            return digest
    raise SourceGone(f"{image.repository}@{index.digest} has no linux/amd64 image", "choose another base with --base")


def _header(answer: Response, name: str) -> str:
    return next((value for key, value in answer.headers.items() if key.lower() == name), "")


def _unreachable(host: str, what: str, problems: list[str]) -> InfraError:
    hint = f'set `mirrors` under [registries."{host}"] in the settings to a registry this machine reaches'
    return InfraError(f"{what}: {'; '.join(problems)}", hint)
