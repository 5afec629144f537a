"""Landing pages, collections and their lists: what is asked of the server, and what is refused."""

from __future__ import annotations

import pytest

from dlm_build.errors import ItemInvalid, SourceGone
from tests.unit.catalogues.worlds import SITE, World, features, ids, model, problems


def link(rel: str, href: str, kind: str | None = None) -> dict[str, str]:
    return {"rel": rel, "href": href, **({"type": kind} if kind else {})}


def collection(name: str) -> dict[str, object]:
    items = [link("items", f"collections/{name}/items?f=html", "text/html"), link("items", f"collections/{name}/items")]
    return {"id": name, "extent": {}, "links": items}


LANDING = {
    "title": "An OGC API",
    "links": [
        link("data", "collections?f=html", "text/html"),
        link("data", "collections", "application/json"),
        link("conformance", "conformance", "application/json"),
    ],
}
PAGES = {
    f"{SITE}/": LANDING,
    f"{SITE}/collections": {"collections": [collection("one"), collection("two")], "links": [link("next", "more")]},
    f"{SITE}/more": {"collections": [{**collection("three"), "links": []}], "links": []},
    f"{SITE}/collections/one/items": features(model("a"), model("b")),
    f"{SITE}/collections/one/items/a": model("a"),
    f"{SITE}/collections/two/items": features(model("c")),
    f"{SITE}/collections/one": {**collection("one"), "links": [link("items", "one/items", "application/geo+json")]},
}


def test_an_id_that_the_terminal_could_not_spell_is_not_there() -> None:
    with pytest.raises(SourceGone):
        World(PAGES).resolve(f"{SITE}/collections/one", id="a\udcff")


def test_the_item_is_asked_for_itself() -> None:
    for start in ("/", "/collections"):
        world = World(PAGES)
        found = world.resolve(f"{SITE}{start}", id="a", collection="one")
        assert found.origin == f"{SITE}/collections/one/items/a"
        assert world.fetch.count(f"{SITE}/collections/one/items") == 0
    assert World(PAGES).resolve(f"{SITE}/collections/one", id="a").origin == f"{SITE}/collections/one/items/a"
    assert World(PAGES).resolve(f"{SITE}/collections/one/items", id="a").origin == f"{SITE}/collections/one/items/a"


def test_an_item_of_a_page_lies_below_it() -> None:
    rows = World(PAGES).every(f"{SITE}/collections/one/items")
    assert [row.origin for row in rows] == [f"{SITE}/collections/one/items/a", f"{SITE}/collections/one/items/b"]


def test_a_server_without_that_item_is_looked_through_for_the_nearest() -> None:
    with pytest.raises(SourceGone, match="no item with the id aa; the nearest there: a"):
        World(PAGES).resolve(f"{SITE}/collections/one", id="aa")


def test_a_server_that_has_the_item_in_its_page_alone() -> None:
    found = World(PAGES).resolve(f"{SITE}/collections/one", id="b")
    assert ids([found]) == ["b"] and found.origin == f"{SITE}/collections/one/items/b"


def test_ids_are_encoded_in_addresses() -> None:
    items = f"{SITE}/collections/one/items"
    world = World({items: features(model("a/../b ?")), f"{items}/a%2F..%2Fb%20%3F": model("a/../b ?")})
    assert world.resolve(items, id="a/../b ?").origin == f"{items}/a%2F..%2Fb%20%3F"


@pytest.mark.parametrize("id_", [None, "a"])
def test_without_a_collection_they_are_named(id_: str | None) -> None:
    for start in ("/", "/collections"):
        with pytest.raises(ItemInvalid, match="not one model item; there are one, two, three\n") as caught:
            World(PAGES).resolve(f"{SITE}{start}", id=id_)
        assert "--collection one" in caught.value.hint


def test_a_collection_that_is_not_there() -> None:
    with pytest.raises(ItemInvalid, match="no collection four; there are one, two, three"):
        World(PAGES).resolve(f"{SITE}/", id="a", collection="four")


def test_a_collection_alone_is_refused_with_the_ids() -> None:
    with pytest.raises(ItemInvalid, match="this is a collection of an API, not one model item; inside: a, b\n"):
        World(PAGES).resolve(f"{SITE}/collections/one")


def test_everything_of_an_api() -> None:
    rows = World(PAGES).every(f"{SITE}/")
    assert ids(rows[:3]) == ["a", "b", "c"]
    assert problems(rows) == [f"{SITE}/more: the collection three links to no items"]
    assert ids(World(PAGES).every(f"{SITE}/", collection="two")) == ["c"]


def test_a_landing_page_whose_list_is_none() -> None:
    with pytest.raises(ItemInvalid, match="is no list of collections"):
        World({f"{SITE}/": LANDING, f"{SITE}/collections": model("a")}).resolve(f"{SITE}/", id="a", collection="one")


def test_an_item_may_call_its_collection_otherwise() -> None:
    """pygeoapi serves the name that the file had; the way there has told which collection it is."""
    pages = {**PAGES, f"{SITE}/collections/two/items": features(model("c", collection="drafts"))}
    assert ids(World(pages).every(f"{SITE}/", collection="two")) == ["c"]


# --- of STAC -----------------------------------------------------------------------------------------------------

STAC = {
    "type": "Catalog",
    "id": "api",
    "conformsTo": [],
    "links": [link("search", "search", "application/geo+json"), link("child", "collections/one")],
}


def searching(**answers: object) -> World:
    return World({f"{SITE}/": STAC, **{f"{SITE}/search?limit=50{query}": page for query, page in answers.items()}})


def test_a_search_finds_the_id() -> None:
    world = searching(**{"&ids=a": features(model("a", collection="one"))})
    assert ids([world.resolve(f"{SITE}/", id="a")]) == ["a"]


def test_an_id_in_two_collections_needs_one_named() -> None:
    both = features(model("a", collection="one"), model("a", collection="two"))
    world = searching(**{"&ids=a": both, "&ids=a&collections=two": features(model("a", collection="two"))})
    with pytest.raises(ItemInvalid, match="the id a is in the collections one, two") as caught:
        world.resolve(f"{SITE}/", id="a")
    assert caught.value.hint == "say which with --collection"
    assert ids([world.resolve(f"{SITE}/", id="a", collection="two")]) == ["a"]


def test_a_server_that_ignores_what_it_is_asked() -> None:
    everything = features(model("b", collection="one"), model("a", collection="one"), model("a", collection="two"))
    world = searching(**{"&ids=a&collections=two": everything})
    found = world.resolve(f"{SITE}/", id="a", collection="two")
    assert '"collection": "two"' in found.text


def test_a_landing_page_alone_is_refused_with_the_ids() -> None:
    world = searching(**{"": features(model("a"), model("b"))})
    with pytest.raises(ItemInvalid, match="this is the landing page of a STAC API, not one model item; inside: a, b\n"):
        world.resolve(f"{SITE}/")


def test_everything_of_a_stac_api_is_one_search() -> None:
    world = searching(**{"": features(model("a"), model("b"))})
    assert ids(world.every(f"{SITE}/")) == ["a", "b"]
    assert len(world.fetch.asked) == 2
