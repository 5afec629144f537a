from __future__ import annotations

from pathlib import Path

import pytest
from docker.errors import APIError, ImageNotFound
from requests.exceptions import ConnectionError as Lost

from dlm_build.config import Settings
from dlm_build.errors import InfraError
from dlm_build.running.engine import connected, told


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
    with pytest.raises(InfraError) as caught, told("do it"):
        raise problem
    assert caught.value.message == message
    assert caught.value.hint


def test_a_bug_stays_a_bug() -> None:
    with pytest.raises(ZeroDivisionError), told("do it"):
        raise ZeroDivisionError


@pytest.mark.loopback
@pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
def test_where_no_engine_listens_the_address_and_the_reason_are_said(tmp_path: Path) -> None:
    settings = Settings(environment={"DOCKER_HOST": f"unix://{tmp_path}/none.sock"})
    with pytest.raises(InfraError) as caught, connected(settings):
        pass
    assert caught.value.message == f"no Docker engine answers at unix://{tmp_path}/none.sock: No such file or directory"
    del caught
    __import__("gc").collect()


def test_an_address_that_is_none_is_said(tmp_path: Path) -> None:
    with (
        pytest.raises(InfraError, match=r"no Docker engine answers at gopher://x: "),
        connected(Settings(environment={"DOCKER_HOST": "gopher://x"})),
    ):
        pass
