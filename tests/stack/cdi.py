"""A GPU that is not there: a CDI device of NVIDIA's kind, so that the GPU path of Docker can be walked for real."""

from __future__ import annotations

import fcntl
import json
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.stack.daemons import ask_docker
from tests.stack.layout import State, write_json
from tests.stack.shell import StackError

KIND = "nvidia.com/gpu"
MARK = "DLM_STACK_FAKE_GPU=1"
TELLS_DEVICES = (28, 2)  # the first Docker that lists CDI devices


def switch(state: State, on: bool) -> None:
    """Offer the device or take it away, and wait until dockerd has noticed."""
    if on:
        write_json(_spec_path(state), _spec())
    else:
        _spec_path(state).unlink(missing_ok=True)
    deadline = time.monotonic() + 10
    while _seen_by_docker(state) == (not on):
        if time.monotonic() > deadline:
            raise StackError("dockerd does not notice the change of CDI devices", "is it running? see status")
        time.sleep(0.02)


@contextmanager
def held(state: State, on: bool) -> Iterator[None]:
    """Keep the device on (or off) for a while, alone: tests that run side by side wait for one another here."""
    with state.path("cdi.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        before = is_on(state)
        switch(state, on)
        try:
            yield
        finally:
            switch(state, before)


def is_on(state: State) -> bool:
    """True while the device is offered."""
    return _spec_path(state).exists()


def _seen_by_docker(state: State) -> bool | None:
    """Whether dockerd knows the device; None, after the time it takes to look, from those too old to tell."""
    try:
        known = json.loads(ask_docker(state.docker_socket, "/info"))
    except OSError as error:
        raise StackError(f"dockerd does not answer: {error}", "run `python -m tests.stack up`") from None
    version = re.match(r"(\d+)\.(\d+)", known["ServerVersion"])
    if version is None or (int(version[1]), int(version[2])) < TELLS_DEVICES:
        time.sleep(0.5)
        return None
    return any(device["ID"].startswith(KIND) for device in known.get("DiscoveredDevices") or ())


def _spec_path(state: State) -> Path:
    return state.cdi / "nvidia.json"


def _spec() -> dict[str, object]:
    nodes = [_node("/dev/nvidia0"), _node("/dev/nvidiactl")]
    edits = {"env": [MARK, "NVIDIA_VISIBLE_DEVICES=void"], "deviceNodes": nodes}
    return {
        "cdiVersion": "0.6.0",
        "kind": KIND,
        "devices": [{"name": name, "containerEdits": edits} for name in ("all", "0")],
        "containerEdits": {},
    }


def _node(path: str) -> dict[str, object]:
    """A device node that leads to /dev/null."""
    return {"path": path, "hostPath": "/dev/null", "type": "c", "major": 1, "minor": 3, "permissions": "rw"}
