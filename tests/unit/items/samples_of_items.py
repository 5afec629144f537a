"""A complete item to spoil, one field at a time."""

from __future__ import annotations

import copy
import json
from typing import Any

from dlm_build.items import read_item
from dlm_build.records import Finding, Item

SHA = "ab" * 32
GOOD: dict[str, Any] = {
    "type": "Feature",
    "stac_version": "1.0.0",
    "id": "coast",
    "geometry": None,
    "links": [{"rel": "self", "href": "https://example.org/coast.json"}],
    "assets": {
        "model": {
            "href": "https://example.org/coast.mar",
            "type": "application/zip",
            "title": "Coast",
            "roles": ["model artefact"],
            "file:checksum": f"1220{SHA}",
            "file:size": 1234,
        }
    },
    "properties": {
        "datetime": None,
        "created": "2021-01-31T00:00:00Z",
        "title": "Coast",
        "description": "Finds the coast.",
        "license": "MIT",
        "eo:bands": [{"name": "red"}, {"name": "nir"}],
        "dlm:runtime": {
            "framework": "PyTorch",
            "version": "1.7.1",
            "model_handler": "handler.py:handle",
            "model_src_url": "https://example.org/me/coast",
            "model_commit_hash": "0123456789abcdef0123456789abcdef01234567",
            "requirement_file": "requirements.txt",
            "docker": {
                "image_name": "docker.io/me/coast",
                "tag": "1.0",
                "gpu": True,
                "working_dir": "/workspace",
                "run": "coast infer",
            },
        },
        "dlm:archive": [
            {"name": "net.pth", "roles": ["model weight"]},
            {"name": "in.tif", "roles": ["test file"]},
            {"name": "out.tif", "roles": ["expected output"]},
        ],
        "dlm:data": {
            "dtype": "uint16",
            "number_of_bands": 2,
            "nodata_value": 0,
            "test_file": {"filename": "in.tif", "output": "out.tif"},
        },
        "dlm:inputs": {
            "name": "data",
            "input_tensors": {"batch": 1, "channels": 2, "height": 64, "width": 64},
            "scaling_factor": 0.5,
            "normalization:mean": [0.1, 0.2],
            "normalization:std": [0.5, 0.6],
            "selected_bands": [1, 0],
        },
        "dlm:outputs": {
            "task": "semantic segmentation",
            "number_of_classes": 2,
            "dont_care_index": 0,
            "final_layer_size": [1, 2, 64, 64],
            "class_name_mapping": [{"0": "sea"}, {"1": "land"}],
        },
    },
}

RUNTIME = "properties/dlm:runtime/"
DOCKER = "properties/dlm:runtime/docker/"
DATA = "properties/dlm:data/"
INPUTS = "properties/dlm:inputs/"
TENSOR = "properties/dlm:inputs/input_tensors/"
OUTPUTS = "properties/dlm:outputs/"
ASSET = "assets/model/"


def spoiled(path: str, value: object = ..., item: dict[str, Any] = GOOD) -> dict[str, Any]:
    """A copy with the field at `path` (`a/b/0`) set to `value`, or removed."""
    changed = copy.deepcopy(item)
    *parents, last = path.split("/")
    place: Any = changed
    for name in parents:
        place = place[int(name)] if isinstance(place, list) else place[name]
    if value is ...:
        del place[last]
    else:
        place[int(last) if isinstance(place, list) else last] = value
    return changed


def read(item: object, origin: str = "item.json") -> Item:
    return read_item(json.dumps(item), origin)


def read_spoiled(path: str, value: object = ...) -> Item:
    return read(spoiled(path, value))


def found(item: Item, code: str) -> Finding:
    """The one finding with this code."""
    (finding,) = [f for f in item.findings if f.code == code]
    return finding


def codes(item: Item) -> set[str]:
    return {finding.code for finding in item.findings}
