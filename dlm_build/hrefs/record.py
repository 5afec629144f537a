"""What is known of an href, and how a URL is taken apart for the tables."""

from __future__ import annotations

import re
from typing import Literal
from urllib.parse import parse_qsl, urlsplit

from dlm_build.records import Record

HrefKind = Literal[
    "file",  # an address that serves bytes
    "page",  # a web page; about one file where `url` is given
    "folder",  # a page or share of many files
    "share",  # a share page of one file
    "repository",
    "record",  # a deposit under a DOI, of one file or many
    "image",  # a container image
    "store",  # an object of a store, under the store's own scheme or in its console
    "local",  # a file of the machine it was written on, or beside the item
    "symbol",  # a name in some program
    "text",  # words for people
    "several",  # more than one address
]
_NO_FILES = frozenset({"page", "folder", "share", "repository", "record", "image", "store", "several"})
"""Kinds that are surely none, where no address of a file follows from them; a name or a text may be a file beside."""
_COMMIT = re.compile(r"[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BRANCHES = frozenset({"main", "master", "develop", "dev", "devel", "trunk", "head", "latest", "nightly", "gh-pages"})


def without_query(href: str) -> str:
    """Without fragment, too: what the name of a file ends."""
    return href.partition("?")[0].partition("#")[0]


class Href(Record, frozen=True, kw_only=True):
    """One href, understood."""

    kind: HrefKind
    url: str | None = None
    """The address to fetch: the href itself, or the one inferred from it. None where no address is certain."""
    reason: str = ""
    """What the href is, in words that follow "is"; names the host's rule that `url` rests on."""
    instead: str = ""
    """What to publish in its place, where `url` is None or uncertain."""
    repository: str | None = None
    """The git repository it belongs to, as git takes it."""
    ref: str | None = None
    """Branch, tag or commit in the address."""
    image: str | None = None
    """Container image, with its registry: `ghcr.io/o/n:1`."""
    moves: bool = False
    """Whether the address follows a branch or "latest", so that its bytes change under it."""
    ends: bool = False
    """Whether the address is signed for a time, and then ends."""
    asks: bool = False
    """Whether its host may answer with a page that asks for a confirmation."""
    keyed: bool = False
    """Whether it is an ssh address, which needs a key; `repository` is its https twin, where its host is known."""

    @property
    def is_no_file(self) -> bool:
        """Whether nothing that a build could use is served there."""
        return self.url is None and self.kind in _NO_FILES

    @property
    def commit(self) -> str | None:
        """The full commit in the address."""
        return self.ref if self.ref and is_commit(self.ref) else None


class Web(Record, frozen=True, kw_only=True):
    """An http(s) URL in parts."""

    text: str
    """Without its fragment."""
    host: str
    """Lower case, without `www.`."""
    site: str
    """Scheme and host as written, without a slash."""
    segments: tuple[str, ...]
    """Of the path, still percent-encoded; no empty ones."""
    query: dict[str, str]

    def rest(self, start: int) -> str:
        return "/".join(self.segments[start:])

    def at(self, index: int) -> str:
        return self.segments[index] if index < len(self.segments) else ""


def taken_apart(url: str) -> Web | None:
    """None where it is no URL with a host."""
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").lower().removeprefix("www.").removesuffix(".")
        query = dict(parse_qsl(parts.query, keep_blank_values=True, max_num_fields=50)) if parts.query else {}
    except ValueError:
        return None
    if not host:
        return None
    return Web(
        text=url.partition("#")[0],
        host=host,
        site=f"{parts.scheme}://{parts.netloc}",
        segments=tuple(filter(None, parts.path.split("/"))),
        query=query,
    )


def is_commit(ref: str) -> bool:
    """Whether it has all digits of one."""
    return _COMMIT.fullmatch(ref) is not None


def ref_of(segments: tuple[str, ...]) -> tuple[str, int]:
    """The ref that a path begins with, and how many segments it takes: `main`, or `refs/heads/main`."""
    if len(segments) >= 3 and segments[0] == "refs" and segments[1] in ("heads", "tags"):
        return "/".join(segments[:3]), 3
    return (segments[0], 1) if segments else ("", 0)


def may_move(ref: str) -> bool:
    """Whether `ref` is surely a branch. A name that could be a tag is not called one."""
    if ref.startswith("refs/"):
        return ref.startswith("refs/heads/")
    return ref.lower() in _BRANCHES


def plain_ref(ref: str) -> str:
    return ref.removeprefix("refs/heads/").removeprefix("refs/tags/")
