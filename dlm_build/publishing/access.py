"""How a registry comes to trust us with one repository: basic credentials, or a token for them."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from typing import Any, Protocol
from urllib.parse import urlencode, urlsplit

import msgspec

from dlm_build.errors import InfraError, UsageError, shown
from dlm_build.fetch import Asker, Response
from dlm_build.fetching.sending import Sender
from dlm_build.fetching.urls import url_parts
from dlm_build.publishing.credentials import Credentials
from dlm_build.publishing.target import Target
from dlm_build.registry import parse_challenge

LARGEST = 1 << 20
CLIENT = "dlm-build"


class Web(Asker, Protocol):
    """As much of the door to HTTP as a push needs; `fetch.HttpFetcher` has it."""

    def sender(self) -> Sender: ...


class Access:
    """Asks as nobody until the registry wants to know who; then answers its challenge, again when a token ages."""

    def __init__(self, web: Web, target: Target, find: Callable[[], Credentials | None]) -> None:
        self._web, self._target, self._find = web, target, find
        self._asked = False
        self._credentials: Credentials | None = None
        self._header: str | None = None

    @property
    def credentials(self) -> Credentials | None:
        if not self._asked:
            self._credentials, self._asked = self._find(), True
        return self._credentials

    def headers(self) -> dict[str, str]:
        return {"authorization": self._header} if self._header else {}

    def answer(self, challenge: str) -> bool:
        """Whether there is something new to show to who challenges so. Raises UsageError, InfraError."""
        scheme, fields = parse_challenge(challenge)
        before = self._header
        if scheme == "basic":
            self._header = self.credentials.basic() if self.credentials else None
        elif scheme == "bearer":
            self._header = self._bearer(fields)
        return self._header is not None and self._header != before

    def _bearer(self, fields: Mapping[str, str]) -> str | None:
        realm = fields.get("realm", "")
        self._check(realm)
        wanted = {"scope": f"repository:{self._target.name}:pull,push"}
        if "service" in fields:
            wanted["service"] = fields["service"]
        answer = self._token(realm, wanted)
        if answer.status in (401, 403):
            raise UsageError(
                f"{self._target.host} does not accept the credentials for it", f"`docker login {self._target.host}`"
            )
        return _bearer_of(answer, self._target)

    def _token(self, realm: str, wanted: dict[str, str]) -> Response:
        known = self.credentials
        if known and known.identity:
            form = {**wanted, "grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": known.secret}
            kind = {"content-type": "application/x-www-form-urlencoded"}
            sender = self._web.sender()
            return sender.repeated(lambda: sender.send("POST", realm, urlencode(form).encode(), headers=kind))
        if known:
            wanted["account"] = known.user
        url = f"{realm}{'&' if '?' in realm else '?'}{urlencode(wanted)}"
        headers = {"authorization": known.basic()} if known else {}
        return self._web.get(url, limit=LARGEST, headers=headers, trusted=True)

    def _check(self, realm: str) -> None:
        """A password goes over https, or to a registry on http that the operator himself allowed, and no further."""
        parts = url_parts(realm)
        own = self._target.plain_http and parts.netloc == urlsplit(self._target.base).netloc
        if not parts.hostname or (parts.scheme != "https" and not own):
            raise InfraError(
                f"{self._target.host} wants its password sent to {shown(realm)}, which is not protected",
                "ask the registry's operator for a token service with https",
            )


def _bearer_of(answer: Response, target: Target) -> str:
    try:
        told = msgspec.json.decode(answer.body, type=dict[str, Any]) if answer.status == 200 else {}
    except (msgspec.DecodeError, RecursionError):
        told = {}
    token = told.get("token") or told.get("access_token")
    if not isinstance(token, str) or not re.fullmatch(r"[\x21-\x7e]{1,16384}", token):
        raise InfraError(f"{target.host}: its token service answers {answer.status} without a token", "try again later")
    return f"Bearer {token}"
