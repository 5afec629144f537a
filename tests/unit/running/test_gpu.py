from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import GpuIncompatible, InfraError
from dlm_build.proc import Finished
from dlm_build.records import EnvironmentSpec
from dlm_build.running.gpu import Device, choose, choose_host_gpu, demand_on_host, find_device, fitting
from tests.unit.plans import tiny_plan

QUERY = ("nvidia-smi", "--query-gpu=name,driver_version", "--format=csv,noheader")


class Smi:
    """Answers nvidia-smi's query and refuses every other program; None: not installed."""

    def __init__(self, answer: str | None = None, status: int = 0) -> None:
        self.answer = answer
        self.status = status

    def run(self, argv: Sequence[str], **_options: Any) -> Finished:
        assert tuple(argv) == QUERY
        if self.answer is None:
            raise InfraError("cannot start nvidia-smi: No such file or directory")
        return Finished(argv=QUERY, status=self.status, stdout=self.answer, stderr="", seconds=0.0)


def cdi(*names: str) -> Mapping[str, Any]:
    return {"DiscoveredDevices": [{"Source": "cdi", "ID": name} for name in names], "Runtimes": {"runc": {}}}


def test_cdi_comes_before_the_runtime() -> None:
    info = {**cdi("nvidia.com/gpu=0", "nvidia.com/gpu=all"), "Runtimes": {"nvidia": {}}}
    found = find_device(info, Smi("NVIDIA H200, 570.1\nNVIDIA H200, 570.1\n"))
    assert (found.kind, found.way, found.device_id) == ("gpu", "cdi", "nvidia.com/gpu=all")
    assert (found.name, found.driver, found.available) == ("NVIDIA H200", "570.1", True)


def test_without_an_all_device_the_first_is_taken() -> None:
    assert find_device(cdi("nvidia.com/gpu=1", "nvidia.com/gpu=0"), Smi()).device_id == "nvidia.com/gpu=0"


def test_the_runtime_serves_where_cdi_does_not() -> None:
    found = find_device({"Runtimes": {"nvidia": {}, "runc": {}}, "DiscoveredDevices": None}, Smi("A100, 1\n"))
    assert (found.way, found.name) == ("runtime", "A100")


@pytest.mark.parametrize("info", [{}, cdi(), cdi("vendor.com/net=0"), {"Runtimes": None, "DiscoveredDevices": []}])
def test_else_the_cpu_and_why(info: Mapping[str, Any]) -> None:
    found = find_device(info, Smi())
    assert (found.kind, found.available, found.name) == ("cpu", False, None)
    assert found.reason == "the engine offers no CDI device nvidia.com/gpu and no nvidia runtime"


def test_a_gpu_the_engine_cannot_reach_is_named() -> None:
    assert find_device(cdi(), Smi("NVIDIA T4, 535\n")).reason.startswith("this machine has NVIDIA T4, but the engine")


@pytest.mark.parametrize("smi", [Smi("", 0), Smi("No devices were found\n", 6), Smi("\n")])
def test_a_failing_nvidia_smi_names_nothing(smi: Smi) -> None:
    assert find_device(cdi("nvidia.com/gpu=all"), smi).name is None


def test_older_engines_are_asked_for_their_specifications(tmp_path: Path) -> None:
    info = {"CDISpecDirs": [str(tmp_path / "absent"), str(tmp_path)]}
    (tmp_path / "readme.txt").write_text("nvidia.com/gpu")
    assert find_device(info, Smi()).kind == "cpu"
    (tmp_path / "nvidia.yaml").write_text("kind: nvidia.com/gpu\n")
    assert find_device(info, Smi()).device_id == "nvidia.com/gpu=all"


@pytest.mark.parametrize(
    ("wanted", "model_wants", "kind", "reason"),
    [
        (None, True, "gpu", "CDI device nvidia.com/gpu=all"), (None, False, "cpu", "the model does not ask for a GPU"),
        (True, False, "gpu", "CDI device nvidia.com/gpu=all"), (False, True, "cpu", "asked for with --no-gpu"),
    ],
)  # fmt: skip
def test_who_decides(wanted: bool | None, model_wants: bool, kind: str, reason: str) -> None:
    chosen = choose(wanted, model_wants, cdi("nvidia.com/gpu=all"), Smi())
    assert (chosen.kind, chosen.reason) == (kind, reason)


