"""The child that decodes strangers' files: `dlm_build.judging.decoder FOLDER FILE…`, as an `own_program`.

For each FILE it writes FOLDER/<n>.json (what it is) and FOLDER/<n>-<m>.npy (its arrays). The file type is told by
its first bytes, never by its name. No network, no pickle, bounded memory and time; GDAL reads two drivers only.
"""

from __future__ import annotations

import ctypes
import json
import math
import re
import resource
import sys
from pathlib import Path
from typing import Any

MEMORY = 4 << 30
"""Bytes of address space."""
SECONDS = 120
"""CPU seconds."""
PIXELS = 1 << 30
"""Bytes a picture may decode to; asked of its header before any pixel is read."""
WRITTEN = 2 * PIXELS
"""Bytes of one decoded array."""
ARRAYS = 10_000
"""Arrays of one file, each a file of its own where they are written."""
HEADER = 1 << 16
"""Bytes that a file of it has more, at most."""
TEXT = 16 << 20
"""Bytes of a JSON or text output."""
TOLD = 256 << 20
"""Characters of what is told of a file besides its arrays: a short file may say one long name of every row."""
NESTED = 200
"""How deep lists and objects may lie in each other; whoever compares goes down as deep."""
UNWRITTEN = 74
"""Exit status where what was decoded could not be written: the machine's fault, not the file's (EX_IOERR)."""
TOO_LARGE = 75
"""Exit status where an array has more bytes than may be written."""

ALPHA = "alpha"
"""Name of the band that says how opaque each pixel is."""
NUMBERS = "biufc"
"""Kinds of elements, as NumPy names them, that an array may have."""

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
"""What no text holds; bytes of labels may be read as letters, too."""

CLONE_NEWUSER, CLONE_NEWNET = 0x10000000, 0x40000000


def main(folder: str, files: list[str]) -> None:
    _confine()
    for number, name in enumerate(files):
        decoded = _decoded(Path(name))
        try:
            _write(Path(folder), number, decoded)
        except OSError as problem:
            sys.stderr.write(f"{problem}\n")
            sys.exit(UNWRITTEN)
        except MemoryError as problem:
            sys.stderr.write(f"{problem}\n")
            sys.exit(TOO_LARGE)


