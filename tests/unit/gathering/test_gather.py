"""Gathering archives, manifests and environment files, with no network and no programs."""

from __future__ import annotations

import hashlib
import io
import json
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from dlm_build.errors import DlmBuildError, HashMismatch, ItemHostile, ItemInvalid, SourceGone
from dlm_build.gathering import Outside, gather
from dlm_build.gathering.gather import needs_source
from dlm_build.progress import silent
from dlm_build.records import ArchiveEntry, DeclaredDocker, Item, Materials, Runtime
from dlm_build.store import Store
from tests.unit.gathering.made import FakeFetcher, NoPrograms, asset, item, write_zip
from tests.unit.judging.test_verdict import geotiff
from tests.unit.unpacking.test_formats import ONNX

MANIFEST = {"model": {"modelName": "m", "serializedFile": "model.onnx", "handler": "handler.py"}}
MEMBERS = {
    "MAR-INF/MANIFEST.json": json.dumps(MANIFEST).encode(),
    "model.onnx": b"weights",
    "handler.py": b"def handle(): ...",
    "sample/input.tif": b"II*\0",
}


def gathered(given: Item, tmp_path: Path, fetch: FakeFetcher | None = None) -> Materials:
    return gather(given, Outside(fetch or FakeFetcher(), NoPrograms(), Store(tmp_path / "store"), silent))


def local_item(tmp_path: Path, members: dict[str, bytes] | None = None, **more: Any) -> Item:
    path = write_zip(tmp_path / "m.mar", MEMBERS if members is None else members)
    promised = {name: more.pop(name) for name in ("sha256", "size") if name in more}
    return item(asset(str(path), **promised), origin=str(tmp_path / "item.json"), **more)


def codes(materials: Materials) -> list[str]:
    return [finding.code for finding in materials.findings]


def texts(materials: Materials) -> dict[str, str]:
    return {file.name: file.text for file in materials.environment_files}


# --- the archive


def test_a_local_archive_is_unpacked_and_not_copied(tmp_path: Path) -> None:
    materials = gathered(local_item(tmp_path), tmp_path)
    raw = (tmp_path / "m.mar").read_bytes()
    assert materials.archive.sha256 == hashlib.sha256(raw).hexdigest()
    assert [member.path for member in materials.archive.members] == sorted(MEMBERS)
    assert materials.manifest == MANIFEST
    assert materials.findings == () and materials.source is None
    assert not Store(tmp_path / "store").has(materials.archive.sha256)


def test_a_remote_archive_is_downloaded_into_the_store(tmp_path: Path) -> None:
    raw = write_zip(tmp_path / "x", MEMBERS).read_bytes()
    url = "https://files.example/m.mar"
    fetch = FakeFetcher({url: raw})
    materials = gathered(item(asset(url), origin="https://items.example/i.json"), tmp_path, fetch)
    assert materials.archive.href == url
    assert Store(tmp_path / "store").has(materials.archive.sha256)
    assert fetch.trusted == {url: False}


def test_the_operator_s_own_plain_server_is_trusted_with_its_archive(tmp_path: Path) -> None:
    url = "http://127.0.0.1:8000/m.mar"
    fetch = FakeFetcher({url: write_zip(tmp_path / "x", MEMBERS).read_bytes()})
    gathered(item(asset(url), origin="http://127.0.0.1:8000/item.json"), tmp_path, fetch)
    assert fetch.trusted == {url: True}


def test_a_single_file_model(tmp_path: Path) -> None:
    (tmp_path / "m.onnx").write_bytes(b"onnx")
    materials = gathered(item(asset(str(tmp_path / "m.onnx")), origin=str(tmp_path / "i.json")), tmp_path)
    assert materials.archive.kind == "file" and materials.archive.members[0].path == "m.onnx"


