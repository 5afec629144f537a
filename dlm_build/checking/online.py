"""What the servers say that an item names: each address, the container image, the source. For `check --online`.

Nothing is downloaded but first bytes, manifests and commits. Every address is held to the rules of a build: https,
public, no credentials. What does not answer is said to be unasked, which is no fault of the item.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from threading import Semaphore
from typing import Protocol
from urllib.parse import urlsplit

from dlm_build.checking.asking import Wanted, allowed_here, asked, looked_at
from dlm_build.checking.images import image_findings
from dlm_build.checking.parts import runs_alone
from dlm_build.config import Settings
from dlm_build.errors import DlmBuildError, InfraError, SourceGone
from dlm_build.fetching.addresses import public_addresses
from dlm_build.fetching.peek import Peeker
from dlm_build.findings.online import CouldNotBeAsked, NotAllAsked, SourceNotThere, SourceStandsAt, UnusedSourceNotThere
from dlm_build.gathering.assets import is_own_server, local_path
from dlm_build.gathering.git import Repository
from dlm_build.gathering.remotes import Remote
from dlm_build.gathering.sources import source_repository
from dlm_build.hrefs import is_commit, read_href
from dlm_build.items.locations import meaning_of
from dlm_build.model_asset import models
from dlm_build.proc import Programs
from dlm_build.records import Asset, Finding, Item
from dlm_build.store import Store
from dlm_build.threads import Threads
from dlm_build.words import words_of

MOST = 100
"""Addresses of one item that are asked."""
AT_ONCE = 8
PER_HOST = 2
GIT_SECONDS = 60.0
_FOR_PEOPLE = frozenset({
    "documentation", "about", "metadata", "thumbnail", "overview", "license", "citation", "code", "source code",
    "mlm:source code", "example", "notebook",
})  # fmt: skip


class Doors(Protocol):
    """As much of what is outside as asking needs; `doors.Doors` has it."""

    @property
    def settings(self) -> Settings: ...
    @property
    def programs(self) -> Programs: ...
    @property
    def store(self) -> Store: ...


def online_findings(item: Item, doors: Doors) -> tuple[Finding, ...]:
    """What asking found, in the order of the item: addresses, image, source. Never raises for what servers do."""
    return (
        *_address_findings(item, doors.settings),
        *image_findings(item, doors.settings),
        *_source_findings(item, doors),
    )


# --- addresses ---------------------------------------------------------------------------------------------------


def _address_findings(item: Item, settings: Settings) -> Iterator[Finding]:
    wanted = [one for one in _wanted(item) if one.href]
    urls = [one for one in wanted if _is_url(one.href)]
    answers = _answers(urls[:MOST], settings)
    for one in wanted:
        if _is_url(one.href):
            yield from answers.get(one, ())
        elif path := _path(one, item):
            yield from looked_at(one, path)
    if len(urls) > MOST:
        yield NotAllAsked.at("/assets", count=len(urls), asked=MOST)


def _answers(wanted: list[Wanted], settings: Settings) -> dict[Wanted, tuple[Finding, ...]]:
    """Few at a time, and fewer of one host; what comes first changes nothing."""
    peeker = Peeker(settings)
    hosts: defaultdict[str, Semaphore] = defaultdict(lambda: Semaphore(PER_HOST))
    turns = [hosts[_host(one.href)] for one in wanted]

    def ask(one: Wanted, turn: Semaphore) -> tuple[Finding, ...]:
        with turn:
            return asked(one, peeker)

    try:
        with Threads(AT_ONCE) as threads:
            return dict(zip(wanted, threads.map(ask, wanted, turns), strict=True))
    finally:
        peeker.close()


def _wanted(item: Item) -> Iterator[Wanted]:
    found, used = models(item.assets), _used(item)
    for asset in item.assets:
        is_model = len(found) == 1 and asset is found[0]
        yield _of_asset(asset, item, is_model=is_model, is_used=is_model or asset.key in used)
    if (url := item.runtime.requirement_file) and _is_url(url):
        trusted = is_own_server(item, url)
        yield Wanted(href=url, pointer=item.pointers.requirements, is_used=True, trusted=trusted)


def _of_asset(asset: Asset, item: Item, *, is_model: bool, is_used: bool) -> Wanted:
    html = (asset.media_type or "").lower().startswith(("text/html", "application/xhtml"))
    aside = bool(asset.roles) and _FOR_PEOPLE.issuperset(asset.roles)
    known = meaning_of(asset)
    pointer = f"{asset.pointer}/href"
    by_git = item.runtime.source_url is not None and pointer == item.pointers.source
    return Wanted(
        href="" if by_git or known.kind in ("image", "text", "symbol", "several") else asset.href,
        pointer=pointer,
        is_model=is_model,
        is_used=is_used,
        is_page=(html and not is_model)
        or aside
        or (known.url is None and known.kind != "local"),  # the reader has said that it is no file
        trusted=is_own_server(item, asset.href),
        sha256=asset.sha256,
        size=asset.size,
    )


def _used(item: Item) -> tuple[str | None, ...]:
    """Keys of the assets, besides the model, that a build asks for: not of what its archive has."""
    sample, inside = item.sample, {entry.name.rpartition("/")[2] for entry in item.archive}
    named = (item.runtime.requirement_file, *((sample.input, sample.expected) if sample else ()))
    return tuple(name for name in named if name not in inside)


def _path(wanted: Wanted, item: Item) -> Path | None:
    """The file of a local item; an item from elsewhere names none here."""
    if "://" in item.origin or read_href(wanted.href).kind != "local":
        return None
    return Path(local_path(wanted.href))


def _is_url(href: str) -> bool:
    return href.startswith(("https://", "http://"))


def _host(url: str) -> str:
    try:
        return urlsplit(url).netloc.lower()
    except ValueError:
        return ""


# --- the source --------------------------------------------------------------------------------------------------


def _source_findings(item: Item, doors: Doors) -> tuple[Finding, ...]:
    url, pointer = item.runtime.source_url, item.pointers.source
    if url is None:
        return ()
    repo: Repository | None = None
    try:
        repo = source_repository(item, doors.settings.network.allow_hosts)
        named = item.runtime.source_commit or repo.ref
        with doors.store.scratch_folder() as folder:
            remote = Remote(repo, doors.programs, folder, public_addresses, timeout=GIT_SECONDS)
            here = () if repo.scheme == "file" else allowed_here(pointer, repo.url)
            return (*here, *_at_remote(remote, named, item))
    except InfraError as problem:
        return (CouldNotBeAsked.at(pointer, found=url, why=problem.message, how=problem.hint),)
    except DlmBuildError as problem:
        left_out = repo is not None and isinstance(problem, SourceGone) and _is_unused(item)
        kind = UnusedSourceNotThere if left_out else SourceNotThere
        return (kind.at(pointer, found=url, why=problem.message, how=problem.hint),)


def _is_unused(item: Item) -> bool:
    """Whether nothing in the item runs the source, and nothing but the source could hold its environment."""
    found, file = models(item.assets), item.runtime.requirement_file
    elsewhere = {asset.key for asset in item.assets} | {entry.name for entry in item.archive}
    return len(found) == 1 and runs_alone(item, found[0]) and (not file or _is_url(file) or file in elsewhere)


def _at_remote(remote: Remote, named: str | None, item: Item) -> tuple[Finding, ...]:
    where, pointer = remote.repo.shown, item.pointers.source
    if named is not None and is_commit(named):
        if remote.has(named):
            return ()
        why = f"source {where}: commit {named} is in none of its branches and tags"
        how = "correct the commit; one that was force-pushed away or lives only in a fork cannot be used"
        kind = UnusedSourceNotThere if _is_unused(item) else SourceNotThere
        return (kind.at(pointer, found=named, why=why, how=how),)
    commit = remote.tip(named).commit
    if commit is None:
        return ()
    what = named or "its default branch"
    fix = words_of(item).at_commit(commit)
    return (SourceStandsAt.at(pointer, url=where, named=what, found=commit, fix=fix),)
