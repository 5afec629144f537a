"""The command of an item: itself, behind the options of `docker run`, or a server's start."""

from __future__ import annotations

import pytest

from .samples_of_items import DOCKER, GOOD, codes, found, read, spoiled


@pytest.mark.parametrize(
    ("line", "command"),
    [
        ("-it --rm docker.io/me/coast coast infer", "coast infer"),
        ("docker run --gpus all -v $PWD:/data docker.io/me/coast:1.0 coast infer '{input}'", "coast infer '{input}'"),
        ("nvidia-docker run --rm <image> coast infer --out {output}", "coast infer --out {output}"),
        ("--name docker.io/me/coast -d docker.io/me/coast coast infer", "coast infer"),
        ("--shm-size=1g docker.io/me/coast@sha256:" + "a" * 64 + " coast infer", "coast infer"),
        ("podman run --privileged <IMAGE_NAME> python run.py", "python run.py"),
    ],
)
def test_the_command_after_the_image(line: str, command: str) -> None:
    item = read(spoiled(DOCKER + "run", line))
    assert item.runtime.docker.run == command
    finding = found(item, "docker-run-arguments")
    assert (finding.evidence, finding.hint) == (line, f'write "run": "{command}"')


def test_a_list_of_words_is_one_command() -> None:
    item = read(spoiled(DOCKER + "run", ["coast", "infer", "--name", "my coast"]))
    assert item.runtime.docker.run == "coast infer --name 'my coast'"
    assert "`coast infer --name 'my coast'`" in found(item, "command-is-a-list").message


@pytest.mark.parametrize("line", ["-it --rm other/image coast infer", "-itd docker.io/me/coast", "docker run", "-d"])
def test_no_command_is_invented(line: str) -> None:
    item = read(spoiled(DOCKER + "run", line))
    assert item.runtime.docker.run is None
    assert found(item, "no-command-in-docker-run").evidence == line


@pytest.mark.parametrize(
    "line",
    [
        "-itd -p 80:8080 <image> multi-model-server --start --models coast=<archive.mar>",
        "torchserve --start --model-store /m --models coast.mar",
        "/usr/bin/mxnet-model-server --start",
    ],
)
def test_a_server_is_not_a_command(line: str) -> None:
    item = read(spoiled(DOCKER + "run", line))
    assert item.runtime.docker.run is None
    assert codes(item) == {"command-starts-a-server"}


def test_an_ordinary_command_stays() -> None:
    assert read(GOOD).runtime.docker.run == "coast infer"
    assert read(spoiled(DOCKER + "run", "docker build .")).runtime.docker.run == "docker build ."