def test_the_promised_digest_is_held(tmp_path: Path) -> None:
    given = local_item(tmp_path, sha256="1" * 64)
    with pytest.raises(HashMismatch, match="promises " + "1" * 64):
        gathered(given, tmp_path)
    good = hashlib.sha256((tmp_path / "m.mar").read_bytes()).hexdigest()
    assert gathered(local_item(tmp_path, sha256=good), tmp_path).archive.sha256 == good


def test_the_promised_size_is_held_before_anything_is_read(tmp_path: Path) -> None:
    with pytest.raises(HashMismatch, match="item promises 5"):
        gathered(local_item(tmp_path, size=5), tmp_path)


def test_a_missing_archive(tmp_path: Path) -> None:
    with pytest.raises(SourceGone, match="No such file"):
        gathered(item(asset(str(tmp_path / "gone.mar")), origin=str(tmp_path / "i.json")), tmp_path)


def test_text_called_an_archive_is_no_archive(tmp_path: Path) -> None:
    (tmp_path / "m.mar").write_text("not a zip")
    with pytest.raises(ItemInvalid, match=r"m\.mar: it is called an archive"):
        gathered(item(asset(str(tmp_path / "m.mar")), origin=str(tmp_path / "i.json")), tmp_path)


def test_a_second_time_nothing_is_unpacked(tmp_path: Path) -> None:
    first = gathered(local_item(tmp_path), tmp_path)
    assert gathered(local_item(tmp_path), tmp_path) == first


# --- names


def test_declared_names_are_matched_with_members(tmp_path: Path) -> None:
    entries = tuple(ArchiveEntry(name=name) for name in ("model.onnx", "./model.onnx", "input.tif", "gone.yml"))
    materials = gathered(local_item(tmp_path, archive=entries), tmp_path)
    assert codes(materials) == ["archive-name-found-elsewhere", "archive-name-missing"]
    assert "sample/input.tif" in materials.findings[0].message and "gone.yml" in materials.findings[1].message


def test_a_base_name_that_two_members_have_is_missing(tmp_path: Path) -> None:
    members = {"a/x.tif": b"1", "b/x.tif": b"2"}
    materials = gathered(local_item(tmp_path, members, archive=(ArchiveEntry(name="x.tif"),)), tmp_path)
    assert codes(materials) == ["archive-name-missing"] and "2 members" in materials.findings[0].message


# --- manifests


@pytest.mark.parametrize(
    ("raw", "error", "match"),
    [(b"{", ItemInvalid, "not JSON"), (b"[]", ItemInvalid, "not a JSON object"), (b"\xff", ItemInvalid, "not JSON"),
     (b"[" * 100_000, ItemInvalid, "not JSON"), (b" " * (2 << 20), ItemInvalid, "has 2097152 bytes"),
     (b'{"model": {"serializedFile": "../../x"}}', ItemHostile, "leads out"),
     (b'{"model": {"handler": "/etc/x.py"}}', ItemHostile, "absolute"),
     (b'{"model": {"requirementsFile": "."}}', ItemHostile, "names the archive itself")],
)  # fmt: skip
def test_bad_manifests(tmp_path: Path, raw: bytes, error: type[DlmBuildError], match: str) -> None:
    with pytest.raises(error, match=match):
        gathered(local_item(tmp_path, {"MAR-INF/MANIFEST.json": raw, "x": b""}), tmp_path)


def test_a_manifest_that_names_what_is_not_there(tmp_path: Path) -> None:
    raw = json.dumps({"model": {"serializedFile": "gone.pt", "handler": "image_classifier"}}).encode()
    materials = gathered(local_item(tmp_path, {"MAR-INF/MANIFEST.json": raw}), tmp_path)
    assert codes(materials) == ["manifest-names-missing-member"]


def test_an_old_manifest_at_the_root(tmp_path: Path) -> None:
    raw = json.dumps({"Model": {"Handler": "service:handle"}}).encode()
    assert gathered(local_item(tmp_path, {"MANIFEST.json": raw}), tmp_path).manifest == {
        "Model": {"Handler": "service:handle"}
    }