def test_a_demanded_gpu_that_is_not_there_is_an_error_with_the_way_out() -> None:
    with pytest.raises(InfraError, match=r"^--gpu: the engine offers no CDI device") as caught:
        choose(True, True, cdi(), Smi())
    assert "nvidia-ctk cdi generate" in caught.value.hint
    assert caught.value.exit_code == 14


def test_for_a_sif_the_way_out_needs_no_docker() -> None:
    with pytest.raises(InfraError, match=r"^--gpu: nvidia-smi finds no GPU") as late:
        choose_host_gpu(True, True, Smi())
    with pytest.raises(InfraError, match=r"^--gpu: nvidia-smi finds no GPU") as early:
        demand_on_host(Smi())
    assert "--gres" in early.value.hint and "nvidia-ctk" not in early.value.hint == late.value.hint


# --- whether the model can run on it ---------------------------------------------------------------------------------

FULL_QUERY = ("nvidia-smi", "--query-gpu=name,driver_version,compute_cap", "--format=csv,noheader")
OLD = tiny_plan(framework="pytorch", framework_version="1.5.0", cuda="10.2", gpu=True)
NEW = tiny_plan(framework="pytorch", framework_version="2.6.0", cuda="12.6", gpu=True)
ON_GPU = Device(kind="gpu", way="nv", reason="the host's driver (--nv)", name="NVIDIA H200")


class FullSmi(Smi):
    """Answers the longer query, and the short one of an nvidia-smi too old for it."""

    def run(self, argv: Sequence[str], **_options: Any) -> Finished:
        if tuple(argv) != FULL_QUERY:
            return super().run(argv)
        if self.answer is None:
            raise InfraError("cannot start nvidia-smi: No such file or directory")
        return Finished(argv=FULL_QUERY, status=self.status, stdout=self.answer, stderr="", seconds=0.0)


H200 = "NVIDIA H200, 570.124.06, 9.0\n"


def test_a_model_that_fits_keeps_the_gpu() -> None:
    assert fitting(ON_GPU, NEW, True, FullSmi(H200)) == ON_GPU


def test_a_demanded_gpu_that_cannot_run_it_is_told_before_running() -> None:
    with pytest.raises(GpuIncompatible, match="no code for NVIDIA H200") as caught:
        fitting(ON_GPU, OLD, True, FullSmi(H200))
    assert caught.value.exit_code == 11


def test_one_that_nobody_demanded_gives_way_to_the_cpu_and_says_so() -> None:
    device = fitting(ON_GPU, OLD, False, FullSmi(H200))
    assert device.kind == "cpu" and "no code for NVIDIA H200" in device.reason and device.reason.startswith("the GPU")


@pytest.mark.parametrize("smi", [FullSmi(None), FullSmi("", 2), FullSmi("Field compute_cap is not valid", 2)])
def test_a_gpu_that_does_not_describe_itself_is_tried(smi: Smi) -> None:
    assert fitting(ON_GPU, OLD, True, smi) == ON_GPU


@pytest.mark.parametrize("smi", [FullSmi(H200), FullSmi("Tesla K80, 470.82.01, 3.7\n"), FullSmi(None)])
def test_a_gpu_for_an_environment_without_cuda_is_refused_or_left(smi: Smi) -> None:
    spec = EnvironmentSpec(origin="inferred", pip=("onnxruntime==1.17.*",))
    plan = tiny_plan(framework="onnxruntime", framework_version="1.17", environment=spec, cuda=None)
    with pytest.raises(GpuIncompatible, match=r"holds onnxruntime 1\.17 without CUDA"):
        fitting(ON_GPU, plan, True, smi)
    device = fitting(ON_GPU, plan, False, smi)
    assert device.kind == "cpu" and "holds onnxruntime 1.17 without CUDA" in device.reason


def test_the_cpu_fits_always() -> None:
    cpu = Device(kind="cpu", reason="asked for with --no-gpu")
    assert fitting(cpu, OLD, False, FullSmi(H200)) == cpu


def test_a_sif_takes_the_hosts_gpu() -> None:
    assert choose_host_gpu(None, True, Smi("NVIDIA H200, 570.1\n")).way == "nv"
    assert choose_host_gpu(None, False, Smi("NVIDIA H200, 570.1\n")).kind == "cpu"
    assert choose_host_gpu(None, True, Smi()).reason == "nvidia-smi finds no GPU on this machine"
    with pytest.raises(InfraError, match="--gpu: nvidia-smi finds no GPU"):
        choose_host_gpu(True, True, Smi())
