"""Base images; the expected digests are copied from the collected facts, not from a run."""

from __future__ import annotations

import pytest

from dlm_build.config import Bases, Settings
from dlm_build.errors import UsageError
from dlm_build.planning.base_image import parse_base
from tests.unit.planning.inputs import conda, decision, item, pip, plan, tables

RUN = "python infer.py"
OTHER = "sha256:" + "0123456789abcdef" * 4


def base_of(framework: str, version: str, date: str, gpu: bool = True) -> str:
    made = plan(item(framework=framework, version=version, date=date, gpu=gpu, run=RUN))
    return made.base.tag


@pytest.mark.parametrize(
    ("framework", "version", "date", "tag"),
    [
        ("PyTorch", "1.5", "2020-12-12T00:00:00Z", "11.8.0-base-ubuntu22.04"),  # CUDA 10.2 is gone
        ("PyTorch", "1.13.1", "2023-01-12T00:00:00Z", "11.8.0-base-ubuntu22.04"),  # 11.7: no base image is known
        ("PyTorch", "2.0.1", "2023-06-12T00:00:00Z", "11.8.0-base-ubuntu22.04"),
        ("PyTorch", "2.1", "2024-01-01T00:00:00Z", "12.1.1-base-ubuntu22.04"),
        ("PyTorch", "2.5.1", "2025-01-01T00:00:00Z", "12.4.1-base-ubuntu22.04"),
        ("PyTorch", "2.7.1", "2025-07-01T00:00:00Z", "12.4.1-base-ubuntu22.04"),  # 12.6: none is confirmed
        ("PyTorch", "2.8.0", "2025-09-01T00:00:00Z", "12.8.1-base-ubuntu24.04"),
        ("PyTorch", "2.13.0", "2026-09-01T00:00:00Z", "13.0.2-base-ubuntu24.04"),
        ("TensorFlow", "2.15", "2024-01-01T00:00:00Z", "12.2.0-base-ubuntu22.04"),
        ("TensorFlow", "2.12", "2023-06-01T00:00:00Z", "11.8.0-cudnn8-runtime-ubuntu22.04"),  # no [and-cuda] yet
        ("TensorFlow", "2.4", "2021-06-01T00:00:00Z", "11.3.1-cudnn8-runtime-ubuntu20.04"),
        ("TensorFlow", "1.15", "2020-06-01T00:00:00Z", "11.8.0-base-ubuntu22.04"),  # CUDA 10.0 from conda
        ("MXNet", "1.9.1", "2022-06-01T00:00:00Z", "11.8.0-base-ubuntu22.04"),
        ("ONNX Runtime", "1.18", "2024-06-01T00:00:00Z", "11.8.0-cudnn8-runtime-ubuntu22.04"),
        ("ONNX Runtime", "1.23", "2025-12-01T00:00:00Z", "12.1.0-base-ubuntu22.04"),
    ],
)
def test_the_smallest_flavour_that_works_of_the_nearest_trusted_cuda(
    framework: str, version: str, date: str, tag: str
) -> None:
    assert base_of(framework, version, date) == tag


def test_cudnn_9_where_the_framework_was_built_for_it() -> None:
    made = plan(item(framework="ONNX Runtime", version="1.20", date="2025-01-01T00:00:00Z", gpu=True, run=RUN))
    assert made.base.tag.startswith("12.")
    assert "-cudnn-runtime-" in made.base.tag  # plain cudnn is 9 from CUDA 12.4 on
    assert "bring no CUDA libraries" in decision(made, "base").reason


def test_mxnet_on_cuda_11_takes_the_libraries_from_the_image() -> None:
    made = plan(item(framework="MXNet", version="1.9.1", gpu=True, run=RUN, date=None), pip("mxnet-cu112==1.9.1\n"))
    assert made.cuda == "11.2"
    assert made.base.tag == "11.3.1-cudnn8-runtime-ubuntu20.04"


def test_both_digests_are_kept_where_both_are_confirmed() -> None:
    made = plan(item(framework="PyTorch", version="2.5.1", date="2025-01-01T00:00:00Z", gpu=True, run=RUN))
    assert (made.base.index_digest or "").startswith("sha256:0f6bfcbf267e6")
    assert (made.base.platform_digest or "").startswith("sha256:8767a245ed2c4")
    assert made.base.trust == "confirmed"
    assert made.base.repository == "docker.io/nvidia/cuda"


def test_a_doubtful_pair_keeps_only_the_confirmed_digest() -> None:
    made = plan(item(framework="PyTorch", version="2.0.1", date="2023-06-12T00:00:00Z", gpu=True, run=RUN))
    assert (made.base.index_digest or "").startswith("sha256:f895871972c1c")
    assert made.base.platform_digest is None  # 79e5b2cf87 has one source


def test_superseded_builds_come_last() -> None:
    made = plan(item(framework="TensorFlow", version="2.15", date="2024-01-01T00:00:00Z", gpu=True, run=RUN))
    assert (made.base.index_digest or "").startswith("sha256:ecdf8549dd5f1")  # not f8870283bea6a, the older build


def test_a_base_is_never_suspect_deleted_or_of_another_architecture() -> None:
    unusable = {row.digest for row in tables().bases if not row.usable}
    for table in tables().frameworks:
        for row in table.rows:
            made = plan(item(framework=table.name, version=row.version, gpu=True, run=RUN, date=None))
            assert not {made.base.index_digest, made.base.platform_digest} & unusable
            assert made.base.index_digest or made.base.platform_digest


