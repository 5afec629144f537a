"""Small whole records for tests that need a Plan and care about one part of it."""

from __future__ import annotations

from typing import Any

from dlm_build.records import Archive, BaseImage, EnvironmentSpec, Member, Plan, Runner

DIGEST = "sha256:" + "a" * 64


def tiny_plan(**changes: Any) -> Plan:
    """An ONNX plan over made-up digests; keyword arguments replace its fields."""
    weights = Member(path="model.onnx", size=3, sha256="b" * 64)
    whole: dict[str, Any] = {
        "item_id": "tiny", "item_sha256": "c" * 64, "framework": "onnxruntime", "framework_version": "1.20.1",
        "python": "3.11", "gpu": False, "as_of": "2025-01-15T00:00:00Z",
        "base": BaseImage(repository="docker.io/nvidia/cuda", tag="12.4.1-base-ubuntu22.04", platform_digest=DIGEST),
        "installer_base": BaseImage(repository="docker.io/library/python", tag="3.11-slim", platform_digest=DIGEST),
        "environment": EnvironmentSpec(origin="inferred", conda=("python=3.11",)),
        "runner": Runner(kind="onnx", weights="model.onnx"),
        "archive": Archive(href="model.mar", sha256="d" * 64, size=9, kind="zip", members=(weights,)),
    }  # fmt: skip
    return Plan(**{**whole, **changes})
