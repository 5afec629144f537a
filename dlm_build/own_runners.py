"""What dlm-build does itself where an item names no code: the runners that feed the weights, and what they write."""

from __future__ import annotations

from pathlib import PurePosixPath
from typing import Literal

from dlm_build.weight_files import BY_SUFFIX, PERHAPS_TORCHSCRIPT, suffix_of

OWN_RUNNERS = ("onnx", "torchscript")
"""Runners that write the outputs themselves; the others leave it to the model's own code."""
_OTHERS = frozenset({".hdf5", ".rds"})
"""Models that no table of their names knows more of."""
_SAID_OF_OTHERS = frozenset({"exported", "keras", "keras-weights", "safetensors"})
FORMS = (".json", ".npy", ".npz", ".png", ".tif", ".tiff")
"""Kinds of expected files that they can write or come near to."""
UNREAD = frozenset({
    ".zarr", ".grib", ".grib2", ".fgb", ".shp", ".parquet", ".geoparquet",
    ".feather", ".arrow", ".safetensors", ".pt", ".pth", ".pb", ".pkl", ".pickle", ".joblib", ".mat", ".rds", ".bin",
    ".zip", ".tar", ".gz", ".tgz", ".pdf", ".gif", ".webp", ".jp2", ".wav", ".mp4",
})  # fmt: skip
"""Kinds of files that no comparison reads, so that they are compared byte for byte; these runners write none."""
_OF_CODE = frozenset({".csv", ".tsv", ".txt", ".xml", ".geojson", ".kml", ".gpkg", ".nc", ".nc4", ".h5", ".hdf5"})
"""Tables, texts, vector data and data sets with their axes say more than tensors."""


def runner_by_suffix(suffix: str) -> Literal["onnx", "torchscript"] | None:
    """Which of them runs files of that suffix, where nothing else has it."""
    named = BY_SUFFIX.get(suffix)
    return named.kind if named and (named.kind == "onnx" or named.kind == "torchscript") else None


def never_run(name: str, declared: str | None) -> bool:
    """Whether none of them runs a file of that name; one that says nothing is what its publisher says it is.

    A surprise inside, such as TorchScript called `.ckpt`, is found only by a build.
    """
    suffix = suffix_of(name)
    if suffix in PERHAPS_TORCHSCRIPT or runner_by_suffix(suffix):
        return False
    named = BY_SUFFIX.get(suffix)
    return suffix in _OTHERS or bool(named and named.kind != "archive") or declared in _SAID_OF_OTHERS


def never_written(name: str) -> str | None:
    """The suffix of a file that no output of theirs is like."""
    suffix = PurePosixPath(name).suffix.lower()
    return suffix if suffix in _OF_CODE or suffix in UNREAD else None
