"""The files of a checkout into the store, as git's index lists them: nothing is followed out of the repository."""

from __future__ import annotations

import ast
import posixpath
from pathlib import Path

from dlm_build.errors import ItemInvalid, ResourceExceeded, shown
from dlm_build.findings import Kind
from dlm_build.findings.archive import SourceLfsPointers, SourceLinksLeftOut, SourceSubmodules
from dlm_build.gathering.git import Repository
from dlm_build.magic import is_lfs_pointer
from dlm_build.records import Finding, Member, Record
from dlm_build.store import Store
from dlm_build.unpacking.names import Blame, checked_name

FILES = 100_000
BYTES = 8 << 30
_LINK, _SUBMODULE = 0o120000, 0o160000


class Entry(Record, frozen=True, kw_only=True):
    """One row of the index."""

    mode: int
    path: str


class Files:
    """The files of a checkout, as the index lists them, into the store."""

    def __init__(self, store: Store, tree: Path, entries: dict[str, Entry], repo: Repository) -> None:
        self._store, self._tree, self._entries = store, tree, entries
        self._repo = repo
        self._blame = Blame(repo.shown, "source")
        self._findings: list[Finding] = []

    def taken(self) -> tuple[list[tuple[int, Member]], tuple[Finding, ...]]:
        """Mode and member of every file, sorted by path."""
        rows: dict[str, tuple[int, Member]] = {}
        pointers = []
        for entry in self._entries.values():
            if entry.mode in (_LINK, _SUBMODULE):
                continue
            stored = self._store.add_file(self._tree / entry.path)
            rows[entry.path] = entry.mode, Member(path=entry.path, size=stored.size, sha256=stored.sha256)
            if stored.size < 1024 and is_lfs_pointer(self._store.path(stored.sha256).read_bytes()):
                pointers.append(entry.path)
        self._take_links(rows)
        self._tell(SourceLfsPointers, pointers)
        modules = [entry.path for entry in self._entries.values() if entry.mode == _SUBMODULE]
        self._tell(SourceSubmodules, modules)
        return [rows[path] for path in sorted(rows)], tuple(self._findings)

    def _take_links(self, rows: dict[str, tuple[int, Member]]) -> None:
        """A link to a file of the tree becomes a copy of it; one that leads elsewhere is refused or left out."""
        left = []
        for entry in self._entries.values():
            if entry.mode != _LINK:
                continue
            target = self._target(entry)
            if target in rows:
                mode, member = rows[target]
                rows[entry.path] = mode, Member(path=entry.path, size=member.size, sha256=member.sha256)
            else:
                left.append(entry.path)
        self._tell(SourceLinksLeftOut, left)

    def _target(self, link: Entry) -> str:
        at = link
        for _ in range(8):
            text = (self._tree / at.path).read_bytes().decode("utf-8", "replace")
            target = posixpath.normpath(posixpath.join(posixpath.dirname(at.path), text))
            if text.startswith("/") or target == ".." or target.startswith("../"):
                raise self._blame.hostile(f"a link that leads out of the repository, to {shown(text)}", link.path)
            following = self._entries.get(target)
            if following is None or following.mode != _LINK:
                return target
            at = following
        raise self._blame.hostile("a link that leads in a circle", link.path)

    def _tell(self, kind: type[Kind], paths: list[str]) -> None:
        if paths:
            names = ", ".join(shown(path, 50) for path in paths[:5]) + (" …" if len(paths) > 5 else "")
            self._findings.append(kind.at("", url=self._repo.shown, count=len(paths), found=names))


def entries_of(listing: str, blame: Blame) -> dict[str, Entry]:
    """Rows of `git ls-files --stage`: `<mode> <object> <stage>\\t<path>`, odd paths quoted as in C."""
    entries: dict[str, Entry] = {}
    for row in listing.splitlines():
        head, tab, quoted = row.partition("\t")
        if not tab:
            raise ResourceExceeded(f"source {blame.archive}: too many files to list", "keep data out of the repository")
        path = _unquoted(quoted, blame)
        if checked_name(path, blame) != path or posixpath.normpath(path).split("/")[0] == ".git":
            raise blame.hostile("a name that no checkout has", path)
        entries[path] = Entry(mode=int(head.split()[0], 8), path=path)
    return entries


def _unquoted(path: str, blame: Blame) -> str:
    if not path.startswith('"'):
        return path
    try:
        raw: bytes = ast.literal_eval("b" + path)
        return raw.decode()
    except (SyntaxError, ValueError) as problem:
        raise blame.broken("its name is not UTF-8", path, "rename it") from problem


def refuse_large(entries: dict[str, Entry], tree: Path, repo: Repository) -> None:
    total = sum((tree / e.path).lstat().st_size for e in entries.values() if e.mode != _SUBMODULE)
    if len(entries) > FILES or total > BYTES:
        raise ResourceExceeded(
            f"source {repo.shown}: {len(entries)} files of {total} bytes, more than {FILES} of {BYTES}",
            "keep data out of the repository",
        )
    if not entries:
        raise ItemInvalid(f"source {repo.shown} has no files", "push the source first")
