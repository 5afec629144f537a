"""Each variant differs from the example in what it is about, and in nothing else."""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from drafts import Draft, Entry, packed, read_draft
from tampering import bomb, change_one_weight
from variants import VARIANTS, make_variant

from dlm_build.errors import Outcome

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
CLASSES = 5
LARGE = {"zip-bomb"}


@pytest.fixture(scope="module")
def onnx() -> Draft:
    return read_draft(EXAMPLES / "segmentation-onnx")


@pytest.fixture(scope="module")
def pytorch() -> Draft:
    return read_draft(EXAMPLES / "segmentation-pytorch")


def made(name: str, folder: Path) -> tuple[dict[str, Any], bytes]:
    path = make_variant(name, folder / name)
    item: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return item, (folder / name / "model.mar").read_bytes()


@pytest.mark.parametrize("name", sorted(set(VARIANTS) - LARGE))
def test_every_variant_is_written_with_its_verdict(name: str, tmp_path: Path) -> None:
    item, content = made(name, tmp_path)
    expected = json.loads((tmp_path / name / "expected.json").read_text(encoding="utf-8"))
    assert expected["verdict"] == VARIANTS[name].verdict
    assert expected["verdict"] in {outcome.value for outcome in Outcome}
    right = item["assets"]["model_archive"]["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert right == (name != "wrong-checksum")


def test_the_plain_copy_is_the_example(tmp_path: Path) -> None:
    folder = make_variant("unchanged", tmp_path / "copy").parent
    for name in ("item.json", "model.mar"):
        assert (folder / name).read_bytes() == (EXAMPLES / "segmentation-onnx" / name).read_bytes()


def test_unknown_name_and_existing_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KeyError):
        make_variant("no-such-variant", tmp_path / "x")
    with pytest.raises(FileExistsError):
        make_variant("unchanged", tmp_path)


def test_onnx_weights_differ_in_one_number(onnx: Draft) -> None:
    old = onnx.entries["model.onnx"].content
    new = change_one_weight("model.onnx", old, CLASSES)
    differing = [i for i in range(len(old)) if old[i] != new[i]]
    assert len(old) == len(new)
    assert 1 <= len(differing) <= 4
    assert differing[-1] - differing[0] < 4


def test_torchscript_weights_differ_in_one_number(pytorch: Draft) -> None:
    old = pytorch.entries["model.pt"].content
    new = change_one_weight("model.pt", old, CLASSES)
    with zipfile.ZipFile(io.BytesIO(old)) as one, zipfile.ZipFile(io.BytesIO(new)) as two:
        assert one.namelist() == two.namelist()
        (changed,) = [n for n in one.namelist() if one.read(n) != two.read(n)]
        before, after = (np.frombuffer(z.read(changed), "<f4") for z in (one, two))
    assert (before != after).sum() == 1


def test_weights_of_an_unknown_kind_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot change"):
        change_one_weight("weights.bin", b"", CLASSES)


def test_bomb_unpacks_to_what_it_declares() -> None:
    content = bomb(packed({"a.txt": Entry(content=b"a")}), "zeros.bin", pieces=2)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        assert archive.testzip() is None
        info = archive.getinfo("zeros.bin")
        assert info.file_size == 32 << 20
        assert zlib.crc32(bytes(info.file_size)) == info.CRC
        assert info.file_size / info.compress_size > 900


def test_expected_output_of_another_shape_and_dtype(tmp_path: Path) -> None:
    from rasterio.io import MemoryFile

    for name, shape, dtype in (("shape", (127, 128), "uint8"), ("dtype", (128, 128), "uint16")):
        _, content = made(f"expected-other-{name}", tmp_path)
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            tiff = archive.read("expected.tif")
        with MemoryFile(tiff) as memory, memory.open() as file:
            assert (file.shape, file.dtypes) == (shape, (dtype,))
            assert file.crs.to_epsg() == 32618


def test_python_function_keeps_the_environment_and_its_answer_is_right(tmp_path: Path, onnx: Draft) -> None:
    from predict import predict

    item, content = made("python-function", tmp_path)
    assert item["properties"]["dlm:runtime"]["model_handler"] == "handler:handle"
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        archive.extractall(tmp_path / "model")
    assert (tmp_path / "model" / "environment.yml").read_bytes() == onnx.entries["environment.yml"].content
    answer = predict((tmp_path / "model" / "sample.npy").read_bytes(), tmp_path / "model")
    labels, expected = np.load(io.BytesIO(answer)), np.load(tmp_path / "model" / "expected.npy")
    assert labels.dtype == expected.dtype == np.uint8
    assert np.array_equal(labels, expected)
    assert len(np.unique(labels)) == CLASSES
