"""Model files are told by their bytes."""

from __future__ import annotations

import struct
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlm_build.unpacking.formats import holds_scores, model_format
from tests.unit.gathering.made import write_zip
from tests.unit.judging.test_verdict import geotiff

TORCH_BEFORE_1_6 = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.\x80\x02M\xe9\x03."


def field(number: int, payload: bytes | int) -> bytes:
    """One field of protobuf."""
    if isinstance(payload, int):
        return bytes([number << 3]) + _varint(payload)
    return bytes([number << 3 | 2]) + _varint(len(payload)) + payload


def _varint(value: int) -> bytes:
    low, high = value & 0x7F, value >> 7
    return bytes([low | 0x80]) + _varint(high) if high else bytes([low])


GRAPH = field(7, b"g" * 300)
ONNX = field(1, 8) + field(2, b"pytorch") + field(3, b"2.1") + GRAPH + field(8, b"\x10\x11")


@pytest.mark.parametrize(
    ("raw", "form"),
    [
        (ONNX, "onnx"),
        (field(1, 3) + GRAPH, "onnx"),
        (field(1, 9) + field(5, 1) + field(6, b"words") + field(8, b"\x10\x11") + GRAPH, "onnx"),
        (ONNX[:-100], None),  # the graph does not fit: cut off
        (field(1, 1) + field(2, b"m" * 3000) + field(7, b""), None),  # a SavedModel of TensorFlow
        (field(1, 8) + field(9, b"") + GRAPH, None),
        (field(2, b"pytorch") + GRAPH, None),
        (b"\x08", None),
        (b"\x08" + b"\xff" * 40, None),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "hdf5"),
        (TORCH_BEFORE_1_6, "torch-pickle"),
        (b"\x80\x02}q\x00.", None),  # a pickle of anything
        (b"\x1c\0\0\0TFL3" + bytes(20), "tflite"),
        (struct.pack("<Q", 14) + b'{"a":{},"b":1}' + bytes(8), "safetensors"),
        (struct.pack("<Q", 1 << 40) + b'{"a":{}}', None),
        (b"\x0b\x08words, and nothing else", None),
        (b"", None),
    ],
)
def test_by_the_first_bytes(tmp_path: Path, raw: bytes, form: str | None) -> None:
    (tmp_path / "download").write_bytes(raw)
    assert model_format(tmp_path / "download") == form


@pytest.mark.parametrize(
    ("names", "form"),
    [
        (("m/data.pkl", "m/version", "m/constants.pkl", "m/code/__torch__.py"), "torchscript"),
        (("m/data.pkl", "m/version", "m/data/0"), "torch-pickle"),
        (("m/archive_format", "m/models/model.json", "m/data/weights/weight_0"), "exported"),
        (("serialized_exported_program.json", "version"), "exported"),
        (("config.json", "metadata.json", "model.weights.h5"), "keras"),
        (("a.npy", "b.npy"), None),
        (("MAR-INF/MANIFEST.json", "model.pt"), None),
    ],
)
def test_a_zip_by_its_names(tmp_path: Path, names: tuple[str, ...], form: str | None) -> None:
    write_zip(tmp_path / "download", dict.fromkeys(names, b"x"))
    assert model_format(tmp_path / "download") == form


def test_a_broken_zip_is_of_no_known_format(tmp_path: Path) -> None:
    whole = write_zip(tmp_path / "m", {"m/data.pkl": b"", "m/version": b"", "m/constants.pkl": b"", "m/code/a": b""})
    (tmp_path / "cut").write_bytes(whole.read_bytes()[:-30])
    assert model_format(whole) == "torchscript" and model_format(tmp_path / "cut") is None


@pytest.mark.parametrize(
    ("shape", "dtype", "scores"),
    [
        ((3, 8, 8), "<f4", True), ((1, 3, 8, 8), ">f8", True), ((8, 8, 3), "<f2", True), ((1, 8, 8), "<f4", False),
        ((8, 8), "<f4", False), ((3, 8, 8), "<i4", False), ((3, 8, 8), "|u1", False), ((5,), "<f4", False),
        ((), "<f4", False),
    ],
)  # fmt: skip
def test_scores_are_told_from_labels_by_the_header_of_an_array(
    tmp_path: Path, shape: tuple[int, ...], dtype: str, scores: bool
) -> None:
    np.save(tmp_path / "expected.npy", np.zeros(shape, dtype=dtype))
    assert holds_scores(tmp_path / "expected.npy") is scores


@pytest.mark.parametrize(
    ("bands", "dtype", "scores"),
    [(3, "float32", True), (2, "float64", True), (1, "float32", False), (3, "uint8", False), (4, "int16", False)],
)
@pytest.mark.parametrize(
    "layout",
    [{}, {"ENDIANNESS": "BIG"}, {"BIGTIFF": "YES"}, {"BIGTIFF": "YES", "ENDIANNESS": "BIG"}, {"driver": "COG"},
     {"interleave": "pixel", "compress": "deflate", "predictor": 2}],
    ids=["little", "big", "BigTIFF", "big BigTIFF", "COG", "packed"],
)  # fmt: skip
def test_scores_are_told_from_labels_by_the_tags_of_a_tiff(
    tmp_path: Path, bands: int, dtype: str, scores: bool, layout: dict[str, Any]
) -> None:
    geotiff(tmp_path / "expected.tif", np.zeros((bands, 8, 8), dtype=dtype), **layout)
    assert holds_scores(tmp_path / "expected.tif") is scores


def test_a_tiff_cut_anywhere_holds_no_scores_or_those_it_held(tmp_path: Path) -> None:
    geotiff(tmp_path / "whole.tif", np.zeros((3, 2, 2), dtype="float32"))
    whole = (tmp_path / "whole.tif").read_bytes()
    cut = tmp_path / "cut.tif"
    told = []
    for length in range(len(whole)):
        cut.write_bytes(whole[:length])
        told.append(holds_scores(cut))
    assert not any(told[:100])


@pytest.mark.parametrize(
    "content",
    [
        b"II+\0\x08\0\0\0" + b"\xff" * 8,
        b"MM\0*\xff\xff\xff\xff",
        b"II*\0\x08\0\0\0\xff\xff" + b"\x53\1\3\0\xff\xff\xff\xff\xff\xff\xff\xff" * 400,
    ],
    ids=["past any end", "past the end", "tags that lead out"],
)
def test_a_tiff_that_leads_out_of_itself_holds_no_scores(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "expected.tif").write_bytes(content)
    assert holds_scores(tmp_path / "expected.tif") is False


def test_several_arrays_are_no_map_of_labels(tmp_path: Path) -> None:
    np.savez(tmp_path / "one.npz", labels=np.zeros((8, 8), np.uint8))
    np.savez(tmp_path / "two.npz", mask=np.zeros((8, 8)), height=np.zeros((8, 8)))
    assert [holds_scores(tmp_path / name) for name in ("one.npz", "two.npz")] == [False, True]


@pytest.mark.parametrize("content", [b"", b"\x93NUMPY", b"\x93NUMPY\1\0v\0{'descr': '<f4', 'fortran_order': False"])
def test_what_is_no_array_holds_no_scores(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "expected.npy").write_bytes(content)
    assert holds_scores(tmp_path / "expected.npy") is False
