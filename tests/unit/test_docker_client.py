"""The door to the engine: whatever goes wrong behind it is told as ours, in the same words whoever asked."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn

import docker
import pytest
from docker.errors import APIError, DockerException, ImageNotFound
from msgspec.structs import replace
from requests.exceptions import ConnectionError as Lost

from dlm_build.config import Settings
from dlm_build.docker_client import connected, doing, engine_problem, id_of
from dlm_build.errors import InfraError
from dlm_build.proc import RealPrograms
from dlm_build.records import Image
from dlm_build.running.gpu import probe


@pytest.mark.parametrize(
    ("problem", "message"),
    [
        (APIError("500", explanation="no \x1b space"), "cannot do it: no \\x1b space"),
        (Lost("aborted"), "cannot do it: aborted"),
        (ImageNotFound("404"), "cannot do it: the engine has no such image"),
        (BrokenPipeError(32, "Broken pipe"), "cannot do it: Broken pipe"),
    ],
)
def test_the_sdks_troubles_are_told_as_ours(problem: Exception, message: str) -> None:
    with pytest.raises(InfraError) as caught, doing("do it"):
        raise problem
    assert caught.value.message == message
    assert caught.value.hint


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(ZeroDivisionError), doing("do it"):
        raise ZeroDivisionError


@pytest.mark.loopback
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_where_no_engine_listens_the_address_and_the_reason_are_said(tmp_path: Path) -> None:
    address = f"unix://{tmp_path}/none.sock"
    with pytest.raises(InfraError) as caught, connected({"DOCKER_HOST": address}, 60):
        pass
    assert caught.value.message == f"Docker does not answer at {address}: no such file or directory"
    del caught
    __import__("gc").collect()


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(InfraError, match=r"Docker refused: .*gopher://x"), connected({"DOCKER_HOST": "gopher://x"}, 60):
        pass


class Engine:
    """Opened as often as asked; knows one image, and that by its configuration."""

    def __init__(self) -> None:
        self.images, self.closed = self, 0

    def get(self, digest: str) -> SimpleNamespace:
        if digest != "sha256:c":
            raise ImageNotFound(digest)
        return SimpleNamespace(id="sha256:c")

    def close(self) -> None:
        self.closed += 1


@pytest.fixture
def engine(monkeypatch: pytest.MonkeyPatch) -> Engine:
    made = Engine()
    monkeypatch.setattr(docker.DockerClient, "from_env", lambda **_: made)
    return made


@pytest.mark.parametrize("problem", [APIError("500 Server Error"), Lost("Read timed out. (read timeout=60)")])
def test_what_is_raised_while_it_is_open_is_ours_too(problem: Exception, engine: Engine) -> None:
    """As by the first question of a run, which sweeps away what a killed one left."""
    with pytest.raises(InfraError, match=r"^Docker "), connected({}, 60):
        raise problem
    assert engine.closed == 1


def test_who_may_not_talk_to_it_is_told_so_whoever_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(**_: Any) -> NoReturn:
        raise DockerException(
            "Error while fetching server API version: ('Connection aborted.', PermissionError(13, 'Permission denied'))"
        )

    monkeypatch.setattr(docker.DockerClient, "from_env", refused)
    with pytest.raises(InfraError, match="permission denied on its socket") as caught:
        probe(Settings(), RealPrograms({}))
    assert "group `docker`" in caught.value.hint


def test_an_image_is_found_by_what_it_is() -> None:
    image = Image(
        reference="dlm/x:1", digest="sha256:m", config_digest="sha256:c", size=1, base_digest="", context_digest=""
    )
    client: Any = Engine()
    assert id_of(client, image) == "sha256:c"
    assert id_of(client, replace(image, config_digest="")) is None


# --- texts, all of which a real Docker, buildx or SDK (28.5, 0.29, 7.2) said, shortened -----------------------------


@pytest.mark.parametrize(
    "text",
    [
        "ERROR: Cannot connect to the Docker daemon at unix:///nonexist.sock. Is the docker daemon running?",
        "ERROR: failed to build: failed to solve: Unavailable: error reading from server: EOF",
        "ERROR: failed to build: failed to receive status: rpc error: code = Unavailable desc = error reading from "
        "server: EOF",
        "Error while fetching server API version: ('Connection aborted.', FileNotFoundError(2, 'No such file or "
        "directory'))",
        "Error while fetching server API version: ('Connection aborted.', ConnectionRefusedError(111, 'Connection "
        "refused'))",
        "UnixHTTPConnectionPool(host='localhost', port=None): Read timed out. (read timeout=60)",
    ],
)
def test_an_engine_that_is_away(text: str) -> None:
    problem = engine_problem(text)
    assert problem is not None
    assert "Docker does not answer" in problem.message
    assert "start Docker" in problem.hint


def test_a_forbidden_engine() -> None:
    text = "permission denied while trying to connect to the Docker daemon socket at unix:///var/run/docker.sock"
    problem = engine_problem(text)
    assert problem is not None
    assert "group `docker`" in problem.hint


def test_a_docker_without_buildx() -> None:
    problem = engine_problem("docker: 'buildx' is not a docker command.\nSee 'docker --help'")
    assert problem is not None
    assert "docker-buildx" in problem.hint


def test_other_talk_is_no_engine_problem() -> None:
    assert engine_problem("something else") is None
