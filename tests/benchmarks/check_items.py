"""Valid MLM items, as many as are wanted, no two alike; and broken ones, to see that a validator validates."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MLM_SCHEMA = "https://stac-extensions.github.io/mlm/v1.5.2/schema.json"
_COMMIT = "0123456789abcdef0123456789abcdef01234567"


def item(number: int) -> dict[str, Any]:
    """Valid by STAC 1.1 and MLM 1.5.2; as long as published ones are. Numbers and names differ from item to item."""
    bands = ["blue", "green", "red", "nir"]
    scaling = [{"type": "z-score", "mean": 1000 + number + band, "stddev": 200 + band} for band in range(4)]
    classes = [{"value": value, "name": f"class-{value}", "description": f"Class {value}."} for value in range(6)]
    return {
        "type": "Feature",
        "stac_version": "1.1.0",
        "stac_extensions": [MLM_SCHEMA],
        "id": f"coast-{number}",
        "geometry": {"type": "Polygon", "coordinates": [[[0, 0], [9, 0], [9, 9], [0, 9], [0, 0]]]},
        "bbox": [0, 0, 9, 9],
        "links": [{"rel": "self", "href": f"https://example.org/items/coast-{number}.json"}],
        "properties": {
            "datetime": "2024-05-01T00:00:00Z",
            "created": "2024-05-01T00:00:00Z",
            "title": f"Coast lines, {number}",
            "description": "Finds the line between land and sea in scenes of four bands.",
            "license": "MIT",
            "bands": [{"name": name} for name in bands],
            "mlm:name": f"Coast {number}",
            "mlm:architecture": "U-Net",
            "mlm:tasks": ["semantic-segmentation"],
            "mlm:framework": "PyTorch",
            "mlm:framework_version": "2.1.2",
            "mlm:accelerator": "cuda",
            "mlm:accelerator_constrained": False,
            "mlm:total_parameters": 11_000_000 + number,
            "mlm:input": [{"name": "scene", "bands": bands, "input": _tensor("bands", 4), "value_scaling": scaling}],
            "mlm:output": [
                {"name": "map", "tasks": ["semantic-segmentation"], "result": _tensor("class", 6),
                 "classification:classes": classes},
            ],
        },
        "assets": {
            "model": {
                "href": f"https://example.org/weights/coast-{number}.pt",
                "type": "application/octet-stream; framework=pytorch",
                "roles": ["mlm:model", "mlm:weights"],
                "mlm:artifact_type": "torch.jit.save",
                "bands": [{"name": name} for name in bands],
            },
            "code": {
                "href": f"https://github.com/me/coast/tree/{_COMMIT}",
                "type": "text/html",
                "roles": ["mlm:source_code", "code"],
                "mlm:entrypoint": "coast.inference:predict",
            },
        },
    }  # fmt: skip


def _tensor(second: str, size: int) -> dict[str, Any]:
    return {
        "shape": [-1, size, 256, 256],
        "dim_order": ["batch", second, "height", "width"],
        "data_type": "float32",
    }


def broken() -> tuple[dict[str, Any], ...]:
    """One that breaks STAC's own schema, one that breaks MLM's."""
    by_stac, by_mlm = item(0), item(0)
    by_stac["geometry"] = "everywhere"
    by_mlm["properties"]["mlm:tasks"] = "semantic-segmentation"
    return by_stac, by_mlm


def write_items(folder: Path, count: int) -> None:
    """`count` valid ones in `folder/valid`, the broken ones in `folder/broken`."""
    for name, items in (("valid", map(item, range(count))), ("broken", iter(broken()))):
        (folder / name).mkdir(parents=True, exist_ok=True)
        for number, one in enumerate(items):
            (folder / name / f"{number:05}.json").write_text(json.dumps(one, indent=2))
