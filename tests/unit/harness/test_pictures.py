from __future__ import annotations

import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.transform import Affine

from dlm_build.harness import pictures
from dlm_build.harness.contract import EXIT_INPUT, HarnessError

PLACE = Affine(10, 0, 500_000, 0, -10, 5_000_000)


def scene(path: Path, **profile: Any) -> Any:
    """A small georeferenced file; returns its bands."""
    bands = np.arange(2 * 4 * 6, dtype=np.uint16).reshape(2, 4, 6)
    settings = {"crs": "EPSG:32618", "transform": PLACE, "count": 2, "height": 4, "width": 6, "dtype": "uint16"}
    with rasterio.open(path, "w", driver="GTiff", **{**settings, **profile}) as target:
        target.write(bands)
    return bands


def test_bands_come_first_with_their_place(tmp_path: Path) -> None:
    bands = scene(tmp_path / "in.tif")
    picture = pictures.read_picture(tmp_path / "in.tif")
    assert np.array_equal(picture.array, bands)
    assert (picture.crs.to_epsg(), picture.transform) == (32618, PLACE)


def test_a_label_map_lies_where_its_input_lies(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    labels = np.arange(24, dtype=np.uint8).reshape(4, 6)
    pictures.write_tiff(tmp_path / "out.tif", labels, pictures.read_picture(tmp_path / "in.tif"), 0)
    with rasterio.open(tmp_path / "out.tif") as written:
        assert np.array_equal(written.read(1), labels)
        assert (written.crs.to_epsg(), written.transform, written.nodata) == (32618, PLACE, 0)
        assert written.dtypes == ("uint8",)


def test_a_smaller_map_covers_the_same_ground(tmp_path: Path) -> None:
    scene(tmp_path / "in.tif")
    pictures.write_tiff(tmp_path / "out.tif", np.zeros((2, 3), np.uint8), pictures.read_picture(tmp_path / "in.tif"))
    with rasterio.open(tmp_path / "out.tif") as written, rasterio.open(tmp_path / "in.tif") as source:
        assert written.bounds == source.bounds
        assert written.nodata is None


def test_a_picture_without_place_is_written_without_one(tmp_path: Path) -> None:
    like = pictures.Picture(np.zeros((1, 2, 2)))
    pictures.write_tiff(tmp_path / "out.tif", np.ones((2, 2), np.uint8), like)
    assert pictures.read_picture(tmp_path / "out.tif").crs is None


@pytest.mark.parametrize(("shape", "expected"), [((4, 6), (1, 4, 6)), ((3, 4, 6), (3, 4, 6)), ((7,), (7,))])
def test_arrays_are_read_as_stored(tmp_path: Path, shape: tuple[int, ...], expected: tuple[int, ...]) -> None:
    np.save(tmp_path / "in.npy", np.zeros(shape))
    assert pictures.read_picture(tmp_path / "in.npy").array.shape == expected


def test_an_archive_of_one_array_is_that_array(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", x=np.ones((2, 2)))
    np.savez(tmp_path / "two.npz", x=np.ones(2), y=np.ones(2))
    assert pictures.read_picture(tmp_path / "one.npz").array.shape == (1, 2, 2)
    with pytest.raises(HarnessError, match="holds 2 arrays; give a file with one"):
        pictures.read_picture(tmp_path / "two.npz")


@pytest.mark.parametrize("name", ["bad.tif", "bad.npy", "bad.png"])
def test_a_broken_file_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"not a picture")
    with pytest.raises(HarnessError, match=f"{name} cannot be read: ") as caught:
        pictures.read_picture(tmp_path / name)
    assert caught.value.status == EXIT_INPUT


@pytest.mark.parametrize("name", ["input_0.pb", "speech.wav"])
def test_a_file_of_no_kind_that_is_read_is_told_what_is(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"neither raster nor array")
    with pytest.raises(
        HarnessError, match=r"cannot be read: .*; what can be read is a raster, .* or an array as \.npy"
    ):
        pictures.read_picture(tmp_path / name)


def test_pickled_arrays_are_refused(tmp_path: Path) -> None:
    np.save(tmp_path / "bad.npy", np.array([{}], dtype=object), allow_pickle=True)
    with pytest.raises(HarnessError, match=r"bad\.npy cannot be read"):
        pictures.read_picture(tmp_path / "bad.npy")


def test_without_any_library_the_message_says_which_to_add(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures, "optional", lambda _name: None)
    with pytest.raises(HarnessError, match="reading TIFF needs rasterio or tifffile"):
        pictures.read_picture(tmp_path / "in.tif")
    with pytest.raises(HarnessError, match="reading pictures needs rasterio or Pillow"):
        pictures.read_picture(tmp_path / "in.png")
    with pytest.raises(HarnessError, match=r"rasterio or Pillow .*; what can be read is .* an array as \.npy"):
        pictures.read_picture(tmp_path / "table.csv")
    assert not pictures.can_write_tiff()


class FakeTiff:
    """Answers as tifffile does for one file; anything else is an AttributeError."""

    def __init__(self, array: Any, axes: str, tags: dict[int, Any]) -> None:
        self.series = [SimpleNamespace(asarray=lambda: array, axes=axes)]
        self.pages = [SimpleNamespace(tags=tags)]

    def __enter__(self) -> FakeTiff:
        return self

    def __exit__(self, *_: object) -> None:
        pass


@pytest.mark.parametrize(("axes", "order"), [("YXS", (4, 6, 2)), ("SYX", (2, 4, 6))])
def test_tifffile_reads_both_plane_orders(monkeypatch: pytest.MonkeyPatch, axes: str, order: tuple[int, ...]) -> None:
    bands = np.arange(48).reshape(2, 4, 6)
    stored = np.moveaxis(bands, 0, -1) if order[-1] == 2 else bands
    place = SimpleNamespace(code=33550, dtype=12, count=3, value=(10.0, 10.0, 0.0))
    fake = SimpleNamespace(TiffFile=lambda _path: FakeTiff(stored, axes, {33550: place}))
    monkeypatch.setattr(pictures, "optional", {"tifffile": fake}.get)
    picture = pictures.read_picture(Path("in.tif"))
    assert np.array_equal(picture.array, bands)
    assert picture.tags == ((33550, 12, 3, (10.0, 10.0, 0.0), True),)


def test_tifffile_writes_the_place_of_the_input_on_the_same_grid_only(monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[Any] = []
    fake = SimpleNamespace(imwrite=lambda path, array, **options: written.append((array.shape, options["extratags"])))
    monkeypatch.setattr(pictures, "optional", {"tifffile": fake}.get)
    place = (33550, 12, 3, (10.0, 10.0, 0.0), True)
    like = pictures.Picture(np.zeros((2, 4, 6)), tags=(place,))
    pictures.write_tiff(Path("a.tif"), np.zeros((4, 6)), like, 0)
    pictures.write_tiff(Path("b.tif"), np.zeros((3, 2, 3)), like)
    assert written == [((4, 6), [place, (42113, "s", 0, "0", True)]), ((3, 2, 3), [])]


def test_importing_a_missing_library_is_not_an_error() -> None:
    assert pictures.optional("no_such_library_here") is None
    assert pictures.optional("sys") is sys
