"""Which asset is the archive, and where it is."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlm_build.checking.weights import weights_of
from dlm_build.errors import ItemHostile, ItemInvalid, SourceGone
from dlm_build.gathering.assets import (
    checked_path,
    choose_archive,
    found_outside,
    is_own_server,
    local_path,
    place_of,
)
from tests.unit.gathering.made import asset, item


@pytest.mark.parametrize(
    "role",
    ["model artefact", "model_artefact", "model archive", "mlm:model", "ml-model:checkpoint", "weights", "checkpoint"],
)
def test_by_role(role: str) -> None:
    wanted = asset("m.mar", "x", (role,))
    assert choose_archive(item(asset("a.png", "thumbnail", ("thumbnail",)), wanted)) == wanted


def test_a_better_role_wins() -> None:
    best = asset("m.mar", "a", ("model artefact",))
    assert choose_archive(item(asset("w.pt", "b", ("weights",)), best)) == best


def test_by_key_and_by_being_the_only_one() -> None:
    named = asset("x", "model_archive")
    assert choose_archive(item(asset("y", "data"), named)) == named
    assert choose_archive(item(asset("x", "whatever"))).key == "whatever"


def test_of_two_with_the_role_the_key_decides() -> None:
    wanted = asset("a.zip", "model_archive", ("mlm:model",))
    assert choose_archive(item(asset("b.onnx", "onnx", ("mlm:model",)), wanted)) == wanted


def test_the_only_zip_among_others() -> None:
    wanted = asset("https://h.example/x?y", "b", media_type="application/zip")
    assert choose_archive(item(asset("a.tif", "a"), wanted)) == wanted


def test_two_candidates_are_listed() -> None:
    with pytest.raises(ItemInvalid, match="any of one, two") as caught:
        choose_archive(item(asset("a.pt", "one", ("mlm:model",)), asset("b.pt", "two", ("mlm:model",))))
    assert "role" in caught.value.hint


@pytest.mark.parametrize("role", ["thumbnail", "metadata", "overview", "documentation"])
def test_what_is_for_people_is_no_model(role: str) -> None:
    """Not even where it is all that there is; check says the same of it."""
    for key in ("x", "model"):
        with pytest.raises(ItemInvalid, match=f"by their roles, {key} are something else"):
            choose_archive(item(asset("m.mar", key, (role,))))
        assert weights_of(item(asset("m.mar", key, (role,))))[0] is None


@pytest.mark.parametrize("href", ["scene.tif", "https://h.example/table.csv?x=1", "README.md", "train.ipynb"])
def test_what_is_something_else_by_its_name_is_no_model(href: str) -> None:
    given = item(asset(href, "model", ("mlm:model",), media_type="application/zip"))
    _, part = weights_of(given)
    with pytest.raises(ItemInvalid, match="by its name, so it holds no model"):
        choose_archive(given)
    assert part.gap and part.gap.code == "weights-are-data"


def test_no_assets_at_all() -> None:
    with pytest.raises(ItemInvalid, match="no model archive"):
        choose_archive(item())


@pytest.mark.parametrize(
    ("href", "media_type", "name", "packed"),
    [("https://h.example/a/m.mar?token=1", None, "m.mar", True), ("/x/m.ZIP", None, "m.ZIP", True),
     ("/x/m.tar.gz", None, "m.tar.gz", True), ("https://h.example/m.onnx", "application/zip", "m.onnx", False),
     ("https://h.example/m.pt", "application/zip; application=pytorch", "m.pt", False),
     ("https://h.example/files/12", "application/zip", "12", True), ("https://h.example/?file=7", None, "model", False),
     ("https://h.example/a%2F..%2Fb", None, "b", False), ("/x/-rf", None, "model", False)],
)  # fmt: skip
def test_name_and_whether_it_is_called_an_archive(href: str, media_type: str | None, name: str, packed: bool) -> None:
    place = place_of(asset(href, media_type=media_type), item())
    assert (place.name, place.packed) == (name, packed)


@pytest.mark.parametrize("href", ["/etc/passwd", "file:///etc/passwd", "m.mar"])
def test_an_item_from_the_network_cannot_name_local_files(href: str) -> None:
    with pytest.raises(ItemHostile, match="file of this machine"):
        place_of(asset(href), item(origin="https://h.example/item.json"))


def test_other_schemes_are_invalid() -> None:
    with pytest.raises(ItemInvalid, match="cannot be fetched"):
        place_of(asset("s3://bucket/m.mar"), item())


@pytest.mark.parametrize(
    ("href", "what"),
    [("ghcr.io/o/r:1", "a container image"), ("oci://ghcr.io/o/r:1", "a container image"),
     ("torchvision.models.resnet18", "a name in a program"), ("upon request", "a text"),
     ("10.5281/zenodo.12", "a record of Zenodo"), ("hdfs://n/x.mar", "an address of hdfs")],
)  # fmt: skip
def test_what_is_no_file_is_called_what_it_is(href: str, what: str) -> None:
    for origin in ("/items/item.json", "https://h.example/item.json", "-"):
        with pytest.raises(ItemInvalid, match=what) as caught:
            place_of(asset(href), item(origin=origin))
        assert caught.value.hint


def test_a_file_with_a_name_like_a_program_s_is_still_a_file(tmp_path: Path) -> None:
    (tmp_path / "net.of.somebody").write_bytes(b"x")
    place = place_of(asset("net.of.somebody"), item(origin=str(tmp_path / "item.json")))
    assert place.path == str(tmp_path / "net.of.somebody")


def test_a_file_url_of_a_local_item_is_a_path() -> None:
    assert place_of(asset("file:///data/my%20m.mar"), item()).path == "/data/my m.mar"


def test_a_missing_archive_names_pointer_and_place(tmp_path: Path) -> None:
    with pytest.raises(SourceGone, match=rf"^/assets/model: model archive {tmp_path}/m\.mar: No such file"):
        checked_path(tmp_path / "m.mar", asset(str(tmp_path / "m.mar")))
    with pytest.raises(SourceGone, match=rf"^/assets/model: model archive m\.mar: {tmp_path}/m\.mar: No such file"):
        checked_path(tmp_path / "m.mar", asset("m.mar"))


def test_a_folder_is_no_archive(tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="is a folder"):
        checked_path(tmp_path, asset("m"))


@pytest.mark.parametrize("name", ["x" * 300, f"%20{'x' * 300}", f"torchvision.models.{'x' * 300}"])
def test_a_name_that_is_too_long_is_told(tmp_path: Path, name: str) -> None:
    local = item(asset(str(tmp_path / name)), origin=str(tmp_path / "item.json"))
    place = place_of(local.assets[0], local)
    with pytest.raises(SourceGone, match="File name too long"):
        checked_path(Path(str(place.path)), local.assets[0])


@pytest.mark.parametrize("name", ["pipe", "/dev/zero"])
def test_what_could_be_read_for_ever_is_no_archive(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(ItemInvalid, match="is a pipe or a device, not a file"):
        checked_path(tmp_path / name, asset(name))


def test_a_path_outside_the_item_s_folder_is_told(tmp_path: Path) -> None:
    local = item(origin=str(tmp_path / "item.json"))
    assert found_outside(tmp_path / "sub" / "m.mar", asset("sub/m.mar"), local) == ()
    (finding,) = found_outside(Path("/elsewhere/m.mar"), asset("/elsewhere/m.mar"), local)
    assert finding.code == "archive-outside-item-folder"


@pytest.mark.parametrize(
    ("origin", "url", "own"),
    [("http://127.0.0.1:8000/item.json", "http://127.0.0.1:8000/m.mar", True),
     ("http://127.0.0.1:8000/item.json", "http://127.0.0.1:9000/m.mar", False),
     ("https://h.example/item.json", "https://h.example/m.mar", False),
     ("https://10.0.0.1/item.json", "https://10.0.0.1/m.mar", True),
     ("/items/item.json", "http://127.0.0.1/m.mar", False), ("https://h.example/item.json", "https://[", False)],
)  # fmt: skip
def test_the_server_that_the_operator_chose(origin: str, url: str, own: bool) -> None:
    assert is_own_server(item(origin=origin), url) is own


def test_escapes_of_a_local_address_name_the_file_that_is_there(tmp_path: Path) -> None:
    escaped, plain = tmp_path / "my%20model.mar", tmp_path / "my model.mar"
    assert local_path(str(escaped)) == str(escaped)  # neither is there: the message names what was written
    plain.write_bytes(b"")
    assert local_path(str(escaped)) == str(plain)
    escaped.write_bytes(b"")
    assert local_path(str(escaped)) == str(escaped)
