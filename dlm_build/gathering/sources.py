"""A model's source code at one commit, by content: fetched once, kept in the store, named by commit and tree digest."""

from __future__ import annotations

import hashlib

import msgspec

from dlm_build.errors import InfraError, SourceGone, Unpinned, shown
from dlm_build.fetching.addresses import public_addresses
from dlm_build.findings.gathering import SourceLeftOut, SourcePinnedByDate, SourcePinnedToday
from dlm_build.gathering.git import Repository, failure, repository
from dlm_build.gathering.remotes import Find, Remote, Tip
from dlm_build.gathering.source_files import Files, entries_of, refuse_large
from dlm_build.hrefs import is_commit
from dlm_build.proc import Programs, own_program
from dlm_build.progress import Event, Notify
from dlm_build.records import Finding, Item, Record, Source
from dlm_build.store import Store
from dlm_build.unpacking.names import Blame
from dlm_build.words import words_of


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

    def gather(
        self, item: Item, *, allow_unpinned: bool, needed: bool = True
    ) -> tuple[Source | None, tuple[Finding, ...]]:
        """The item's source; None where it names none, or where it is not `needed` and has no full commit or is gone.

        Raises Unpinned where it names no full commit, it is needed and `allow_unpinned` is not given; then the message
        shows the commit of today. Raises SourceGone, ItemInvalid, ItemHostile or InfraError besides.
        """
        url = item.runtime.source_url
        if url is None:
            return None, ()
        repo = source_repository(item, self._allow_hosts)
        named = item.runtime.source_commit or repo.ref
        full = named is not None and is_commit(named)
        if not (full or needed or allow_unpinned):
            return None, (_left_out(item, repo.shown, named),)
        with self._store.scratch_folder() as folder:
            remote = Remote(repo, self._programs, folder, self._find)
            if named is not None and full:
                return self._at_full(remote, named, item, needed=needed)
            tip = remote.tip(named)
            today = tip.commit or self._checkout(remote, named or "")
            if not allow_unpinned:
                raise _unpinned(repo, named, today, item)
            commit, told = self._of_its_time(remote, item, tip, today)
            kept = self._at(remote, commit)
        return msgspec.structs.replace(kept.source, pinned_by_item=False), (*kept.findings, told)

    def _at_full(
        self, remote: Remote, commit: str, item: Item, *, needed: bool
    ) -> tuple[Source | None, tuple[Finding, ...]]:
        try:
            kept = self._at(remote, commit)
        except SourceGone:
            if needed:
                raise
            return None, (_left_out(item, remote.repo.shown, commit),)
        return kept.source, kept.findings

    def _at(self, remote: Remote, commit: str) -> _Kept:
        return self._kept(remote.repo, commit) or self._fetched(remote, commit)

    def _kept(self, repo: Repository, commit: str) -> _Kept | None:
        """The same commit as fetched before, where all of its files are still in the store."""
        kept = self._store.noted("sources", _key(repo.url, commit), _Kept)
        whole = kept is not None and all(self._store.has(member.sha256) for member in kept.source.members)
        return kept if whole else None

    # --- git

    def _checkout(self, remote: Remote, commit: str) -> str:
        """Files of `commit` under the scratch folder's tree; gives the full commit."""
        repo = remote.repo
        self._notify(Event(step="gather", text=f"source {repo.shown} at {shown(commit)}"))
        tree = str(remote.folder / "tree")
        done = remote.git((*own_program("dlm_build.gathering.checkout"), repo.url, commit, tree))
        found = done.stdout.strip()
        if done.status == 3:
            raise failure(repo, done.stderr, commit)
        if done.status != 0 or not is_commit(found):
            raise InfraError(f"source {repo.shown}: the checkout failed: {shown(done.tail(), 400)}", "try it again")
        if not found.startswith(commit.lower()):
            raise SourceGone(f"source {repo.shown}: {shown(commit)} gave commit {found}", "name a full commit of it")
        return found

    def _of_its_time(self, remote: Remote, item: Item, tip: Tip, today: str) -> tuple[str, Finding]:
        """The last commit of a branch before the item's date, else today's; and what to say of it."""
        about = {"url": remote.repo.shown, "named": _named(item, remote.repo)}
        pointer = item.pointers.source
        if tip.branch is None or item.date is None:
            why = "" if tip.branch is None else ", and it has no date"
            fix = words_of(item).at_commit(today)
            return today, SourcePinnedToday.at(pointer, **about, found=today, why=why, fix=fix)
        if not (remote.folder / "tree").is_dir():
            self._checkout(remote, today)
        commit, day = _last_before(item.date, today, remote)
        if commit is None:
            why = f", and it is older ({item.date}) than all of its code"
            fix = words_of(item).at_commit(today)
            return today, SourcePinnedToday.at(pointer, **about, found=today, why=why, fix=fix)
        branch = "its default branch" if tip.branch == "HEAD" else tip.branch
        dated = {"day": day, "branch": branch, "place": item.date_pointer or "its date", "date": item.date}
        fix = words_of(item).at_commit(commit)
        return commit, SourcePinnedByDate.at(pointer, **about, **dated, found=commit, fix=fix)

    # --- files

    def _fetched(self, remote: Remote, commit: str) -> _Kept:
        repo, tree = remote.repo, remote.folder / "tree"
        if not tree.is_dir():
            self._checkout(remote, commit)
        elif (reset := remote.git(("git", "reset", "--quiet", "--hard", commit), at=tree)).status != 0:
            raise failure(repo, reset.stderr, commit)
        listed = remote.git(("git", "ls-files", "--stage"), at=tree)
        if listed.status != 0:
            raise failure(repo, listed.stderr, commit)
        entries = entries_of(listed.stdout, Blame(repo.shown, "source"))
        refuse_large(entries, tree, repo)
        rows, findings = Files(self._store, tree, entries, repo).taken()
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


