"""A complete MLM item and a complete ML-Model item of our own, to spoil one field at a time."""

from __future__ import annotations

from typing import Any

COMMIT = "0123456789abcdef0123456789abcdef01234567"
DIGEST = "sha256:" + "cd" * 32
MLM: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.1.0",
    "stac_extensions": ["https://stac-extensions.github.io/mlm/v1.5.2/schema.json"],
    "id": "shore",
    "geometry": None,
    "links": [{"rel": "self", "href": "https://example.org/shore.json"}],
    "properties": {
        "datetime": None,
        "created": "2024-05-01T00:00:00Z",
        "license": "MIT",
        "mlm:name": "Shore finder",
        "mlm:architecture": "U-Net",
        "mlm:tasks": ["semantic-segmentation"],
        "mlm:framework": "PyTorch",
        "mlm:framework_version": "2.1.2",
        "mlm:accelerator": "cuda",
        "mlm:accelerator_constrained": False,
        "mlm:input": [
            {
                "name": "scene",
                "bands": ["nir", "red"],
                "input": {
                    "shape": [-1, 2, 64, 64],
                    "dim_order": ["batch", "bands", "height", "width"],
                    "data_type": "float32",
                },
                "value_scaling": [
                    {"type": "z-score", "mean": 10, "stddev": 2},
                    {"type": "z-score", "mean": 20, "stddev": 4},
                ],
                "resize_type": None,
                "pre_processing_function": None,
            }
        ],
        "mlm:output": [
            {
                "name": "mask",
                "tasks": ["semantic-segmentation"],
                "result": {
                    "shape": [-1, 3, 64, 64],
                    "dim_order": ["batch", "class", "height", "width"],
                    "data_type": "float32",
                },
                "classification:classes": [
                    {"value": 0, "name": "nothing", "nodata": True},
                    {"value": 1, "name": "sea"},
                    {"value": 2, "name": "land", "description": "dry"},
                ],
                "post_processing_function": None,
            }
        ],
    },
    "assets": {
        "model": {
            "href": "https://example.org/shore.pt",
            "type": "application/octet-stream; framework=pytorch",
            "roles": ["mlm:model", "mlm:weights"],
            "mlm:artifact_type": "torch.save",
            "file:checksum": "1220" + "ab" * 32,
            "file:size": 4321,
            "bands": [
                {"name": "blue", "data_type": "uint16", "nodata": 0},
                {"name": "red", "data_type": "uint16", "nodata": 0},
                {"name": "nir", "data_type": "uint16", "nodata": 0},
            ],
        },
        "code": {
            "href": f"https://github.com/me/shore/tree/{COMMIT}/src",
            "type": "text/html",
            "roles": ["mlm:source_code", "code"],
            "mlm:entrypoint": "shore.inference:predict",
        },
        "image": {
            "href": f"ghcr.io/me/shore@{DIGEST}",
            "type": "application/vnd.oci.image.index.v1+json",
            "roles": ["mlm:inference-runtime", "runtime"],
        },
        "sample": {"href": "https://example.org/in.tif", "roles": ["mlm:test-input"]},
        "expected": {"href": "https://example.org/out.tif", "roles": ["mlm:expected-output"]},
        "environment": {"href": "https://example.org/environment.yml", "roles": ["mlm:environment"]},
    },
}
ML_MODEL: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "stac_extensions": ["https://stac-extensions.github.io/ml-model/v1.0.0/schema.json"],
    "id": "storm",
    "geometry": None,
    "properties": {
        "datetime": None,
        "created": "2021-12-14T00:00:00Z",
        "title": "Storm",
        "license": "MIT",
        "ml-model:type": "ml-model",
        "ml-model:learning_approach": "supervised",
        "ml-model:prediction_type": "object-detection",
        "ml-model:architecture": "RCNN",
        "ml-model:training-processor-type": "gpu",
        "ml-model:training-os": "linux",
    },
    "links": [
        {"rel": "ml-model:training-image", "href": "docker.io/me/storm-training:1"},
        {"rel": "ml-model:inferencing-image", "href": "me/storm:1", "type": "docker-image"},
        {"rel": "source_code", "href": f"https://github.com/me/storm/tree/{COMMIT}"},
    ],
    "assets": {
        "compose": {
            "href": "https://example.org/inferencing.yml",
            "type": "text/x-yaml; application=compose",
            "roles": ["ml-model:inference-runtime"],
        },
        "checkpoint": {"href": "https://example.org/last.ckpt", "roles": ["ml-model:checkpoint"]},
    },
}

PROPERTIES = "properties/"
INPUT = "properties/mlm:input/0/"
OUTPUT = "properties/mlm:output/0/"
ASSETS = "assets/"
