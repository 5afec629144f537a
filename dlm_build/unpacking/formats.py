"""Which kind of model a file is, by how it begins and, of a zip, by the names in it: never by its own name."""

from __future__ import annotations

import re
from itertools import dropwhile
from pathlib import Path

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.magic import HEAD, is_onnx
from dlm_build.progress import silent
from dlm_build.records import ModelFormat
from dlm_build.unpacking.names import Blame
from dlm_build.unpacking.reading import Reader
from dlm_build.unpacking.tiff import real_bands
from dlm_build.unpacking.zip_directory import parse_directory
from dlm_build.unpacking.zip_end import read_end

_DIRECTORY_LIMIT = 16 << 20
_ZIP = b"PK\3\4"
_HDF5 = b"\x89HDF\r\n\x1a\n"
_TORCH = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number that torch.save writes first into a file of the form it had before PyTorch 1.6."""
_HEADER_LIMIT = 100_000_000
"""Bytes of a safetensors header, as its makers hold them."""
_BY_NAMES: tuple[tuple[tuple[str, ...], ModelFormat], ...] = (
    ((r"[^/]+/constants\.pkl", r"[^/]+/code/.+"), "torchscript"),
    ((r"(.+/)?serialized_exported_program\.json",), "exported"),
    ((r"[^/]+/archive_format", r"[^/]+/models/.+\.json"), "exported"),
    ((r"[^/]+/data\.pkl", r"[^/]+/version"), "torch-pickle"),
    ((r"config\.json", r"metadata\.json", r"model\.weights\.h5"), "keras"),
)
"""Patterns that must each fit a name in the zip; the first row that does."""


_REAL_NUMBERS = re.compile(
    rb"\x93NUMPY[\1\2\3]\0.{2,4}"
    rb"\{'descr': '[<>]f[248]', 'fortran_order': (?:True|False), 'shape': \(([0-9, ]{1,200})\)",
    re.DOTALL,
)
"""The beginning of a `.npy`; its shape is the group."""


def holds_scores(path: Path) -> bool:
    """Whether a file has what a map of labels has not: a `.npy` real numbers in three dimensions or more, besides those
    of length one in front; a TIFF several bands of them; a `.npz` several arrays.

    Raises OSError.
    """
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if head.startswith(_ZIP):
        with Reader(path, silent, hashing=False, label="") as reader:
            return len(_names(reader)) > 1
    found = _REAL_NUMBERS.match(head)
    if found is None:
        return real_bands(path) > 1
    lengths = found[1].replace(b" ", b"").rstrip(b",").split(b",")
    return len([*dropwhile(lambda length: length == b"1", lengths)]) >= 3


def model_format(path: Path) -> ModelFormat | None:
    """None where the bytes are of no format known here. Raises OSError."""
    with Reader(path, silent, hashing=False, label="") as reader:
        head = reader.peek_at(0, HEAD)
        if head.startswith(_ZIP):
            return _by_names(_names(reader))
        return _by_head(head, reader.size)


def _by_head(head: bytes, size: int) -> ModelFormat | None:
    if is_onnx(head, size):
        return "onnx"
    if head.startswith(_HDF5):
        return "hdf5"
    if head.startswith(_TORCH):
        return "torch-pickle"
    if head[4:8] == b"TFL3":
        return "tflite"
    header = int.from_bytes(head[:8], "little")
    if head[8:9] == b"{" and 2 <= header <= min(_HEADER_LIMIT, size - 8):
        return "safetensors"
    return None


def _names(reader: Reader) -> list[str]:
    """Of the files in a zip; none of one that is not well made, which then is no format known here."""
    blame = Blame("")
    try:
        end = read_end(reader, blame)
        if end.size > _DIRECTORY_LIMIT:
            return []
        return [entry.name for entry in parse_directory(reader.peek_at(end.start, end.size), end, blame)]
    except (ItemHostile, ItemInvalid):
        return []


def _by_names(names: list[str]) -> ModelFormat | None:
    for patterns, form in _BY_NAMES:
        if all(any(re.fullmatch(pattern, name) for name in names) for pattern in patterns):
            return form
    return None
