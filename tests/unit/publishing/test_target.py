"""Where to push, as operators write it; and what the Docker engine says, in words that help."""

from __future__ import annotations

import pytest

from dlm_build.building.pushing import PushTalk
from dlm_build.config import Registry, Settings
from dlm_build.errors import UsageError
from dlm_build.progress import Event, silent
from dlm_build.publishing.refusals import engine_refused
from dlm_build.publishing.target import parse_target

SETTINGS = Settings(registries={"plain.example:5000": Registry(plain_http=True)})
DIGEST = "sha256:" + "a" * 64


@pytest.mark.parametrize(
    ("text", "repository", "tag", "base"),
    [
        ("ghcr.io/you/coast:1.0", "ghcr.io/you/coast", "1.0", "https://ghcr.io"),
        ("ghcr.io/you/coast", "ghcr.io/you/coast", "abc", "https://ghcr.io"),
        ("oras://ghcr.io/you/coast:1", "ghcr.io/you/coast", "1", "https://ghcr.io"),
        ("docker.io/you/coast:1", "docker.io/you/coast", "1", "https://registry-1.docker.io"),
        ("localhost/coast", "localhost/coast", "abc", "http://localhost"),
        ("localhost:5000/coast", "localhost:5000/coast", "abc", "http://localhost:5000"),
        ("127.0.0.1:5000/a/b/c:x", "127.0.0.1:5000/a/b/c", "x", "http://127.0.0.1:5000"),
        ("plain.example:5000/m:1", "plain.example:5000/m", "1", "http://plain.example:5000"),
        ("plain.example:5001/m:1", "plain.example:5001/m", "1", "https://plain.example:5001"),
        ("127.0.0.1.evil.example/m:1", "127.0.0.1.evil.example/m", "1", "https://127.0.0.1.evil.example"),
    ],
)
def test_places(text: str, repository: str, tag: str, base: str) -> None:
    target = parse_target(text, "abc", SETTINGS)
    assert (target.repository, target.tag, target.base) == (repository, tag, base)
    assert target.plain_http == base.startswith("http://")


@pytest.mark.parametrize(
    "text",
    ["", "coast", "you/coast:1", "coast:1", "Ghcr.io/You/Coast", "ghcr.io/", "ghcr.io", "ghcr.io/a b", "ghcr.io/a:",
     f"ghcr.io/a@{DIGEST}", "-v/a.b/c", "ghcr.io/../x", "ghcr.io/a:1\n", "ghcr.io/a:" + "x" * 126, "\x1b]0;x"],
)  # fmt: skip
def test_what_is_no_place(text: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse_target(text, "abc", SETTINGS)
    assert "\x1b" not in str(caught.value)


def test_a_registry_alone_is_told_to_lack_a_repository() -> None:
    with pytest.raises(UsageError, match="no repository in it"):
        parse_target("127.0.0.1:5005", "abc", SETTINGS)


def test_the_sif_has_a_tag_of_its_own() -> None:
    assert parse_target("ghcr.io/a:1.0", "", SETTINGS).sif_tag() == "1.0-sif"
    assert parse_target("ghcr.io/a:1.0-sif", "", SETTINGS).sif_tag() == "1.0-sif"


def test_what_the_engine_says() -> None:
    heard: list[Event] = []
    talk = PushTalk(heard.append)
    for row in (
        {"status": "The push refers to repository [x]"},
        {"status": "Pushing", "id": "a", "progressDetail": {"current": 5, "total": 9}},
        {"status": "Waiting", "id": "b", "progressDetail": {}},
        {"status": "Layer already exists", "id": "b", "progressDetail": {}},
        {"status": "Mounted from other", "id": "c"},
        {"status": "Pushed", "id": "a"},
        {"status": f"1: digest: {DIGEST} size: 1435"},
    ):
        talk.hear(row)
    ended = talk.ended()
    assert (ended.digest, ended.sent, ended.present, ended.problem) == (DIGEST, 1, 2, "")
    assert [(event.done, event.total) for event in heard] == [(5, 9)]


def test_a_failed_push_has_no_digest() -> None:
    talk = PushTalk(silent)
    talk.hear({"status": "Waiting", "id": "a"})
    talk.hear({"errorDetail": {"message": "denied: no"}, "error": "denied: no"})
    assert talk.ended().digest is None and talk.ended().problem == "denied: no"


@pytest.mark.parametrize(
    ("said", "fix"),
    [
        ("unauthorized: authentication required", "docker login"),
        ("denied: requested access to the resource is denied", "docker login"),
        ("http: server gave HTTP response to HTTPS client", "insecure-registries"),
        ("tls: failed to verify certificate: x509: unknown authority", "certs.d/ghcr.io"),
        ("received unexpected HTTP status: 413 Request Entity Too Large", "limits the size"),
        ("received unexpected HTTP status: 500 Internal Server Error", "push again"),
        (
            "failed to copy: unexpected status from PUT request to http://reg:41300/v2/denied/413/certificate/manifests/"
            "sha256:24139f: 500 Internal Server Error",
            "push again",
        ),
        ("unknown: blob sha256:0a413b is not there, 24137 bytes were", "push again"),
        ("failed to do request: dial tcp: connect: connection refused \x1b[0m", "push again"),
    ],
)
def test_what_to_do_where_the_engine_could_not(said: str, fix: str) -> None:
    problem = engine_refused(parse_target("ghcr.io/a:1", "", SETTINGS), said, known=False)
    assert fix in problem.hint and "\x1b" not in problem.message
