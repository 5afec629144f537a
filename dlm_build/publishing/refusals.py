"""What a registry means when it refuses, and what the operator does about it."""

from __future__ import annotations

import re
from typing import Any

import msgspec

from dlm_build.errors import DlmBuildError, InfraError, UsageError, shown
from dlm_build.fetch import Response
from dlm_build.publishing.target import Target

_TOO_LARGE = re.compile(r"too large|\b413\b")


def refused(target: Target, what: str, answer: Response, *, known: bool) -> DlmBuildError:
    """The error for an unexpected answer; `known` tells whether the registry was shown credentials."""
    told = _told(answer.body)
    said = f"{target.host} refuses {what}: {answer.status}" + (f" ({told})" if told else "")
    if answer.status in (401, 403):
        return UsageError(said, _login(target, known))
    if answer.status == 404:
        return UsageError(
            said, f"create the repository {target.name} there first, or correct its name; some registries want that"
        )
    if answer.status == 405:
        return UsageError(said, "this registry, or a mirror in its place, is read-only")
    if answer.status == 413:
        return InfraError(said, "the registry, or a proxy before it, limits the size of uploads; ask its operator")
    if answer.status == 507:
        return InfraError(said, "the registry has no space left; ask its operator")
    return InfraError(said, "see what this registry allows; push again to go on where it stopped")


def no_registry(target: Target, answer: Response) -> UsageError:
    return UsageError(
        f"{target.host} answers {answer.status} to {target.base}/v2/: that is no container registry",
        "correct the registry's name; its API stands at the top of the host",
    )


def unreached(target: Target, problem: InfraError) -> InfraError:
    """The same failure, with what is to be done about a registry: no mirror stands in for it."""
    if "WRONG_VERSION_NUMBER" in problem.message or "record layer failure" in problem.message:
        return InfraError(
            f"{target.host} speaks http, not https",
            f'use its https port, or set plain_http = true under [registries."{target.host}"] in the settings',
        )
    if problem.hint.startswith("check the network"):
        return InfraError(problem.message, f"see whether {target.host} is up and its name and port are right")
    return problem


def engine_refused(target: Target, text: str, *, known: bool) -> DlmBuildError:
    """What the Docker engine says when it could not push."""
    said = f"the Docker engine could not push to {target.host}: {shown(text, 400)}"
    low = _without_addresses(text.lower())
    if any(word in low for word in ("unauthorized", "denied", "authentication required", "no basic auth", "forbidden")):
        return UsageError(said, _login(target, known))
    if "server gave http response to https client" in low:
        return InfraError(said, f'add "{target.host}" to insecure-registries in the engine\'s daemon.json')
    if "x509" in low or "certificate" in low:
        return InfraError(said, f"put the registry's CA into /etc/docker/certs.d/{target.host}/ca.crt of the engine")
    if _TOO_LARGE.search(low):
        return InfraError(said, "the registry, or a proxy before it, limits the size of uploads; ask its operator")
    return InfraError(said, "push again: what arrived is not sent twice")


def _without_addresses(text: str) -> str:
    """Names, ports and digests may hold any word and any number."""
    return " ".join(word for word in text.split() if "/" not in word and not word.startswith("sha256:"))


def _login(target: Target, known: bool) -> str:
    if known:
        return f"these credentials may not push to {target.name}; `docker login {target.host}` with others"
    return f"`docker login {target.host}` (or `apptainer registry login`), then push again"


def _told(body: bytes) -> str:
    """The registry's own words, escaped."""
    try:
        told: Any = msgspec.json.decode(body)
        rows = told["errors"]
        return shown("; ".join(f"{row.get('code', '')} {row.get('message', '')}".strip() for row in rows[:3]), 200)
    except (msgspec.DecodeError, KeyError, TypeError, AttributeError, RecursionError):
        return ""
