"""Git, kept from all it could do besides fetching files: its configuration, its addresses, its failures. Pure."""

from __future__ import annotations

import re
from pathlib import Path
from urllib.parse import urlsplit

from dlm_build.errors import DlmBuildError, InfraError, ItemHostile, ItemInvalid, SourceGone, shown
from dlm_build.fetching.urls import Address, checked_url, shown_url
from dlm_build.hrefs import read_href
from dlm_build.records import Record

_SCP = re.compile(r"(?:ssh://)?(?:[\w.-]+@)([\w.-]+)[:/](.+)")
_TREE = re.compile(r"(/[^/]+/[^/]+)/(?:-/)?(?:tree|blob|src|commit)/([^/]+)(?:/.*)?")
_TWO_PART_HOSTS = frozenset({"github.com", "gitlab.com", "bitbucket.org", "codeberg.org"})

_UNREACHED = re.compile(
    r"could not resolve|failed to connect|couldn't connect|connection (timed out|refused|reset|was reset)|timed out|"
    r"network is unreachable|proxy|certificate|gnutls|ssl|early eof|rpc failed|hung up|returned error: (5\d\d|429)",
    re.IGNORECASE,
)
_PRIVATE = re.compile(
    r"could not read (username|password)|authentication failed|returned error: 40[137]", re.IGNORECASE
)
_MOVED = re.compile(r"returned error: 30[12378]|redirect", re.IGNORECASE)
_FSCK = re.compile(r"fsck|badTree|hasDot|object corrupt|invalid index-pack", re.IGNORECASE)
_NO_COMMIT = re.compile(
    r"could not parse object|unknown revision|not a valid object|bad object|failed to check out ref|'reset', '--hard'",
    re.IGNORECASE,
)
_DISK = re.compile(r"no space left|disk quota|cannot write|unable to write", re.IGNORECASE)


class Repository(Record, frozen=True, kw_only=True):
    """A repository that may be asked."""

    url: str
    """As git is given it."""
    shown: str
    scheme: str
    host: str = ""
    port: int = 0
    pinned: bool = False
    """Whether the connection must go to a public address."""
    ref: str | None = None
    """Branch, tag or commit that the published URL names itself."""


def repository(url: str, *, local: bool, allow_hosts: tuple[str, ...]) -> Repository:
    """The repository behind a published source URL.

    `local` is whether the item is a file of this machine, which may name a repository of this machine. Raises
    ItemInvalid, ItemHostile, or SourceGone where the URL names no repository at all.
    """
    plain = url.strip().removeprefix("git+")
    if local and (plain.startswith(("/", "file://"))):
        target = plain if plain.startswith("file://") else Path(plain).as_uri()
        return Repository(url=target, shown=shown_url(target), scheme="file")
    if not plain.lower().startswith(("https://", "http://")):
        raise _not_https(plain)
    checked_url(plain, trusted=False, allow_hosts=allow_hosts)  # as published: a table must not mend an attack
    meaning = read_href(url.strip())
    if meaning.repository is None and (meaning.kind == "record" or meaning.asks):
        raise SourceGone(
            f"source {shown_url(plain)} is {meaning.reason}, not a git repository",
            "give the repository that it was made from, e.g. https://github.com/owner/name, and its commit",
        )
    inside = meaning.repository if meaning.kind != "repository" or meaning.ref else None
    address = checked_url(inside or plain, trusted=False, allow_hosts=allow_hosts)
    path, ref = _repository_path(address)
    ref = meaning.ref or ref
    parts = urlsplit(address.url)
    clean = parts._replace(path=path, query="", fragment="").geturl()
    return Repository(
        url=clean, shown=shown_url(clean), scheme=address.scheme, host=address.host, port=address.port,
        pinned=address.pinned, ref=ref,
    )  # fmt: skip


def _repository_path(address: Address) -> tuple[str, str | None]:
    path = urlsplit(address.url).path.rstrip("/")
    least = 2 if address.host in _TWO_PART_HOSTS else 1
    if len([part for part in path.split("/") if part]) < least:
        raise SourceGone(
            f"source {address.shown} names a host, not a repository",
            "give the repository, e.g. https://host/owner/name",
        )
    if found := _TREE.fullmatch(path):
        return found.group(1), found.group(2)
    return path, None


