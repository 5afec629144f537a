"""Where code hosts keep one file, by the address of the page that shows it."""

from __future__ import annotations

from msgspec.structs import replace

from dlm_build.hrefs.record import Href, HrefKind, Web, is_commit, may_move, plain_ref, ref_of

_RELEASE = "link a file of the release: the address of its name on the page"
_FILE = "link one file of it, at a commit"
_GITHUB_PAGES = frozenset({
    "issues", "pull", "pulls", "wiki", "actions", "discussions", "projects", "suites", "compare", "tags", "branches",
    "labels", "milestone", "raw", "blame", "edit",
})  # fmt: skip
_GITHUB_UPLOADS = frozenset({"files", "assets"})
"""Of what people put into an issue."""
_GITHUB_OWN = frozenset({"features", "marketplace", "topics", "orgs", "sponsors", "collections", "settings", "apps"})


def _at_ref(kind: HrefKind, url: str | None, reason: str, repository: str, segments: tuple[str, ...]) -> Href:
    """One thing of a repository; `segments` begin with its ref."""
    ref, _ = ref_of(segments)
    return Href(
        kind=kind,
        url=url,
        reason=reason,
        instead="" if url else _FILE,
        repository=repository,
        ref=plain_ref(ref),
        moves=may_move(ref),
    )


def github(web: Web) -> Href | None:
    """Pages of github.com. `/raw/` is used in place of the raw host, since it leads to Git LFS objects too."""
    if web.at(0) == "user-attachments":
        return None
    if len(web.segments) < 2 or web.at(0) in _GITHUB_OWN:
        return Href(kind="page", reason="a page of GitHub", instead=_FILE)
    home = f"https://github.com/{web.at(0)}/{web.at(1).removesuffix('.git')}"
    what, after = web.at(2), web.segments[3:]
    if not what:
        return Href(kind="repository", reason="a repository, not a file of it", instead=_FILE, repository=home)
    _, taken = ref_of(after)
    if what in ("blob", "raw", "blame", "edit") and len(after) > taken:
        served = what == "raw" or web.query.get("raw") == "true"
        url = web.text if served else f"{home}/raw/{'/'.join(after)}"
        return _at_ref("file" if served else "page", url, "GitHub's page about a file", home, after)
    if what in ("tree", "blob", "commit", "commits"):
        return _at_ref("folder", None, "GitHub's page about a folder or commit", home, after)
    if what in ("archive", "zipball", "tarball"):
        return _archive(web.text, home, after)
    if what == "releases":
        return _release(web, home)
    if what in ("pkgs", "packages"):
        return _package(web, home)
    if what in _GITHUB_PAGES:
        return Href(kind="page", reason="a page of GitHub, not a file", instead=_FILE, repository=home)
    return None if what in _GITHUB_UPLOADS else _of_a_clone(web, home)


def _of_a_clone(web: Web, home: str) -> Href:
    """A path as it is in a clone, which GitHub shows nothing at; what has a suffix is a file of the default branch."""
    is_file = "." in web.segments[-1]
    url = f"{home}/raw/HEAD/{web.rest(2)}" if is_file else None
    reason = "a path of a repository without the branch or commit that GitHub asks for"
    return _at_ref("page" if is_file else "folder", url, reason, home, ("HEAD",))


def _archive(url: str, home: str, after: tuple[str, ...]) -> Href:
    name = _unpacked("/".join(after))
    ref = plain_ref(name)
    return Href(
        kind="file", url=url, reason="an archive packed on request", repository=home, ref=ref, moves=may_move(name)
    )


def _unpacked(name: str) -> str:
    for suffix in (".zip", ".tar.gz", ".tgz"):
        name = name.removesuffix(suffix)
    return name


def _release(web: Web, home: str) -> Href:
    if web.at(3) == "download" and len(web.segments) > 5:
        return Href(kind="file", url=web.text, reason="a file of a release", repository=home, ref=web.at(4))
    if web.at(3) == "latest" and web.at(4) == "download" and len(web.segments) > 5:
        return Href(kind="file", url=web.text, reason="a file of the latest release", repository=home, moves=True)
    return Href(kind="page", reason="GitHub's page about a release", instead=_RELEASE, repository=home)


def _package(web: Web, home: str) -> Href:
    owner, name = web.at(0).lower(), web.segments[-1].lower()
    image = f"ghcr.io/{owner}/{name}" if web.at(3) == "container" else None
    return Href(kind="page", reason="GitHub's page about a package", image=image, repository=home)


def github_raw(web: Web) -> Href | None:
    """raw.githubusercontent.com; media.githubusercontent.com has one segment more and serves LFS objects."""
    parts = web.segments[1:] if web.host.startswith("media.") else web.segments
    if len(parts) < 4:
        return Href(kind="page", reason="no address of a file of a repository", instead=_FILE)
    home = f"https://github.com/{parts[0]}/{parts[1]}"
    found = _at_ref("file", web.text, "a raw file of a repository", home, parts[2:])
    return replace(found, ends="token" in web.query)


def gist(web: Web) -> Href | None:
    if "raw" in web.segments:
        return None
    return Href(kind="page", reason="a gist's page", instead='link the address behind its "Raw" button')


