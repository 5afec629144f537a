"""Step 6: the STAC items, everything in them measured or shared with the steps before."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import torch
from archive import ONNX, PYTORCH, Example
from make_sample import CRS_NAME, TRANSFORM, load_network
from network import UNet
from rasterio.transform import array_bounds
from rasterio.warp import transform_geom
from recipe import BUILD, INPUT_NAME, SCALING_FACTOR, SELECTED_BANDS, load_normalisation, read_json, write_json
from scenes import BANDS, CLASSES, DONTCARE, NODATA, SIZE
from torch import nn

WAVELENGTHS = (0.49, 0.56, 0.665, 0.842, 1.61)
EXTENSIONS = [
    "https://schemas.stacspec.org/v1.0.0-beta.3/extensions/dl-model/json-schema/schema.json",
    "https://stac-extensions.github.io/eo/v1.1.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
]


def footprint() -> tuple[dict[str, Any], list[float]]:
    """Geometry (longitude, latitude; outer ring counter-clockwise) and bbox of the sample."""
    west, south, east, north = array_bounds(SIZE, SIZE, TRANSFORM)
    ring = [(west, south), (east, south), (east, north), (west, north), (west, south)]
    geometry = transform_geom(CRS_NAME, "EPSG:4326", {"type": "Polygon", "coordinates": [ring]}, precision=6)
    corners = [[round(x, 6), round(y, 6)] for x, y in geometry["coordinates"][0]]
    longitudes, latitudes = zip(*corners, strict=True)
    bbox = [min(longitudes), min(latitudes), max(longitudes), max(latitudes)]
    return {"type": "Polygon", "coordinates": [corners]}, bbox


def archive_asset(path: Path) -> dict[str, Any]:
    content = path.read_bytes()
    return {
        "href": "./model.mar",
        "type": "application/zip",
        "title": "model archive",
        "description": "Weights, environment, test sample and its expected output, packed by torch-model-archiver",
        "roles": ["model artefact"],
        # A multihash: 0x12 for sha2-256, 0x20 for its 32 bytes, then the digest.
        "file:checksum": "1220" + hashlib.sha256(content).hexdigest(),
        "file:size": len(content),
    }


def runtime(example: Example) -> dict[str, Any]:
    return {
        "framework": example.framework,
        "version": example.framework_version,
        "model_handler": example.model_handler,
        "model_src_url": None,
        "model_commit_hash": None,
        "requirement_file": "environment.yml",
        "docker": {
            "docker_file": None,
            "image_name": None,
            "tag": None,
            "gpu": False,
            "working_dir": "/workspace",
            "run": None,
        },
    }


def data() -> dict[str, Any]:
    return {
        "process_level": "ortho",
        "dtype": "uint16",
        "number_of_bands": len(BANDS),
        "useful_bands": [{"index": i, "name": BANDS[i]} for i in SELECTED_BANDS],
        "nodata_value": NODATA,
        "test_file": {"filename": "sample.tif", "output": "expected.tif"},
        "item_examples": [],
    }


def inputs() -> dict[str, Any]:
    normalisation = load_normalisation()
    return {
        "name": INPUT_NAME,
        "input_tensors": {"batch": 1, "channels": len(SELECTED_BANDS), "height": SIZE, "width": SIZE},
        "scaling_factor": SCALING_FACTOR,
        "normalization:mean": list(normalisation.mean),
        "normalization:std": list(normalisation.std),
        "selected_bands": list(SELECTED_BANDS),
        "pre_processing_function": None,
    }


def outputs() -> dict[str, Any]:
    return {
        "task": "semantic segmentation",
        "number_of_classes": len(CLASSES),
        "dont_care_index": DONTCARE,
        "final_layer_size": [1, len(CLASSES), SIZE, SIZE],
        "class_name_mapping": [{str(i): name} for i, name in enumerate(CLASSES)],
        "post_processing_function": None,
    }


def layers(model: UNet) -> list[tuple[str, str, list[int], int]]:
    """Name, kind, output shape and parameters of every layer, in the order they run."""
    rows: list[tuple[str, str, list[int], int]] = []

    def note(name: str, module: nn.Module, output: torch.Tensor) -> None:
        own = sum(p.numel() for p in module.parameters())
        rows.append((name, type(module).__name__, list(output.shape), own))

    hooks = [
        module.register_forward_hook(lambda m, _, out, name=name: note(name, m, out))
        for name, module in model.named_modules()
        if not list(module.children())
    ]
    with torch.inference_mode():
        model(torch.zeros(1, len(SELECTED_BANDS), SIZE, SIZE))
    for hook in hooks:
        hook.remove()
    return rows


def architecture(model: UNet) -> dict[str, Any]:
    """Counted, not estimated: float32 bytes of input, of all layers' outputs, and of the parameters."""
    rows = layers(model)
    parameters = sum(p.numel() for p in model.parameters())
    elements = len(SELECTED_BANDS) * SIZE * SIZE + sum(torch.Size(shape).numel() for _, _, shape, _ in rows)
    return {
        "total_nb_parameters": parameters,
        "estimated_total_size_mb": round(4 * (elements + parameters) / 2**20, 2),
        "type": "unet",
        "pretrained": None,
        "summary": "\n".join(f"{name} {kind} {shape} {own}" for name, kind, shape, own in rows),
    }


def title(example: Example) -> str:
    return f"Land cover of five-band imagery, small U-Net ({'ONNX' if example is ONNX else 'TorchScript'})"


def description() -> str:
    held_out = read_json(BUILD / "scores.json")["held-out"]
    return (
        "Labels water, vegetation, bare soil and built-up land; trained and scored on synthetic scenes only "
        f"(held-out mean IoU {held_out['mean_iou']:.3f})"
    )


def make_item(example: Example) -> dict[str, Any]:
    geometry, bbox = footprint()
    date = example.created.strftime("%Y-%m-%dT%H:%M:%SZ")
    return {
        "stac_version": "1.0.0",
        "stac_extensions": EXTENSIONS,
        "id": f"dlm-example-{example.folder.name}",
        "type": "Feature",
        "geometry": geometry,
        "bbox": bbox,
        "links": [],
        "assets": {"model_archive": archive_asset(example.folder / "model.mar")},
        "properties": {
            "datetime": date,
            "created": date,
            "updated": date,
            "title": title(example),
            "description": description(),
            "license": "Apache-2.0",
            "providers": [{"name": "dlm-build examples", "roles": ["producer", "licensor"]}],
            "gsd": 10,
            "eo:bands": [
                {"name": name, "common_name": name, "center_wavelength": wavelength}
                for name, wavelength in zip(BANDS, WAVELENGTHS, strict=True)
            ],
            "dlm:runtime": runtime(example),
            "dlm:archive": [{"name": name, "role": [role]} for name, role in example.roles],
            "dlm:data": data(),
            "dlm:inputs": inputs(),
            "dlm:outputs": outputs(),
            "dlm:architecture": architecture(load_network()),
        },
    }


def expectation() -> dict[str, Any]:
    """What the acceptance test must see; no tolerance is asked for, so the default limits hold."""
    return {
        "verdict": "matches",
        "exit_code": 0,
        "item": "item.json",
        "engine": "docker",
        "device": "cpu",
        "tolerances": None,
    }


def main() -> None:
    for example in (ONNX, PYTORCH):
        write_json(example.folder / "item.json", make_item(example))
        write_json(example.folder / "expected.json", expectation())
        (example.folder / "preview.png").write_bytes((BUILD / "preview.png").read_bytes())
        print(f"{example.folder.name}/item.json")


if __name__ == "__main__":
    main()
