"""Framework builds against GPUs: what is refused, what is tried, and what is said."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from packaging.version import Version

from dlm_build.gpu import Build, Gpu, build_of, fit, load_gpu_table
from dlm_build.gpu.fit import runs
from dlm_build.records import EnvironmentSpec
from tests.unit.plans import tiny_plan

TABLE = load_gpu_table()
H200 = Gpu(name="NVIDIA H200", driver="570.124.06", capability="9.0")
A100 = Gpu(name="NVIDIA A100", driver="535.54.03", capability="8.0")
V100 = Gpu(name="Tesla V100", driver="580.95.05", capability="7.0")
B200 = Gpu(name="NVIDIA B200", driver="580.95.05", capability="10.0")
L4 = Gpu(name="NVIDIA L4", driver="550.54.14", capability="8.9")


def torch(version: str, cuda: str | None, own: bool = True) -> Build:
    return Build(framework="pytorch", version=version, cuda=cuda, own=own)


@pytest.mark.parametrize(
    ("version", "cuda", "gpu"),
    [
        ("2.6.0", "12.6", H200), ("2.0.1", "11.8", H200), ("2.5.1", "12.4", L4), ("1.13.1", "11.7", A100),
        ("2.8.0", "12.9", B200), ("2.7.1", "12.8", B200), ("1.5.0", "10.2", V100), ("2.3.0", "12.1", A100),
    ],
)  # fmt: skip
def test_what_runs(version: str, cuda: str, gpu: Gpu) -> None:
    found = fit(torch(version, cuda), gpu, TABLE)
    assert found.fits and found.source and gpu.name in found.reason


@pytest.mark.parametrize(
    ("version", "cuda", "gpu", "words"),
    [
        ("1.5.0", "10.2", H200, "no code for NVIDIA H200 (compute capability 9.0)"),
        ("1.13.1", "11.7", H200, "no code for NVIDIA H200"),
        ("1.5.0", "10.1", A100, "built for 3.5, 3.7, 5.0, 6.0, 7.0, 7.5, without PTX"),
        ("2.6.0", "12.6", B200, "no code for NVIDIA B200"),
        ("2.12.0", "13.0", V100, "CUDA 13.0 and later serve no Tesla V100"),
        ("2.12.0", "13.0", H200, "needs an NVIDIA driver of at least 580; this machine has 570.124.06"),
    ],
)
def test_what_cannot_run_says_why_and_what_to_do(version: str, cuda: str, gpu: Gpu, words: str) -> None:
    found = fit(torch(version, cuda), gpu, TABLE)
    assert not found.fits and words in found.reason and "--gpu" in found.hint and found.source


def test_before_cuda_11_each_minor_version_has_its_driver() -> None:
    old = Gpu(name="Tesla P100", driver="418.40.04", capability="6.0")
    assert fit(torch("1.4.0", "10.1"), old, TABLE).fits
    assert "at least 440.33" in fit(torch("1.5.0", "10.2"), old, TABLE).reason
    assert fit(torch("2.0.1", "11.8"), old, TABLE).reason.startswith("CUDA 11.8 needs an NVIDIA driver of at least 450")


@pytest.mark.parametrize(
    "build",
    [
        torch("1.13.1", "11.7", own=False), torch("1.13.1", None), torch("0.4.0", "8.0"), torch("odd", "11.7"),
        Build(framework="tensorflow", version="2.4", cuda="11.0", own=True),
    ],
)  # fmt: skip
def test_what_the_table_does_not_know_is_tried(build: Build) -> None:
    assert fit(build, H200, TABLE).fits


def test_a_gpu_that_says_little_is_tried() -> None:
    assert fit(torch("1.5.0", "10.2"), Gpu(name="?", driver="N/A"), TABLE).fits


def test_code_runs_within_its_major_version_and_ptx_upwards() -> None:
    assert runs("8.9", ("8.0", "8.6"), None) and not runs("8.0", ("8.6",), None)
    assert not runs("9.0", ("8.0", "8.6"), None) and runs("9.0", ("8.0",), "8.0") and not runs("7.5", ("8.0",), "8.0")


def test_a_build_is_its_makers_own_from_wheels_and_their_channel() -> None:
    conda = EnvironmentSpec(origin="inferred", conda=("pytorch=2.0.1=*cuda*",))
    forge = EnvironmentSpec(origin="inferred", conda=("conda-forge::pytorch 2.0.*",))
    wheels = EnvironmentSpec(origin="inferred", conda=("python=3.11",), pip=("torch==2.0.1",))
    theirs = EnvironmentSpec(origin="inferred", channels=("pytorch", "conda-forge"), conda=("pytorch::pytorch=2.0.1",))
    found = [build_of(tiny_plan(framework="pytorch", environment=spec)).own for spec in (conda, forge, wheels, theirs)]
    assert found == [False, False, True, True]


CPU_BUILDS = [
    ("onnxruntime", (), ("onnxruntime==1.17.*", "numpy")), ("onnxruntime", ("onnxruntime=1.17",), ()),
    ("pytorch", ("pytorch=1.13.1", "cpuonly"), ()), ("pytorch", ("python=3.9",), ("torch==1.10.0+cpu",)),
    ("tensorflow", (), ("tensorflow-cpu==2.12",)), ("mxnet", (), ("mxnet==1.9.1",)),
]  # fmt: skip
MAYBE_CUDA = [
    ("onnxruntime", (), ("onnxruntime-gpu==1.17.*",)), ("onnxruntime", (), ("onnxruntime==1.17", "onnxruntime-gpu")),
    ("pytorch", (), ("torch==2.3.*",)), ("pytorch", ("pytorch=1.13.1", "cudatoolkit=11.7"), ()),
    ("pytorch", ("pytorch=2.0.1=*cuda*",), ()), ("tensorflow", (), ("tensorflow==2.12",)),
    ("mxnet", (), ("mxnet-cu102==1.9.1",)), ("onnxruntime", (), ("numpy",)),
]  # fmt: skip


def planned_for_cpu(framework: str, conda: tuple[str, ...], pip: tuple[str, ...], **changes: Any) -> Build:
    spec = EnvironmentSpec(origin="inferred", conda=conda, pip=pip)
    return build_of(tiny_plan(framework=framework, framework_version="1.2", environment=spec, cuda=None, **changes))


@pytest.mark.parametrize(("framework", "conda", "pip"), CPU_BUILDS)
def test_a_build_without_cuda_fits_no_gpu(framework: str, conda: tuple[str, ...], pip: tuple[str, ...]) -> None:
    found = fit(planned_for_cpu(framework, conda, pip), H200, TABLE)
    assert not found.fits and found.reason == f"the environment holds {framework} 1.2 without CUDA"
    assert "leave --gpu out" in found.hint and "dlm-build lock --gpu" in found.hint


@pytest.mark.parametrize(("framework", "conda", "pip"), MAYBE_CUDA)
def test_a_build_that_may_have_cuda_is_tried(framework: str, conda: tuple[str, ...], pip: tuple[str, ...]) -> None:
    assert fit(planned_for_cpu(framework, conda, pip), H200, TABLE).fits


def test_a_publishers_own_lock_is_tried() -> None:
    spec = EnvironmentSpec(origin="conda-lock.yml", pip=("onnxruntime",), lock_text="version: 1")
    assert not build_of(tiny_plan(framework="onnxruntime", environment=spec, cuda=None)).for_cpu


def test_the_table_is_sound() -> None:
    for row in TABLE.builds:
        assert row.source and row.cuda and sorted(row.sm, key=Version) == list(row.sm)
        assert row.before is None or Version(row.since) < Version(row.before)
    seen = [(row.framework, cuda) for row in TABLE.builds for cuda in row.cuda]
    for framework, cuda in set(seen):
        rows = [row for row in TABLE.builds if row.framework == framework and cuda in row.cuda]
        ends = sorted((Version(row.since), Version(row.before or "999")) for row in rows)
        assert all(first[1] <= second[0] for first, second in pairwise(ends)), (framework, cuda)