def gitlab(web: Web) -> Href | None:
    """Any GitLab, by its `/-/`."""
    if "-" not in web.segments:
        return _gitlab_root(web)
    cut = web.segments.index("-")
    what, after = web.at(cut + 1), web.segments[cut + 2 :]
    group = "/".join(web.segments[:cut])
    home = f"{web.site}/{group}"
    if cut < 2 or not after:
        return Href(kind="page", reason="a page of GitLab", instead=_FILE) if web.host == "gitlab.com" else None
    _, taken = ref_of(after)
    if what in ("blob", "raw", "blame") and len(after) > taken:
        url = web.text if what == "raw" else f"{home}/-/raw/{'/'.join(after)}"
        return _at_ref("file" if what == "raw" else "page", url, "GitLab's page about a file", home, after)
    if what in ("tree", "blob", "commit", "commits"):
        return _at_ref("folder", None, "GitLab's page about a folder or commit", home, after)
    if what == "archive":
        return _at_ref("file", web.text, "an archive packed on request", home, after)
    if what == "releases" and "downloads" not in after:
        return Href(kind="page", reason="GitLab's page about a release", instead=_RELEASE, repository=home)
    return None


def _gitlab_root(web: Web) -> Href | None:
    if web.host != "gitlab.com" or "api" in web.segments[:1]:
        return None
    if len(web.segments) < 2:
        return Href(kind="page", reason="a page of GitLab", instead=_FILE)
    if found := at_commit(web):  # as its addresses were before the dash
        return found
    home = f"{web.site}/{'/'.join(web.segments)}".removesuffix(".git")
    return Href(kind="repository", reason="a repository, not a file of it", instead=_FILE, repository=home)


def bitbucket(web: Web) -> Href | None:
    home = f"https://bitbucket.org/{web.at(0)}/{web.at(1)}".removesuffix(".git")
    what, after = web.at(2), web.segments[3:]
    if len(web.segments) == 2:
        return Href(kind="repository", reason="a repository, not a file of it", instead=_FILE, repository=home)
    if what == "raw" and len(after) > 1:
        return _at_ref("file", web.text, "a raw file of a repository", home, after)
    if what == "src" and len(after) > 1 and not web.text.partition("?")[0].endswith("/"):
        url = f"{home}/raw/{'/'.join(after)}"
        return _at_ref("page", url, "Bitbucket's page about a file", home, after)
    if what in ("src", "commits", "branch"):
        return _at_ref("folder", None, "Bitbucket's page about a folder or commit", home, after or ("HEAD",))
    return None if what in ("downloads", "get") and after else Href(kind="page", reason="a page of Bitbucket")


_AT = frozenset({"tree", "commit", "commits", "src", "archive", "blob", "raw", "zipball", "tarball"})


def at_commit(web: Web) -> Href | None:
    """A code host under a name of its own, told by the 40 digits of a commit behind one of the words that all use."""
    for at in range(1, len(web.segments) - 1):
        what, ref = web.segments[at], _unpacked(web.segments[at + 1])
        if what in _AT and is_commit(ref):
            group = "/".join(web.segments[:at]).removesuffix(".git")
            served = what not in ("tree", "commit", "commits", "src")
            return Href(
                kind="file" if served else "folder", url=web.text if served else None,
                reason="a page about a folder or commit of a repository", instead="" if served else _FILE,
                repository=f"{web.site}/{group}", ref=ref,
            )  # fmt: skip
    return None


_WAYS = {"bitbucket.org": "src", "codeberg.org": "src/commit", "gitea.com": "src/commit"}


def commit_address(repository: str, commit: str) -> str:
    """Where its host shows a repository at a commit; as most do, where the host is not known."""
    home = repository.removesuffix("/").removesuffix(".git")
    host = home.partition("://")[2].partition("/")[0].lower()
    way = _WAYS.get(host) or ("-/tree" if "gitlab" in host else "tree")
    return f"{home}/{way}/{commit}"


_GITEA_HOSTS = frozenset({"codeberg.org", "gitea.com"})


def gitea(web: Web) -> Href | None:
    """Any Gitea or Forgejo, by `/src/branch/…`. `/media/` serves Git LFS objects too, which `/raw/` does not."""
    if len(web.segments) < 2:
        return None
    what, by, after = web.at(2), web.at(3), web.segments[4:]
    home = f"{web.site}/{web.at(0)}/{web.at(1)}".removesuffix(".git")
    if what in ("src", "raw", "media") and by in ("branch", "commit", "tag") and after:
        heads = {"branch": "refs/heads/", "tag": "refs/tags/", "commit": ""}[by]
        ref = f"{heads}{after[0]}"
        if what != "src":
            return Href(kind="file", url=web.text, repository=home, ref=after[0], moves=may_move(ref))
        url = f"{home}/media/{by}/{'/'.join(after)}" if len(after) > 1 else None
        return Href(
            kind="page" if url else "folder", url=url, reason="Gitea's page about a file", instead="" if url else _FILE,
            repository=home, ref=after[0], moves=may_move(ref),
        )  # fmt: skip
    if web.host in _GITEA_HOSTS and len(web.segments) == 2:
        return Href(kind="repository", reason="a repository, not a file of it", instead=_FILE, repository=home)
    return None
