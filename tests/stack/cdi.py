"""A GPU that is not there: a CDI device of NVIDIA's kind, so that the GPU path of Docker can be walked for real."""

from __future__ import annotations

from pathlib import Path

from tests.stack.layout import State, write_json

KIND = "nvidia.com/gpu"
MARK = "DLM_STACK_FAKE_GPU=1"


def spec_path(state: State) -> Path:
    """Where the specification lies while the device is on."""
    return state.cdi / "nvidia.json"


def switch_on(state: State) -> None:
    """Offer the device; dockerd sees the file by itself."""
    write_json(spec_path(state), _spec())


def switch_off(state: State) -> None:
    """Take the device away."""
    spec_path(state).unlink(missing_ok=True)


def is_on(state: State) -> bool:
    return spec_path(state).exists()


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