def test_the_cpu_gets_a_cuda_base_too_the_newest_confirmed() -> None:
    made = plan(item(framework="ONNX", version="1.20", date="2024-12-01T00:00:00Z", gpu=False, run=RUN))
    assert made.base.tag == "13.0.2-base-ubuntu24.04"
    assert made.environment.glibc == "2.39"


@pytest.mark.parametrize(
    ("version", "date", "glibc"), [("1.5", "2020-12-12T00:00:00Z", "2.35"), ("2.8.0", "2025-09-01T00:00:00Z", "2.39")]
)
def test_the_solver_counts_on_the_glibc_of_the_base(version: str, date: str, glibc: str) -> None:
    assert plan(item(framework="PyTorch", version=version, date=date, gpu=True, run=RUN)).environment.glibc == glibc


def test_the_reason_tells_the_story_of_a_deleted_cuda() -> None:
    made = plan(item(framework="PyTorch", version="1.5", gpu=True, run=RUN))
    reason = decision(made, "base").reason
    assert "conda brings the CUDA libraries" in reason
    assert "CUDA 10.2 images were deleted from the registry in 2023" in reason
    assert "11.8.0 is the nearest living one" in reason
    assert decision(made, "base").source.startswith("confirmed")


def test_a_conda_environment_with_its_own_cuda_needs_only_base() -> None:
    text = "channels: [conda-forge]\ndependencies: [tensorflow=2.10, cudatoolkit=11.2, cudnn=8.1]\n"
    assert "-base-" in plan(item(framework="TensorFlow", gpu=True, run=RUN, date=None), conda(text)).base.tag


def test_wheels_of_cudnn_in_the_requirements_count() -> None:
    text = "onnxruntime-gpu==1.20.1\nnvidia-cudnn-cu12\nnvidia-cublas-cu12\n"
    assert "-base-" in plan(item(framework="ONNX", gpu=True, run=RUN, date=None), pip(text)).base.tag


# --- the operator's word ------------------------------------------------------------------------------------------


def test_base_option_wins_over_the_settings() -> None:
    settings = Settings(bases=Bases(override=f"example.org:5000/site/base@{OTHER}"))
    made = plan(item(framework="PyTorch", run=RUN), settings=settings)
    assert made.base.reference == f"example.org:5000/site/base@{OTHER}"
    assert "this site" in decision(made, "base").reason
    asked = plan(item(framework="PyTorch", run=RUN), settings=settings, base=f"nvidia/cuda:x@{OTHER}")
    assert (asked.base.reference, asked.base.tag) == (f"docker.io/nvidia/cuda@{OTHER}", "x")
    assert "--base" in decision(asked, "base").reason
    assert asked.environment.glibc == "2.28"


def test_a_known_digest_keeps_what_is_known_of_it() -> None:
    row = next(row for row in tables().bases if row.tag == "13.0.2-base-ubuntu24.04" and row.kind == "platform-amd64")
    image = parse_base(f"nvidia/cuda@{row.digest}", tables(), "--base")
    assert (image.platform_digest, image.index_digest, image.os, image.tag) == (
        row.digest,
        None,
        "ubuntu24.04",
        row.tag,
    )


@pytest.mark.parametrize(
    "text",
    [
        "nvidia/cuda",
        "nvidia/cuda:12.4.1-base-ubuntu22.04",
        "nvidia/cuda@sha256:abc",
        f"--privileged@{OTHER}",
        f"A/b@{OTHER}",
        f"a..b/c@{OTHER}",
        f"a/b@{OTHER}\nRUN x",
        f"a b@{OTHER}",
        f"$(id)@{OTHER}",
        "",
        f"a@{OTHER.upper()}",
        "x" * 500,
    ],
)
def test_a_base_that_is_not_a_digest_is_a_usage_error(text: str) -> None:
    with pytest.raises(UsageError, match="names no image by digest"):
        plan(item(framework="PyTorch", run=RUN), base=text)
    with pytest.raises(UsageError, match=r"\[bases\] override"):
        plan(item(framework="PyTorch", run=RUN), settings=Settings(bases=Bases(override=text)))


@pytest.mark.parametrize(
    "name", ["nvidia/cuda:11.8.0-base-ubuntu22.04", "docker.io/nvidia/cuda:11.8.0-base-ubuntu22.04"]
)
def test_a_site_pin_replaces_the_digests(name: str) -> None:
    made = plan(item(framework="PyTorch", version="1.5", run=RUN), settings=Settings(bases=Bases(pins={name: OTHER})))
    assert (made.base.index_digest, made.base.platform_digest, made.base.trust) == (OTHER, None, "site")
    assert "this site serves it as sha256:0123" in decision(made, "base").reason


def test_site_pins_reach_the_installer_too() -> None:
    made = plan(item(framework="PyTorch", run=RUN), settings=Settings(bases=Bases(pins={"python:3.12-slim": OTHER})))
    assert made.installer_base.reference == f"docker.io/library/python@{OTHER}"


def test_a_pin_that_is_no_digest_is_a_usage_error() -> None:
    settings = Settings(bases=Bases(pins={"nvidia/cuda:11.8.0-base-ubuntu22.04": "latest"}))
    with pytest.raises(UsageError, match=r"\[bases\.pins\]"):
        plan(item(framework="PyTorch", version="1.5", run=RUN), settings=settings)


def test_the_installer_is_a_confirmed_python_slim() -> None:
    image = plan(item(framework="PyTorch", run=RUN)).installer_base
    assert (image.repository, image.tag, image.trust) == ("docker.io/library/python", "3.12-slim", "confirmed")
    assert image.digest.startswith("sha256:78387bc3881b8")
