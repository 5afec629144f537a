"""Git's addresses, configuration and complaints. Pure: git itself is not started."""

from __future__ import annotations

from pathlib import Path

import pytest

from dlm_build.errors import DlmBuildError, InfraError, ItemHostile, ItemInvalid, SourceGone
from dlm_build.gathering.git import Repository, configuration, environment, failure, repository


def repo(url: str, *, local: bool = False, allow: tuple[str, ...] = ()) -> Repository:
    return repository(url, local=local, allow_hosts=allow)


@pytest.mark.parametrize(
    ("published", "url", "ref"),
    [("https://github.com/o/r", "https://github.com/o/r", None),
     ("https://github.com/o/r.git/", "https://github.com/o/r.git", None),
     ("git+https://github.com/o/r", "https://github.com/o/r", None),
     ("https://github.com/o/r/tree/v1.2", "https://github.com/o/r", "v1.2"),
     ("https://github.com/o/r/blob/main/a/b.py#L3", "https://github.com/o/r", "main"),
     ("https://gitlab.com/o/r/-/tree/main/x", "https://gitlab.com/o/r", "main"),
     ("https://github.com/o/r/tree/refs/heads/x", "https://github.com/o/r", "x"),
     ("https://raw.githubusercontent.com/o/r/v1/net.py", "https://github.com/o/r", "v1"),
     (f"https://github.com/o/r/archive/{'a' * 40}.zip", "https://github.com/o/r", "a" * 40),
     ("https://github.com/o/r/releases/tag/v1", "https://github.com/o/r", None),
     ("https://huggingface.co/spaces/o/r/tree/main", "https://huggingface.co/spaces/o/r", "main"),
     ("https://git.example/g/s/r/-/blob/v1/x.py", "https://git.example/g/s/r", "v1"),
     ("https://codeberg.org/o/r/src/branch/main/x.py", "https://codeberg.org/o/r", "main"),
     (f"git+https://github.com/o/r.git@{'a' * 40}", "https://github.com/o/r", "a" * 40),
     ("git+https://git.example/g/r@v1#egg=r", "https://git.example/g/r", "v1"),
     (f"https://github.com/o/r@{'a' * 40}", "https://github.com/o/r", "a" * 40),
     (f"https://github.com/o/r.git#{'a' * 40}", "https://github.com/o/r", "a" * 40),
     (f"https://github.com/o/r?ref={'a' * 40}", "https://github.com/o/r", "a" * 40),
     (f"https://git.example/o/r.git@{'a' * 40}", "https://git.example/o/r.git", "a" * 40),
     ("https://git.example/r?x=1", "https://git.example/r", None)],
)  # fmt: skip
def test_the_repository_behind_a_published_url(published: str, url: str, ref: str | None) -> None:
    found = repo(published)
    assert (found.url, found.ref, found.pinned) == (url, ref, True)


@pytest.mark.parametrize("url", ["https://github.com/", "https://github.com", "https://github.com/owner"])
def test_a_bare_host_is_no_repository(url: str) -> None:
    with pytest.raises(SourceGone, match="names a host, not a repository"):
        repo(url)


@pytest.mark.parametrize(
    "url",
    ["https://doi.org/10.5281/zenodo.1", "https://zenodo.org/records/1", "https://drive.google.com/file/d/abcdef/view"],
)
def test_an_archive_of_data_has_no_commits(url: str) -> None:
    with pytest.raises(SourceGone, match="not a git repository") as caught:
        repo(url)
    assert "https://github.com/owner/name" in caught.value.hint


@pytest.mark.parametrize(
    "url",
    ["ext::sh -c id", "--upload-pack=touch /tmp/x", "git://h.example/r", "file:///srv/r", "http://10.0.0.1/r",
     "https://user:pw@h.example/r", "https://127.0.0.1/r", "data:x"],
)  # fmt: skip
def test_attacks_are_hostile(url: str) -> None:
    with pytest.raises(ItemHostile):
        repo(url)


def test_an_ssh_address_is_answered_with_the_https_one() -> None:
    with pytest.raises(ItemInvalid) as caught:
        repo("git@github.com:o/r.git")
    assert "https://github.com/o/r.git" in caught.value.hint


@pytest.mark.parametrize("url", ["host:path", "o/r", "ftp.example/x", "/srv/r", "http://h.example/r"])
def test_other_things_are_invalid(url: str) -> None:
    with pytest.raises(ItemInvalid):
        repo(url)


def test_a_local_item_may_name_a_local_repository() -> None:
    assert repo("/srv/my repo", local=True).url == "file:///srv/my%20repo"
    assert repo("file:///srv/r", local=True).scheme == "file"


def test_an_allowed_host_may_be_plain_http() -> None:
    found = repo("http://127.0.0.1:8080/r", allow=("127.0.0.1:8080",))
    assert (found.scheme, found.pinned) == ("http", False)


def test_the_configuration_allows_one_protocol_and_pins_addresses() -> None:
    text = configuration(repo("https://github.com/o/r"), ("140.82.112.3", "2606:50c0::1"))
    assert text.count("allow = always") == 1 and 'protocol "https"' in text and "allow = never" in text
    assert "curloptResolve = github.com:443:140.82.112.3,[2606:50c0::1]\n" in text
    assert "curloptResolve" not in configuration(repo("https://github.com/o/r"), ())


def test_the_environment_has_no_way_to_the_operator_s_secrets() -> None:
    env = environment(Path("/scratch/home"))
    assert env["HOME"] == "/scratch/home" and env["GIT_TERMINAL_PROMPT"] == "0" and env["GIT_CONFIG_NOSYSTEM"] == "1"


@pytest.mark.parametrize(
    ("said", "error", "match"),
    [("fatal: unable to access 'x': Could not resolve host: h", InfraError, "cannot be reached"),
     ("Failed to connect to h port 443: Connection refused", InfraError, "cannot be reached"),
     ("server certificate verification failed. CAfile: none", InfraError, "cannot be reached"),
     ("The requested URL returned error: 503", InfraError, "cannot be reached"),
     ("fatal: could not read Username for 'https://h': terminal prompts disabled", SourceGone, "is private"),
     ("The requested URL returned error: 403", SourceGone, "is private"),
     ("The requested URL returned error: 301", SourceGone, "has moved"),
     ("fatal: repository 'https://h/' not found", SourceGone, "no git repository"),
     ("fatal: https://h/x/info/refs not valid: is this a git repository?", SourceGone, "no git repository"),
     ("error: object 1234: badTree: fsck error in packed object", ItemInvalid, "refuses its objects"),
     ("fatal: Could not parse object '1111'.", SourceGone, "none of its branches"),
     ("fatal: write error: No space left on device", InfraError, "No space")],
)  # fmt: skip
def test_what_git_s_complaints_mean(said: str, error: type[DlmBuildError], match: str) -> None:
    problem = failure(repo("https://h.example/r"), said, "1" * 40)
    assert type(problem) is error and match in problem.message and problem.hint
