"""A sample, an expected output and an environment file that are assets beside the archive."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest

from dlm_build.errors import HashMismatch, ItemHostile, SourceGone
from dlm_build.gathering import gather
from dlm_build.progress import silent
from dlm_build.records import DeclaredSample, Item, Materials, Runtime
from dlm_build.store import Store
from tests.unit.gathering.made import FakeFetcher, NoPrograms, asset, item, write_zip

SAMPLE = DeclaredSample(input="in.png", expected="out.npy", pointer="/properties/dlm:data/test_file")


def gathered(given: Item, tmp_path: Path, fetch: FakeFetcher | None = None) -> Materials:
    return gather(given, fetch or FakeFetcher(), NoPrograms(), Store(tmp_path / "store"), silent)


def bare_item(tmp_path: Path, **more: Any) -> Item:
    """A single ONNX file with the sample's files beside it."""
    for name in ("m.onnx", "in.png", "out.npy", "environment.yml"):
        binary = b"\0" if name == "m.onnx" else b""
        (tmp_path / name).write_bytes(binary + f"dependencies: [{name}]".encode())
    assets = [asset(str(tmp_path / "m.onnx")), asset(str(tmp_path / "in.png"), "sample", **more.pop("promised", {}))]
    others = (asset(str(tmp_path / "out.npy"), "expected"), asset(str(tmp_path / "environment.yml"), "env"))
    return item(*assets, *others, origin=str(tmp_path / "item.json"), **{"sample": SAMPLE, **more})


def paths(materials: Materials) -> list[str]:
    return [member.path for member in materials.archive.members]


@pytest.mark.parametrize(
    ("given", "expected"), [("in.png", "out.npy"), ("sample", "expected"), ("./in.png", "out.npy")]
)
def test_named_by_base_name_or_by_key(tmp_path: Path, given: str, expected: str) -> None:
    sample = DeclaredSample(input=given, expected=expected, pointer="/x")
    materials = gathered(bare_item(tmp_path, sample=sample), tmp_path)
    assert paths(materials) == ["in.png", "m.onnx", "out.npy"]
    store = Store(tmp_path / "store")
    assert all(store.has(member.sha256) for member in materials.archive.members)
    assert [finding.code for finding in materials.findings] == ["file-beside-archive"] * 2
    assert materials.archive.sha256 == hashlib.sha256((tmp_path / "m.onnx").read_bytes()).hexdigest()


def test_the_archives_own_file_comes_first(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "m.mar", {"test/in.png": b"inside", "out.npy": b"inside"})
    (tmp_path / "in.png").write_bytes(b"beside")
    given = item(asset(str(archive)), asset(str(tmp_path / "in.png"), "sample"), sample=SAMPLE)
    assert paths(gathered(given, tmp_path)) == ["out.npy", "test/in.png"]


@pytest.mark.parametrize("named", ["env", "environment.yml"])
def test_an_environment_file_beside_the_archive(tmp_path: Path, named: str) -> None:
    materials = gathered(bare_item(tmp_path, runtime=Runtime(requirement_file=named)), tmp_path)
    assert [file.name for file in materials.environment_files] == ["archive:environment.yml"]


def test_bytes_are_checked_against_the_assets_promise(tmp_path: Path) -> None:
    for promised in ({"sha256": "0" * 64}, {"size": 3}):
        with pytest.raises(HashMismatch):
            gathered(bare_item(tmp_path, promised=promised), tmp_path)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    given = bare_item(tmp_path)
    (tmp_path / "in.png").unlink()
    with pytest.raises(SourceGone, match=r"/assets/sample: file .*in\.png"):
        gathered(given, tmp_path)


def test_an_item_from_the_network_names_no_file_of_this_machine(tmp_path: Path) -> None:
    url = "https://files.example/m.onnx"
    given = item(asset(url), asset("/etc/in.png", "sample"), origin="https://items.example/i.json", sample=SAMPLE)
    with pytest.raises(ItemHostile, match="/assets/sample"):
        gathered(given, tmp_path, FakeFetcher({url: b"onnx"}))


def test_files_of_the_network_are_downloaded(tmp_path: Path) -> None:
    pages = {f"https://files.example/{name}": name.encode() for name in ("m.onnx", "in.png", "out.npy")}
    assets = [asset(url, key) for url, key in zip(pages, ("model", "sample", "expected"), strict=True)]
    materials = gathered(
        item(*assets, origin="https://items.example/i.json", sample=SAMPLE), tmp_path, FakeFetcher(pages)
    )
    assert paths(materials) == ["in.png", "m.onnx", "out.npy"]
