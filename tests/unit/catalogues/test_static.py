"""Catalogues that are plain files: what is followed, what is not, and that it ends."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from dlm_build.catalogues import Bounds, Unread
from dlm_build.errors import ItemHostile, ItemInvalid, ResourceExceeded, SourceGone, UsageError
from tests.unit.catalogues.worlds import BROKEN, SITE, World, catalogue, features, ids, model, problems, write

TREE = {
    "catalog.json": catalogue(("child", "./sub/collection.json"), ("item", "./near.json"), ("root", "./catalog.json")),
    "near.json": model("near"),
    "sub/collection.json": catalogue(
        ("item", "./a/a.json"), ("item", "b%20c.json"), ("parent", "../catalog.json"), kind="Collection"
    ),
    "sub/a/a.json": model("a"),
    "sub/b c.json": model("b"),
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return write(tmp_path, TREE)


def test_an_item_of_a_catalogue_has_its_own_place(tree: Path) -> None:
    found = World().resolve(tree, id="a")
    assert found.origin == str(tree.parent / "sub/a/a.json") and found.notes == ()
    assert ids([found]) == ["a"]


def test_the_id_may_stand_behind_the_catalogue(tree: Path) -> None:
    assert World().resolve(f"{tree}#b").origin == str(tree.parent / "sub/b c.json")
    with pytest.raises(UsageError, match="ends in #b and --id says a"):
        World().resolve(f"{tree}#b", id="a")


def test_a_link_with_half_a_character_is_told_and_the_others_are_read() -> None:
    tree = {f"{SITE}/catalog.json": catalogue(("item", "a.json?q=\ud800"), ("item", "\ud800.json"), ("item", "b.json"))}
    rows = World(tree | {f"{SITE}/b.json": model("b")}).every(f"{SITE}/catalog.json")
    assert [isinstance(row, Unread) for row in rows] == [True, True, False]


def test_a_file_whose_name_has_the_mark_is_that_file(tree: Path) -> None:
    odd = write(tree.parent, {"catalog.json#a": model("odd")})
    assert World().resolve(odd).origin == str(odd)


def test_a_catalogue_is_refused_with_the_ids_inside(tree: Path) -> None:
    with pytest.raises(
        ItemInvalid, match=r"this is a STAC Catalog, not one model item; inside: near, a, b\n"
    ) as caught:
        World().resolve(tree)
    assert caught.value.hint == "choose one with --id, e.g. `--id near`"
    with pytest.raises(ItemInvalid, match=r"this is a STAC Collection, not one model item; inside: a, b\n"):
        World().resolve(tree.parent / "sub/collection.json")


def test_a_catalogue_with_one_item_is_refused_too(tmp_path: Path) -> None:
    only = write(tmp_path, {"catalog.json": catalogue(("item", "a.json")), "a.json": model("a")})
    with pytest.raises(ItemInvalid, match=r"inside: a\n"):
        World().resolve(only)


def test_ten_ids_are_listed_and_the_rest_counted(tmp_path: Path) -> None:
    names = [f"m{n:02}" for n in range(14)]
    top = write(
        tmp_path,
        {"c.json": catalogue(*(("item", f"{n}.json") for n in names)), **{f"{n}.json": model(n) for n in names}},
    )
    with pytest.raises(ItemInvalid, match=r"inside: m00, m01, m02, m03, m04, m05, m06, m07, m08, m09 and 4 more\n"):
        World().resolve(top)


def test_an_empty_catalogue(tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match=r"this is a STAC Catalog, not one model item; no item is inside\n"):
        World().resolve(write(tmp_path, {"c.json": catalogue()}))


def test_an_id_that_is_not_there_names_the_nearest(tmp_path: Path) -> None:
    names = ("coast-2020", "coast-2021", "forest")
    files = {"c.json": catalogue(*(("item", f"{n}.json") for n in names)), **{f"{n}.json": model(n) for n in names}}
    with pytest.raises(SourceGone, match="no item with the id coats-2021; the nearest there: coast-2021, ") as caught:
        World().resolve(write(tmp_path, files), id="coats-2021")
    assert caught.value.hint == "correct it, e.g. `--id coast-2021`"


def test_what_could_not_be_read_is_told_where_the_id_is_not_found(tmp_path: Path) -> None:
    top = write(tmp_path, {"c.json": catalogue(("item", "gone.json"), ("item", "a.json")), "a.json": model("a")})
    with pytest.raises(SourceGone, match=r"1 could not be read, first: .*gone\.json: No such file"):
        World().resolve(top, id="b")


def test_a_broken_link_hides_nothing_else(tmp_path: Path) -> None:
    top = write(tmp_path, {"c.json": catalogue(("item", "gone.json"), ("item", "a.json")), "a.json": model("a")})
    rows = World().every(top)
    assert len(rows) == 2 and "gone.json: No such file" in problems(rows)[0] and ids(rows[1:]) == ["a"]


def test_all_items_each_once_whatever_links_back(tmp_path: Path) -> None:
    files = {
        "c.json": catalogue(("child", "c.json"), ("child", "d.json"), ("child", "./d.json"), ("item", "a.json")),
        "d.json": catalogue(("child", "c.json"), ("item", "a.json"), ("item", "b.json"), ("item", "d.json")),
        "a.json": model("a"),
        "b.json": model("b"),
    }
    assert ids(World().every(write(tmp_path, files))) == ["a", "b"]


def test_a_link_is_taken_for_what_it_leads_to(tmp_path: Path) -> None:
    """Real catalogues call catalogues items, and items children."""
    files = {
        "c.json": catalogue(("item", "d.json"), ("child", "a.json")),
        "d.json": catalogue(("item", "b.json")),
        "a.json": model("a"),
        "b.json": model("b"),
    }
    assert ids(World().every(write(tmp_path, files))) == ["b", "a"]


def test_nothing_that_an_item_names_is_followed(tmp_path: Path) -> None:
    links = [{"rel": rel, "href": f"{SITE}/{rel}"} for rel in ("self", "root", "parent", "collection", "item", "child")]
    item = model("a", links=links, stac_extensions=["http://169.254.169.254/x"], **{"$ref": "file:///etc/passwd"})
    world = World()
    source = world.resolve(write(tmp_path, {"a.json": item}), id="a")
    assert source.origin == str(tmp_path / "a.json") and world.fetch.asked == []


def about(file: str, **more: object) -> dict[str, object]:
    """A page that a server makes about a file."""
    return {
        "type": "Feature",
        "id": file.partition(".")[0],
        "properties": {},
        "assets": {"default": {"href": file}},
        **more,
    }


def test_a_page_about_a_file_leads_to_the_file() -> None:
    pages = {
        f"{SITE}/c": catalogue(("item", "pages/a"), ("item", "pages/again"), ("item", "pages/net")),
        f"{SITE}/pages/a": about("a.json"),
        f"{SITE}/pages/again": about("a.json"),
        f"{SITE}/pages/a.json": model("real"),
        f"{SITE}/pages/net": about("net.onnx"),
    }
    assert [row.origin for row in World(pages).every(f"{SITE}/c")] == [f"{SITE}/pages/a.json", f"{SITE}/pages/net"]
    assert World(pages).resolve(f"{SITE}/c", id="real").origin == f"{SITE}/pages/a.json"
    assert World(pages).resolve(f"{SITE}/pages/a").origin == f"{SITE}/pages/a.json"


@pytest.mark.parametrize(
    "more", [{"properties": {"title": "x"}}, {"assets": {}}, {"assets": {"a": 3}}, {"assets": {"a": {}}}]
)
def test_an_item_that_says_something_is_the_item(more: dict[str, object]) -> None:
    world = World({f"{SITE}/a": about("b.json", **more)})
    assert world.resolve(f"{SITE}/a").origin == f"{SITE}/a"


# --- where links may lead ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "href", ["../secret.json", "/etc/passwd", "file:///etc/passwd", "link.json", "a/../../secret.json"]
)
def test_a_catalogue_on_disk_stays_in_its_folder(tmp_path: Path, href: str) -> None:
    write(tmp_path, {"secret.json": model("secret")})
    top = write(tmp_path / "in", {"c.json": catalogue(("item", href))})
    (tmp_path / "in" / "link.json").symlink_to(tmp_path / "secret.json")
    rows = World().every(top)
    assert len(rows) == 1 and isinstance(rows[0], Unread) and isinstance(rows[0].problem, ItemHostile)
    assert "outside the folder of ITEM" in rows[0].problem.message


def test_a_link_to_a_name_that_is_too_long_is_told(tmp_path: Path) -> None:
    rows = World().every(write(tmp_path, {"c.json": catalogue(("item", f"{'x' * 300}.json"))}))
    assert "File name too long" in problems(rows)[0]


def test_a_pipe_in_a_catalogue_is_not_waited_for(tmp_path: Path) -> None:
    top = write(tmp_path, {"c.json": catalogue(("item", "pipe.json"))})
    os.mkfifo(tmp_path / "pipe.json")
    assert "is not a file" in problems(World().every(top))[0]


def test_a_catalogue_on_disk_may_lead_to_the_public_network_only(tmp_path: Path) -> None:
    hrefs = (f"{SITE}/a.json", "http://models.example.org/b.json", "https://127.0.0.1/c.json", "https://[::1]/d.json")
    top = write(tmp_path, {"c.json": catalogue(*(("item", href) for href in hrefs))})
    world = World({f"{SITE}/a.json": model("a")})
    rows = world.every(top)
    assert ids(rows[:1]) == ["a"] and rows[0].origin == f"{SITE}/a.json"
    assert [type(row.problem) for row in rows[1:] if isinstance(row, Unread)] == [
        ItemInvalid, ItemHostile, ItemHostile,
    ]  # fmt: skip
    assert world.fetch.asked == [(f"{SITE}/a.json", False)]


def test_it_leads_nowhere_where_the_network_is_not_wanted(tmp_path: Path) -> None:
    world = World()
    rows = world.every(write(tmp_path, {"c.json": catalogue(("item", f"{SITE}/a.json"))}), follow=False)
    assert "which is on the network" in problems(rows)[0] and world.fetch.asked == []


def test_the_operators_own_server_is_trusted_and_no_other() -> None:
    own = "http://127.0.0.1:8000"
    hrefs = ("items/a.json", "http://127.0.0.1:8001/b.json", "http://10.0.0.1/c.json", f"{SITE}/d.json")
    world = World(
        {
            f"{own}/c.json": catalogue(*(("item", href) for href in hrefs)),
            f"{own}/items/a.json": model("a"),
            f"{SITE}/d.json": model("d"),
        }
    )
    rows = world.every(f"{own}/c.json")
    assert [row.origin for row in rows if not isinstance(row, Unread)] == [f"{own}/items/a.json", f"{SITE}/d.json"]
    assert [type(row.problem) for row in rows if isinstance(row, Unread)] == [ItemHostile, ItemHostile]
    assert world.fetch.asked == [(f"{own}/c.json", True), (f"{own}/items/a.json", True), (f"{SITE}/d.json", False)]


@pytest.mark.parametrize("href", ["file:///etc/passwd", "ftp://example.org/a", "javascript:1", "//[bad/a"])
def test_a_catalogue_on_the_network_leads_to_no_file(href: str) -> None:
    rows = World({f"{SITE}/c.json": catalogue(("item", href))}).every(f"{SITE}/c.json")
    assert len(rows) == 1 and isinstance(rows[0], Unread) and isinstance(rows[0].problem, ItemHostile | ItemInvalid)


@pytest.mark.parametrize("href", ["http://[", "https://[::1/a.json", "file://[x"])
@pytest.mark.parametrize("follow", [True, False])
def test_a_link_on_disk_that_nobody_can_read_is_told(tmp_path: Path, href: str, follow: bool) -> None:
    tree = write(tmp_path, {"catalog.json": catalogue(("item", href), ("item", "a.json")), "a.json": model("a")})
    rows = World().every(tree, follow=follow)
    assert [type(row) for row in rows].count(Unread) == 1 and ids([row for row in rows if not isinstance(row, Unread)])


def test_a_catalogue_from_standard_input_has_nothing_beside_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    write(tmp_path, {"a.json": model("a")})
    world = World(
        stdin=b'{"type": "Catalog", "stac_version": "1.0.0", "id": "c", "links": [{"rel": "item", "href": "a.json"}]}'
    )
    with pytest.raises(ItemInvalid, match=r"no item is inside: standard input: links to a\.json, beside a file"):
        world.resolve("-")


def test_an_api_in_a_catalogue_is_named_not_entered() -> None:
    world = World(
        {
            f"{SITE}/c.json": catalogue(("child", "search"), ("item", "a.json")),
            f"{SITE}/search": features(model("x")),
            f"{SITE}/a.json": model("a"),
        }
    )
    rows = world.every(f"{SITE}/c.json")
    assert ids(rows[:1]) == ["a"] and "no file of a catalogue, but an answer of an API" in problems(rows)[0]


# --- that it ends --------------------------------------------------------------------------------------------------


class Endless(World):
    """Every catalogue leads to one more."""

    def __init__(self) -> None:
        super().__init__()
        answer = self.fetch.get

        def get(url: str, **how: object) -> object:
            number = int(url.rpartition("/")[2])
            self.fetch.pages[url] = catalogue(("child", f"{number + 1}"), ("item", f"{number + 1000000}"))
            if number >= 1000000:
                self.fetch.pages[url] = model(f"m{number}")
            return answer(url, **how)  # type: ignore[arg-type]

        self.fetch.get = get  # type: ignore[method-assign,assignment]


def test_depth_has_an_end() -> None:
    rows = Endless().every(f"{SITE}/1", Bounds(depth=5, seconds=1e9))
    assert len(rows) == 7 and problems(rows) == [f"{SITE}/6: lies 5 catalogues deep and has more below it"]


@pytest.mark.parametrize(
    ("bounds", "after"),
    [
        (Bounds(documents=7, depth=10**6, seconds=1e9), "7 documents"),
        (Bounds(size=5 << 20, depth=10**6, seconds=1e9, documents=10**6), "5 MiB"),
        (Bounds(seconds=20, depth=10**6), "20 s"),
    ],
)
def test_documents_bytes_and_time_have_an_end(bounds: Bounds, after: str) -> None:
    rows = Endless().every(f"{SITE}/1", bounds)
    assert isinstance(rows[-1], Unread) and isinstance(rows[-1].problem, ResourceExceeded)
    assert f"leads on after {after}" in rows[-1].problem.message
    with pytest.raises(ResourceExceeded, match=after):
        Endless().resolve(f"{SITE}/1", bounds, id="never")


def test_the_one_asked_for_is_looked_for_where_links_speak_of_it() -> None:
    names = [f"m{n}" for n in range(50)]
    pages = {f"{SITE}/{n}/{n}.json": model(n) for n in names}
    world = World({f"{SITE}/c.json": catalogue(*(("item", f"{n}/{n}.json") for n in names)), **pages})
    assert world.resolve(f"{SITE}/c.json", id="m42").origin == f"{SITE}/m42/m42.json"
    assert len(world.fetch.asked) == 2


def test_a_server_that_fails_is_told_in_its_place() -> None:
    world = World(
        {f"{SITE}/c.json": catalogue(("item", "a"), ("item", "b")), f"{SITE}/a": BROKEN, f"{SITE}/b": model("b")}
    )
    rows = world.every(f"{SITE}/c.json")
    assert problems(rows) == ["the connection broke"] and ids(rows[1:]) == ["b"]