def _confine() -> None:
    for what, limit in (
        (resource.RLIMIT_AS, MEMORY),
        (resource.RLIMIT_CPU, SECONDS),
        (resource.RLIMIT_FSIZE, WRITTEN + HEADER),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(what, (limit, limit))
    # A new network namespace has no interfaces. Where the kernel refuses one, the drivers below open local files only.
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.unshare(CLONE_NEWNET) != 0:
        libc.unshare(CLONE_NEWUSER | CLONE_NEWNET)


def _decoded(path: Path) -> dict[str, Any]:
    with path.open("rb") as stream:
        magic = stream.read(16)
    if magic[:6] == b"\x93NUMPY":
        return _numpy(path, "npy")
    if magic[:4] == b"PK\x03\x04":
        return _numpy(path, "npz")
    if magic[:4] in (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+"):
        return _picture(path, "GTiff", "geotiff")
    if magic[:8] == b"\x89PNG\r\n\x1a\n":
        return _picture(path, "PNG", "png")
    if magic[:3] == b"\xff\xd8\xff":
        return _picture(path, "JPEG", "jpeg")
    if magic == b"SQLite format 3\0":
        return _database(path)
    if magic[:8] == b"\x89HDF\r\n\x1a\n":
        return _variables(path, "HDF5")
    if magic[:4] in (b"CDF\1", b"CDF\2", b"CDF\5"):
        return _variables(path, "NetCDF")
    return _text(path)


def _numpy(path: Path, kind: str) -> dict[str, Any]:
    import numpy as np

    loaded = np.load(path, allow_pickle=False, mmap_mode="r" if kind == "npy" else None)
    if kind == "npz" and not all(name.endswith(".npy") for name in loaded.zip.namelist()):
        return {"kind": "bytes", "arrays": {}}  # another kind of file in a zip: a checkpoint, a zarr store, a KMZ
    named = {"array": loaded} if kind == "npy" else {name: loaded[name] for name in sorted(loaded.files)}
    return {"kind": kind, "arrays": named}


def _picture(path: Path, driver: str, kind: str) -> dict[str, Any]:
    import warnings

    import rasterio
    from rasterio.errors import NotGeoreferencedWarning

    warnings.simplefilter("ignore", NotGeoreferencedWarning)
    # EMPTY_DIR: no side-car file beside the output can change what it says.
    with rasterio.Env(GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR"), rasterio.open(path, driver=driver) as image:
        size = image.width * image.height * image.count * max(_item_size(name) for name in image.dtypes)
        if size > PIXELS:
            raise ValueError(f"decodes to {size} bytes, more than {PIXELS}")
        georeferenced = image.crs is not None or not image.transform.is_identity
        return {
            "kind": kind,
            "arrays": _bands(image),
            "nodata": None if image.nodata is None else repr(float(image.nodata)),
            "crs": image.crs.to_wkt() if image.crs else None,
            "transform": list(image.transform)[:6] if georeferenced else None,
            "scaling": _scaling(image.scales, image.offsets),
        }


def _bands(image: Any) -> dict[str, Any]:
    """What is no label and no number of the one band beside it stands apart: how opaque each pixel is.

    Of more bands it stays one: GDAL takes the fourth of any bytes for it.
    """
    from rasterio.enums import ColorInterp

    if image.count == 2 and image.colorinterp[1] == ColorInterp.alpha:
        return {"array": image.read([1]), ALPHA: image.read([2])}
    return {"array": image.read()}


def _scaling(scales: tuple[float, ...], offsets: tuple[float, ...]) -> str:
    return "" if {*scales} == {1.0} and {*offsets} == {0.0} else f"scales {scales}, offsets {offsets}"


def _item_size(name: str) -> int:
    import numpy as np

    return int(np.dtype(name).itemsize)


def _database(path: Path) -> dict[str, Any]:
    from dlm_build.judging.geopackage import read_geopackage

    value = read_geopackage(path)
    return {"kind": "GeoPackage" if value else "bytes", "arrays": {}, "value": value}


def _variables(path: Path, kind: str) -> dict[str, Any]:
    from dlm_build.judging.hdf5 import read_hdf5
    from dlm_build.judging.netcdf import read_netcdf
    from dlm_build.judging.variables import described

    variables = (read_hdf5 if kind == "HDF5" else read_netcdf)(path, PIXELS)
    return described(kind, variables) if variables else {"kind": "bytes", "arrays": {}}


def _text(path: Path) -> dict[str, Any]:
    if path.stat().st_size > TEXT:
        raise ValueError("neither a picture, an array nor JSON, and too large for text")
    raw = path.read_bytes()
    try:
        value = json.loads(raw)
    except ValueError:
        value = _lines(raw)
        if not value:
            return _markup(raw) or _table(raw)
    except RecursionError:
        raise _too_deep() from None
    return {"kind": "json", "arrays": {}, "value": value}


def _lines(raw: bytes) -> list[Any]:
    """Of JSON lines, a list or an object on each; nothing of other text."""
    try:
        rows = [json.loads(line) for line in raw.splitlines() if line.strip()]
    except ValueError:
        return []
    return rows if all(isinstance(row, list | dict) for row in rows) else []


def _too_deep() -> ValueError:
    return ValueError(f"lists and objects nested deeper than {NESTED}")


def _markup(raw: bytes) -> dict[str, Any] | None:
    if not raw.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        return None
    from dlm_build.judging.markup import read_markup

    value = read_markup(raw)
    return value and {"kind": "XML", "arrays": {}, "value": value}


def _table(raw: bytes) -> dict[str, Any]:
    from dlm_build.judging.tables import read_table

    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return {"kind": "bytes", "arrays": {}}
    rows = read_table(text)
    if rows is not None:
        return {"kind": "table", "arrays": {}, "value": rows}
    if _CONTROL.search(text) or not text.strip():
        return {"kind": "bytes", "arrays": {}}
    return {"kind": "text", "arrays": {}, "value": [line.rstrip() for line in text.rstrip().splitlines()]}


def _write(folder: Path, number: int, decoded: dict[str, Any]) -> None:
    import numpy as np

    arrays = decoded.pop("arrays")
    names = list(arrays)
    if len(names) > ARRAYS:
        raise MemoryError(f"{len(names)} arrays, more than {ARRAYS}")
    for index, name in enumerate(names):
        if arrays[name].dtype.kind not in NUMBERS:
            raise ValueError(f"holds {arrays[name].dtype}, which are no numbers")
        if arrays[name].nbytes > WRITTEN:
            raise MemoryError(f"{arrays[name].nbytes} bytes, more than {WRITTEN}")
        # How its bytes are ordered is the file's affair; whoever compares sees one kind of number.
        native = arrays[name].astype(arrays[name].dtype.newbyteorder("="), copy=False)
        np.save(folder / f"{number}-{index}.npy", native, allow_pickle=False)
    decoded["names"] = names
    told = json.dumps(_finite(decoded))
    if len(told) > TOLD:
        raise MemoryError(f"{len(told)} characters, more than {TOLD}")
    (folder / f"{number}.json").write_text(told)


def _finite(value: Any, depth: int = NESTED) -> Any:
    """NaN and infinities as text, since JSON has no word for them."""
    if depth < 0:
        raise _too_deep()
    if isinstance(value, float) and not math.isfinite(value):
        return repr(value)
    if isinstance(value, dict):
        return {str(k): _finite(v, depth - 1) for k, v in value.items()}
    return [_finite(v, depth - 1) for v in value] if isinstance(value, list) else value


if __name__ == "__main__":
    try:
        main(sys.argv[1], sys.argv[2:])
    except Exception as problem:
        sys.exit(f"{type(problem).__name__}: {problem}")
