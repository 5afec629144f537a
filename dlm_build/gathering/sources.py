"""A model's source code at one commit, by content: fetched once, kept in the store, named by commit and tree digest."""

from __future__ import annotations

import ast
import hashlib
import posixpath
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import msgspec

import dlm_build
from dlm_build.errors import InfraError, ItemInvalid, ResourceExceeded, SourceGone, Unpinned, shown
from dlm_build.fetching.addresses import public_addresses
from dlm_build.gathering.git import FULL_COMMIT, Repository, configuration, environment, failure, repository
from dlm_build.proc import Finished, Programs
from dlm_build.progress import Event, Notify
from dlm_build.records import Finding, Item, Member, Record, Source
from dlm_build.store import Store
from dlm_build.unpacking.names import Blame, checked_name

TIMEOUT = 3600.0
FILES = 100_000
BYTES = 8 << 30
_LFS = b"version https://git-lfs.github.com/spec/v1"
_LINK, _SUBMODULE = 0o120000, 0o160000

Find = Callable[[str, int], tuple[str, ...]]


class _Entry(Record, frozen=True, kw_only=True):
    mode: int
    path: str


class _Kept(Record, frozen=True, kw_only=True):
    """A source that was fetched before."""

    source: Source
    findings: tuple[Finding, ...]


class Sources:
    """Fetches repositories through git, and remembers those at a full commit."""

    def __init__(
        self,
        programs: Programs,
        store: Store,
        notify: Notify,
        *,
        allow_hosts: tuple[str, ...] = (),
        find: Find = public_addresses,
    ) -> None:
        self._programs, self._store, self._notify = programs, store, notify
        self._allow_hosts, self._find = allow_hosts, find

    def gather(self, item: Item, *, allow_unpinned: bool) -> tuple[Source | None, tuple[Finding, ...]]:
        """The item's source; None where it names none.

        Raises Unpinned where it names no full commit and `allow_unpinned` is not given; then the message shows the
        commit of today. Raises SourceGone, ItemInvalid, ItemHostile or InfraError besides.
        """
        url = item.runtime.source_url
        if url is None:
            return None, ()
        repo = repository(url, local="://" not in item.origin and item.origin != "-", allow_hosts=self._allow_hosts)
        named = item.runtime.source_commit or repo.ref
        pinned = named is not None and FULL_COMMIT.fullmatch(named) is not None
        with self._store.scratch_folder() as folder:
            commit = named if pinned and named else self._today(repo, named, folder)
            if not pinned and not allow_unpinned:
                raise _unpinned(repo, named, commit)
            kept = self._kept(repo, commit) or self._fetched(repo, commit, folder)
        source = msgspec.structs.replace(kept.source, pinned_by_item=pinned)
        return source, kept.findings if pinned else (*kept.findings, _floating(repo, commit))

    def _kept(self, repo: Repository, commit: str) -> _Kept | None:
        """The same commit as fetched before, where all of its files are still in the store."""
        kept = self._store.noted("sources", _key(repo.url, commit), _Kept)
        whole = kept is not None and all(self._store.has(member.sha256) for member in kept.source.members)
        return kept if whole else None

    # --- git

    def _today(self, repo: Repository, named: str | None, folder: Path) -> str:
        """The full commit that a branch, a tag, a short hash or nothing at all means today."""
        wanted = named or "HEAD"
        done = self._git(repo, folder, ("git", "ls-remote", "--", repo.url))
        if done.status != 0:
            raise failure(repo, done.stderr)
        rows = [row.partition("\t")[::2] for row in done.stdout.splitlines()]
        tips = {ref: commit for commit, ref in rows}
        for ref in (wanted, f"refs/tags/{wanted}^{{}}", f"refs/tags/{wanted}", f"refs/heads/{wanted}"):
            if ref in tips:
                return tips[ref]
        near = {commit for commit, _ in rows if len(wanted) >= 7 and commit.startswith(wanted.lower())}
        if len(near) == 1:
            return near.pop()
        if not tips:
            raise SourceGone(f"source {repo.shown} has no commits", "push the source first")
        if len(wanted) >= 7 and set(wanted.lower()) <= set("0123456789abcdef"):
            return self._checkout(repo, wanted, folder)
        raise SourceGone(f"source {repo.shown} has no branch or tag {shown(wanted)}", "name a full commit of it")

    def _checkout(self, repo: Repository, commit: str, folder: Path) -> str:
        """Files of `commit` under `folder`/tree; gives the full commit."""
        self._notify(Event(step="gather", text=f"source {repo.shown} at {shown(commit)}"))
        argv = (sys.executable, "-P", "-m", "dlm_build.gathering.checkout", repo.url, commit, str(folder / "tree"))
        done = self._git(repo, folder, argv)
        found = done.stdout.strip()
        if done.status == 3:
            raise failure(repo, done.stderr, commit)
        if done.status != 0 or not FULL_COMMIT.fullmatch(found):
            raise InfraError(f"source {repo.shown}: the checkout failed: {shown(done.tail(), 400)}", "try it again")
        if not found.startswith(commit.lower()):
            raise SourceGone(f"source {repo.shown}: {shown(commit)} gave commit {found}", "name a full commit of it")
        return found

    def _git(self, repo: Repository, folder: Path, argv: tuple[str, ...], at: Path | None = None) -> Finished:
        home = folder / "home"
        home.mkdir(exist_ok=True)
        (home / "gitconfig").write_text(configuration(repo, self._addresses(repo)))
        package = str(Path(dlm_build.__file__).parent.parent)
        env = {**environment(home), "PYTHONPATH": package}
        done = self._programs.run(argv, env=env, cwd=at or home, timeout=TIMEOUT)
        if done.timed_out:
            raise InfraError(f"source {repo.shown}: not there after {TIMEOUT:.0f} s", "try again, or mirror it")
        return done

    def _addresses(self, repo: Repository) -> tuple[str, ...]:
        """Addresses that git is held to. Behind a proxy names may not resolve here; then the proxy guards."""
        if repo.pinned:
            with suppress(InfraError):
                return self._find(repo.host, repo.port)
        return ()

    # --- files

    def _fetched(self, repo: Repository, commit: str, folder: Path) -> _Kept:
        if not (folder / "tree").is_dir():
            self._checkout(repo, commit, folder)
        tree = folder / "tree"
        listed = self._git(repo, folder, ("git", "ls-files", "--stage"), at=tree)
        if listed.status != 0:
            raise failure(repo, listed.stderr, commit)
        entries = _entries(listed.stdout, Blame(repo.shown, "source"))
        _refuse_large(entries, tree, repo)
        rows, findings = _Files(self._store, tree, entries, repo).taken()
        lines = "".join(f"{member.path}\0{mode:o}\0{member.sha256}\n" for mode, member in rows)
        source = Source(
            url=repo.url,
            commit=commit,
            pinned_by_item=True,
            tree_sha256=hashlib.sha256(lines.encode()).hexdigest(),
            members=tuple(member for _, member in rows),
        )
        kept = _Kept(source=source, findings=findings)
        self._store.note("sources", _key(repo.url, commit), kept)
        return kept