# --- environment files


def test_files_of_the_archive_in_order_with_what_they_include(tmp_path: Path) -> None:
    members = {
        "deep/er/environment.yml": b"name: deep",
        "environment.yml": b"dependencies: [{pip: [-r sub/base.txt]}]\n- -r sub/base.txt\n",
        "requirements.txt": b"numpy\n-r sub/base.txt\n-c c.txt\n-r ../out.txt\n-r gone.txt\n",
        "sub/base.txt": b"scipy\n-r more.txt",
        "sub/more.txt": b"-r base.txt",
        "c.txt": b"numpy<2",
    }
    materials = gathered(local_item(tmp_path, members), tmp_path)
    assert list(texts(materials)) == [
        "archive:environment.yml", "archive:sub/base.txt", "archive:sub/more.txt", "archive:requirements.txt",
        "archive:c.txt",
    ]  # fmt: skip
    assert [file.kind for file in materials.environment_files] == ["conda", "pip", "pip", "pip", "pip"]


def test_the_manifest_s_requirements_file_counts(tmp_path: Path) -> None:
    manifest = json.dumps({"model": {"requirementsFile": "deps.txt"}}).encode()
    materials = gathered(local_item(tmp_path, {"MAR-INF/MANIFEST.json": manifest, "deps.txt": b"numpy"}), tmp_path)
    assert texts(materials) == {"archive:deps.txt": "numpy"}


def test_a_lock_is_told_by_its_text(tmp_path: Path) -> None:
    members = {"conda-lock.yml": b"version: 1\nmetadata: {}\npackage:\n- name: x\n"}
    assert gathered(local_item(tmp_path, members), tmp_path).environment_files[0].kind == "conda-lock"


@pytest.mark.parametrize("name", ["explicit.txt", "conda-linux-64.lock"])
def test_an_explicit_list_is_told_by_its_text(tmp_path: Path, name: str) -> None:
    explicit = b"# platform: linux-64\r\n@EXPLICIT\r\n"
    members = {name: explicit, "environment.yml": b"dependencies: [python]"}
    kinds = {file.name: file.kind for file in gathered(local_item(tmp_path, members), tmp_path).environment_files}
    assert kinds == {f"archive:{name}": "explicit", "archive:environment.yml": "conda"}
    members[name] = b"Explicit permission of the author is needed."
    assert list(texts(gathered(local_item(tmp_path, members), tmp_path))) == ["archive:environment.yml"]


def test_equally_deep_twins_are_not_chosen(tmp_path: Path) -> None:
    assert (
        texts(gathered(local_item(tmp_path, {"a/requirements.txt": b"1", "b/requirements.txt": b"2"}), tmp_path)) == {}
    )


def test_the_named_file_is_the_only_one(tmp_path: Path) -> None:
    members = {"env/deps.txt": b"numpy", "environment.yml": b"name: x"}
    given = local_item(tmp_path, members, runtime=Runtime(requirement_file="deps.txt"))
    materials = gathered(given, tmp_path)
    assert texts(materials) == {"archive:env/deps.txt": "numpy"}
    assert codes(materials) == ["requirement-file-found-elsewhere"]


def test_a_linked_file_and_what_it_includes(tmp_path: Path) -> None:
    url = "https://files.example/env/requirements.txt"
    fetch = FakeFetcher({url: b"numpy\n-r base.txt", "https://files.example/env/base.txt": b"scipy"})
    given = local_item(tmp_path, runtime=Runtime(requirement_file=url))
    assert texts(gathered(given, tmp_path, fetch)) == {
        "item:requirements.txt": "numpy\n-r base.txt", "item:base.txt": "scipy",
    }  # fmt: skip
    assert not any(fetch.trusted.values())


