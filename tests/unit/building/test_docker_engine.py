from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.building.docker_engine import DockerEngine, _image
from dlm_build.config import Docker, Settings
from dlm_build.errors import InfraError, UsageError
from dlm_build.proc import Finished
from dlm_build.progress import silent
from dlm_build.records import Image
from dlm_build.store import Store
from tests.unit.building.locks import rendered, tiny_lock


class Told:
    """Programs that answer the argvs they were told and refuse all others."""

    def __init__(self, answers: dict[tuple[str, ...], str]) -> None:
        self.answers = answers
        self.asked: list[tuple[str, ...]] = []

    def run(self, argv: Any, **_: Any) -> Finished:
        self.asked.append(tuple(argv))
        if tuple(argv) not in self.answers:
            raise AssertionError(f"not told: {argv}")
        return Finished(argv=tuple(argv), status=0, stdout=self.answers[tuple(argv)], stderr="", seconds=0.1)


CONTEXT = ("docker", "context", "inspect", "--format", "{{.Endpoints.docker.Host}}")


@pytest.mark.parametrize(
    "tag",
    ["", "name", "Name:1", "name:", "name:1\n", "--privileged:1", "-v/:/h", "a..b:1", "name:la test", "a" * 256 + ":1"],
)
def test_a_tag_that_is_none_is_refused_before_anything_is_asked(tag: str, tmp_path: Path) -> None:
    lock = tiny_lock()
    with pytest.raises(UsageError, match="--tag"):
        DockerEngine(Told({}), Settings()).build(lock, rendered(lock), tmp_path, Store(tmp_path), tag, silent)


def test_what_the_sdk_says_is_translated(monkeypatch: pytest.MonkeyPatch) -> None:
    import docker

    def refused(**_: Any) -> None:
        raise docker.errors.DockerException(
            "Error while fetching server API version: ('Connection aborted.', "
            "FileNotFoundError(2, 'No such file or directory'))"
        )

    monkeypatch.setattr(docker.DockerClient, "from_env", refused)
    engine = DockerEngine(Told({}), Settings(docker=Docker(host="unix:///nonexistent/docker.sock")))
    with pytest.raises(InfraError) as caught:
        engine.image("dlm/x:1")
    assert caught.value.message == (
        "Docker does not answer at unix:///nonexistent/docker.sock: no such file or directory"
    )
    assert "start Docker" in caught.value.hint


def test_program_and_sdk_talk_to_the_users_current_context() -> None:
    programs = Told({CONTEXT: "unix:///run/user/1000/docker.sock\n"})
    engine = DockerEngine(programs, Settings())
    assert engine._program_env()["DOCKER_HOST"] == "unix:///run/user/1000/docker.sock"
    engine._program_env()
    assert programs.asked == [CONTEXT], "asked once"


def test_the_variable_comes_before_the_setting_before_the_context() -> None:
    environment = {"DOCKER_HOST": "unix:///b"}
    setting = Settings(docker=Docker(host="unix:///a"), environment=environment)
    assert DockerEngine(Told({}), setting).host() == "unix:///b"
    assert DockerEngine(Told({}), Settings(docker=Docker(host="unix:///a"))).host() == "unix:///a"


def test_an_image_as_the_containerd_store_tells_it() -> None:
    attrs = {
        "Id": "sha256:m", "Descriptor": {"digest": "sha256:m", "annotations": {"config.digest": "sha256:c"}},
        "Config": {"Labels": {"dlm.context": "ctx", "org.opencontainers.image.base.digest": "sha256:b"}},
        "RootFS": {"Layers": ["sha256:1", "sha256:2"]},
    }  # fmt: skip
    image = _image("dlm/x:1", attrs, [{"Size": 5}, {"Size": 7}, {}])
    assert (image.digest, image.config_digest, image.size) == ("sha256:m", "sha256:c", 12)
    assert (image.context_digest, image.base_digest, image.layers) == ("ctx", "sha256:b", ("sha256:1", "sha256:2"))


def test_an_image_of_another_maker_in_the_classic_store() -> None:
    image = _image("x:1", {"Id": "sha256:c", "Config": {"Labels": None}, "RootFS": {}}, [])
    assert (image.digest, image.config_digest, image.context_digest) == ("sha256:c", "sha256:c", "")


class Client:
    """An engine with one image, to which no tag leads any more."""

    def __init__(self, digest: str) -> None:
        self.digest = digest
        self.images = self.api = self
        self.tagged: list[str] = []

    def get(self, reference: str) -> Any:
        from docker.errors import ImageNotFound

        if reference != self.digest:
            raise ImageNotFound(reference)
        return SimpleNamespace(id=self.digest)

    def tag(self, image: str, *_: Any, **__: Any) -> None:
        self.tagged.append(image)

    def push(self, *_: Any, **__: Any) -> list[dict[str, Any]]:
        return [{"status": f"1: digest: sha256:{'a' * 64} size: 7"}]

    def remove(self, _reference: str) -> None: ...

    def close(self) -> None: ...


@pytest.mark.parametrize("known", ["sha256:m", "sha256:c"])
def test_the_very_image_is_pushed_wherever_its_tag_leads(monkeypatch: pytest.MonkeyPatch, known: str) -> None:
    import docker

    client = Client(known)
    monkeypatch.setattr(docker.DockerClient, "from_env", lambda **_: client)
    engine = DockerEngine(Told({}), Settings(docker=Docker(host="unix:///a")))
    image = Image(
        reference="dlm/x:1", digest="sha256:m", config_digest="sha256:c", size=1, base_digest="", context_digest=""
    )
    assert engine.push(image, "h/x", "1", {}, silent).digest == "sha256:" + "a" * 64
    assert client.tagged == [known]
    with pytest.raises(UsageError, match="the engine no longer has dlm/x:1"):
        engine.push(replace(image, digest="sha256:other", config_digest="sha256:c2"), "h/x", "1", {}, silent)


def test_an_image_that_only_says_it_is_the_contexts_is_built(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """`docker commit` of a container puts other files under the same tag and the same labels."""
    lock, store = tiny_lock(), Store(tmp_path)
    context = rendered(lock)
    image = Image(
        reference="dlm/x:1", digest="sha256:ours", size=1, base_digest="sha256:b", context_digest=context.digest
    )
    engine, builds = DockerEngine(Told({}), Settings()), iter([image, image])
    there = replace(image, digest="sha256:committed")

    def run_build(*_: Any) -> tuple[float, frozenset[str]]:
        nonlocal there
        there = next(builds)
        return 2.0, frozenset()

    monkeypatch.setattr(engine, "image", lambda _tag: there)
    monkeypatch.setattr(engine, "_run_build", run_build)
    monkeypatch.setattr(engine, "_verify", lambda *_: None)
    for seconds in (2.0, 0.0):
        made = engine.build(lock, context, tmp_path, store, "dlm/x:1", silent)
        assert made == replace(image, seconds=seconds)
    there = replace(image, digest="sha256:committed")
    assert engine.build(lock, context, tmp_path, store, "dlm/x:1", silent).digest == "sha256:ours"
