"""What a stack tells others: ``stack.json`` with all facts, ``config.toml`` for dlm-build, lines for a shell."""

from __future__ import annotations

import json
import os
import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.stack import daemons
from tests.stack.apptainer import Apptainer
from tests.stack.apt import find_program
from tests.stack.images import Base
from tests.stack.layout import Choices, State, read_json, write_json, write_text
from tests.stack.shell import StackError, run

CONFIG_VARIABLE = "DLM_BUILD_CONFIG"


def config_path(state: State) -> Path:
    return state.path("config.toml")


def stack_path(state: State) -> Path:
    return state.path("stack.json")


def write_config(state: State, choices: Choices, bases: Sequence[Base], sif: Apptainer) -> None:
    """Write the dlm-build site settings that make it use this stack and nothing else."""
    lines = [
        "# Site settings of the test stack, written by python -m tests.stack up.",
        "[docker]",
        f"host = {_quoted(state.docker_host)}",
        "[apptainer]",
        f"program = {_quoted(sif.program)}",
        f"user = {_quoted(sif.user)}",
        '[registries."docker.io"]',
        f"mirrors = [{_quoted(daemons.registry_url(choices))}]",
        "[bases.pins]",
        *(f"{_quoted(tag)} = {_quoted(digest)}" for tag, digest in pins(bases).items()),
        "[channels.mirrors]",
        f"conda-forge = [{_quoted(state.channel.as_uri())}]",
    ]
    write_text(config_path(state), "\n".join(lines) + "\n")


def pins(bases: Sequence[Base]) -> dict[str, str]:
    """Image and tag, as people write them, to the digest this stack serves."""
    return {f"{base.repository.removeprefix('library/')}:{tag}": base.index for base in bases for tag in base.tags}


def _quoted(text: str) -> str:
    return json.dumps(text)  # a TOML basic string, for the plain ASCII that goes through here


def write_stack(
    state: State,
    choices: Choices,
    bases: Sequence[Base],
    pids: Mapping[str, int],
    more: Mapping[str, Mapping[str, object]],
) -> None:
    """Write everything a test may want to know about the running stack; `more` tells of the channel and Apptainer."""
    write_json(
        stack_path(state),
        {
            "docker_host": state.docker_host,
            "docker": find_program("docker"),
            "registry": daemons.registry_url(choices),
            "channel": {"file": state.channel.as_uri(), "http": daemons.channel_url(choices), **more["channel"]},
            "apptainer": more["apptainer"],
            "bases": {
                base.repository: {"index": base.index, "platform": base.platform, "tags": base.tags} for base in bases
            },
            "versions": _versions(state),
            "pids": dict(pids),
            "config": str(config_path(state)),
        },
    )


def _versions(state: State) -> dict[str, str]:
    """Versions of the programs; asked once per set of running programs, because docker answers slowly."""
    docker = [find_program("docker"), "--host", state.docker_host]
    inspected = run([*docker, "buildx", "inspect", "default"])
    buildkit = [line.split(":", 1)[1].strip() for line in inspected.splitlines() if line.startswith("BuildKit version")]
    return {
        "dockerd": run([*docker, "version", "--format", "{{.Server.Version}}"]).strip(),
        "buildx": run([*docker, "buildx", "version"]).split()[1],
        "buildkit": buildkit[0] if buildkit else "",
        "registry": run([find_program("docker-registry"), "--version"]).split()[-1],
    }


def stack_facts(state: State) -> dict[str, object]:
    """The contents of ``stack.json``; raises StackError when the stack never came up."""
    facts = read_json(stack_path(state))
    if not facts:
        raise StackError(f"no stack in {state.root}", "run `python -m tests.stack up`")
    return facts


def environment(state: State) -> dict[str, str]:
    """The variables that point Docker, dlm-build and whoever looks for Apptainer at this stack."""
    apptainer = read_json(stack_path(state)).get("apptainer")
    folder = str(Path(str(apptainer["program"])).parent) if isinstance(apptainer, dict) else "/usr/bin"
    path = os.environ.get("PATH", os.defpath)
    return {
        "DOCKER_HOST": state.docker_host,
        CONFIG_VARIABLE: str(config_path(state)),
        "DLM_STACK_STATE": str(state.root),
        "PATH": path if folder in path.split(os.pathsep) else f"{folder}{os.pathsep}{path}",
    }


def shell_lines(state: State) -> list[str]:
    """``export`` lines of them."""
    return [f"export {name}={shlex.quote(value)}" for name, value in environment(state).items()]
