"""FeatureCollections and lists: items cut out as they were published."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from dlm_build.catalogues import Bounds, Unread
from dlm_build.catalogues.documents import dissected, kind_of, opened
from dlm_build.catalogues.stac_api import with_query
from dlm_build.errors import InfraError, ItemInvalid, ResourceExceeded, SourceGone
from dlm_build.findings.sources import OnlyOneInside
from dlm_build.items import read_item
from tests.unit.catalogues.worlds import SITE, World, catalogue, features, ids, model, problems, write

SAVED = """{"type": "FeatureCollection",
 "features": [
  {"type": "Feature", "id": "a"},
  {"type": "Feature", "id": 7, "properties": {
      "dlm:runtime": {"framework": "PyTorch", "version": 1.10, "docker": {"run": 5}}}}
 ]}"""


def test_an_item_keeps_its_spelling_and_its_lines(tmp_path: Path) -> None:
    found = World().resolve(write(tmp_path, {"saved.json": SAVED}), id="7")
    assert found.origin == str(tmp_path / "saved.json") and '"version": 1.10,' in found.text
    start = found.text.index('{"type"')
    assert found.text.count("\n", 0, start) + 1 == 4 and start - found.text.rindex("\n", 0, start) == 3
    spoiled = found.text.replace('"PyTorch"', '"PyTorch", "framework": "x"')
    with pytest.raises(ItemInvalid, match=r"saved\.json:5:.*the key .framework. is given twice"):
        read_item(spoiled, found.origin)


def test_a_saved_answer_gives_all(tmp_path: Path) -> None:
    assert ids(World().every(write(tmp_path, {"saved.json": SAVED}))) == ["a", 7]
    assert ids(World(stdin=SAVED.encode()).every("-")) == ["a", 7]


def test_the_only_one_is_taken_and_that_is_said(tmp_path: Path) -> None:
    found = World().resolve(write(tmp_path, {"saved.json": features(model("a"))}))
    (note,) = found.notes
    assert note.code == OnlyOneInside.code and str(tmp_path / "saved.json") in note.message
    assert World().resolve(tmp_path / "saved.json", id="a").notes == ()


def test_several_are_refused_with_their_ids(tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match=r"a FeatureCollection, .*; inside: a, 7\n"):
        World().resolve(write(tmp_path, {"saved.json": SAVED}))
    with pytest.raises(ItemInvalid, match=r"this is a list of 2 entries, not one model item; inside: a, b\n"):
        World().resolve(write(tmp_path, {"list.json": [model("a"), model("b")]}))
    with pytest.raises(ItemInvalid, match="no item is inside"):
        World().resolve(write(tmp_path, {"none.json": features()}))


def test_ids_of_strangers_are_escaped(tmp_path: Path) -> None:
    path = write(tmp_path, {"saved.json": features(model("\x1b[31m"), model("b"))})
    with pytest.raises(ItemInvalid, match=r"inside: \\x1b\[31m, b") as caught:
        World().resolve(path)
    assert caught.value.hint == r"choose one with --id, e.g. `--id '\x1b[31m'`"


def test_an_entry_that_is_no_object(tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="/features/1: is not an object"):
        World().resolve(write(tmp_path, {"odd.json": {"type": "FeatureCollection", "features": [model("a"), 3]}}))


def test_the_own_place_of_an_item_of_an_answer() -> None:
    def links(href: str) -> list[dict[str, str]]:
        return [{"rel": "self", "href": href}]

    answer = features(
        model("own", links=links("/items/own")),
        model("other", links=links("https://elsewhere.example.org/other")),
        model("local", links=links("file:///etc/passwd")),
        model("private", links=links("http://127.0.0.1/x")),
        model("none"),
    )
    rows = World({f"{SITE}/search": answer}).every(f"{SITE}/search")
    assert [row.origin.removeprefix(SITE) for row in rows] == ["/items/own", "/search", "/search", "/search", "/search"]


def test_half_a_character_in_a_question_to_an_api_is_spelled_out() -> None:
    assert with_query(f"{SITE}/search?token=\ud800", {"limit": 1}) == f"{SITE}/search?token=%5Cud800&limit=1"


def test_the_own_place_of_an_item_whose_id_is_half_a_character() -> None:
    (row,) = World({f"{SITE}/items": features(model("a\ud800"))}).every(f"{SITE}/items")
    assert row.origin == f"{SITE}/items/a%5Cud800"


# --- pages -------------------------------------------------------------------------------------------------------


def paged(*pages: dict[str, object]) -> dict[str, object]:
    """`/p1`, `/p2`, … each naming the next."""
    made: dict[str, object] = {}
    for number, page in enumerate(pages, 1):
        links = [{"rel": "next", "href": f"p{number + 1}"}] if number < len(pages) else []
        made[f"{SITE}/p{number}"] = {**page, "links": links}
    return made


def test_pages_are_followed_and_nothing_is_asked_twice() -> None:
    world = World(paged(features(model("a"), model("b")), features(model("c")), features()))
    assert ids(world.every(f"{SITE}/p1")) == ["a", "b", "c"]
    assert [url for url, _ in world.fetch.asked] == [f"{SITE}/p1", f"{SITE}/p2", f"{SITE}/p3"]


def test_one_on_a_later_page() -> None:
    world = World(paged(features(model("a")), features(model("b")), features(model("c"))))
    assert ids([world.resolve(f"{SITE}/p1", id="b")]) == ["b"]
    assert len(world.fetch.asked) == 2


def test_how_many_more_is_said_where_the_server_says() -> None:
    page = features(*(model(f"m{n:02}") for n in range(12)), numberMatched=345)
    with pytest.raises(ItemInvalid, match=r"m09 and 335 more\n"):
        World({f"{SITE}/p": page}).resolve(f"{SITE}/p")


def test_pages_that_repeat() -> None:
    page = features(model("a"), links=[{"rel": "next", "href": f"{SITE}/p"}])
    rows = World({f"{SITE}/p": page}).every(f"{SITE}/p")
    assert ids(rows[:1]) == ["a"] and problems(rows) == [f"{SITE}/p: is its own next page"]


def test_pages_without_end() -> None:
    class Endless(World):
        def __init__(self) -> None:
            super().__init__()
            answer = self.fetch.get

            def get(url: str, **how: object) -> object:
                number = int(url.rpartition("=")[2])
                links = [{"rel": "next", "href": f"{SITE}/p?page={number + 1}"}]
                self.fetch.pages[url] = features(model(f"m{number}"), links=links)
                return answer(url, **how)  # type: ignore[arg-type]

            self.fetch.get = get  # type: ignore[method-assign,assignment]

    rows = Endless().every(f"{SITE}/p?page=1", Bounds(documents=9, seconds=1e9))
    assert len(rows) == 11 and isinstance(rows[-1], Unread) and isinstance(rows[-1].problem, ResourceExceeded)
    with pytest.raises(ResourceExceeded, match="leads on after 9 documents"):
        Endless().resolve(f"{SITE}/p?page=1", Bounds(documents=9, seconds=1e9), id="never")


@pytest.mark.parametrize(
    ("next_link", "said"),
    [
        ({"rel": "next", "href": "file:///etc/passwd"}, "no web address"),
        ({"rel": "next", "href": "http://127.0.0.1/x"}, "is not public"),
        ({"rel": "next", "href": "http://other.example/x"}, "is not https"),
        ({"rel": "next", "href": f"{SITE}/p", "method": "POST", "body": {"token": "x"}}, "must be asked for by POST"),
        ({"rel": "next"}, "not what its API promises"),
        ({"rel": "next", "href": 3}, "not what its API promises|no web address"),
        ({"rel": "next", "href": f"{SITE}/html"}, "the answer is not JSON"),
        ({"rel": "next", "href": f"{SITE}/gone"}, "is not there"),
    ],
)
def test_a_next_page_that_cannot_be_had(next_link: dict[str, object], said: str) -> None:
    world = World({f"{SITE}/p": features(model("a"), links=[next_link]), f"{SITE}/html": "<html>"})
    rows = world.every(f"{SITE}/p")
    assert ids(rows[:1]) == ["a"] and len(rows) == 2
    assert re.search(said, problems(rows)[0])


@pytest.mark.parametrize("links", [3, "x", [3], [{"href": "x"}], {"next": "x"}])
def test_links_of_another_shape(links: object) -> None:
    rows = World({f"{SITE}/p": features(model("a"), links=links)}).every(f"{SITE}/p")
    assert ids(rows[:1]) == ["a"] and len(rows) <= 2
    assert all(isinstance(row.problem, InfraError) for row in rows[1:] if isinstance(row, Unread))


def test_a_search_is_asked_for_the_id() -> None:
    one, nothing = features(model("m7", collection="c")), features()
    world = World(
        {
            f"{SITE}/search?collections=c&limit=3": features(model("m1"), numberMatched=900),
            f"{SITE}/search?collections=c&limit=50&ids=m7": one,
            f"{SITE}/search?collections=c&limit=50&ids=m17": nothing,
            f"{SITE}/search?collections=c&limit=50": features(model("m7"), model("m71")),
        }
    )
    start = f"{SITE}/search?collections=c&limit=3"
    assert ids([world.resolve(start, id="m7")]) == ["m7"]
    with pytest.raises(SourceGone, match="no item with the id m17; the nearest there: m7, m71"):
        world.resolve(start, id="m17")


# --- kinds -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("document", "kind"),
    [
        (model("a"), "item"),
        ({"id": "a", "properties": {}}, "item"),
        (features(), "features"),
        ({"features": [{}]}, "features"),
        ([], "features"),
        (catalogue(), "catalogue"),
        (catalogue(kind="Collection"), "catalogue"),
        ({"stac_version": "0.9.0", "id": "x", "links": [{"rel": "child", "href": "x"}]}, "catalogue"),
        (catalogue(("search", "s")) | {"conformsTo": []}, "api"),
        (catalogue(("search", "s")), "api"),
        (catalogue(("items", "i"), kind="Collection"), "collection-api"),
        ({"id": "x", "itemType": "record", "links": [{"rel": "items", "href": "x"}]}, "collection-api"),
        ({"collections": []}, "collections"),
        ({"success": False, "error": {}}, "ckan"),
        ({"title": "x", "links": [{"rel": "data", "href": "x"}, {"rel": "conformance", "href": "y"}]}, "ogc"),
        ({"success": "yes", "features": 3}, "item"),
        (catalogue() | {"links": [{"rel": "items", "href": "i", "type": "application/x-parquet"}]}, "catalogue"),
    ],
)  # fmt: skip
def test_kinds(document: object, kind: str) -> None:
    assert kind_of(dissected(json.dumps(document), "x")) == kind


def test_an_item_is_not_taken_apart() -> None:
    assert opened(json.dumps(model("a")), "x") is None


@pytest.mark.parametrize(
    "text",
    ['{"features": [', '{"collections" 3}', "[1 2]", '{"items"', '{"features": []} x', "[] []",
     '{"features": [' + "9" * 5000 + "]}"],
)  # fmt: skip
def test_what_does_not_parse_is_left_to_the_loader(text: str) -> None:
    assert opened(text, "x") is None


def test_nesting_is_refused_before_parsing() -> None:
    with pytest.raises(ItemInvalid, match="nested more than 64 deep"):
        opened('{"features": ' + "[" * 100_000, "x")


@pytest.mark.parametrize("link", ["https://api.example/collections/models/items", None])
def test_a_saved_page_of_an_api_says_where_its_items_are(tmp_path: Path, link: str | None) -> None:
    links = [{"rel": "items", "href": link or "./items"}]
    page = {"type": "Collection", "id": "models", "stac_version": "1.0.0", "extent": {}, "links": links}
    with pytest.raises(ItemInvalid, match="a collection of an API, saved; no item is in this file") as refused:
        World().resolve(write(tmp_path, {"saved.json": page}))
    assert refused.value.hint == (f"give {link}" if link else "give its address, or an answer with items in it")
    (unread,) = World().every(tmp_path / "saved.json")
    assert isinstance(unread, Unread) and "no item is in this file" in unread.problem.message
