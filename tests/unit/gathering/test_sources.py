"""Sources from real repositories, by real git through repo2docker's provider; nothing leaves this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlm_build.errors import DlmBuildError, InfraError, ItemHostile, SourceGone, Unpinned
from dlm_build.fetching.addresses import public_addresses
from dlm_build.gathering.git import repository
from dlm_build.gathering.remotes import Remote
from dlm_build.gathering.sources import Sources
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import Finding, Runtime, Source
from dlm_build.store import Store
from tests.unit.fetching.server import Server, running
from tests.unit.gathering.made import NoPrograms, item
from tests.unit.gathering.repos import PATH, Repo

pytestmark = [pytest.mark.programs, pytest.mark.loopback]


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as started:
        yield started


def gathered(
    url: str, commit: str | None, store: Store, *, allow_unpinned: bool = False, origin: str = "/items/i.json",
    hosts: tuple[str, ...] = (), offline: bool = False, date: str | None = None, dialect: str = "dlm/runtime",
) -> tuple[Source, tuple[Finding, ...]]:  # fmt: skip
    runtime = Runtime(source_url=url, source_commit=commit)
    given = item(origin=origin, runtime=runtime, date=date, date_pointer="/properties/created")
    given = replace(given, dialect=dialect)
    programs = NoPrograms() if offline else RealPrograms({"PATH": PATH, "SECRET": "x"})
    source, findings = Sources(programs, store, silent, allow_hosts=hosts).gather(given, allow_unpinned=allow_unpinned)
    assert source is not None
    return source, findings


def files(source: Source, store: Store) -> dict[str, bytes]:
    return {member.path: store.path(member.sha256).read_bytes() for member in source.members}


def test_no_source_is_no_source(store: Store) -> None:
    assert Sources(NoPrograms(), store, silent).gather(item(), allow_unpinned=False) == (None, ())


def test_a_commit_is_taken_whole_and_by_content(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a.py": "print(1)", "pkg/données é.txt": "x", "run.sh": "#!/bin/sh"})
    repo.commit({"a.py": "print(2)"})
    source, findings = gathered(repo.bare.as_uri(), commit, store)
    assert files(source, store) == {"a.py": b"print(1)", "pkg/données é.txt": b"x", "run.sh": b"#!/bin/sh"}
    assert (source.commit, source.pinned_by_item, findings) == (commit, True, ())
    assert [p.name for p in (store.root / "scratch").rglob("*") if p.is_file()] == ["owner"]


def test_the_tree_digest_depends_on_files_and_modes_alone(repo: Repo, store: Store, tmp_path: Path) -> None:
    one = repo.commit({"a": "x", "b": "y"})
    two = repo.commit({})
    (repo.work / "a").chmod(0o755)
    three = repo.commit({})
    digests = [gathered(repo.bare.as_uri(), commit, store)[0].tree_sha256 for commit in (one, two, three)]
    assert digests[0] == digests[1] != digests[2]
    assert gathered(repo.bare.as_uri(), one, Store(tmp_path / "other"))[0].tree_sha256 == digests[0]


def test_a_commit_fetched_before_needs_no_git(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a": "x"})
    first = gathered(repo.bare.as_uri(), commit, store)
    shutil.rmtree(repo.bare)
    assert gathered(repo.bare.as_uri(), commit, store, offline=True) == first


def test_no_commit_needs_consent_and_shows_today_s(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a": "x"})
    with pytest.raises(Unpinned, match=commit) as caught:
        gathered(repo.bare.as_uri(), None, store)
    assert f'"model_commit_hash": "{commit}"' in caught.value.hint and "--allow-unpinned" in caught.value.hint
    source, findings = gathered(repo.bare.as_uri(), None, store, allow_unpinned=True)
    assert (source.commit, source.pinned_by_item) == (commit, False)
    assert [finding.code for finding in findings] == ["source-pinned-today"]


def test_a_commit_is_asked_for_in_the_words_of_the_items_dialect(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a": "x"})
    with pytest.raises(Unpinned) as caught:
        gathered(repo.bare.as_uri(), None, store, dialect="mlm")
    assert caught.value.hint.startswith(f"link the code at that commit: …/tree/{commit}, or ")
    _, (finding,) = gathered(repo.bare.as_uri(), None, store, dialect="mlm", allow_unpinned=True)
    assert finding.hint == f"link the code at that commit: …/tree/{commit}"


def test_branches_tags_and_short_hashes_are_not_pins(repo: Repo, store: Store) -> None:
    first = repo.commit({"a": "1"})
    repo.git("tag", "-a", "v1", "-m", "v1")
    repo.git("push", "-q", str(repo.bare), "v1")
    second = repo.commit({"a": "2"})
    last = repo.commit({"a": "3"})
    for named, commit in (("v1", first), ("main", last), (last[:7], last), (second[:10], second)):
        with pytest.raises(Unpinned, match=f"{named}.*{commit}"):
            gathered(repo.bare.as_uri(), named, store)
        assert gathered(repo.bare.as_uri(), named, store, allow_unpinned=True)[0].commit == commit


def test_without_a_commit_the_last_one_before_the_item_s_date_is_taken(repo: Repo, store: Store) -> None:
    repo.commit({"a": "1"}, date="2020-01-01T00:00:00Z")
    second = repo.commit({"a": "2"}, date="2020-12-11T23:00:00Z")
    repo.git("checkout", "-q", "-b", "side")
    repo.commit({"b": "side"}, push="HEAD:refs/heads/side", date="2020-12-12T00:00:00Z")
    repo.git("checkout", "-q", "main")
    repo.git("merge", "-q", "--no-ff", "-m", "m", "side", date="2021-01-01T00:00:00Z")
    last = repo.commit({"a": "3"}, date="2022-01-01T00:00:00Z")
    for named in (None, "main"):
        source, (told,) = gathered(repo.bare.as_uri(), named, store, allow_unpinned=True, date="2020-12-12T00:00:01Z")
        assert (source.commit, source.pinned_by_item) == (second, False), "a branch's own history, not what it merged"
        assert files(source, store) == {"a": b"2"}
        assert told.code == "source-pinned-by-date" and second in told.hint
        assert "2020-12-11" in told.message and "/properties/created (2020-12-12T00:00:01Z)" in told.message
    newest, _ = gathered(repo.bare.as_uri(), None, store, allow_unpinned=True, date="2023-01-01T00:00:00Z")
    assert newest.commit == last


def test_the_consent_says_whether_it_is_for_a_date(repo: Repo, store: Store) -> None:
    repo.commit({"a": "1"})
    with pytest.raises(Unpinned, match="today it is at") as caught:
        gathered(repo.bare.as_uri(), None, store, date="2020-12-12T00:00:01Z")
    assert "the item's date (2020-12-12) with --allow-unpinned" in caught.value.hint


def test_code_younger_than_the_item_is_taken_as_it_is(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a": "1"}, date="2022-01-01T00:00:00Z")
    source, (told,) = gathered(repo.bare.as_uri(), None, store, allow_unpinned=True, date="2020-12-12T00:00:01Z")
    assert source.commit == commit
    assert told.code == "source-pinned-today" and "older (2020-12-12T00:00:01Z) than all of its code" in told.message


def test_a_tag_means_itself_whatever_the_date(repo: Repo, store: Store) -> None:
    repo.commit({"a": "1"}, date="2020-01-01T00:00:00Z")
    tagged = repo.commit({"a": "2"}, date="2022-01-01T00:00:00Z")
    repo.git("tag", "v1")
    repo.git("push", "-q", str(repo.bare), "v1")
    source, (told,) = gathered(repo.bare.as_uri(), "v1", store, allow_unpinned=True, date="2020-12-12T00:00:01Z")
    assert (source.commit, told.code) == (tagged, "source-pinned-today")


def test_whether_a_commit_is_there_needs_no_files_of_it(repo: Repo, tmp_path: Path) -> None:
    first = repo.commit({"a": "1", "big": "x" * 100_000})
    last = repo.commit({"a": "2"})
    repo.git("checkout", "-q", "-b", "fork")
    imposter = repo.commit({"a": "evil"}, push="HEAD:refs/pull/1/head")
    for n, (commit, there) in enumerate(((first, True), (last, True), (imposter, False), ("1" * 40, False))):
        folder = tmp_path / f"scratch{n}"
        folder.mkdir()
        found = repository(repo.bare.as_uri(), local=True, allow_hosts=())
        remote = Remote(found, RealPrograms({"PATH": PATH}), folder, public_addresses)
        assert remote.has(commit) is there


def test_a_name_that_is_nothing(repo: Repo, store: Store) -> None:
    repo.commit({"a": "1"})
    for named in ("no-such-branch", "abcdef0"):
        with pytest.raises(SourceGone, match=named):
            gathered(repo.bare.as_uri(), named, store, allow_unpinned=True)


def test_a_commit_that_is_gone_or_lives_only_in_a_fork(repo: Repo, store: Store) -> None:
    repo.commit({"a": "1"})
    repo.git("checkout", "-q", "-b", "fork")
    imposter = repo.commit({"a": "evil"}, push="HEAD:refs/pull/1/head")
    for commit in ("1" * 40, imposter):
        with pytest.raises(SourceGone, match=f"{commit} is in none of its branches and tags"):
            gathered(repo.bare.as_uri(), commit, store)


def test_links_inside_become_copies_and_links_outside_are_hostile(repo: Repo, store: Store) -> None:
    (repo.work / "link").symlink_to("pkg/a.py")
    (repo.work / "chain").symlink_to("link")
    (repo.work / "folder").symlink_to("pkg")
    commit = repo.commit({"pkg/a.py": "x = 1"})
    source, findings = gathered(repo.bare.as_uri(), commit, store)
    assert files(source, store) == {"pkg/a.py": b"x = 1", "link": b"x = 1", "chain": b"x = 1"}
    assert [finding.code for finding in findings] == ["source-links-left-out"]
    for target in ("/etc/passwd", "../outside", "pkg/../../x"):
        (repo.work / "evil").unlink(missing_ok=True)
        (repo.work / "evil").symlink_to(target)
        with pytest.raises(ItemHostile, match="member evil: a link that leads out"):
            gathered(repo.bare.as_uri(), repo.commit({}), store)


def test_links_in_a_circle_are_hostile(repo: Repo, store: Store) -> None:
    (repo.work / "a").symlink_to("b")
    (repo.work / "b").symlink_to("a")
    with pytest.raises(ItemHostile, match="circle"):
        gathered(repo.bare.as_uri(), repo.commit({"c": ""}), store)


def test_submodules_are_told_and_not_fetched(repo: Repo, store: Store, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    inner = Repo(other)
    inner.commit({"secret": "x"})
    repo.commit({"a": "1"})
    repo.git("submodule", "--quiet", "add", inner.bare.as_uri(), "sub")
    source, findings = gathered(repo.bare.as_uri(), repo.commit({}), store)
    assert sorted(files(source, store)) == [".gitmodules", "a"]
    assert [finding.code for finding in findings] == ["source-submodules"]


def test_lfs_pointers_are_told(repo: Repo, store: Store) -> None:
    pointer = "version https://git-lfs.github.com/spec/v1\noid sha256:1\nsize 1\n"
    commit = repo.commit({"w.pth": pointer, ".gitattributes": "*.pth filter=lfs diff=lfs merge=lfs -text\n"})
    _, findings = gathered(repo.bare.as_uri(), commit, store)
    assert [finding.code for finding in findings] == ["source-lfs-pointers"]


def test_hooks_and_filters_of_the_operator_are_not_run(
    repo: Repo, store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A home with a filter and a hook that leave a mark: neither is seen."""
    home, mark = tmp_path / "home", tmp_path / "mark"
    (home / "hooks").mkdir(parents=True)
    (home / "hooks" / "post-checkout").write_text(f"#!/bin/sh\ntouch {mark}\n")
    (home / "hooks" / "post-checkout").chmod(0o755)
    (home / ".gitconfig").write_text(
        f'[core]\n\thooksPath = {home}/hooks\n[filter "x"]\n\tsmudge = "touch {mark}; cat"\n\trequired = true\n'
    )
    commit = repo.commit({"a": "1", ".gitattributes": "a filter=x\n"})
    programs = RealPrograms({"PATH": PATH, "HOME": str(home)})
    given = item(runtime=Runtime(source_url=repo.bare.as_uri(), source_commit=commit))
    Sources(programs, store, silent).gather(given, allow_unpinned=False)
    assert not mark.exists()