def _key(url: str, commit: str) -> str:
    return hashlib.sha256(f"{url}\0{commit}".encode()).hexdigest()


def source_repository(item: Item, allow_hosts: tuple[str, ...]) -> Repository:
    """The repository that the item names. Raises as `repository` does; `item.runtime.source_url` is set."""
    assert item.runtime.source_url is not None
    local = "://" not in item.origin and item.origin != "-"
    return repository(item.runtime.source_url, local=local, allow_hosts=allow_hosts)


def _last_before(date: str, tip: str, remote: Remote) -> tuple[str | None, str]:
    """The last commit of the branch that ends at `tip` which was there at `date`, and its day."""
    asked = ("git", "log", "-1", "--first-parent", f"--before={date}", "--format=%H %cs", tip, "--")
    done = remote.git(asked, at=remote.folder / "tree")
    if done.status != 0:
        raise failure(remote.repo, done.stderr, tip)
    commit, _, day = done.stdout.strip().partition(" ")
    return (commit, day) if is_commit(commit) else (None, "")


def _left_out(item: Item, where: str, named: str | None) -> Finding:
    if named and is_commit(named):
        found, fix = f"{named}, which cannot be had", "correct the address or the commit"
    else:
        found, fix = _only(named), words_of(item).commit
    return SourceLeftOut.at(item.pointers.source, url=where, found=found, fix=fix)


def _named(item: Item, repo: Repository) -> str:
    return _only(item.runtime.source_commit or repo.ref)


def _only(named: str | None) -> str:
    return f"only {named}" if named else "no commit"


def _unpinned(repo: Repository, named: str | None, commit: str, item: Item) -> Unpinned:
    what = f"only {shown(named)}" if named else "no commit"
    other = f"accept the one of the item's date ({item.date[:10]})" if item.date else "accept today's"
    return Unpinned(
        f"source {repo.shown}: the item names {what}, so the code may change under it; today it is at {commit}",
        f"{words_of(item).at_commit(commit)}, or {other} with --allow-unpinned",
    )
