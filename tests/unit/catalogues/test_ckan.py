"""Resources of CKAN, in the shapes that its action API documents."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.catalogues.ckan import api_address
from dlm_build.errors import ItemHostile, ItemInvalid, SourceGone
from tests.unit.catalogues.worlds import SITE, World, ids, model, problems

API = f"{SITE}/api/3/action"
SHOW = f"{API}/package_show?id=coast"
FILE = f"{SITE}/dataset/d1/resource/r1/download/item.json"


def resource(id_: str, **more: Any) -> dict[str, Any]:
    return {"id": id_, "name": f"{id_} name", "format": "", "url": f"{SITE}/{id_}", "state": "active", **more}


def answer(*resources: dict[str, Any]) -> dict[str, Any]:
    return {"help": "…", "success": True, "result": {"id": "d1", "name": "coast", "resources": list(resources)}}


ITEM = resource("r1", format="JSON", url=FILE)
WEIGHTS = resource("r2", format="ZIP", url=f"{SITE}/net.zip")
SECOND = resource("r3", mimetype="application/geo+json")


def test_the_only_resource_that_may_be_an_item() -> None:
    found = World({SHOW: answer(WEIGHTS, ITEM), FILE: model("a")}).resolve(SHOW)
    assert found.origin == FILE and [note.code for note in found.notes] == ["only-one-inside"]


def test_several_are_refused_with_their_ids_and_none_is_fetched() -> None:
    world = World({SHOW: answer(ITEM, WEIGHTS, SECOND)})
    with pytest.raises(
        ItemInvalid, match=r"this is a CKAN dataset, not one model item; inside: r1 \(r1 name\), r3 \(r3 name\)\n"
    ) as caught:
        world.resolve(SHOW)
    assert caught.value.hint == "choose one with --id, e.g. `--id r1`" and len(world.fetch.asked) == 1


@pytest.mark.parametrize("id_", ["r3", "r3 name"])
def test_one_is_chosen_by_id_or_name(id_: str) -> None:
    world = World({SHOW: answer(ITEM, SECOND), f"{SITE}/r3": model("c")})
    assert ids([world.resolve(SHOW, id=id_)]) == ["c"]


def test_one_that_calls_itself_something_else_may_be_chosen() -> None:
    world = World({SHOW: answer(resource("r9", format="TXT"), ITEM), f"{SITE}/r9": "type: Feature\nid: y\n"})
    assert world.resolve(SHOW, id="r9").origin == f"{SITE}/r9"


def test_an_id_that_is_not_there() -> None:
    with pytest.raises(SourceGone, match="no item with the id r4; the nearest there: r3, r1"):
        World({SHOW: answer(ITEM, SECOND)}).resolve(SHOW, id="r4")


def test_one_resource_and_a_list_of_datasets() -> None:
    one = {"success": True, "result": ITEM}
    assert (
        World({f"{API}/resource_show?id=r1": one, FILE: model("a")}).resolve(f"{API}/resource_show?id=r1").origin
        == FILE
    )
    many = {"success": True, "result": {"count": 2, "results": [answer(ITEM)["result"], answer(SECOND)["result"]]}}
    world = World({f"{API}/package_search": many, FILE: model("a"), f"{SITE}/r3": model("c")})
    assert ids(world.every(f"{API}/package_search")) == ["a", "c"]


def test_a_dataset_without_any() -> None:
    with pytest.raises(SourceGone, match=r"none of its 1 resources is JSON or YAML: r2 \(r2 name\)"):
        World({SHOW: answer(WEIGHTS)}).resolve(SHOW)
    gone = resource("r5", format="JSON", state="deleted")
    with pytest.raises(SourceGone, match="an answer of CKAN without resources"):
        World({SHOW: answer(gone, {"id": "r6", "format": "JSON", "url": ""})}).resolve(SHOW)


@pytest.mark.parametrize("result", [None, 3, [], "x", {"resources": 3}, {"resources": [3, None]}, {"results": [[]]}])
def test_answers_of_another_shape(result: object) -> None:
    with pytest.raises(SourceGone, match="without resources"):
        World({SHOW: {"success": True, "result": result}}).resolve(SHOW)


def test_a_refusal_is_told_in_its_words() -> None:
    refused = {"success": False, "error": {"message": "Not found", "__type": "Not Found Error"}}
    with pytest.raises(SourceGone, match="CKAN refuses: Not found"):
        World({SHOW: refused}).resolve(SHOW)


def test_a_resource_on_a_private_server_is_refused() -> None:
    hostile = resource("r7", format="JSON", url="http://169.254.169.254/latest")
    with pytest.raises(ItemHostile, match="is not public"):
        World({SHOW: answer(hostile)}).resolve(SHOW)
    assert (
        "is no web address"
        in problems(World({SHOW: answer(resource("r8", format="JSON", url="file:///x"))}).every(SHOW))[0]
    )


PAGE = "<!DOCTYPE html><html><title>Coast</title>"


def test_a_page_leads_to_what_the_api_says_of_it() -> None:
    world = World({f"{SITE}/fr/dataset/coast": PAGE, SHOW: answer(ITEM), FILE: model("a")})
    assert world.resolve(f"{SITE}/fr/dataset/coast").origin == FILE
    world = World(
        {
            f"{SITE}/dataset/coast/resource/r1": PAGE,
            f"{API}/resource_show?id=r1": {"success": True, "result": ITEM},
            FILE: model("a"),
        }
    )
    assert world.resolve(f"{SITE}/dataset/coast/resource/r1").origin == FILE


@pytest.mark.parametrize(
    ("page", "address"),
    [
        ("/dataset/coast", "/api/3/action/package_show?id=coast"),
        ("/dataset/coast/?x=1#y", "/api/3/action/package_show?id=coast"),
        ("/data/fr/dataset/coast%20line", "/data/api/3/action/package_show?id=coast%20line"),
        ("/pt_BR/dataset/coast/resource/r1", "/api/3/action/resource_show?id=r1"),
        ("/dataset/coast/resource/r1/view/v1", "/api/3/action/resource_show?id=r1"),
        ("/dataset/coast/resource/r1/download/item.json", None),
        ("/datasets/coast", None),
        ("/dataset/", None),
        ("/", None),
    ],
)
def test_addresses_of_pages(page: str, address: str | None) -> None:
    assert api_address(f"{SITE}{page}") == (f"{SITE}{address}" if address else None)