def test_python_files_of_the_repository_are_not_imported(repo: Repo, store: Store, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    evil = f"open({str(mark)!r}, 'w')"
    commit = repo.commit({"repo2docker/__init__.py": evil, "sitecustomize.py": evil, "dlm_build/__init__.py": evil})
    gathered(repo.bare.as_uri(), commit, store)
    assert not mark.exists()


def test_code_that_nothing_runs_is_left_out_where_it_cannot_be_had(repo: Repo, store: Store) -> None:
    repo.commit({"a.py": "1"})
    sources = Sources(RealPrograms({"PATH": PATH}), store, silent)
    runtime = Runtime(source_url=repo.bare.as_uri(), source_commit="ab" * 20)
    given = item(origin="/items/i.json", runtime=runtime)
    source, (finding,) = sources.gather(given, allow_unpinned=False, needed=False)
    assert source is None and finding.code == "source-left-out" and "cannot be had" in finding.message


def test_a_missing_repository(store: Store, tmp_path: Path) -> None:
    with pytest.raises(SourceGone, match="no git repository"):
        gathered((tmp_path / "nowhere").as_uri(), "1" * 40, store)


def test_a_remote_item_cannot_name_a_local_repository(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a": "1"})
    for url in (repo.bare.as_uri(), str(repo.bare)):
        with pytest.raises(DlmBuildError) as caught:
            gathered(url, commit, store, origin="https://items.example/i.json", offline=True)
        assert caught.value.outcome in ("item-hostile", "item-invalid")


# --- over the network


def serve(repo: Repo, server: Server) -> str:
    """The bare repository as plain files, which is all that git's oldest protocol needs."""
    repo.git("update-server-info", at=repo.bare)
    for path in repo.bare.rglob("*"):
        if path.is_file():
            server.serve(f"/r.git/{path.relative_to(repo.bare)}", path.read_bytes())
    return server.url("/r.git")


def test_over_http_from_an_allowed_host(repo: Repo, server: Server, store: Store) -> None:
    commit = repo.commit({"a": "over the wire"})
    url = serve(repo, server)
    source, _ = gathered(url, commit, store, hosts=(f"127.0.0.1:{server.port}",), origin="https://items.example/i")
    assert files(source, store) == {"a": b"over the wire"}
    with pytest.raises(ItemHostile):
        gathered(url, commit, Store(store.root / "x"), offline=True)


def test_a_web_page_is_no_repository(server: Server, store: Store) -> None:
    for page, match in ((b"<!DOCTYPE html>\n<html>\n</html>\n", "no git repository"), (b"<html></html>", "web page")):
        server.serve("/page/info/refs", page, content_type="text/html")
        with pytest.raises(SourceGone, match=match):
            gathered(server.url("/page"), "1" * 40, store, hosts=("127.0.0.1",))


def test_a_repository_that_moved(server: Server, store: Store) -> None:
    server.handlers["/old/info/refs"] = lambda call: call.answer(301, location="/new/info/refs")
    with pytest.raises(SourceGone, match="has moved"):
        gathered(server.url("/old"), "1" * 40, store, hosts=("127.0.0.1",))


def test_a_private_repository_asks_nobody_for_a_password(server: Server, store: Store) -> None:
    server.handlers["/p/info/refs"] = lambda call: call.answer(401, www_authenticate='Basic realm="x"')
    with pytest.raises(SourceGone, match="does not exist or is private"):
        gathered(server.url("/p"), "1" * 40, store, hosts=("127.0.0.1",))


def test_nobody_listens(server: Server, store: Store) -> None:
    with pytest.raises(InfraError, match="cannot be reached") as caught:
        gathered("http://127.0.0.1:9/o/r", "1" * 40, store, hosts=("127.0.0.1",))
    assert "HTTPS_PROXY" in caught.value.hint


def test_a_source_that_is_not_needed_is_taken_where_it_is_pinned_or_allowed(repo: Repo, store: Store) -> None:
    commit = repo.commit({"a.py": "1"})
    sources = Sources(RealPrograms({"PATH": PATH}), store, silent)
    for named, allowed in ((commit, False), (None, True)):
        given = item(runtime=Runtime(source_url=repo.bare.as_uri(), source_commit=named))
        source, _ = sources.gather(given, allow_unpinned=allowed, needed=False)
        assert source is not None and source.commit == commit
    left, (finding,) = sources.gather(given, allow_unpinned=False, needed=False)
    assert left is None and finding.code == "source-left-out"
