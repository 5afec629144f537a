"""The GPU by CDI, with a stand-in device: there, absent, broken."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from dlm_build.errors import InfraError
from tests.engines.running.models import Model
from tests.stack import cdi
from tests.stack.layout import open_state

pytestmark = pytest.mark.engine


@pytest.fixture
def no_gpu() -> Iterator[None]:
    with cdi.held(open_state(None), on=False):
        yield


@pytest.fixture
def fake_gpu() -> Iterator[None]:
    """A CDI device that is only a mark in the environment and two harmless device nodes."""
    with cdi.held(open_state(None), on=True):
        yield


def test_a_gpu_that_is_demanded_and_absent_stops_before_anything_runs(model: Model, no_gpu: None) -> None:
    with pytest.raises(InfraError, match=r"--gpu: .*the engine offers no CDI device nvidia\.com/gpu") as caught:
        model("", gpu=True)
    assert "nvidia-ctk cdi generate" in caught.value.hint


def test_a_gpu_that_is_only_wanted_falls_back_and_says_so(model: Model, no_gpu: None) -> None:
    run = model("", wants_gpu=True)
    assert (run.end, run.device) == ("finished", "cpu")
    assert "no CDI device nvidia.com/gpu" in run.device_reason


SEEN = "import os, json\njson.dump([os.environ.get(n) for n in ('DLM_DEVICE', 'DLM_STACK_FAKE_GPU')] "
SEEN += "+ [os.path.exists('/dev/nvidia0')], open(out + '/seen.json', 'w'))"


@pytest.mark.parametrize(
    ("asked", "device", "seen"),
    [
        ({"wants_gpu": True}, "gpu", ["gpu", "1", True]),
        ({"gpu": True}, "gpu", ["gpu", "1", True]),
        ({"wants_gpu": True, "gpu": False}, "cpu", ["cpu", None, False]),
        ({}, "cpu", ["cpu", None, False]),
    ],
    ids=["wanted by the model", "demanded", "forbidden", "neither"],
)
def test_the_gpu_is_handed_over_by_cdi(
    model: Model, fake_gpu: None, asked: dict[str, Any], device: str, seen: list[Any]
) -> None:
    run = model(SEEN, **asked)
    assert (run.end, run.device) == ("finished", device), run
    assert msgspec.json.decode(Path(run.output_folder, "seen.json").read_bytes()) == seen
    if device == "gpu":
        told = "given by CDI device nvidia.com/gpu=all; nothing tells whether the model's program used it"
        assert (run.device_known, run.device_reason) == (False, told)


@pytest.mark.parametrize(
    ("words", "device", "known"),
    [('{"device": "gpu"}', "gpu", True), ('{"device": "cpu"}', "cpu", True), ('{"device": null}', "gpu", False)],
)
def test_the_harness_tells_what_was_used(model: Model, fake_gpu: None, words: str, device: str, known: bool) -> None:
    run = model(f"import os; print(os.environ['DLM_REPORT'], {words!r}); print('more')", gpu=True)
    assert (run.device, run.device_known, run.log_tail) == (device, known, "more\n")


@pytest.fixture
def broken_gpu(no_gpu: None, engine: Any) -> Iterator[None]:
    """A device the engine lists but cannot hand over."""
    edits = {"deviceNodes": [{"path": "/dev/nvidia9", "hostPath": "/dev/no-such-device"}]}
    spec = open_state(None).cdi / "broken.json"
    devices = [{"name": "all", "containerEdits": edits}]
    spec.write_text(json.dumps({"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": devices}))
    try:
        deadline = time.monotonic() + 10
        while "nvidia.com/gpu=all" not in [entry["ID"] for entry in engine.info().get("DiscoveredDevices") or ()]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        spec.unlink()


def test_a_gpu_that_cannot_be_handed_over_is_said(model: Model, broken_gpu: None) -> None:
    run = model(SEEN, wants_gpu=True)
    assert (run.end, run.device) == ("finished", "cpu"), run
    assert run.device_reason.startswith("the engine could not hand over the GPU by CDI device nvidia.com/gpu=all: ")
    with pytest.raises(InfraError, match="cannot start the container"):
        model("", gpu=True)