def test_a_file_that_is_an_asset(tmp_path: Path) -> None:
    url = "https://files.example/x/environment.yml"
    path = write_zip(tmp_path / "m.mar", MEMBERS)
    given = item(
        asset(str(path), "model", ("mlm:model",)), asset(url, "env"),
        origin=str(tmp_path / "i.json"), runtime=Runtime(requirement_file="env"),
    )  # fmt: skip
    assert texts(gathered(given, tmp_path, FakeFetcher({url: b"name: x"}))) == {"item:environment.yml": "name: x"}


def test_a_file_that_is_an_asset_is_asked_for_once_and_is_the_one_whose_checksum_was_held(tmp_path: Path) -> None:
    url = "https://files.example/x/environment.yml"
    fetch, path = FakeFetcher({url: b"name: x"}), write_zip(tmp_path / "m.mar", MEMBERS)
    promised = asset(url, "env", sha256=hashlib.sha256(b"name: x").hexdigest())
    given = item(
        asset(str(path), "model", ("mlm:model",)), promised,
        origin=str(tmp_path / "i.json"), runtime=Runtime(requirement_file="env"),
    )  # fmt: skip
    assert texts(gathered(given, tmp_path, fetch)) == {"item:environment.yml": "name: x"}
    assert fetch.asked == [url]


def test_an_asset_is_held_to_its_checksum_where_the_archive_has_a_file_of_its_name_too(tmp_path: Path) -> None:
    url = "https://files.example/x/environment.yml"
    path = write_zip(tmp_path / "m.mar", MEMBERS | {"environment.yml": b"name: inside"})
    promised = asset(url, "environment.yml", sha256=hashlib.sha256(b"name: x").hexdigest())
    given = item(
        asset(str(path), "model", ("mlm:model",)), promised,
        origin=str(tmp_path / "i.json"), runtime=Runtime(requirement_file="environment.yml"),
    )  # fmt: skip
    assert texts(gathered(given, tmp_path, FakeFetcher({url: b"name: x"}))) == {"item:environment.yml": "name: x"}
    with pytest.raises(HashMismatch):
        gathered(given, tmp_path, FakeFetcher({url: b"name: another"}))


def test_so_is_one_that_lies_beside_the_item(tmp_path: Path) -> None:
    path = write_zip(tmp_path / "m.mar", MEMBERS | {"environment.yml": b"name: inside"})
    for text, promised in ((b"name: x", None), (b"name: x", b"name: x"), (b"name: another", b"name: x")):
        (tmp_path / "environment.yml").write_bytes(text)
        digest = hashlib.sha256(promised).hexdigest() if promised else None
        given = item(
            asset(str(path), "model", ("mlm:model",)),
            asset(str(tmp_path / "environment.yml"), "environment.yml", sha256=digest),
            origin=str(tmp_path / "i.json"), runtime=Runtime(requirement_file="environment.yml"),
        )  # fmt: skip
        if promised not in (None, text):
            with pytest.raises(HashMismatch):
                gathered(given, tmp_path)
        else:
            assert [*texts(gathered(given, tmp_path)).values()] == ["name: x"]


@pytest.mark.parametrize("named", [None, "env/requirements.txt"])
def test_what_says_the_python_of_a_list_for_pip_is_read_beside_it(tmp_path: Path, named: str | None) -> None:
    members = {
        "env/requirements.txt": b"numpy", "env/runtime.txt": b"python-3.8", "env/.python-version": b"\xff\xfa\xff",
        "pyproject.toml": b"[project]",
    }  # fmt: skip
    found = gathered(local_item(tmp_path, members, runtime=Runtime(requirement_file=named)), tmp_path).environment_files
    assert [(file.name, file.kind) for file in found] == [
        ("archive:env/requirements.txt", "pip"), ("archive:env/runtime.txt", "python"),
    ]  # fmt: skip


def test_beside_another_environment_nothing_says_its_python(tmp_path: Path) -> None:
    members = {"environment.yml": b"dependencies: []", "runtime.txt": b"python-3.8"}
    assert list(texts(gathered(local_item(tmp_path, members), tmp_path))) == ["archive:environment.yml"]


