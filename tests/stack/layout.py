"""Where one stack keeps its things, and the choices (ports, subnet) fixed when it first starts."""

from __future__ import annotations

import hashlib
import json
import os
import re
import socket
from dataclasses import asdict, dataclass
from pathlib import Path

from tests.stack.shell import StackError, run

DEFAULT_STATE = "/var/tmp/dlm-build-stack"
STATE_VARIABLE = "DLM_STACK_STATE"


@dataclass(frozen=True)
class Choices:
    """What a stack settles once, so that digests, mirrors and URLs stay the same from start to start."""

    registry_port: int
    channel_port: int
    bridge: str
    subnet: str  # a /16 split in /24: the first is the default bridge, the others are for created networks


@dataclass(frozen=True)
class State:
    """One stack's folder. Every path the stack writes, apt's own files aside, is below ``root``."""

    root: Path

    def path(self, *parts: str) -> Path:
        """A path below the state folder."""
        return self.root.joinpath(*parts)

    @property
    def docker_socket(self) -> Path:
        return self.root / "docker.sock"

    @property
    def docker_host(self) -> str:
        return f"unix://{self.docker_socket}"

    @property
    def channel(self) -> Path:
        return self.root / "channel"

    @property
    def cdi(self) -> Path:
        return self.root / "cdi"

    @property
    def name(self) -> str:
        """Eight letters that tell this stack's bridge and firewall rules from another's."""
        return hashlib.sha256(str(self.root).encode()).hexdigest()[:8]


def open_state(argument: str | None) -> State:
    """The state folder named on the command line, by the environment, or the default one."""
    root = Path(argument or os.environ.get(STATE_VARIABLE) or DEFAULT_STATE).resolve()
    if len(str(root)) > 80:
        raise StackError(f"state folder path is too long for a socket: {root}", "use a path of at most 80 letters")
    return State(root)


def read_json(path: Path) -> dict[str, object]:
    """The JSON object in ``path``, or an empty one when there is no such file."""
    try:
        loaded = json.loads(path.read_text())
    except FileNotFoundError:
        return {}
    if not isinstance(loaded, dict):
        raise StackError(f"{path} does not hold a JSON object", "remove it and start the stack again")
    return loaded


def write_text(path: Path, text: str) -> None:
    """Write a small file so that a reader sees the old or the new one, never half of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(path.name + ".new")
    fresh.write_text(text)
    fresh.replace(path)


def write_json(path: Path, value: object) -> None:
    """Write ``value`` as sorted, indented JSON."""
    write_text(path, json.dumps(value, indent=1, sort_keys=True) + "\n")


def settle(state: State) -> Choices:
    """The choices of this stack: those on file, or new ones that clash with nothing on this machine."""
    path = state.path("choices.json")
    known = read_json(path)
    if known:
        return Choices(**known)  # type: ignore[arg-type]
    registry = _free_port(5005)
    choices = Choices(registry, _free_port(registry + 1), f"dlm{state.name}", _free_subnet(state))
    write_json(path, asdict(choices))
    return choices


def _free_port(first: int) -> int:
    for port in range(first, first + 200):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
    raise StackError(f"no free port from {first} on", "stop something that listens on the loopback address")


def _free_subnet(state: State) -> str:
    """A network nobody routes to; which one is tried first depends on the stack, as another may be down now."""
    routes = run(["ip", "-4", "route", "show", "table", "all"])
    taken = set(re.findall(r"\b10\.(\d+)\.", routes))
    first = int(state.name, 16)
    for number in (130 + (first + step) % 120 for step in range(120)):
        if str(number) not in taken:
            return f"10.{number}.0.0/16"
    raise StackError("no free private network between 10.130.0.0 and 10.249.0.0", "remove unused network bridges")
