"""Reads pictures and arrays as (bands, height, width) and writes results, with what libraries the model brought."""

from __future__ import annotations

import importlib
import warnings
from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from .contract import EXIT_INPUT, HarnessError

TIFF_SUFFIXES = (".tif", ".tiff", ".gtiff")
PICTURE_SUFFIXES = (*TIFF_SUFFIXES, ".png", ".jpg", ".jpeg", ".jp2", ".npy", ".npz")
KINDS = "; what can be read is a raster, a picture, or an array as .npy (.npz for several)"
GEO_TAGS = (33550, 33922, 34264, 34735, 34736, 34737)
"""The TIFF tags that hold a GeoTIFF's place on earth."""


class Picture:
    """An array and, for rasters, its place on earth."""

    def __init__(self, array: Any, crs: Any = None, transform: Any = None, tags: tuple[Any, ...] = ()) -> None:
        self.array = array
        self.crs = crs
        self.transform = transform
        self.tags = tags
        """GeoTIFF tags as tifffile takes them, where rasterio is not there to read them."""


def optional(name: str) -> Any:
    """The module, or None where the model's environment lacks it."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None


def read_picture(path: Path) -> Picture:
    """The file's bands first; arrays of other than two or three dimensions as they are. Raises HarnessError."""
    suffix = path.suffix.lower()
    try:
        if suffix in (".npy", ".npz"):
            return Picture(_bands_first(_load_array(path), "as stored"))
        rasterio = optional("rasterio")
        if rasterio is not None:
            return _read_rasterio(rasterio, path)
        if suffix in TIFF_SUFFIXES:
            return _read_tifffile(path)
        return _read_pillow(path)
    except HarnessError:
        raise
    except Exception as problem:  # each library has errors of its own for bad files
        hint = "" if suffix in PICTURE_SUFFIXES else KINDS
        raise HarnessError(f"{path} cannot be read: {problem}{hint}", EXIT_INPUT) from problem


def holds_several(path: Path) -> bool:
    """Whether it is a file of several arrays; what cannot be read is not, and tells when it is."""
    if path.suffix.lower() != ".npz":
        return False
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as loaded:
            return len(loaded.files) > 1
    except Exception:  # zip, deflate and numpy have each their own
        return False


def read_arrays(path: Path, names: Sequence[str], optional: Collection[str] = ()) -> dict[str, Any]:
    """The arrays of those names in an .npz, as stored; `optional` are those that need not be there.

    Raises HarnessError.
    """
    wanted = ", ".join(name + " (optional)" * (name in optional) for name in names)
    if path.suffix.lower() != ".npz":
        text = "the model takes {} inputs at once; give an .npz with an array for each: {}"
        raise HarnessError(text.format(len(names), wanted), EXIT_INPUT)
    try:
        with path.open("rb") as stream, np.load(stream, allow_pickle=False) as loaded:
            missing = [name for name in names if name not in loaded.files and name not in optional]
            if missing:
                text = "{} has no array {}; the model takes {}, the file holds {}"
                raise HarnessError(text.format(path, missing[0], wanted, ", ".join(loaded.files)), EXIT_INPUT)
            return {name: loaded[name] for name in names if name in loaded.files}
    except HarnessError:
        raise
    except Exception as problem:  # zip, deflate and numpy have each their own
        raise HarnessError(f"{path} cannot be read: {problem}", EXIT_INPUT) from problem


def _load_array(path: Path) -> Any:
    loaded = np.load(str(path), allow_pickle=False)
    if isinstance(loaded, np.ndarray):
        return loaded
    with loaded:
        if len(loaded.files) != 1:
            raise HarnessError(f"{path} holds {len(loaded.files)} arrays; give a file with one", EXIT_INPUT)
        return loaded[loaded.files[0]]


def _bands_first(array: Any, axes: str) -> Any:
    if array.ndim == 2:
        return array[np.newaxis]
    return np.ascontiguousarray(np.moveaxis(array, -1, 0)) if axes == "bands last" and array.ndim == 3 else array


def _read_rasterio(rasterio: Any, path: Path) -> Picture:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(str(path)) as source:
            return Picture(source.read(), source.crs, source.transform)


def _read_tifffile(path: Path) -> Picture:
    tifffile = optional("tifffile")
    if tifffile is None:
        raise HarnessError(f"{path}: reading TIFF needs rasterio or tifffile in the model's environment")
    with tifffile.TiffFile(str(path)) as tiff:
        series = tiff.series[0]
        array = series.asarray()
        axes = "bands last" if series.axes.endswith(("S", "C")) else "bands first"
        found = [tiff.pages[0].tags.get(code) for code in GEO_TAGS]
        tags = tuple((tag.code, int(tag.dtype), tag.count, tag.value, True) for tag in found if tag is not None)
        return Picture(_bands_first(array, axes), tags=tags)


def _read_pillow(path: Path) -> Picture:
    pillow = optional("PIL.Image")
    if pillow is None:
        hint = "" if path.suffix.lower() in PICTURE_SUFFIXES else KINDS
        raise HarnessError(f"{path}: reading pictures needs rasterio or Pillow in the model's environment{hint}")
    with pillow.open(str(path)) as image:
        return Picture(_bands_first(np.asarray(image), "bands last"))


def can_write_tiff() -> bool:
    return optional("rasterio") is not None or optional("tifffile") is not None


def write_tiff(path: Path, array: Any, like: Picture, nodata: float | None = None) -> None:
    """Write (bands, H, W) or (H, W) as GeoTIFF in the place of `like`, whose bands cover the same ground."""
    stack = array[np.newaxis] if array.ndim == 2 else array
    rasterio = optional("rasterio")
    if rasterio is None:
        _write_tifffile(path, stack, like, nodata)
        return
    profile = {
        "driver": "GTiff", "count": stack.shape[0], "height": stack.shape[1], "width": stack.shape[2],
        "dtype": stack.dtype.name, "crs": like.crs, "nodata": nodata, "compress": "deflate",
    }  # fmt: skip
    if like.transform is not None:
        profile["transform"] = _transform(like, stack.shape[1:])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
        with rasterio.open(str(path), "w", **profile) as target:
            target.write(stack)


def _transform(like: Picture, shape: tuple[int, int]) -> Any:
    """The same ground cut into another number of pixels."""
    height, width = like.array.shape[-2:]
    if (height, width) == tuple(shape):
        return like.transform
    a, b, c, d, e, f = tuple(like.transform)[:6]
    wider, higher = float(width) / shape[1], float(height) / shape[0]
    return type(like.transform)(a * wider, b * higher, c, d * wider, e * higher, f)


def _write_tifffile(path: Path, stack: Any, like: Picture, nodata: float | None) -> None:
    tifffile = optional("tifffile")
    same_grid = tuple(like.array.shape[-2:]) == tuple(stack.shape[1:])
    tags = list(like.tags) if same_grid else []
    if nodata is not None:
        tags.append((42113, "s", 0, f"{nodata:g}", True))
    picture = stack[0] if stack.shape[0] == 1 else stack
    tifffile.imwrite(str(path), picture, photometric="minisblack", metadata=None, extratags=tags)
