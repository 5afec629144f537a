"""What dlm-build does itself where an item names no code: the runners that feed the weights, and what they write."""

from __future__ import annotations

from pathlib import PurePosixPath

OWN_RUNNERS = ("onnx", "torchscript")
"""Runners that write the outputs themselves; the others leave it to the model's own code."""
FORMS = (".json", ".npy", ".npz", ".png", ".tif", ".tiff")
"""Kinds of expected files that they can write or come near to."""
UNREAD = frozenset({
    ".h5", ".hdf5", ".nc", ".nc4", ".zarr", ".grib", ".grib2", ".gpkg", ".fgb", ".shp", ".parquet", ".geoparquet",
    ".feather", ".arrow", ".safetensors", ".pt", ".pth", ".pb", ".pkl", ".pickle", ".joblib", ".mat", ".rds", ".bin",
    ".zip", ".tar", ".gz", ".tgz", ".pdf", ".gif", ".webp", ".jp2", ".wav", ".mp4",
})  # fmt: skip
"""Kinds of files that no comparison reads, so that they are compared byte for byte; these runners write none."""
_OF_CODE = frozenset({".csv", ".tsv", ".txt", ".xml", ".geojson", ".kml"})
"""Tables, texts and vector data say more than tensors."""


def never_written(name: str) -> str | None:
    """The suffix of a file that no output of theirs is like."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in _OF_CODE or suffix in UNREAD else None
