"""Whom a registry is told we are: Docker's and Apptainer's files, and helpers that answer what they were told."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import InfraError, UsageError
from dlm_build.proc import Finished
from dlm_build.publishing.credentials import find_credentials

SECRET = "hunter2:with colon"
AUTH = base64.b64encode(f"ada:{SECRET}".encode()).decode()


class Programs:
    """Helpers by name: status and what they print for each server."""

    def __init__(self, helpers: dict[str, dict[str, tuple[int, str]]]) -> None:
        self.helpers = helpers

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None, timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:  # fmt: skip
        program, verb = argv
        assert verb == "get" and isinstance(stdin, bytes)
        status, text = self.helpers[program][stdin.decode()]
        return Finished(argv=tuple(argv), status=status, stdout=text, stderr="", seconds=0.0)


def found(home: Path, host: str, helpers: dict[str, dict[str, tuple[int, str]]] | None = None) -> Any:
    got = find_credentials(host, {"HOME": str(home)}, Programs(helpers or {}))
    return got and (got.user, got.secret, got.identity)


def docker(home: Path, config: object, name: str = ".docker/config.json") -> None:
    path = home / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(config if isinstance(config, str) else json.dumps(config))


@pytest.mark.parametrize(
    ("key", "host"),
    [
        ("ghcr.io", "ghcr.io"),
        ("https://ghcr.io", "ghcr.io"),
        ("https://ghcr.io/v2/", "ghcr.io"),
        ("localhost:5000", "localhost:5000"),
        ("https://index.docker.io/v1/", "docker.io"),
        ("docker.io", "docker.io"),
    ],
)
def test_spellings_of_a_registry(tmp_path: Path, key: str, host: str) -> None:
    docker(tmp_path, {"auths": {key: {"auth": AUTH}}})
    assert found(tmp_path, host) == ("ada", SECRET, False)


@pytest.mark.parametrize("host", ["ghcr.io.evil.example", "evil.example", "ghcr.io:444", "hcr.io", "index.docker.io"])
def test_no_other_registry_gets_them(tmp_path: Path, host: str) -> None:
    docker(tmp_path, {"auths": {"ghcr.io": {"auth": AUTH}}})
    assert found(tmp_path, host) is None


def test_nobody_logged_in(tmp_path: Path) -> None:
    assert found(tmp_path, "ghcr.io") is None
    docker(tmp_path, {"auths": {"ghcr.io": {}}})
    assert found(tmp_path, "ghcr.io") is None


def test_apptainers_own_file_comes_second(tmp_path: Path) -> None:
    docker(tmp_path, {"auths": {"ghcr.io": {"auth": AUTH}}}, ".apptainer/docker-config.json")
    assert found(tmp_path, "ghcr.io") == ("ada", SECRET, False)
    docker(tmp_path, {"auths": {"ghcr.io": {"identitytoken": "tok"}}})
    assert found(tmp_path, "ghcr.io") == ("<token>", "tok", True)


def test_docker_config_names_another_folder(tmp_path: Path) -> None:
    docker(tmp_path, {"auths": {"ghcr.io": {"username": "ada", "password": "p"}}}, "other/config.json")
    environment = {"HOME": "/nowhere", "DOCKER_CONFIG": str(tmp_path / "other")}
    got = find_credentials("ghcr.io", environment, Programs({}))
    assert got and got.for_engine() == {"username": "ada", "password": "p"}


def test_helpers(tmp_path: Path) -> None:
    docker(tmp_path, {"credHelpers": {"a.example": "one"}, "credsStore": "two", "auths": {"c.example": {"auth": AUTH}}})
    gone = (1, "credentials not found in native keychain\n")
    helpers = {
        "docker-credential-one": {"a.example": (0, '{"ServerURL":"a.example","Username":"u","Secret":"s"}')},
        "docker-credential-two": {
            "b.example": (0, '{"Username":"<token>","Secret":"t"}'), "c.example": gone, "d.example": gone,
            "https://index.docker.io/v1/": (0, '{"Username":"hub","Secret":"s"}'),
        },
    }  # fmt: skip
    assert found(tmp_path, "a.example", helpers) == ("u", "s", False)
    assert found(tmp_path, "b.example", helpers) == ("<token>", "t", True)
    assert found(tmp_path, "c.example", helpers) == ("ada", SECRET, False)
    assert found(tmp_path, "d.example", helpers) is None
    assert found(tmp_path, "docker.io", helpers) == ("hub", "s", False)


@pytest.mark.parametrize("said", [(2, "keychain is locked"), (0, "no json"), (0, '{"Username":"u"}')])
def test_a_helper_that_fails(tmp_path: Path, said: tuple[int, str]) -> None:
    docker(tmp_path, {"credsStore": "x"})
    with pytest.raises(InfraError, match="docker-credential-x"):
        found(tmp_path, "a.example", {"docker-credential-x": {"a.example": said}})


@pytest.mark.parametrize("name", ["../evil", "a b", "", 7])
def test_a_helper_is_a_plain_name(tmp_path: Path, name: object) -> None:
    docker(tmp_path, {"credHelpers": {"a.example": name}})
    if name == "":
        assert found(tmp_path, "a.example") is None
        return
    with pytest.raises(UsageError, match="no name of a credential helper"):
        found(tmp_path, "a.example")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("{", "is not a JSON object"),
        ("[]", "is not a JSON object"),
        ('{"auths": []}', ""),
        ('{"auths": ["x"]}', "/auths is not an object"),
        ('{"auths": {"a.example": "x"}}', "/auths/a.example is not an object"),
        ('{"auths": {"a.example": {"auth": "%%%"}}}', "base64"),
        ('{"auths": {"a.example": {"auth": "bm9jb2xvbg=="}}}', "base64 of user:password"),
    ],
)
def test_a_bad_file_is_named_without_its_secrets(tmp_path: Path, text: str, told: str) -> None:
    docker(tmp_path, text)
    if not told:
        assert found(tmp_path, "a.example") is None
        return
    with pytest.raises(UsageError) as caught:
        found(tmp_path, "a.example")
    assert told in caught.value.message and str(tmp_path / ".docker/config.json") in caught.value.message
    assert "nocolon" not in str(caught.value)