class _Files:
    """The files of a checkout, as the index lists them, into the store."""

    def __init__(self, store: Store, tree: Path, entries: dict[str, _Entry], repo: Repository) -> None:
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
            if stored.size < 1024 and self._store.path(stored.sha256).read_bytes().startswith(_LFS):
                pointers.append(entry.path)
        self._take_links(rows)
        self._tell("source-lfs-pointers", pointers, "are git-lfs pointers, not the files themselves")
        modules = [entry.path for entry in self._entries.values() if entry.mode == _SUBMODULE]
        self._tell("source-submodules", modules, "are submodules, which are not fetched")
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
        self._tell("source-links-left-out", left, "are links to folders or to nothing, and are left out")

    def _target(self, link: _Entry) -> str:
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

    def _tell(self, code: str, paths: list[str], what: str) -> None:
        if paths:
            names = ", ".join(shown(path) for path in paths[:5]) + (" …" if len(paths) > 5 else "")
            message = f"source {self._repo.shown}: {len(paths)} entries ({names}) {what}"
            hint = "put what the model needs into the archive"
            self._findings.append(Finding(code=code, severity="warning", pointer="", message=message, hint=hint))


def _entries(listing: str, blame: Blame) -> dict[str, _Entry]:
    """Rows of `git ls-files --stage`: `<mode> <object> <stage>\\t<path>`, odd paths quoted as in C."""
    entries: dict[str, _Entry] = {}
    for row in listing.splitlines():
        head, tab, quoted = row.partition("\t")
        if not tab:
            raise ResourceExceeded(f"source {blame.archive}: too many files to list", "keep data out of the repository")
        path = _unquoted(quoted, blame)
        if checked_name(path, blame) != path or posixpath.normpath(path).split("/")[0] == ".git":
            raise blame.hostile("a name that no checkout has", path)
        entries[path] = _Entry(mode=int(head.split()[0], 8), path=path)
    return entries


def _unquoted(path: str, blame: Blame) -> str:
    if not path.startswith('"'):
        return path
    try:
        raw: bytes = ast.literal_eval("b" + path)
        return raw.decode()
    except (SyntaxError, ValueError) as problem:
        raise blame.broken("its name is not UTF-8", path, "rename it") from problem


def _refuse_large(entries: dict[str, _Entry], tree: Path, repo: Repository) -> None:
    total = sum((tree / e.path).lstat().st_size for e in entries.values() if e.mode not in (_SUBMODULE,))
    if len(entries) > FILES or total > BYTES:
        raise ResourceExceeded(
            f"source {repo.shown}: {len(entries)} files of {total} bytes, more than {FILES} of {BYTES}",
            "keep data out of the repository",
        )
    if not entries:
        raise ItemInvalid(f"source {repo.shown} has no files", "push the source first")


def _key(url: str, commit: str) -> str:
    return hashlib.sha256(f"{url}\0{commit}".encode()).hexdigest()


def _unpinned(repo: Repository, named: str | None, commit: str) -> Unpinned:
    what = f"only {shown(named)}" if named else "no commit"
    return Unpinned(
        f"source {repo.shown}: the item names {what}, so the code may change under it; today it is at {commit}",
        f'add "model_commit_hash": "{commit}" beside the source\'s URL, or accept today\'s with --allow-unpinned',
    )


def _floating(repo: Repository, commit: str) -> Finding:
    return Finding(
        code="source-pinned-today",
        severity="warning",
        pointer="",
        message=f"source {repo.shown}: the item names no full commit; {commit} was found and is locked",
        hint=f'add "model_commit_hash": "{commit}"',
    )
