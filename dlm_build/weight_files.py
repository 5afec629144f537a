"""What the name of a model's file tells: one table for all who read names before they have bytes, or for want of them.

A name only makes something likely; where the bytes are there, `unpacking/formats.py` decides.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Literal, NamedTuple

from dlm_build.hrefs import without_query

ArtifactKind = Literal[
    "archive", "onnx", "torchscript", "exported", "keras", "keras-weights", "safetensors", "pickled", "other"
]  # fmt: skip


class Named(NamedTuple):
    """What files of one suffix mostly are."""

    suffix: str
    kind: ArtifactKind
    framework: str | None
    """That runs them, as it is called in public; None where several may, or none by itself."""
    written_by: str | None
    """What writes them, as `mlm:artifact_type` has it."""
    sure: bool = False
    """Nobody gives the name to anything else, so other words about such a file are a copy from elsewhere."""
    whole: bool = False
    """The program is in it too: its framework alone runs it."""
    found: bool = True
    """Looked for in an archive that does not say which its weights are."""


WEIGHTS_OF_KERAS = ".weights.h5"
"""What Keras itself demands at the end of the name of a file that has no network in it."""
_TABLE = (
    Named(".onnx", "onnx", "onnxruntime", "onnx", sure=True, whole=True),
    Named(".torchscript", "torchscript", "PyTorch", "torch.jit.save", sure=True, whole=True),
    Named(".pt", "pickled", "PyTorch", "torch.save"),
    Named(".pth", "pickled", "PyTorch", "torch.save"),
    Named(".pt2", "exported", "PyTorch", "torch.export.save", whole=True),
    Named(".ckpt", "pickled", "PyTorch", "torch.save"),
    Named(".safetensors", "safetensors", None, "safetensors.torch.save_file", sure=True),
    Named(".safetensor", "safetensors", None, "safetensors.torch.save_file", sure=True),
    Named(".pb", "keras", "TensorFlow", "tf.keras.Model.export"),
    Named(".h5", "keras", "TensorFlow", "tf.keras.Model.save", whole=True),
    Named(".keras", "keras", "TensorFlow", "tf.keras.Model.save", sure=True, whole=True),
    Named(".tflite", "other", "TensorFlow", None, whole=True),
    Named(".params", "other", "MXNet", None),
    Named(WEIGHTS_OF_KERAS, "keras-weights", "TensorFlow", "tf.keras.Model.save_weights", sure=True, found=False),
    Named(".npz", "other", None, None, found=False),
    Named(".pkl", "pickled", None, "pickle", found=False),
    Named(".pickle", "pickled", None, "pickle", found=False),
    Named(".joblib", "pickled", "scikit-learn", "joblib.dump", found=False),
    Named(".cbm", "other", "CatBoost", None, whole=True, found=False),
    Named(".ubj", "other", "XGBoost", None, found=False),
    Named(".pdmodel", "other", "Paddle", None, found=False),
    Named(".mar", "archive", None, "torch-model-archiver", found=False),
    Named(".zip", "archive", None, None, found=False),
    Named(".tar", "archive", None, None, found=False),
    Named(".tgz", "archive", None, None, found=False),
    Named(".gz", "archive", None, None, found=False),
)
"""Of what may be the weights of an archive, the best first."""
BY_SUFFIX = {row.suffix: row for row in _TABLE}
WEIGHT_SUFFIXES = tuple(row.suffix for row in _TABLE if row.found)
"""Of weights that are found by their names alone, the best first."""
SINGLE_SUFFIXES = (*WEIGHT_SUFFIXES, ".npz")
"""Of a model that is one file. In an archive a `.npz` is rather a sample."""
FOREIGN_SUFFIXES = {
    ".7z": "7z archive", ".rar": "rar archive", ".xz": "xz file", ".txz": "xz file", ".bz2": "bzip2 file",
    ".tbz": "bzip2 file", ".tbz2": "bzip2 file", ".zst": "zstd file", ".tzst": "zstd file",
}  # fmt: skip
"""Names of archives that are not opened, and what is in such files as their bytes tell (`archives.py`)."""
PACKED_SUFFIXES = frozenset((*(row.suffix for row in _TABLE if row.kind == "archive"), *FOREIGN_SUFFIXES))
"""Of archives, those included that are not opened."""
PERHAPS_TORCHSCRIPT = frozenset((".pt", ".pth"))
"""What torch.save and torch.jit.save are given alike."""
NO_MODELS = {
    ".nc": "a NetCDF file", ".grib": "a GRIB file", ".grb": "a GRIB file", ".zarr": "a Zarr store",
    ".tif": "a picture", ".tiff": "a picture", ".jp2": "a picture", ".png": "a picture", ".jpg": "a picture",
    ".jpeg": "a picture", ".gif": "a picture", ".svg": "a picture",
    ".csv": "a table", ".tsv": "a table", ".xlsx": "a table", ".parquet": "a table", ".geojson": "a map",
    ".md": "a text", ".rst": "a text", ".pdf": "a text", ".html": "a web page", ".htm": "a web page",
    ".py": "code", ".ipynb": "a notebook", ".r": "code", ".yml": "a description", ".yaml": "a description",
    ".dockerfile": "a Dockerfile",
}  # fmt: skip
"""What a file is by its name, whatever its type and role say; a build takes none of them for a model."""


@lru_cache(maxsize=256)
def suffix_of(href: str) -> str:
    """Lower case, of the last component without query and fragment; the one of two words whole."""
    name = without_query(href).rstrip("/").rpartition("/")[2]
    if name.lower().endswith(WEIGHTS_OF_KERAS):
        return WEIGHTS_OF_KERAS
    stem, _, suffix = name.rpartition(".")
    return f".{suffix}".lower() if stem and suffix else ""
