"""One item: from a path, standard input or a URL, and what servers answer instead."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.catalogues import Asked, SourceText, Unread, every, resolve
from dlm_build.catalogues.reader import same_server
from dlm_build.config import Settings
from dlm_build.errors import DlmBuildError, InfraError, ItemInvalid, ResourceExceeded, SourceGone, UsageError
from dlm_build.fetch import HttpFetcher
from dlm_build.fetching.patience import Patience
from dlm_build.items import as_finding, read_item
from dlm_build.progress import silent
from dlm_build.workfolder import WorkFolder
from tests.unit.catalogues.worlds import SITE, World, catalogue, features, model, write
from tests.unit.fetching.server import Call, Server, running

EXACT = '{"type": "Feature",\n "id": "a", "properties": {"v": 1.10}}\n'


def test_the_text_is_as_it_was_published(tmp_path: Path) -> None:
    found = World().resolve(write(tmp_path, {"a.json": EXACT}))
    assert found == SourceText(text=EXACT, origin=str(tmp_path / "a.json"))
    assert World({f"{SITE}/a.json": EXACT}).resolve(f"{SITE}/a.json") == SourceText(text=EXACT, origin=f"{SITE}/a.json")
    assert World(stdin=b"\xef\xbb\xbf" + EXACT.encode()).resolve("-") == SourceText(text=EXACT, origin="-")


SIGNED = f"{SITE}/a/item.json?f=json&sig=TOPSECRET"


def test_an_items_place_tells_no_token_and_is_asked_with_it() -> None:
    world = World({SIGNED: model("a", assets={"m": {"href": "m.zip"}})})
    found = world.resolve(SIGNED)
    (again,) = world.every(SIGNED)
    assert found.origin == again.origin == f"{SITE}/a/item.json?…"
    assert [url for url, _ in world.fetch.asked] == [SIGNED, SIGNED]
    item = read_item(found.text, found.origin)
    assert item.assets[0].href == f"{SITE}/a/m.zip" and "TOPSECRET" not in str(item)


@pytest.mark.parametrize("answer", ["{", catalogue(("item", "x.json")), InfraError("away"), "\x00"])
def test_what_went_wrong_tells_no_token(answer: object) -> None:
    world = World({SIGNED: answer})
    told = world.every(SIGNED)
    assert told and "TOPSECRET" not in str(told) + str([one.problem for one in told if isinstance(one, Unread)])
    for one in told:
        if isinstance(one, SourceText):
            with pytest.raises(ItemInvalid) as caught:
                read_item(one.text, one.origin)
            assert caught.value.message.startswith(f"{SITE}/a/item.json?…:1:")


@pytest.mark.parametrize("scheme", ["https", "HTTP"])
def test_a_password_in_an_items_url_is_refused_before_anything_is_asked(scheme: str) -> None:
    world = World()
    for read in (world.resolve, world.every):
        with pytest.raises(UsageError) as caught:
            read(f"{scheme}://bob:hunter2@models.example.org/item.json")
        assert caught.value.message.endswith("://models.example.org/item.json carries credentials in front of its host")
        assert "give the file" in caught.value.hint
    assert not world.fetch.asked


@pytest.mark.parametrize(
    ("data", "place", "what", "fix"),
    [
        ('{"id": "a",\n "title": "Bäume"}'.encode("latin-1"), "2:13", "not UTF-8 text (byte 24)", "save it as UTF-8"),
        ('{"id": "a"}'.encode("utf-16"), "1:1", "UTF-16", "save it as UTF-8"),
        ('{"id": "a"}'.encode("utf-16-le"), "1:1", "UTF-16", "save it as UTF-8"),
        ('{"id": "a"}'.encode("utf-16-be"), "1:1", "UTF-16", "save it as UTF-8"),
        ('{"id": "a"}'.encode("utf-32"), "1:1", "UTF-32", "save it as UTF-8"),
        (gzip.compress(b"{}", mtime=0), "1:1", "compressed with gzip", "gunzip"),
        (b"PK\x03\x04abc", "1:1", "a zip archive", "unpack it"),
    ],
)
def test_bytes_that_are_no_text_of_utf_8(data: bytes, place: str, what: str, fix: str) -> None:
    with pytest.raises(ItemInvalid) as caught:
        World(stdin=data).resolve("-")
    assert caught.value.message.startswith(f"standard input:{place}: ") and what in caught.value.message
    assert fix in caught.value.hint
    told = as_finding(caught.value)
    assert (f"{told.line}:{told.column}", told.code) == (place, "item-invalid")


def test_a_relative_path_becomes_absolute(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, {"a.json": EXACT})
    monkeypatch.chdir(tmp_path)
    assert World().resolve("a.json").origin == str(tmp_path / "a.json")


def test_the_id_of_an_item_may_only_agree(tmp_path: Path) -> None:
    path = write(tmp_path, {"a.json": model("a"), "b.yml": "type: Feature\nid: 12\n"})
    assert World().resolve(path, id="a").origin == str(path)
    assert World().resolve(tmp_path / "b.yml", id="12").origin == str(tmp_path / "b.yml")
    with pytest.raises(SourceGone, match="this item has the id a, not b") as caught:
        World().resolve(path, id="b")
    assert "leave --id out" in caught.value.hint


def test_the_anchor_of_an_items_address_says_nothing() -> None:
    world = World({f"{SITE}/a.json": model("a")})
    assert world.resolve(f"{SITE}/a.json#L12").origin == f"{SITE}/a.json"
    with pytest.raises(SourceGone, match="has the id a, not b"):
        world.resolve(f"{SITE}/a.json", id="b")


def test_what_is_remote_stays_remote_however_it_is_spelled(tmp_path: Path) -> None:
    """An origin that did not begin with http would make the item a local one, whose hrefs may name files."""
    shouted = "HTTPS://models.example.org/a.json"
    plain = f"{SITE}/a.json"
    assert World({plain: model("a")}).resolve(shouted).origin == plain
    top = write(tmp_path, {"c.json": catalogue(("item", shouted))})
    assert World({plain: model("a")}).resolve(top, id="a").origin == plain
    pages = {"http://10.0.0.1/c": catalogue(("item", shouted)), plain: model("a")}
    assert World(pages).resolve("http://10.0.0.1/c", id="a").origin == plain
    answer = features(model("a", links=[{"rel": "self", "href": shouted}]), model("b"))
    assert World({f"{SITE}/search": answer}).every(f"{SITE}/search")[0].origin == plain


def test_an_unreadable_text_is_left_to_the_reader_of_items(tmp_path: Path) -> None:
    text = '{"type": "FeatureCollection", "features": [}'
    path = write(tmp_path, {"a.json": text})
    assert World().resolve(path).text == text
    with pytest.raises(ItemInvalid, match=r"a\.json:1:44: not valid JSON"):
        read_item(text, str(path))


@pytest.mark.parametrize(
    ("page", "fix"),
    [
        ("https://github.com/me/m/blob/main/a.json", "give https://github.com/me/m/raw/main/a.json"),
        ("https://huggingface.co/me/m/blob/main/a.json", "give https://huggingface.co/me/m/resolve/main/a.json"),
    ],
)
def test_a_page_that_shows_the_item_names_the_item(page: str, fix: str) -> None:
    with pytest.raises(SourceGone, match="is a web page, not an item") as caught:
        World({page: "<!DOCTYPE html><title>a.json</title>"}).resolve(page)
    assert caught.value.hint == fix


# --- every -------------------------------------------------------------------------------------------------------


def test_a_folder_gives_its_documents(tmp_path: Path) -> None:
    files = {
        "b.json": model("b"),
        "a/x.yaml": "id: x\n",
        "catalog.json": catalogue(("item", "b.json")),
        "answer.geojson": features(model("f1"), model("f2")),
        "bad.json": "{",
        ".hidden/c.json": model("c"),
        "readme.md": "no",
    }
    write(tmp_path, files)
    (tmp_path / "loop").symlink_to(tmp_path)
    world = World()
    rows = world.every(tmp_path)
    origins = [Path(row.origin).name for row in rows]
    assert origins == ["x.yaml", "answer.geojson", "answer.geojson", "b.json", "bad.json", "catalog.json"]
    (said,) = world.told
    assert "catalog.json: a STAC Catalog; the items of this folder are read from their own files" in said


@pytest.mark.parametrize(
    ("document", "word"),
    [
        (features(), "a FeatureCollection with no items in it"),
        (catalogue(), "a STAC Catalog with no items in it"),
        (catalogue(kind="Collection"), "a STAC Collection with no items in it"),
        ({"type": "Collection", "id": "c", "stac_version": "1.0.0", "links": []}, "a STAC Collection with no items"),
    ],
)
def test_what_has_no_items_is_called_by_its_name(tmp_path: Path, document: dict[str, Any], word: str) -> None:
    path = write(tmp_path, {"x.json": document})
    (row,) = World().every(path)
    assert isinstance(row, Unread) and f":1:1: this is {word}" in row.problem.message
    assert as_finding(row.problem).code == "not-an-item"
    if "Collection" in word and "Feature" not in word:
        with pytest.raises(ItemInvalid, match="this is a STAC Collection, not one model item"):
            World().resolve(path)


def test_an_item_with_the_extent_of_its_collection_is_an_item(tmp_path: Path) -> None:
    extent = {"spatial": {"bbox": [[-180, -90, 180, 90]]}, "temporal": {"interval": [[None, None]]}}
    path = write(tmp_path, {"x.json": model("a", extent=extent)})
    item = read_item(World().resolve(path).text, "x.json")
    assert item.id == "a" and not [one.code for one in item.findings if one.code == "read-as-an-item"]


def test_an_item_that_calls_itself_a_collection_is_read(tmp_path: Path) -> None:
    path = write(tmp_path, {"x.json": model("a", type="Collection")})
    item = read_item(World().resolve(path).text, "x.json")
    assert (item.id, [one.code for one in item.findings if one.code == "read-as-an-item"]) == ("a", ["read-as-an-item"])
    assert [type(row) for row in World().every(path)] == [SourceText]


def test_two_items_with_one_id_in_one_file_are_said(tmp_path: Path) -> None:
    path = write(tmp_path, {"x.json": features(model("a"), model("b"), model("a", bbox=None))})
    (note,) = World().resolve(path, id="a").notes
    assert (note.code, note.evidence) == ("id-repeated", "a") and "the first of 2 items" in note.message
    assert World().resolve(path, id="b").notes == ()


def test_an_empty_folder_is_said(tmp_path: Path) -> None:
    (row,) = World().every(tmp_path)
    assert isinstance(row, Unread) and "no JSON or YAML file of an item is in this folder" in row.problem.message


def test_what_dlm_build_wrote_beside_the_items_is_no_item(tmp_path: Path) -> None:
    write(tmp_path, {"coast.json": model("a")})
    folder = WorkFolder(tmp_path / "dlm-out" / "coast")
    with folder.owned():
        for name in ("item.json", "materials.json", "plan.json"):
            folder.save_bytes(name, b"{}")
        (found,) = World().every(tmp_path)
    assert isinstance(found, SourceText) and found.origin.endswith("coast.json")


@pytest.mark.parametrize(
    ("item", "fix"),
    [
        (".", "item.json"),
        ("file:///srv/item.json", "without `file://`"),
        ("s3://models/item.json", "a program that reads s3://"),
        ("none.json", "the path of an item"),
    ],
)
def test_the_fix_fits_what_cannot_be_opened(item: str, fix: str) -> None:
    with pytest.raises(SourceGone) as caught:
        World().resolve(Path(item) if item == "." else item)
    assert fix in caught.value.hint


def test_what_is_not_there_does_not_end_the_others(tmp_path: Path) -> None:
    (row,) = World().every(tmp_path / "none.json")
    assert isinstance(row, Unread) and isinstance(row.problem, SourceGone)


def test_all_are_read_lazily(tmp_path: Path) -> None:
    world = World(
        {f"{SITE}/c.json": catalogue(("item", "a"), ("item", "b")), f"{SITE}/a": model("a"), f"{SITE}/b": model("b")}
    )
    rows = every(Asked(href=f"{SITE}/c.json"), world)
    assert next(rows).origin == f"{SITE}/a"
    assert world.fetch.count(f"{SITE}/b") == 0


# --- servers -----------------------------------------------------------------------------------------------------


class Real(World):
    """The real door, with little patience."""

    def __init__(self) -> None:
        super().__init__()
        patience = Patience(attempts=2, read=0.5, answer=1.0, first_pause=0.0, longest_pause=0.0)
        self.real = HttpFetcher(Settings(), patience=patience)

    def ask(self, url: str, **asked: Any) -> SourceText:
        class Doors:
            fetch = self.real
            notify = staticmethod(silent)
            clock = staticmethod(time.monotonic)
            stdin = staticmethod(lambda: b"")

        try:
            return resolve(Asked(href=url, **asked), Doors())
        finally:
            self.real.close()


@pytest.fixture
def server() -> Iterator[Server]:
    with running() as one:
        yield one


@pytest.mark.loopback
@pytest.mark.parametrize(
    ("status", "kind", "said"),
    [
        (404, SourceGone, "is not there (404)"),
        (410, SourceGone, "is not there (410)"),
        (401, SourceGone, "access is refused (401)"),
        (403, SourceGone, "access is refused (403)"),
        (400, SourceGone, "the server answers 400"),
        (503, InfraError, "the server answers 503 (2 tries)"),
    ],
)
def test_what_a_server_refuses(server: Server, status: int, kind: type[DlmBuildError], said: str) -> None:
    server.handlers["/a.json"] = lambda call: call.answer(status, b"no")
    with pytest.raises(kind) as caught:
        Real().ask(server.url("/a.json"))
    assert said in caught.value.message and caught.value.hint


@pytest.mark.loopback
def test_a_server_that_says_nothing(server: Server) -> None:
    @server.on("/a.json")
    def _stall(call: Call) -> None:
        time.sleep(0.8)
        call.drop()

    with pytest.raises(InfraError, match=r"connection broke|no whole answer"):
        Real().ask(server.url("/a.json"))


@pytest.mark.loopback
def test_an_answer_without_end(server: Server) -> None:
    server.serve("/a.json", b" " * ((4 << 20) + 1))
    with pytest.raises(ResourceExceeded, match="longer than 4194304 bytes"):
        Real().ask(server.url("/a.json"))


@pytest.mark.loopback
def test_a_redirect_to_another_private_server(server: Server) -> None:
    with running() as other:
        other.serve("/a.json", EXACT.encode())
        server.handlers["/a.json"] = lambda call: call.answer(302, location=other.url("/a.json"))
        with pytest.raises(InfraError, match="redirects to a place it may not"):
            Real().ask(server.url("/a.json"))
        assert other.calls == []


@pytest.mark.loopback
def test_links_are_read_from_where_redirects_end(server: Server) -> None:
    server.handlers["/stac"] = lambda call: call.answer(301, location="/stac/")
    server.serve("/stac/", b'{"type": "Catalog", "links": [{"rel": "item", "href": "a.json"}]}')
    server.serve("/stac/a.json", b'{"type": "Feature", "id": "a"}')
    assert Real().ask(server.url("/stac"), id="a").origin == server.url("/stac/a.json")
    assert "geo+json" in server.calls[0][2]["accept"]


@pytest.mark.loopback
def test_a_linked_item_that_redirects_to_this_machine(server: Server) -> None:
    server.serve("/c.json", b'{"type": "Catalog", "links": [{"rel": "item", "href": "a.json"}]}')
    server.handlers["/a.json"] = lambda call: call.answer(302, location="file:///etc/passwd")
    with pytest.raises(SourceGone, match=r"1 could not be read, first: .* redirects to a place it may not"):
        Real().ask(server.url("/c.json"), id="a")


@pytest.mark.parametrize(
    ("mine", "other", "same"),
    [
        ("http://a:80/x", "http://A/y", True),
        ("http://a/x", "https://a/y", True),
        ("https://a/x", "http://a/y", False),
        ("http://a:8000/x", "https://a:8000/y", False),
        ("http://a:8000/x", "http://a:8001/y", False),
        ("http://a/x", "http://b/x", False),
        ("http://a/x", "file:///x", False),
        ("http://a/x", "http://[bad", False),
    ],
)
def test_same_server(mine: str, other: str, same: bool) -> None:
    assert same_server(mine, other) is same
