"""Where the source code of an MLM or ML-Model item is: a repository, and the commit where its address has one."""

from __future__ import annotations

import re

from dlm_build.findings.mlm_assets import SourceIsNoRepository, UnusedSourceNotPinned
from dlm_build.findings.runtime import SourceNotPinned
from dlm_build.hrefs import Href, read_href, without_query
from dlm_build.hrefs.repositories import commit_address
from dlm_build.items.locations import over_https
from dlm_build.items.mlm.fields import find
from dlm_build.items.mlm.roles import CODE, Entry, having
from dlm_build.items.names import COMMIT, refuse_unseen
from dlm_build.items.node import Node
from dlm_build.records import Record

_FILE = re.compile(r"\.[A-Za-z][A-Za-z0-9]{0,9}\Z")
_LINKS = ("mlm:source_code", "source_code", "source-code", "code", "vcs", "repository", "source")
_MOST = 2048
_COMMIT = "<40 hex digits>"


class CodePlace(Record, frozen=True, kw_only=True):
    url: str
    """Of the repository."""
    ref: str | None
    """What its address names: a commit in full, else a tag or branch."""
    pointer: str


def code_of(root: Node, entries: tuple[Entry, ...], *, needed: bool = True) -> CodePlace | None:
    """Of the first source code asset that is a repository, else of the first link to one.

    Code that is not `needed`, since the weights hold their own, may be at any commit: that is hygiene.
    """
    assets = [entry.place for entry in having(entries, CODE) if not entry.trains]
    linked = [row.get("href") for row in root.get("links").rows() if relation(row) in _LINKS]
    places = [node for node in (*assets, *linked) if isinstance(node.value, str)]
    for node in places:
        if found := _read(node, str(node.value).strip(), needed):
            return found
    for node in places:
        node.find(SourceIsNoRepository, found=node.value)
    return None


def relation(link: Node) -> str:
    """What a link says it is; empty where it does not."""
    said = link.get("rel").value
    return said.strip().lower() if isinstance(said, str) else ""


def _read(node: Node, text: str, needed: bool) -> CodePlace | None:
    refuse_unseen(node, text)
    text = over_https(node, text)
    meaning = read_href(text)
    url = meaning.repository or _unknown_host(meaning) or (text if meaning.keyed and needed else None)
    if url is None or len(url) > _MOST:
        return None
    ref = meaning.ref if meaning.ref and COMMIT.pattern.fullmatch(meaning.ref) and ".." not in meaning.ref else None
    if meaning.commit is None:
        at_commit = commit_address(url, _COMMIT)
        if needed:
            find(node, SourceNotPinned, f"link it at a commit: {at_commit}", what=f"{text} names no commit", found=text)
        else:
            node.find(UnusedSourceNotPinned, found=text, instead=at_commit)
    return CodePlace(url=url, ref=ref, pointer=node.pointer)


def _unknown_host(meaning: Href) -> str | None:
    """An address of a host that is not known, and not one of a file: repositories are kept in many places."""
    plain = without_query(meaning.url or "").rstrip("/")
    if meaning.kind != "file" or not plain.startswith("https://"):
        return None
    return plain if plain.endswith(".git") or not _FILE.search(plain.rpartition("/")[2]) else None