def _not_https(url: str) -> DlmBuildError:
    if found := _SCP.fullmatch(url):
        return ItemInvalid(
            f"source {shown(url)} needs somebody's ssh key", f"use https://{found.group(1)}/{found.group(2)}"
        )
    if re.match(r"\w+::|-|git://|file:|data:|ext:", url, re.IGNORECASE):
        return ItemHostile(f"source {shown(url)} is not https", "give the repository's https address")
    return ItemInvalid(
        f"source {shown(url)} is not a repository's https address", "give one like https://host/owner/name"
    )


def configuration(repo: Repository, addresses: tuple[str, ...]) -> str:
    """A whole git configuration: one protocol, checked addresses, no hooks, links, submodules or helpers."""
    pin = f"\tcurloptResolve = {repo.host}:{repo.port}:{','.join(_bracketed(a) for a in addresses)}\n"
    return f"""\
[protocol]
	allow = never
	version = 2
[protocol "{repo.scheme}"]
	allow = always
[http]
	followRedirects = false
	lowSpeedLimit = 1000
	lowSpeedTime = 60
{pin if addresses else ""}[core]
	symlinks = false
	hooksPath = /dev/null
	fsmonitor = false
	autocrlf = false
	protectHFS = true
	protectNTFS = true
[submodule]
	active = ":(exclude)*"
	recurse = false
[fetch]
	fsckObjects = true
	recurseSubmodules = false
[transfer]
	fsckObjects = true
[credential]
	helper =
[init]
	templateDir =
[gc]
	auto = 0
[advice]
	detachedHead = false
"""


def environment(home: Path) -> dict[str, str]:
    """What git may see: a home of its own, with nothing of the operator's in it, and no way to ask for a password."""
    return {
        "HOME": str(home),
        "XDG_CONFIG_HOME": str(home),
        "GIT_CONFIG_GLOBAL": str(home / "gitconfig"),
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_ATTR_NOSYSTEM": "1",
        "GIT_TERMINAL_PROMPT": "0",
        "GIT_ASKPASS": "true",
        "SSH_ASKPASS": "true",
        "GIT_SSH_COMMAND": "false",
        "GIT_LFS_SKIP_SMUDGE": "1",
        "GIT_ADVICE": "0",
        "LC_ALL": "C",
    }


def failure(repo: Repository, said: str, commit: str | None = None) -> DlmBuildError:
    """What git's complaint means for whoever reads the report."""
    where, tail = f"source {repo.shown}", shown(" ".join(said.split())[-400:], 400)
    if _DISK.search(said):
        return InfraError(f"{where}: {tail}", "free space, or set `store` in the settings to a larger disk")
    if "cloned an empty repository" in said:
        return SourceGone(f"{where} has no commits, or is a web page", "give the repository's own https address")
    if commit and _NO_COMMIT.search(said):
        return SourceGone(
            f"{where}: commit {shown(commit)} is in none of its branches and tags",
            "correct the commit; one that was force-pushed away or lives only in a fork cannot be used",
        )
    if _FSCK.search(said):
        return ItemInvalid(f"{where}: git refuses its objects: {tail}", "the repository is damaged; ask its owner")
    if _MOVED.search(said):
        return SourceGone(f"{where} has moved: {tail}", "give the repository's new address")
    if _PRIVATE.search(said):
        return SourceGone(f"{where} does not exist or is private", "correct the address, or make the repository public")
    if _UNREACHED.search(said):
        hint = "check the network; behind a proxy set HTTPS_PROXY, for its certificates GIT_SSL_CAINFO"
        return InfraError(f"{where} cannot be reached: {tail}", hint)
    return SourceGone(f"{where} is no git repository: {tail}", "give the repository's own https address")


def _bracketed(address: str) -> str:
    return f"[{address}]" if ":" in address else address
