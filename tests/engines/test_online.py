"""`check --online` against a real registry and git's own HTTP server on loopback."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dlm_build.config import Network, Settings
from dlm_build.gathering.sources import Sources
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import DeclaredDocker, Finding, Item, Runtime
from dlm_build.store import Store
from tests.engines.conftest import Cli
from tests.servers import githttp
from tests.unit.fetching.server import Server, running
from tests.unit.gathering.made import item
from tests.unit.gathering.repos import PATH, Repo


class Doors(NamedTuple):
    settings: Settings
    programs: RealPrograms
    store: Store


@pytest.fixture
def repo(tmp_path: Path) -> Repo:
    return Repo(tmp_path)


@pytest.fixture
def git_server(repo: Repo) -> Iterator[str]:
    with githttp.serving(repo.bare.parent) as url:
        yield f"{url}/{repo.bare.name}"


@pytest.fixture
def files() -> Iterator[Server]:
    with running() as started:
        yield started


@pytest.fixture
def registry(stack: dict[str, Any]) -> str:
    """Host and port of the stack's."""
    return str(stack["registry"]).removeprefix("http://")


@pytest.fixture
def doors(settings: Settings, registry: str, tmp_path: Path) -> Doors:
    given = Settings(registries=settings.registries, network=Network(allow_hosts=("127.0.0.1", registry)))
    return Doors(given, RealPrograms({"PATH": PATH}), Store(tmp_path / "store"))


def asked(doors: Doors, **runtime: Any) -> tuple[Finding, ...]:
    from dlm_build.checking.online import online_findings

    return online_findings(item(origin="https://items.example/i.json", runtime=Runtime(**runtime)), doors)


def of_source(doors: Doors, **runtime: Any) -> tuple[Finding, ...]:
    """Besides the word that only this site may ask that server."""
    first, *others = asked(doors, **runtime)
    assert first.code == "allowed-here"
    return tuple(others)


def test_a_commit_is_found_by_its_history_alone(repo: Repo, git_server: str, doors: Doors) -> None:
    old = repo.commit({"a": "1", "weights.bin": b"\0" * 3_000_000})
    repo.commit({"a": "2"})
    assert of_source(doors, source_url=git_server, source_commit=old) == ()
    (gone,) = of_source(doors, source_url=git_server, source_commit="1" * 40)
    assert gone.code == "source-not-there" and "none of its branches" in gone.message
    (branch,) = of_source(doors, source_url=git_server, source_commit="main")
    assert branch.code == "source-stands-at" and len(branch.evidence) == 40


def test_a_commit_that_only_a_pull_request_has_is_not_there(repo: Repo, git_server: str, doors: Doors) -> None:
    """The server would hand it out to whoever asks for it by name, as the large hosts do."""
    repo.git("config", "uploadpack.allowAnySHA1InWant", "true", at=repo.bare)
    repo.git("config", "uploadpack.allowFilter", "true", at=repo.bare)
    repo.commit({"a": "1"})
    repo.git("checkout", "-q", "-b", "fork")
    imposter = repo.commit({"a": "evil"}, push="HEAD:refs/pull/1/head")
    assert [finding.code for finding in of_source(doors, source_url=git_server, source_commit=imposter)] == [
        "source-not-there"
    ]


def test_a_repository_that_is_not_there(git_server: str, doors: Doors) -> None:
    (finding,) = asked(doors, source_url=f"{git_server}x", source_commit="1" * 40)
    assert finding.code == "source-not-there"


def test_the_code_of_the_item_s_date_over_http(repo: Repo, git_server: str, doors: Doors) -> None:
    repo.commit({"a": "1"}, date="2020-01-01T00:00:00Z")
    then = repo.commit({"a": "2"}, date="2020-06-01T00:00:00Z")
    repo.commit({"a": "3"}, date="2022-01-01T00:00:00Z")
    given: Item = item(
        origin="https://items.example/i.json", runtime=Runtime(source_url=git_server), date="2020-12-12T00:00:01Z"
    )
    sources = Sources(doors.programs, doors.store, silent, allow_hosts=doors.settings.network.allow_hosts)
    source, findings = sources.gather(given, allow_unpinned=True)
    assert source is not None and source.commit == then
    assert [finding.code for finding in findings] == ["source-pinned-by-date"]


def test_a_tag_of_the_real_registry(stack: dict[str, Any], registry: str, doors: Doors) -> None:
    """By its own address, and by the name that a mirror of the settings answers for."""
    digest = stack["bases"]["library/python"]["index"]
    for name in (f"{registry}/library/python", "docker.io/library/python", "python"):
        (finding,) = asked(doors, docker=DeclaredDocker(image_name=name, tag="3.11-slim"))
        assert (finding.code, finding.severity) == ("image-digest", "info")
        assert finding.hint.endswith(f'library/python@{digest}"')
        pinned = finding.hint.removeprefix('write "').rstrip('"')
        assert asked(doors, docker=DeclaredDocker(image_name=pinned)) == ()


def test_an_image_that_the_registry_does_not_have(registry: str, doors: Doors) -> None:
    for name in (f"{registry}/library/python:0.1", f"{registry}/nobody/nothing", f"{registry}/x@sha256:{'0' * 64}"):
        (finding,) = asked(doors, docker=DeclaredDocker(image_name=name))
        assert (finding.code, finding.severity) == ("image-gone", "warning"), name


def test_the_whole_command(
    config: Path, registry: str, repo: Repo, git_server: str, files: Server, tmp_path: Path
) -> None:
    commit = repo.commit({"a": "1"})
    model = files.serve("/m.mar", b"<!DOCTYPE html><html><title>Sign in</title>")
    settings = tmp_path / "config.toml"
    settings.write_text(f'{config.read_text()}\n[network]\nallow_hosts = ["127.0.0.1", "{registry}"]\n')
    runtime = {
        "framework": "PyTorch", "version": "1.7.1", "model_src_url": git_server, "model_commit_hash": commit[::-1],
        "docker": {"image_name": f"{registry}/library/python", "tag": "3.11-slim"},
    }  # fmt: skip
    made = {
        "type": "Feature", "id": "coast", "assets": {"model": {"href": model}},
        "properties": {"created": "2021-01-31T00:00:00Z", "dlm:runtime": runtime},
    }  # fmt: skip
    (tmp_path / "item.json").write_text(json.dumps(made))
    ended = Cli(tmp_path, settings)("check", "item.json", "--online", "--format", "json")
    said = ended.stdout
    for code in ("model-is-another-thing", "source-not-there", "image-digest"):
        assert code in said, (code, said, ended.stderr)
    silent_ended = Cli(tmp_path, settings)("check", "item.json", "--format", "json")
    assert "model-is-another-thing" not in silent_ended.stdout, "no network without --online"
    assert len(files.calls) == 1
