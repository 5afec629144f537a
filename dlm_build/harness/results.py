"""Writes whatever a handler returns as one file, its kind told by its content."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

MAGIC = (
    (b"II*\0", ".tif"), (b"MM\0*", ".tif"), (b"II+\0", ".tif"), (b"MM\0+", ".tif"), (b"\x89PNG\r\n\x1a\n", ".png"),
    (b"\xff\xd8\xff", ".jpg"), (b"\x93NUMPY", ".npy"), (b"PK\x03\x04", ".npz"),
)  # fmt: skip


def write_result(result: Any, output: Path, stem: str) -> None:
    """Write one result as `<stem>.<kind>`; None and the path of a file already in `output` need nothing."""
    if result is None or _is_written(result, output):
        return
    if isinstance(result, (bytes, bytearray, memoryview)):
        _write_bytes(bytes(result), output, stem)
    elif isinstance(result, str):
        _write_bytes(result.encode("utf-8"), output, stem)
    elif hasattr(result, "save") and hasattr(result, "getbands"):
        result.save(str(output / (stem + ".png")))
    else:
        plain = as_array(result)
        if plain is not None and plain.ndim:
            write_array(output / (stem + ".npy"), plain)
        else:
            write_json(output / (stem + ".json"), result)


def _is_written(result: Any, output: Path) -> bool:
    if not isinstance(result, (str, Path)) or len(str(result)) > 4096 or "\n" in str(result):
        return False
    path = Path(str(result))
    return path.is_file() and output in path.resolve().parents


def _write_bytes(data: bytes, output: Path, stem: str) -> None:
    suffix = next((suffix for magic, suffix in MAGIC if data.startswith(magic)), None)
    if suffix is None:
        suffix = _text_suffix(data)
    (output / (stem + suffix)).write_bytes(data)


def _text_suffix(data: bytes) -> str:
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return ".bin"
    try:
        json.loads(text)
    except ValueError:
        return ".txt"
    return ".json"


def as_array(value: Any) -> Any:
    """A numpy array for arrays, numpy numbers and tensors of any framework; None for everything else."""
    if hasattr(value, "detach"):
        value = value.detach().cpu()
    if hasattr(value, "asnumpy"):
        return value.asnumpy()
    if hasattr(value, "numpy") and callable(value.numpy):
        return value.numpy()
    return value if hasattr(value, "dtype") and hasattr(value, "tolist") and hasattr(value, "ndim") else None


def write_array(path: Path, array: Any) -> None:
    import numpy as np

    np.save(str(path), np.ascontiguousarray(array) if array.ndim else array, allow_pickle=False)


def write_json(path: Path, value: Any, *, ordered: bool = False) -> None:
    """JSON of plain values; arrays inside become lists. Raises TypeError naming what cannot be written.

    Keys are sorted unless `ordered` says that their order means something.
    """
    text = json.dumps(value, default=_plain, indent=1, sort_keys=not ordered)
    path.write_text(text + "\n", encoding="utf-8")


def _plain(value: Any) -> Any:
    array = as_array(value)
    if array is not None:
        return array.tolist()
    if isinstance(value, (bytes, bytearray)):
        return bytes(value).decode("utf-8")
    if isinstance(value, (set, frozenset)):
        return sorted(value)
    raise TypeError(f"the model returned a {type(value).__name__}, which is neither an array nor JSON")
