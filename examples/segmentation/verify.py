"""Step 7: run both archives as a container would, from item and archive alone, and compare with `expected.tif`.

The ONNX file goes through onnxruntime with the arithmetic of the item; the handler runs in a process of its own. Then
wrong readings of the item are tried: each must miss the expected output, or the sample would prove nothing.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import onnxruntime
import rasterio
from numpy.typing import NDArray
from recipe import EXAMPLES, HERE, read_json

AGREEMENT = 0.999
"""Share of equal pixels that counts as the same label map."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """How the item is understood; the defaults are the right way."""

    bands: str = "as listed"
    scale: bool = True
    normalise: bool = True
    nodata: str = "all"


WRONG_READINGS = {
    "bands counted from 1": Reading(bands="from one"),
    "selected bands sorted": Reading(bands="sorted"),
    "first bands of the file": Reading(bands="first"),
    "scaling factor ignored": Reading(scale=False),
    "mean and std ignored": Reading(normalise=False),
    "nodata ignored": Reading(nodata="ignored"),
    "nodata where any band has it": Reading(nodata="any"),
}


def unpack(folder: Path, destination: Path) -> dict[str, Any]:
    """The item of an example folder; its archive checked against the item and unpacked."""
    item: dict[str, Any] = read_json(folder / "item.json")
    asset = item["assets"]["model_archive"]
    content = (folder / asset["href"]).read_bytes()
    if asset["file:checksum"] != "1220" + hashlib.sha256(content).hexdigest() or asset["file:size"] != len(content):
        raise SystemExit(f"{folder.name}: the archive is not the one its item describes")
    with zipfile.ZipFile(folder / asset["href"]) as archive:
        listed = {entry["name"] for entry in item["properties"]["dlm:archive"]}
        if listed != set(archive.namelist()):
            raise SystemExit(f"{folder.name}: dlm:archive and archive differ: {listed ^ set(archive.namelist())}")
        archive.extractall(destination)
    return item


def tensor(image: NDArray[Any], properties: dict[str, Any], reading: Reading) -> NDArray[np.float32]:
    inputs = properties["dlm:inputs"]
    listed = list(inputs["selected_bands"])
    choices = {"as listed": listed, "sorted": sorted(listed), "first": list(range(len(listed)))}
    bands = choices.get(reading.bands) or [b - 1 for b in listed]
    values = image[bands].astype(np.float32)
    if reading.scale:
        values *= np.float32(inputs["scaling_factor"])
    if reading.normalise:
        mean, std = (np.asarray(inputs[f"normalization:{k}"], np.float32)[:, None, None] for k in ("mean", "std"))
        values = (values - mean) / std
    return values[None]


def onnx_labels(folder: Path, item: dict[str, Any], reading: Reading) -> NDArray[np.uint8]:
    properties = item["properties"]
    with rasterio.open(folder / properties["dlm:data"]["test_file"]["filename"]) as file:
        image = file.read()
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"), providers=["CPUExecutionProvider"])
    (logits,) = session.run(None, {properties["dlm:inputs"]["name"]: tensor(image, properties, reading)})
    labels: NDArray[np.uint8] = logits[0].argmax(axis=0).astype(np.uint8)
    empty = image == properties["dlm:data"]["nodata_value"]
    masks = {"all": empty.all(axis=0), "any": empty.any(axis=0), "ignored": np.zeros_like(empty[0])}
    labels[masks[reading.nodata]] = properties["dlm:outputs"]["dont_care_index"]
    return labels


def agreement(found: NDArray[Any], expected: NDArray[Any]) -> float:
    """Share of equal pixels; 0 where shape or dtype differ."""
    same_kind = found.shape == expected.shape and found.dtype == expected.dtype
    return float((found == expected).mean()) if same_kind else 0.0


def check_onnx() -> bool:
    with TemporaryDirectory() as scratch:
        item = unpack(EXAMPLES / "segmentation-onnx", Path(scratch))
        with rasterio.open(Path(scratch, "expected.tif")) as file:
            expected = file.read(1)
        right = agreement(onnx_labels(Path(scratch), item, Reading()), expected)
        print(f"segmentation-onnx: {right:.6%} of pixels as expected (onnxruntime {onnxruntime.__version__})")
        # The don't-care mask must be exact, so the nodata readings must miss it, be it by few pixels.
        wrong = {n: agreement(onnx_labels(Path(scratch), item, r), expected) for n, r in WRONG_READINGS.items()}
    for name, share in wrong.items():
        print(f"  wrong on purpose, {name}: {share:.3%}")
    return right >= AGREEMENT and max(wrong.values()) < 1


def check_handler() -> bool:
    with TemporaryDirectory() as scratch:
        unpack(EXAMPLES / "segmentation-pytorch", Path(scratch, "model"))
        model, output = Path(scratch, "model"), Path(scratch, "output.tif")
        argv = (sys.executable, "-I", str(HERE / "serve_once.py"), str(model), str(model / "sample.tif"), str(output))
        subprocess.run(argv, check=True, cwd=scratch)
        with rasterio.open(model / "expected.tif") as expected, rasterio.open(output) as found:
            share = agreement(found.read(), expected.read())
            same_place = all(getattr(found, n) == getattr(expected, n) for n in ("crs", "transform", "nodata"))
    print(f"segmentation-pytorch: {share:.6%} of pixels as expected, georeferencing equal: {same_place}")
    return share >= AGREEMENT and same_place


def main() -> None:
    results = [check_onnx(), check_handler()]
    if not all(results):
        raise SystemExit("an example does not reproduce its expected output")


if __name__ == "__main__":
    main()
