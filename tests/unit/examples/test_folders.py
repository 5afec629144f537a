"""The committed example folders: item and archive say the same, and hold what they promise."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlm_build.items import read_item

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
FOLDERS = sorted(path.parent for path in EXAMPLES.glob("*/item.json"))


def test_there_are_examples() -> None:
    assert {folder.name for folder in FOLDERS} >= {"segmentation-onnx", "segmentation-pytorch"}


@pytest.fixture(params=FOLDERS, ids=lambda folder: str(folder.name))
def folder(request: pytest.FixtureRequest) -> Path:
    return Path(request.param)


def load(folder: Path) -> dict[str, Any]:
    item: dict[str, Any] = json.loads((folder / "item.json").read_text(encoding="utf-8"))
    return item


def test_item_describes_its_archive(folder: Path) -> None:
    item = load(folder)
    asset = item["assets"]["model_archive"]
    content = (folder / asset["href"]).read_bytes()
    assert asset["file:checksum"] == "1220" + hashlib.sha256(content).hexdigest()
    assert asset["file:size"] == len(content)
    with zipfile.ZipFile(folder / asset["href"]) as archive:
        assert archive.namelist() == sorted(row["name"] for row in item["properties"]["dlm:archive"])
        assert {info.date_time for info in archive.infolist()} == {(1980, 1, 1, 0, 0, 0)}


def test_reader_finds_nothing_wrong(folder: Path) -> None:
    item = read_item((folder / "item.json").read_text(encoding="utf-8"), str(folder / "item.json"))
    assert [f for f in item.findings if f.severity != "info"] == []
    assert item.sample is not None
    assert item.sample.expected is not None


def test_members_are_those_beside_the_archive(folder: Path) -> None:
    with zipfile.ZipFile(folder / "model.mar") as archive:
        for name in ("environment.yml", "handler.py"):
            if (folder / name).exists():
                assert archive.read(name) == (folder / name).read_bytes()


def test_sample_needs_the_whole_item(folder: Path) -> None:
    from rasterio.io import MemoryFile

    properties = load(folder)["properties"]
    with zipfile.ZipFile(folder / "model.mar") as archive:
        sample, expected = (archive.read(f"{n}.tif") for n in ("sample", "expected"))
    with MemoryFile(sample) as one, one.open() as image, MemoryFile(expected) as two, two.open() as labels:
        assert (image.crs, image.transform, image.shape) == (labels.crs, labels.transform, labels.shape)
        assert labels.dtypes == ("uint8",)
        assert labels.nodata == properties["dlm:outputs"]["dont_care_index"]
        empty, found = image.read() == properties["dlm:data"]["nodata_value"], labels.read(1)
    assert np.array_equal(empty.all(axis=0), found == labels.nodata)
    assert (empty.any(axis=0) & ~empty.all(axis=0)).sum() > found.size // 1000
    assert len(np.unique(found)) == properties["dlm:outputs"]["number_of_classes"]


def test_folder_is_small(folder: Path) -> None:
    assert sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) < 1_500_000
