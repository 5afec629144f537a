"""A remote repository, asked through git in an environment of our own choice."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dlm_build
from dlm_build.errors import InfraError, SourceGone, shown
from dlm_build.gathering.git import Repository, configuration, environment, failure
from dlm_build.proc import Finished, Programs
from dlm_build.records import Record

TIMEOUT = 3600.0
Find = Callable[[str, int], tuple[str, ...]]
"""Host and port to addresses that may be connected to."""
_HEX = set("0123456789abcdef")
_NOWHERE = "255.255.255.255"
"""No connection can be made to it, and a proxy is not told of it."""


class Tip(Record, frozen=True, kw_only=True):
    """What a name means at a repository today."""

    commit: str | None
    """None for a short commit that is no tip: only the history tells what it is."""
    branch: str | None = None
    """`HEAD` or the name of the branch, where it is one, so that it moves."""


class Remote:
    """One repository; `folder` is scratch, with a home for git and nothing of the operator's in it."""

    def __init__(
        self, repo: Repository, programs: Programs, folder: Path, find: Find, *, timeout: float = TIMEOUT
    ) -> None:
        self.repo, self.folder = repo, folder
        self._programs, self._find, self._timeout = programs, find, timeout

    def git(self, argv: tuple[str, ...], at: Path | None = None) -> Finished:
        """Any program that starts git, or git itself. Raises InfraError where it does not end in time."""
        home = self.folder / "home"
        home.mkdir(exist_ok=True)
        (home / "gitconfig").write_text(configuration(self.repo, self._addresses()))
        package = str(Path(dlm_build.__file__).parent.parent)
        env = {**environment(home), "PYTHONPATH": package}
        done = self._programs.run(argv, env=env, cwd=at or home, timeout=self._timeout)
        if done.timed_out:
            raise InfraError(
                f"source {self.repo.shown}: not there after {self._timeout:.0f} s", "try again, or mirror it"
            )
        return done

    def tip(self, named: str | None) -> Tip:
        """What a branch, a tag, a short commit or nothing at all means today. Raises SourceGone or InfraError."""
        wanted = named or "HEAD"
        refs = self.refs()
        for ref in (wanted, f"refs/tags/{wanted}^{{}}", f"refs/tags/{wanted}", f"refs/heads/{wanted}"):
            if ref in refs:
                moves = ref == "HEAD" or ref.startswith("refs/heads/")
                return Tip(commit=refs[ref], branch=ref.removeprefix("refs/heads/") if moves else None)
        near = {commit for commit in refs.values() if len(wanted) >= 7 and commit.startswith(wanted.lower())}
        if len(near) == 1:
            return Tip(commit=near.pop())
        if not refs:
            raise SourceGone(f"source {self.repo.shown} has no commits", "push the source first")
        if len(wanted) >= 7 and set(wanted.lower()) <= _HEX:
            return Tip(commit=None)
        raise SourceGone(f"source {self.repo.shown} has no branch or tag {shown(wanted)}", "name a full commit of it")

    def refs(self) -> dict[str, str]:
        """Every ref and its commit. Raises what git's complaint means."""
        done = self.git(("git", "ls-remote", "--", self.repo.url))
        if done.status != 0:
            raise failure(self.repo, done.stderr)
        rows = [row.partition("\t")[::2] for row in done.stdout.splitlines()]
        return {ref: commit for commit, ref in rows}

    def has(self, commit: str) -> bool:
        """Whether `commit` is in the history of a branch or tag; commits alone are fetched, no files.

        A commit that only a fork or a pull request has is not. Raises SourceGone or InfraError.
        """
        refs = {ref: tip for ref, tip in self.refs().items() if ref.startswith(("refs/heads/", "refs/tags/"))}
        if commit in refs.values():
            return True
        at = self.folder / "history"
        at.mkdir()
        steps = (
            ("git", "init", "--quiet", "--bare", "."),
            ("git", "fetch", "--quiet", "--filter=tree:0", "--no-write-fetch-head", "--", self.repo.url,
             "+refs/heads/*:refs/heads/*", "+refs/tags/*:refs/tags/*"),
        )  # fmt: skip
        for step in steps:
            done = self.git(step, at=at)
            if done.status != 0:
                raise failure(self.repo, done.stderr)
        # git would ask the server for a commit that it lacks, and get it from a fork: so it may ask nobody
        alone = ("git", "-c", f"protocol.{self.repo.scheme}.allow=never", "cat-file", "-e", f"{commit}^{{commit}}")
        return self.git(alone, at=at).status == 0

    def _addresses(self) -> tuple[str, ...]:
        """Addresses that git is held to. Behind a proxy names may not resolve here; then the proxy guards.

        Where there is no proxy either, git must not look again: a second answer could be an address in here.
        """
        if not self.repo.pinned:
            return ()
        try:
            return self._find(self.repo.host, self.repo.port)
        except InfraError:
            return (_NOWHERE,)
