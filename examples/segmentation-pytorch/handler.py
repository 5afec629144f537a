# mypy: allow-untyped-calls
"""TorchServe handler: one GeoTIFF per request in, one label map per request out, as the bytes of a GeoTIFF.

TorchServe's class entry point: the module holds exactly one class; the server makes one object of it, calls
`initialize(context)` once and `handle(data, context)` per batch. Nothing of TorchServe is imported.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from rasterio.io import DatasetReader, MemoryFile


class SegmentationHandler:
    """Loads the TorchScript weights named by the manifest and `config.json` beside them."""

    def __init__(self) -> None:
        self.initialized = False
        self.device = torch.device("cpu")
        self.model: Any = None
        self.config: dict[str, Any] = {}

    def initialize(self, context: Any) -> None:
        """Reads `model_dir` and `gpu_id` of `context.system_properties`, and `context.manifest`."""
        properties = context.system_properties
        folder = Path(properties["model_dir"])
        self.config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        gpu = properties.get("gpu_id")
        if gpu is not None and torch.cuda.is_available():
            self.device = torch.device("cuda", int(gpu))
        weights = folder / context.manifest["model"]["serializedFile"]
        self.model = torch.jit.load(str(weights), map_location=self.device).eval()
        self.initialized = True

    def handle(self, data: list[dict[str, Any]], context: Any) -> list[bytes]:
        """One answer per request; a request carries its file under `data` or `body`."""
        if not self.initialized:
            self.initialize(context)
        return [self._answer(bytes(row.get("data") or row.get("body") or b"")) for row in data]

    def _answer(self, content: bytes) -> bytes:
        with MemoryFile(content) as memory, memory.open() as file:
            image = file.read()
            labels = self._labels(image)
            return self._geotiff(labels, file)

    def _labels(self, image: NDArray[Any]) -> NDArray[np.uint8]:
        with torch.inference_mode():
            logits = self.model(torch.from_numpy(self._tensor(image)).to(self.device))
        labels: NDArray[np.uint8] = logits[0].argmax(dim=0).to("cpu", torch.uint8).numpy()
        labels[(image == self.config["nodata_value"]).all(axis=0)] = self.config["dont_care_index"]
        return labels

    def _tensor(self, image: NDArray[Any]) -> NDArray[np.float32]:
        """Bands selected and ordered, scaled, normalised, with a batch axis."""
        bands = image[self.config["selected_bands"]].astype(np.float32)
        bands *= np.float32(self.config["scaling_factor"])
        mean, std = (np.asarray(self.config[name], np.float32)[:, None, None] for name in ("mean", "std"))
        tensor: NDArray[np.float32] = ((bands - mean) / std)[None]
        return tensor

    def _geotiff(self, labels: NDArray[np.uint8], like: DatasetReader) -> bytes:
        height, width = labels.shape
        shape = {"count": 1, "height": height, "width": width, "dtype": "uint8"}
        place = {"crs": like.crs, "transform": like.transform, "nodata": self.config["dont_care_index"]}
        with MemoryFile() as memory:
            with memory.open(driver="GTiff", **shape, **place) as file:
                file.write(labels, 1)
            content: bytes = memory.read()
        return content
