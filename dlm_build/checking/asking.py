"""One address of an item, asked: what its answer, its first bytes and its headers say about what was promised."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

from dlm_build.errors import DlmBuildError, InfraError, shown
from dlm_build.fetching.pages import fix_for, object_url, says, stood_in
from dlm_build.fetching.peek import Glimpse, Peeker
from dlm_build.fetching.urls import checked_url, shown_url
from dlm_build.findings.online import (
    AddressNotAllowed,
    AllowedHere,
    AsideNotAllowed,
    AssetIsAnotherThing,
    AssetNotServed,
    ChecksumDiffers,
    CouldNotBeAsked,
    ModelIsAnotherThing,
    ModelNotServed,
    NeededIsAnotherThing,
    NeededNotServed,
    SizeDiffers,
)
from dlm_build.local_files import is_endless
from dlm_build.magic import HEAD, StandIn, stand_in
from dlm_build.records import Finding, Record

_HEX = re.compile(r"[0-9a-f]{64}")
_DIGEST = re.compile(r"sha-256=:?([A-Za-z0-9+/]{43}=):?")
_PUBLIC = "make the file public; dlm-build sends no credentials"
_AGAIN = "correct the address, or publish the file again"


class Wanted(Record, frozen=True, kw_only=True):
    """An address that a build asks for, and what it would want to find there."""

    href: str
    pointer: str
    is_model: bool = False
    """Whether a build stops without it."""
    is_used: bool = True
    """Whether a build asks for it at all."""
    is_page: bool = False
    """Whether people are meant to read it, so that a page is right."""
    trusted: bool = False
    """Whether it is on the server that the operator chose to read the item from."""
    sha256: str | None = None
    size: int | None = None


def asked(wanted: Wanted, peeker: Peeker) -> tuple[Finding, ...]:
    """What there is to say about a URL. No answer is a finding too, and never an error."""
    here = tuple(allowed_here(wanted.pointer, wanted.href)) if wanted.is_used and not wanted.trusted else ()
    try:
        seen = peeker.peek(wanted.href, trusted=wanted.trusted)
    except InfraError as problem:
        return (*here, CouldNotBeAsked.at(wanted.pointer, found=_shown(wanted), why=problem.message, how=problem.hint))
    except DlmBuildError as problem:
        kind = AddressNotAllowed if wanted.is_used else AsideNotAllowed
        return (kind.at(wanted.pointer, found=_shown(wanted), why=problem.message, how=problem.hint),)
    return (*here, *_judged(wanted, seen))


def allowed_here(pointer: str, url: str) -> Iterator[Finding]:
    """That `url`, which was not refused, is asked by leave of this site only."""
    try:
        checked_url(url, trusted=False)
    except DlmBuildError:
        yield AllowedHere.at(pointer, found=shown_url(url))


def looked_at(wanted: Wanted, path: Path) -> tuple[Finding, ...]:
    """The same for a file of this machine, which nobody needs to be asked for."""
    how = "put it there, or correct the href; relative ones are read from the item's own folder"
    try:
        if is_endless(path):
            return (_not_served(wanted, "is a pipe or a device here, not a file", how),)
        with path.open("rb") as stream:
            head, size = stream.read(HEAD), path.stat().st_size
    except OSError as problem:
        return (_not_served(wanted, f"is no file here: {problem.strerror}", how),)
    found = None if wanted.is_page else stand_in(head)
    if found:
        return (_another_thing(wanted, says(found), fix_for(found)),)
    return (_size_differs(wanted, size),) if wanted.size not in (None, size) else ()


def _judged(wanted: Wanted, seen: Glimpse) -> Iterator[Finding]:
    if refused := _refusal(seen.status):
        yield _not_served(wanted, *refused)
        return
    if wanted.is_page:
        return
    if found := stand_in(seen.head):
        yield _stands_in(wanted, found, seen.url)
        return
    if wanted.size is not None and seen.size not in (None, wanted.size):
        yield _size_differs(wanted, seen.size or 0)
    served = served_sha256(seen.headers)
    if wanted.sha256 and served and served != wanted.sha256:
        yield ChecksumDiffers.at(wanted.pointer, found=wanted.sha256, served=served)


def _refusal(status: int) -> tuple[str, str] | None:
    """What a status says, and what to do; None for a success."""
    if 200 <= status < 300:
        return None
    if status in (401, 403, 407):
        return f"is refused ({status})", _PUBLIC
    return (f"is not there ({status})" if status in (404, 410) else f"is answered with {status}"), _AGAIN


def _stands_in(wanted: Wanted, found: StandIn, url: str) -> Finding:
    problem = stood_in(found, url, wanted.href)
    what = says(found) + (f': "{shown(found.said)}"' if found.said else "")
    if found.what == "lfs-pointer" and object_url(wanted.href) and found.sha256 not in (None, wanted.sha256):
        what += f"; the file has the sha256 {found.sha256}"
    host = shown_url(url)
    moved = "" if host == shown_url(wanted.href) else f"leads to {host}, which "
    return _another_thing(wanted, moved + what, problem.hint)


def _not_served(wanted: Wanted, what: str, how: str) -> Finding:
    kind = ModelNotServed if wanted.is_model else NeededNotServed if wanted.is_used else AssetNotServed
    return kind.at(wanted.pointer, found=_shown(wanted), what=what, how=how)


def _another_thing(wanted: Wanted, what: str, how: str) -> Finding:
    kind = ModelIsAnotherThing if wanted.is_model else NeededIsAnotherThing if wanted.is_used else AssetIsAnotherThing
    return kind.at(wanted.pointer, found=_shown(wanted), what=what, how=how)


def _size_differs(wanted: Wanted, served: int) -> Finding:
    return SizeDiffers.at(wanted.pointer, found=wanted.size, served=served)


def served_sha256(headers: Mapping[str, str]) -> str | None:
    """The digest that a server tells in its headers, where it is sure to be a sha256 of the file."""
    for name in ("x-linked-etag", "x-checksum-sha256", "etag"):
        value = headers.get(name, "").removeprefix("W/").strip('"').lower()
        if _HEX.fullmatch(value):
            return value
    for name in ("repr-digest", "digest", "x-amz-checksum-sha256"):
        text = headers.get(name, "")
        found = _DIGEST.search(re.sub("^SHA-256", "sha-256", text)) or re.fullmatch(r"([A-Za-z0-9+/]{43}=)", text)
        if found:
            try:
                return base64.b64decode(found[1], validate=True).hex()
            except binascii.Error:
                continue
    return None


def _shown(wanted: Wanted) -> str:
    """Without its query, where tokens live."""
    return shown_url(wanted.href)