@pytest.mark.parametrize("named", ["env", "http://127.0.0.1:8000/requirements.txt"])
def test_the_server_of_the_item_is_trusted_with_its_environment_too(tmp_path: Path, named: str) -> None:
    site = "http://127.0.0.1:8000"
    fetch = FakeFetcher({f"{site}/requirements.txt": b"numpy\n-r base.txt", f"{site}/base.txt": b"scipy"})
    path = write_zip(tmp_path / "m.mar", MEMBERS)
    fetch.pages[f"{site}/m.mar"] = path.read_bytes()
    given = item(
        asset(f"{site}/m.mar", "model", ("mlm:model",)), asset(f"{site}/requirements.txt", "env"),
        origin=f"{site}/i.json", runtime=Runtime(requirement_file=named),
    )  # fmt: skip
    assert [*texts(gathered(given, tmp_path, fetch))] == ["item:requirements.txt", "item:base.txt"]
    assert all(fetch.trusted.values()) and f"{site}/base.txt" in fetch.trusted


def test_a_linked_file_whose_address_does_not_tell_its_kind(tmp_path: Path) -> None:
    url = "https://files.example/records/1/files/environment.yml/content"
    given = local_item(tmp_path, runtime=Runtime(requirement_file=url))
    materials = gathered(given, tmp_path, FakeFetcher({url: b"name: x\r\ndependencies:\r\n- numpy\r\n"}))
    assert [file.kind for file in materials.environment_files] == ["conda"]


@pytest.mark.parametrize(("page", "match"), [(b"<!DOCTYPE html>", "is a web page"), (None, r"not there \(404\)")])
def test_a_linked_file_that_is_not_one(tmp_path: Path, page: bytes | None, match: str) -> None:
    url = "https://github.com/o/r/blob/main/requirements.txt"
    given = local_item(tmp_path, runtime=Runtime(requirement_file=url))
    with pytest.raises(SourceGone, match=match) as caught:
        gathered(given, tmp_path, FakeFetcher({url: page} if page else {}))
    if page:
        assert "https://github.com/o/r/raw/main/requirements.txt" in caught.value.hint


def test_a_named_file_that_is_nowhere(tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match=r"requirement_file: gone\.txt is neither"):
        gathered(local_item(tmp_path, runtime=Runtime(requirement_file="gone.txt")), tmp_path)


def test_a_file_that_is_not_text(tmp_path: Path) -> None:
    members = {"requirements.txt": b"\xff\x00"}
    with pytest.raises(ItemInvalid, match="not UTF-8"):
        gathered(local_item(tmp_path, members), tmp_path)
    members["environment.yml"] = b"dependencies: [python]"
    assert list(texts(gathered(local_item(tmp_path, members), tmp_path))) == ["archive:environment.yml"]


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_a_file_as_windows_saves_it(tmp_path: Path, encoding: str) -> None:
    members = {"requirements.txt": "numpy==1.26.4\r\n".encode(encoding)}
    assert texts(gathered(local_item(tmp_path, members), tmp_path)) == {"archive:requirements.txt": "numpy==1.26.4\r\n"}


@pytest.mark.parametrize("path", ["docs/requirements.txt", "x-1.0/tests/environment.yml", ".github/conda-lock.yml"])
def test_what_documents_or_tests_are_made_with_is_no_environment(tmp_path: Path, path: str) -> None:
    members = {path: b"sphinx"}
    assert texts(gathered(local_item(tmp_path, members), tmp_path)) == {}
    named = local_item(tmp_path, members, runtime=Runtime(requirement_file=path))
    assert list(texts(gathered(named, tmp_path))) == [f"archive:{path}"]


# --- what files are


