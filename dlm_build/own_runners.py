"""What dlm-build does itself where an item names no code: the runners that feed the weights, and what they write."""

from __future__ import annotations

from pathlib import PurePosixPath

OWN_RUNNERS = ("onnx", "torchscript")
"""Runners that write the outputs themselves; the others leave it to the model's own code."""
FORMS = (".json", ".npy", ".npz", ".png", ".tif", ".tiff")
"""Kinds of expected files that they can write or come near to."""
_NEVER = (
    ".csv", ".tsv", ".txt", ".xml", ".geojson", ".kml", ".gpkg", ".shp", ".parquet",
    ".pb", ".pt", ".pth", ".pkl", ".mat",
)  # fmt: skip


def never_written(name: str) -> str | None:
    """The suffix of a file that no output of theirs is like: tables, texts and vector data say more than tensors, and
    a framework's own files of tensors are read by that framework alone.
    """
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in _NEVER else None
