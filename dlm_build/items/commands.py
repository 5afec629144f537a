"""The command that runs the model, as items give it: itself, behind the options of `docker run`, or a server's start.

Nothing is invented: where the image cannot be found among the words, no command is read.
"""

from __future__ import annotations

import re
import shlex
from pathlib import PurePosixPath

from dlm_build.findings.dialects import CommandStartsAServer, DockerRunArguments, NoCommandInDockerRun
from dlm_build.findings.runtime import CommandIsAList
from dlm_build.items.names import command_line
from dlm_build.items.node import Node

_ENGINES = frozenset({"docker", "nvidia-docker", "podman"})
_SERVERS = frozenset({"torchserve", "multi-model-server", "mxnet-model-server"})
_PLACEHOLDER = re.compile(r"<[^<>\s]{0,60}image[^<>\s]{0,60}>|\$\{?IMAGE\}?", re.IGNORECASE)
_WITHOUT_VALUE = re.compile(
    r"-[itdP]+|--(?:rm|init|privileged|detach|interactive|tty|read-only|publish-all|no-healthcheck|oom-kill-disable)|-.*=.*"
)
"""Options of `docker run` after which a new word begins."""


def container_command(node: Node, image: str | None) -> str | None:
    """The command for inside the container. `image` is the declared one, by which it is found among the words."""
    line = command_line(_as_line(node))
    if line is None:
        return None
    command = _after_image(line, image) if _for_docker_run(line) else line
    if not command:
        node.find(NoCommandInDockerRun, found=line)
        return None
    if _starts_a_server(command):
        node.find(CommandStartsAServer, found=command)
        return None
    if command != line:
        node.find(DockerRunArguments, found=line, read=command)
    return command


def _as_line(node: Node) -> Node:
    """A list of words as the one line that has them; anything else as it is."""
    words = node.values()
    if not words or not all(isinstance(word, str) for word in words):
        return node
    line = shlex.join(map(str, words))
    node.find(CommandIsAList, read=line)
    return Node(node.log, node.pointer, line)


def _for_docker_run(line: str) -> bool:
    words = line.split()
    return words[0].startswith("-") or (PurePosixPath(words[0]).name in _ENGINES and words[1:2] == ["run"])


def _starts_a_server(line: str) -> bool:
    words = line.split()
    return PurePosixPath(words[0]).name in _SERVERS and "--start" in words


def _after_image(line: str, image: str | None) -> str:
    """What follows the image; empty where the image is not found, or nothing follows."""
    before = ""
    for word in re.finditer(r"\S+", line):
        is_value = before.startswith("-") and not _WITHOUT_VALUE.fullmatch(before)
        if not is_value and _is_image(word.group(), image):
            return line[word.end() :].strip()
        before = word.group()
    return ""


def _is_image(word: str, image: str | None) -> bool:
    """The image by its name, with or without a tag, or a placeholder for it."""
    if _PLACEHOLDER.fullmatch(word):
        return True
    return image is not None and (word == image or word.startswith((f"{image}:", f"{image}@")))
