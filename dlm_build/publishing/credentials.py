"""Whom a registry is told we are: from the files that `docker login` and `apptainer registry login` write.

Read only, and only when a registry asks or the Docker engine pushes. A secret is in no message and no record.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from dlm_build.errors import InfraError, UsageError, shown
from dlm_build.proc import Programs

LARGEST = 4 << 20
_HUB = ("docker.io", "index.docker.io", "registry-1.docker.io")
_HELPER = re.compile(r"[A-Za-z0-9._-]{1,64}")
_TOKEN = "<token>"  # noqa: S105 - the name that helpers give to identity tokens


class Credentials:
    """A user and his secret, or a token that stands for both."""

    def __init__(self, user: str, secret: str, *, identity: bool = False) -> None:
        self.user, self.secret, self.identity = user, secret, identity

    def basic(self) -> str:
        """The value of an `Authorization` header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.secret}".encode()).decode()

    def for_engine(self) -> dict[str, str]:
        """As the Docker engine wants it."""
        return {"identitytoken": self.secret} if self.identity else {"username": self.user, "password": self.secret}


def find_credentials(host: str, environment: Mapping[str, str], programs: Programs) -> Credentials | None:
    """The first that a file has for the registry `host`; None where nobody logged in.

    Raises UsageError for a file that cannot be read, InfraError for a credential helper that fails.
    """
    for path in _files(environment):
        if found := _in_file(path, host, programs):
            return found
    return None


def _files(environment: Mapping[str, str]) -> Iterator[Path]:
    home = Path(environment.get("HOME") or "/")
    yield Path(environment.get("DOCKER_CONFIG") or home / ".docker") / "config.json"
    yield home / ".apptainer" / "docker-config.json"
    yield home / ".singularity" / "docker-config.json"


def _in_file(path: Path, host: str, programs: Programs) -> Credentials | None:
    told = _parsed(path)
    helpers, rows = _table(told, "credHelpers", path), _table(told, "auths", path)
    named = next((helpers[name] for name in _names(host) if name in helpers), told.get("credsStore"))
    row = next((row for key, row in rows.items() if _bare(key) in _names(host)), None)
    if named and (found := _from_helper(named, host, path, programs)):
        return found
    return _from_row(row, path, host) if row else None


def _parsed(path: Path) -> dict[str, Any]:
    try:
        if not path.is_file():
            return {}
        with path.open("rb") as stream:
            return msgspec.json.decode(stream.read(LARGEST), type=dict[str, Any])
    except OSError as problem:
        raise UsageError(f"{path}: {problem.strerror}", "make it readable, or log in again") from problem
    except (msgspec.DecodeError, RecursionError):
        raise UsageError(f"{path} is not a JSON object", "correct it, or log in again") from None


def _table(told: dict[str, Any], name: str, path: Path) -> dict[str, Any]:
    table = told.get(name) or {}
    if not isinstance(table, dict):
        raise UsageError(f"{path}: /{name} is not an object", "correct it, or log in again")
    return table


def _names(host: str) -> tuple[str, ...]:
    return _HUB if host in _HUB else (host,)


def _bare(key: str) -> str:
    """Keys are hosts, or URLs like `https://index.docker.io/v1/`."""
    return re.sub(r"^https?://|/(v[12]/?)?$", "", key)


def _from_row(row: object, path: Path, host: str) -> Credentials | None:
    place = f"{path}: /auths/{shown(host)}"
    if not isinstance(row, dict):
        raise UsageError(f"{place} is not an object", f"`docker login {host}` again")
    if isinstance(token := row.get("identitytoken"), str) and token:
        return Credentials(_TOKEN, token, identity=True)
    if isinstance(row.get("username"), str) and isinstance(row.get("password"), str):
        return Credentials(row["username"], row["password"])
    if not row.get("auth"):
        return None
    try:
        user, colon, secret = base64.b64decode(row["auth"], validate=True).decode("utf-8").partition(":")
    except (binascii.Error, UnicodeDecodeError, TypeError, ValueError):
        colon = ""
    if not colon:
        raise UsageError(f"{place}/auth is not base64 of user:password", f"`docker login {host}` again")
    return Credentials(user, secret.rstrip("\0"))


def _from_helper(name: object, host: str, path: Path, programs: Programs) -> Credentials | None:
    if not isinstance(name, str) or not _HELPER.fullmatch(name):
        raise UsageError(f"{path}: {shown(str(name))} is no name of a credential helper", "correct it")
    asked = "https://index.docker.io/v1/" if host in _HUB else host
    ended = programs.run((f"docker-credential-{name}", "get"), stdin=asked.encode(), timeout=60)
    if ended.status != 0:
        if "not found" in (ended.stdout + ended.stderr).lower():
            return None
        raise InfraError(f"docker-credential-{name} fails: {shown(ended.tail(3), 300)}", f"see {path}, or log in again")
    try:
        told = msgspec.json.decode(ended.stdout, type=dict[str, Any])
        user, secret = told["Username"], told["Secret"]
    except (msgspec.DecodeError, KeyError):
        raise InfraError(f"docker-credential-{name} gives no Username and Secret", "log in again") from None
    return Credentials(str(user), str(secret), identity=user == _TOKEN) if secret else None
