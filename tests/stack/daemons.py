"""The four programs a stack keeps running: registry, channel server, containerd and dockerd."""

from __future__ import annotations

import http.client
import json
import socket
import sys
from collections.abc import Iterator
from pathlib import Path

from tests.stack.apt import find_program
from tests.stack.layout import Choices, State, write_json, write_text
from tests.stack.network import created_networks
from tests.stack.processes import Program, end, ensure_running, running_pid, stop
from tests.stack.shell import say

STOP_ORDER = ("dockerd", "containerd", "channel", "registry")


def start_registry(state: State, choices: Choices) -> int:
    """Serve the stack's registry on loopback; deleting is allowed, as on a site's own mirror."""
    config = state.path("registry.yml")
    root = json.dumps(str(state.path("registry")))
    write_text(config, _REGISTRY_CONFIG.format(root=root, port=choices.registry_port))
    argv = [find_program("docker-registry"), "serve", str(config)]
    return ensure_running(state, Program("registry", argv, lambda: http_answers(choices.registry_port, "/v2/")))


_REGISTRY_CONFIG = """\
version: 0.1
log: {{level: warn, accesslog: {{disabled: true}}}}
storage:
  filesystem: {{rootdirectory: {root}}}
  delete: {{enabled: true}}
http:
  addr: 127.0.0.1:{port}
"""


def start_channel_server(state: State, choices: Choices) -> int:
    """Serve the conda channel over HTTP on loopback."""
    state.channel.mkdir(parents=True, exist_ok=True)
    server = Path(__file__).with_name("channel_server.py")
    argv = [sys.executable, str(server), str(choices.channel_port), str(state.channel)]
    return ensure_running(state, Program("channel", argv, lambda: http_answers(choices.channel_port, "/")))


def start_docker(state: State, choices: Choices) -> int:
    """Start a containerd and a dockerd that share nothing with any other on this machine. Returns dockerd's pid."""
    state.cdi.mkdir(parents=True, exist_ok=True)
    address = _start_containerd(state)
    write_json(state.path("dockerd.json"), _dockerd_config(state, choices, address))
    if running_pid(state, "dockerd") is None:
        state.path("dockerd.pid").unlink(missing_ok=True)  # left by a crash, it would forbid the start
    argv = [find_program("dockerd"), "--config-file", str(state.path("dockerd.json"))]
    return ensure_running(state, Program("dockerd", argv, lambda: docker_answers(state.docker_socket)))


def _start_containerd(state: State) -> Path:
    address = state.path("containerd.sock")
    config = state.path("containerd.toml")
    write_text(config, _containerd_config(state, address))
    argv = [find_program("containerd"), "--config", str(config)]
    ensure_running(state, Program("containerd", argv, lambda: socket_answers(address)))
    return address


def _containerd_config(state: State, address: Path) -> str:
    unused = ["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]
    return (
        "version = 2\n"
        f"root = {json.dumps(str(state.path('containerd')))}\n"
        f"state = {json.dumps(str(state.path('containerd-run')))}\n"
        f"disabled_plugins = {json.dumps(unused)}\n"
        f"[grpc]\naddress = {json.dumps(str(address))}\n"
    )


def _dockerd_config(state: State, choices: Choices, containerd: Path) -> dict[str, object]:
    return {
        "hosts": [state.docker_host],
        "pidfile": str(state.path("dockerd.pid")),
        "data-root": str(state.path("docker")),
        "exec-root": str(state.path("docker-run")),
        "containerd": str(containerd),
        "features": {"containerd-snapshotter": True, "cdi": True},
        "cdi-spec-dirs": [str(state.cdi)],
        "registry-mirrors": [registry_url(choices)],
        "bridge": choices.bridge,
        "default-address-pools": [{"base": created_networks(choices), "size": 24}],
        "iptables": False,
        "ip6tables": False,
        "ip-masq": False,
        "ip-forward": False,
    }


def stop_all(state: State) -> None:
    """End the stack's programs, the ones that use others first."""
    for name in STOP_ORDER:
        stop(state, name)
    for pid in list(_shims(state)):
        say(f"  ending container process {pid}")
        end(pid, 5)


def _shims(state: State) -> Iterator[int]:
    """Processes that this stack's containerd started and left behind, which happens only after a crash."""
    address = str(state.path("containerd.sock"))
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "cmdline").read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        if "containerd-shim" in words[0] and address in words:
            yield int(folder.name)


def registry_url(choices: Choices) -> str:
    return f"http://127.0.0.1:{choices.registry_port}"


def channel_url(choices: Choices) -> str:
    return f"http://127.0.0.1:{choices.channel_port}"


def http_answers(port: int, path: str) -> bool:
    """True when something on the loopback port answers an HTTP GET of ``path`` with success."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=2)
    try:
        connection.request("GET", path)
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def docker_answers(path: Path) -> bool:
    """True when a Docker daemon answers a ping on the socket."""
    try:
        return ask_docker(path, "/_ping") == b"OK"
    except (OSError, http.client.HTTPException):
        return False


def ask_docker(path: Path, target: str) -> bytes:
    """The body of a GET on a Docker daemon's socket."""
    connection = _SocketConnection(path)
    try:
        connection.request("GET", target)
        return connection.getresponse().read()
    finally:
        connection.close()


class _SocketConnection(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: Path) -> None:
        super().__init__("docker", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def socket_answers(path: Path) -> bool:
    """True when something accepts connections on the socket."""
    with socket.socket(socket.AF_UNIX) as link:
        try:
            link.connect(str(path))
        except OSError:
            return False
    return True
