"""Items for checks: one that has everything, and changes of it."""

from __future__ import annotations

import json
from typing import Any

from dlm_build.checking import check_text
from dlm_build.checking.records import Checked

ORIGIN = "items/item.json"
COMMIT = "0123456789abcdef0123456789abcdef01234567"


def complete() -> dict[str, Any]:
    """Grade A."""
    return {
        "type": "Feature",
        "stac_version": "1.0.0",
        "stac_extensions": [],
        "id": "coast-unet",
        "geometry": None,
        "links": [],
        "properties": {
            "datetime": None,
            "created": "2021-01-31T00:00:00Z",
            "title": "Coast lines",
            "license": "MIT",
            "dlm:runtime": {
                "framework": "PyTorch",
                "version": "1.7.1",
                "model_handler": "handler.py:handle",
                "model_src_url": "https://github.com/me/my-model",
                "model_commit_hash": COMMIT,
                "requirement_file": "conda-lock.yml",
            },
            "dlm:archive": [
                {"name": "weights.pth", "roles": ["model weight"]},
                {"name": "conda-lock.yml", "roles": ["environment file"]},
            ],
            "dlm:data": {"test_file": {"filename": "sample.tif", "output": "expected.tif"}},
            "dlm:inputs": {"name": "data"},
            "dlm:outputs": {"task": "semantic segmentation"},
        },
        "assets": {
            "model": {
                "href": "https://example.org/model.zip",
                "type": "application/zip",
                "roles": ["model artefact"],
                "file:checksum": "1220" + "0f" * 32,
            }
        },
    }


def changed(**changes: Any) -> dict[str, Any]:
    """`complete` with the values at paths such as `properties__dlm:runtime__version`; None takes the field away."""
    item = complete()
    for path, value in changes.items():
        *above, last = path.split("__")
        place = item
        for name in above:
            place = place[name]
        if value is None:
            place.pop(last)
        else:
            place[last] = value
    return item


def check(item: dict[str, Any], origin: str = ORIGIN) -> Checked:
    return check_text(json.dumps(item, indent=2), origin)


def codes(checked: Checked) -> set[str]:
    return {finding.code for finding in checked.findings}
