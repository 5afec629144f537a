"""A sample, an expected output and an environment file that are assets beside the archive."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.errors import HashMismatch, ItemHostile, SourceGone
from dlm_build.gathering import Outside, gather
from dlm_build.planning.sample import decide_sample
from dlm_build.progress import silent
from dlm_build.records import DeclaredSample, Item, Materials, Runtime
from dlm_build.store import Store
from tests.unit.gathering.made import FakeFetcher, NoPrograms, asset, item, write_zip

SAMPLE = DeclaredSample(input="in.png", expected="out.npy", pointer="/properties/dlm:data/test_file")


def gathered(given: Item, tmp_path: Path, fetch: FakeFetcher | None = None) -> Materials:
    return gather(given, Outside(fetch or FakeFetcher(), NoPrograms(), Store(tmp_path / "store"), silent))


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


@pytest.mark.parametrize(("name", "taken"), [("m.onnx.data", True), ("m.onnx_data", True), ("other.onnx.data", False)])
def test_the_numbers_of_an_onnx_file_that_are_a_file_of_their_own(tmp_path: Path, name: str, taken: bool) -> None:
    model = tmp_path / "m.onnx"
    model.write_bytes(b"\0onnx")
    (tmp_path / name).write_bytes(b"numbers")
    given = item(asset(str(model)), asset(str(tmp_path / name), "numbers"), origin=str(tmp_path / "item.json"))
    assert paths(gathered(given, tmp_path)) == (["m.onnx", name] if taken else ["m.onnx"])


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


def twin_assets(tmp_path: Path, *keys: str, inside: dict[str, bytes] | None = None) -> Item:
    """A model, and one `0.npy` per key in a folder of its own, its bytes its key."""
    if inside is None:
        (tmp_path / "m.onnx").write_bytes(b"\0onnx")
    else:
        write_zip(tmp_path / "m.mar", inside)
    model = tmp_path / ("m.onnx" if inside is None else "m.mar")
    found = [asset(str(model))]
    for number, key in enumerate(keys):
        folder = tmp_path / ("in", "out")[number]
        folder.mkdir()
        (folder / "0.npy").write_bytes(key.encode())
        found.append(asset(str(folder / "0.npy"), key))
    return item(*found, origin=str(tmp_path / "item.json"))


@pytest.mark.parametrize("names", [("given", "wanted"), ("in/0.npy", "out/0.npy")])
def test_two_assets_of_one_base_name_are_two_files(tmp_path: Path, names: tuple[str, str]) -> None:
    sample = DeclaredSample(input=names[0], expected=names[1], pointer="/x")
    given = replace(twin_assets(tmp_path, "given", "wanted"), sample=sample)
    materials = gathered(given, tmp_path)
    assert paths(materials) == ["0.npy", "m.onnx", "wanted/0.npy"]
    spec = decide_sample(given, materials.archive).value
    assert spec is not None and spec.expected is not None
    assert (spec.input.path, spec.expected.path) == ("0.npy", "wanted/0.npy")
    assert spec.input.sha256 == hashlib.sha256(b"given").hexdigest()
    assert spec.expected.sha256 == hashlib.sha256(b"wanted").hexdigest()


@pytest.mark.parametrize(("key", "top"), [("a/../b", "asset-"), ("0.npy", "asset-"), ("fine", "fine/")])
def test_a_key_that_names_no_folder_is_not_used_for_one(tmp_path: Path, key: str, top: str) -> None:
    """Neither where its name is refused, nor where a file has it."""
    sample = DeclaredSample(input="given", expected=key, pointer="/x")
    given = replace(twin_assets(tmp_path, "given", key, inside={"0.npy": b"own", "x.pt": b""}), sample=sample)
    materials = gathered(given, tmp_path)
    spec = decide_sample(given, materials.archive).value
    assert spec is not None and spec.input.path == "given/0.npy"
    if key == "0.npy":  # the archive's own comes first
        assert spec.expected is not None and spec.expected.path == "0.npy"
    else:
        assert spec.expected is not None and spec.expected.path.startswith(top)
        assert spec.expected.sha256 == hashlib.sha256(key.encode()).hexdigest()


def test_a_file_of_the_archive_is_no_folder_of_an_asset(tmp_path: Path) -> None:
    given = replace(
        twin_assets(tmp_path, "Given", inside={"0.npy": b"own", "given": b"a file"}),
        sample=DeclaredSample(input="Given", pointer="/x"),
    )
    (beside,) = [member for member in gathered(given, tmp_path).archive.members if member.asset]
    assert beside.path == f"asset-{hashlib.sha256(b'Given').hexdigest()}/0.npy"


def test_one_asset_under_two_names_is_fetched_once(tmp_path: Path) -> None:
    sample = DeclaredSample(input="sample", expected="in.png", pointer="/x")
    assert paths(gathered(bare_item(tmp_path, sample=sample), tmp_path)) == ["in.png", "m.onnx"]


def test_an_environment_file_beside_an_archive_with_another(tmp_path: Path) -> None:
    archive = write_zip(tmp_path / "m.mar", {"environment.yml": b"dependencies: [own]"})
    (tmp_path / "environment.yml").write_bytes(b"dependencies: [asset]")
    env = asset(str(tmp_path / "environment.yml"), "env")
    given = item(asset(str(archive)), env, origin=str(tmp_path / "i.json"), runtime=Runtime(requirement_file="env"))
    (file,) = gathered(given, tmp_path).environment_files
    assert file.text == "dependencies: [asset]" and file.name == "archive:env/environment.yml"
