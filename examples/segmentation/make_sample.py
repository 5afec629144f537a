# mypy: allow-untyped-calls, no-warn-return-any
"""Step 3: the packaged sample and its expected output, by the eager network, no exported file involved.

Of the candidate scenes, none of them used in training or scoring, the one is taken whose closest decision is the
least close: the smallest gap between the best and second-best logit over all pixels is largest. So a device that
rounds a little differently still gives the same labels, and the example tests the tool, not the processor.
"""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import rasterio
import torch
from network import UNet
from numpy.typing import NDArray
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning
from rasterio.transform import from_origin
from recipe import BUILD, SAMPLE_SEEDS, label_map, load_normalisation, tensor_of, write_json
from scenes import CLASSES, DONTCARE, NODATA, Scene, make_scene
from train import confusion, scores

CRS_NAME = "EPSG:32618"
TRANSFORM = from_origin(689_000.0, 5_138_000.0, 10.0, 10.0)
SMALLEST_SHARE = 0.03


def load_network() -> UNet:
    model = UNet(classes=len(CLASSES))
    model.load_state_dict(torch.load(BUILD / "weights.pt", weights_only=True))
    return model.eval()


def logits_of(model: UNet, image: NDArray[np.uint16]) -> NDArray[np.float32]:
    """(classes, H, W) for one image as read from a file."""
    with torch.inference_mode():
        batch = torch.from_numpy(tensor_of(image, load_normalisation()))[None]
        logits: NDArray[np.float32] = model(batch)[0].numpy()
    return logits


def margin(logits: NDArray[np.float32], valid: NDArray[np.bool_]) -> float:
    """Smallest gap between best and second-best logit over the valid pixels."""
    best = np.sort(logits, axis=0)
    return float((best[-1] - best[-2])[valid].min())


def is_telling(scene: Scene) -> bool:
    """Every class is there, and some valid pixel has a band at the no-data value, so "all bands" differs from "any"."""
    shares = np.bincount(scene.labels.ravel(), minlength=len(CLASSES)) / scene.labels.size
    dark = (scene.image == NODATA).any(axis=0) & (scene.labels != DONTCARE)
    return bool(shares[1:].min() >= SMALLEST_SHARE and shares[DONTCARE] > 0.005 and dark.any())


def choose(model: UNet) -> tuple[int, Scene, float]:
    """Seed, scene and margin of the candidate with the widest margin."""
    found = []
    for seed in SAMPLE_SEEDS:
        scene = make_scene(seed)
        if is_telling(scene):
            found.append((margin(logits_of(model, scene.image), scene.labels != DONTCARE), seed))
    widest, seed = max(found)
    return seed, make_scene(seed), widest


def write_tiff(path: Path, bands: NDArray[np.uint16] | NDArray[np.uint8], nodata: int) -> None:
    """Uncompressed, so that the bytes depend on no compressor's version."""
    count, height, width = bands.shape
    shape = {"count": count, "height": height, "width": width, "dtype": bands.dtype.name}
    place = {"crs": CRS.from_string(CRS_NAME), "transform": TRANSFORM, "nodata": nodata}
    with rasterio.open(path, "w", driver="GTiff", **shape, **place) as file:
        file.write(bands)


def write_preview(path: Path, scene: Scene, labels: NDArray[np.uint8]) -> None:
    """SWIR, NIR, green as colours; the expected labels; the truth: side by side."""
    colours = np.array([[0, 0, 0], [40, 90, 220], [60, 160, 60], [205, 165, 95], [215, 50, 65]], np.uint8)
    composite = np.clip(scene.image[[4, 3, 1]] / np.array([4000, 4000, 2500])[:, None, None], 0, 1) * 255
    gap = np.full((3, scene.labels.shape[0], 4), 255, np.uint8)
    maps = [np.moveaxis(colours[m], 2, 0) for m in (labels, scene.labels)]
    strip = np.concatenate([composite.astype(np.uint8), gap, maps[0], gap, maps[1]], axis=2)
    strip = strip.repeat(2, axis=1).repeat(2, axis=2)
    shape = {"count": 3, "height": strip.shape[1], "width": strip.shape[2], "dtype": "uint8"}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        with rasterio.open(path, "w", driver="PNG", **shape) as file:
            file.write(strip)


def main() -> None:
    torch.set_num_threads(1)
    model = load_network()
    seed, scene, widest = choose(model)
    expected = label_map(logits_of(model, scene.image), scene.image, DONTCARE)
    write_tiff(BUILD / "sample.tif", scene.image, NODATA)
    write_tiff(BUILD / "expected.tif", expected[None], DONTCARE)
    write_preview(BUILD / "preview.png", scene, expected)
    counts = np.bincount(expected.ravel(), minlength=len(CLASSES))
    facts = {
        "seed": seed,
        "smallest_logit_margin": round(widest, 5),
        "labels": {name: int(n) for name, n in zip(CLASSES, counts, strict=True)},
        "valid_pixels_with_a_band_at_nodata": int(
            ((scene.image == NODATA).any(axis=0) & (scene.labels != DONTCARE)).sum()
        ),
        "against_truth": scores(confusion(scene.labels, expected)),
    }
    write_json(BUILD / "sample.json", facts)
    print(facts)


if __name__ == "__main__":
    main()