def test_a_model_behind_an_address_without_a_name_is_told_by_its_bytes(tmp_path: Path) -> None:
    url = "https://files.example/download?id=3"
    given = item(asset(url), origin="https://items.example/i.json")
    (only,) = gathered(given, tmp_path, FakeFetcher({url: ONNX})).archive.members
    assert (only.path, only.format) == ("download", "onnx")


def test_weights_in_an_archive_are_told_by_their_bytes(tmp_path: Path) -> None:
    torchscript = dict.fromkeys(("m/data.pkl", "m/version", "m/constants.pkl", "m/code/a.py"), b"x")
    inner = write_zip(tmp_path / "inner", torchscript).read_bytes()
    members = {"liar.pt": ONNX, "named.bin": inner, "other.bin": inner, "bare": inner, "notes.txt": b"words"}
    materials = gathered(local_item(tmp_path, members, archive=(ArchiveEntry(name="named.bin"),)), tmp_path)
    told = {member.path: member.format for member in materials.archive.members}
    looked_at = {"liar.pt": "onnx", "named.bin": "torchscript", "bare": "torchscript"}
    assert told == {**looked_at, "other.bin": None, "notes.txt": None}


def test_arrays_of_scores_are_told_by_their_header(tmp_path: Path) -> None:
    arrays = {"labels.npy": np.zeros((4, 4), np.float32), "out/logits.NPY": np.zeros((3, 4, 4), np.float32)}
    members = {name: _saved(array) for name, array in arrays.items()}
    geotiff(tmp_path / "scores.tif", np.zeros((3, 4, 4), np.float32))
    members["probabilities.TIF"] = (tmp_path / "scores.tif").read_bytes()
    materials = gathered(local_item(tmp_path, {**members, "other.npy": b"words", "o.tif": b"II*"}), tmp_path)
    told = {member.path for member in materials.archive.members if member.scores}
    assert told == {"out/logits.NPY", "probabilities.TIF"}


def _saved(array: Any) -> bytes:
    stream = io.BytesIO()
    np.save(stream, array)
    return stream.getvalue()


# --- a source that nobody needs

SOURCE = "https://git.example/o/r"


def test_an_unpinned_source_is_left_out_where_nothing_runs_its_code(tmp_path: Path) -> None:
    """No program runs: its server is not even asked."""
    (tmp_path / "m.onnx").write_bytes(ONNX)
    given = item(asset(str(tmp_path / "m.onnx")), origin=str(tmp_path / "i.json"), runtime=Runtime(source_url=SOURCE))
    materials = gathered(given, tmp_path)
    (finding,) = materials.findings
    assert materials.source is None and finding.code == "source-left-out" and finding.severity == "warning"
    assert SOURCE in finding.message and "no commit" in finding.message


@pytest.mark.parametrize(
    ("runtime", "handler", "needed"),
    [
        (Runtime(), None, False),
        (Runtime(requirement_file="env.yml"), None, False),
        (Runtime(requirement_file="env"), None, False),
        (Runtime(requirement_file="https://files.example/env.yml"), None, False),
        (Runtime(requirement_file="of-the-source.yml"), None, True),
        (Runtime(handler="handler.py"), None, True),
        (Runtime(docker=DeclaredDocker(run="python run.py")), None, True),
        (Runtime(), "handler.py", True),
    ],
)
def test_what_needs_a_source(tmp_path: Path, runtime: Runtime, handler: str | None, needed: bool) -> None:
    manifest = {"model": {"handler": handler} if handler else {}}
    raw = json.dumps(manifest).encode()
    members = {"MAR-INF/MANIFEST.json": raw, "m.onnx": ONNX, "handler.py": b"", "env.yml": b""}
    path = write_zip(tmp_path / "m.mar", members)
    given = item(asset(str(path)), asset(str(tmp_path / "e.yml"), "env"), origin=str(tmp_path / "i.json"))
    (tmp_path / "e.yml").touch()
    archive = gathered(given, tmp_path).archive
    assert needs_source(msgspec.structs.replace(given, runtime=runtime), archive, manifest) is needed
