"""Where an item may come from, against real servers on loopback: pygeoapi, and stac-fastapi with pgSTAC.

CKAN's answers are our own (`tests/servers/ckan.py` says why). None of this needs the engine.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.catalogues import Asked, SourceText, Unread, every, resolve
from dlm_build.config import Settings
from dlm_build.errors import DlmBuildError, ItemInvalid, SourceGone
from dlm_build.fetch import HttpFetcher
from dlm_build.items import read_item
from dlm_build.progress import silent
from dlm_build.records import Plan, from_json
from tests.engines.conftest import Cli
from tests.engines.test_examples import EXAMPLES
from tests.servers import ckan, installing, pgstac, pygeoapi
from tests.servers.models import NAMES, OTHER_COLLECTION, model
from tests.servers.quiet import serving_files

TEN = r"coast-\d\d(, coast-\d\d){9}"
EXAMPLE = EXAMPLES / "segmentation-onnx"


class Doors:
    """Those that reading needs, with the real one to the network."""

    def __init__(self) -> None:
        self.fetch = HttpFetcher(Settings())
        self.notify = silent
        self.clock = time.monotonic
        self.stdin = lambda: b""

    def one(self, href: str, **asked: Any) -> SourceText:
        return resolve(Asked(href=href, **asked), self)

    def all(self, href: str, **asked: Any) -> list[str]:
        rows = list(every(Asked(href=href, **asked), self))
        assert not [row.problem for row in rows if isinstance(row, Unread)]
        return sorted(json.loads(row.text)["id"] for row in rows if isinstance(row, SourceText))

    def refusal(self, kind: type[DlmBuildError], href: str, **asked: Any) -> DlmBuildError:
        with pytest.raises(kind) as caught:
            self.one(href, **asked)
        return caught.value


@pytest.fixture
def doors() -> Iterator[Doors]:
    made = Doors()
    yield made
    made.fetch.close()


@pytest.fixture(scope="module")
def installed() -> None:
    installing.everything()


@pytest.fixture(scope="module")
def geo(tmp_path_factory: pytest.TempPathFactory, installed: None) -> Iterator[str]:
    with pygeoapi.serving(tmp_path_factory.mktemp("pygeoapi")) as url:
        yield url


@pytest.fixture(scope="module")
def files() -> Iterator[str]:
    """The packaged example on a plain file server of this machine."""
    with serving_files(EXAMPLE) as address:
        yield address


@pytest.fixture(scope="module")
def stac(tmp_path_factory: pytest.TempPathFactory, installed: None, files: str) -> Iterator[str]:
    with pgstac.serving(tmp_path_factory.mktemp("pgstac"), [example(files)]) as url:
        yield url


def example(files: str) -> dict[str, Any]:
    """The packaged example as a STAC API takes it: in a collection, its links absolute."""
    item: dict[str, Any] = json.loads((EXAMPLE / "item.json").read_text())
    for asset in item["assets"].values():
        if "://" not in asset["href"]:
            asset["href"] = f"{files}/{asset['href'].removeprefix('./')}"
    placed = {name: value for name, value in model(item["id"]).items() if name in ("geometry", "bbox", "collection")}
    return {**item, **placed, "links": []}


def named(source: SourceText, name: str) -> SourceText:
    """The source, when it is that model, whole."""
    item = read_item(source.text, source.origin)
    assert (item.id, item.runtime.version) == (name, "1.20.1") and "model" in {asset.key for asset in item.assets}
    return source


# --- pygeoapi: STAC pages ------------------------------------------------------------------------------------------


def test_stac_pages(doors: Doors, geo: str) -> None:
    own = f"{geo}/stac/stac-models/models/coast-07"
    assert named(doors.one(own), "coast-07").origin == own
    for start in (f"{geo}/stac", f"{geo}/stac/stac-models", f"{geo}/stac/stac-models/models?f=json"):
        assert named(doors.one(start, id="coast-07"), "coast-07").origin == own
    assert named(doors.one(f"{geo}/stac#coast-07"), "coast-07").origin == own


def test_pages_about_files_lead_to_the_files(doors: Doors, geo: str) -> None:
    """The server's provider of folders has a page for every file, which names the file and says no more."""
    own = f"{geo}/stac/stac-files/models/coast-07/coast-07.json"
    for start in (f"{geo}/stac/stac-files", f"{geo}/stac/stac-files/models/coast-07"):
        assert named(doors.one(start, id="coast-07"), "coast-07").origin == own
    assert named(doors.one(own.removesuffix(".json")), "coast-07").origin == own
    assert doors.all(f"{geo}/stac/stac-files") == list(NAMES)


def test_all_items_of_stac_pages_each_once(doors: Doors, geo: str) -> None:
    """The server links to each page twice, with and without `f=json`."""
    assert doors.all(f"{geo}/stac/stac-models") == list(NAMES)
    assert doors.all(f"{geo}/stac") == sorted(NAMES * 2)


def test_stac_pages_are_no_item(doors: Doors, geo: str) -> None:
    refused = doors.refusal(ItemInvalid, f"{geo}/stac")
    assert "this is a STAC Catalog, not one model item; inside: coast-01, coast-02" in refused.message
    assert refused.message.endswith("coast-10 and more") and refused.hint.endswith("`--id coast-01`")
    gone = doors.refusal(SourceGone, f"{geo}/stac", id="coats-07")
    assert "no item with the id coats-07; the nearest there: coast-07" in gone.message


# --- pygeoapi: Features and Records --------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model-features", "model-records"])
def test_an_ogc_item_from_every_page(doors: Doors, geo: str, name: str) -> None:
    own = f"{geo}/collections/{name}/items/coast-11"
    for start in (geo, f"{geo}/collections?f=json", f"{geo}/collections/{name}", f"{geo}/collections/{name}/items"):
        assert named(doors.one(start, id="coast-11", collection=name), "coast-11").origin == own
    assert named(doors.one(own), "coast-11").origin == own
    only = named(doors.one(f"{geo}/collections/{name}/items?title=Model%20coast-05"), "coast-05")
    assert [note.code for note in only.notes] == ["only-one-inside"] and only.origin.endswith("/items/coast-05")


@pytest.mark.parametrize("name", ["model-features", "model-records"])
def test_all_items_of_an_ogc_collection(doors: Doors, geo: str, name: str) -> None:
    assert doors.all(f"{geo}/collections/{name}/items?limit=5") == list(NAMES)
    assert doors.all(f"{geo}/collections/{name}") == list(NAMES)
    assert doors.all(geo, collection=name) == list(NAMES)


def test_all_items_of_an_ogc_api(doors: Doors, geo: str) -> None:
    assert doors.all(geo) == sorted(NAMES * 2)


def test_pages_of_an_ogc_api_are_no_item(doors: Doors, geo: str) -> None:
    two = "there are model-features, model-records"
    assert two in doors.refusal(ItemInvalid, geo, id="coast-01").message
    assert f"no collection nix; {two}" in doors.refusal(ItemInvalid, geo, id="x", collection="nix").message
    refused = doors.refusal(ItemInvalid, f"{geo}/collections/model-records/items")
    assert "a FeatureCollection" in refused.message and refused.message.endswith("coast-10 and 2 more")
    gone = doors.refusal(SourceGone, f"{geo}/collections/model-records", id="coats-12")
    assert "the nearest there: coast-12" in gone.message
    assert "is not there (404)" in doors.refusal(SourceGone, f"{geo}/collections/nix").message
    assert "is not there (404)" in doors.refusal(SourceGone, f"{geo}/collections/model-records/items/nix").message


# --- a STAC API ----------------------------------------------------------------------------------------------------


def test_a_stac_api_item_from_every_page(doors: Doors, stac: str) -> None:
    own = f"{stac}/collections/models/items/coast-07"
    starts = (stac, f"{stac}/search", f"{stac}/search?collections=models&limit=2", f"{stac}/collections/models",
              f"{stac}/collections/models/items", f"{stac}/collections/models/items?limit=3", own)  # fmt: skip
    for start in starts:
        assert named(doors.one(start, id="coast-07"), "coast-07").origin == own
    assert named(doors.one(f"{stac}/collections", id="coast-07", collection="models"), "coast-07").origin == own
    assert named(doors.one(f"{stac}#coast-07"), "coast-07").origin == own


def test_the_only_answer_of_a_search(doors: Doors, stac: str) -> None:
    for query in ("ids=coast-09", f"collections={OTHER_COLLECTION}"):
        found = doors.one(f"{stac}/search?{query}")
        assert [note.code for note in found.notes] == ["only-one-inside"] and "/items/coast-0" in found.origin


def test_all_items_of_a_stac_api(doors: Doors, stac: str) -> None:
    example_id = json.loads((EXAMPLE / "item.json").read_text())["id"]
    there = sorted([*NAMES, example_id])
    assert doors.all(f"{stac}/search?collections=models&limit=5") == there
    assert doors.all(f"{stac}/collections/models/items?limit=5") == there
    assert doors.all(stac) == doors.all(f"{stac}/collections") == sorted([*there, NAMES[0]])
    assert doors.all(stac, collection=OTHER_COLLECTION) == [NAMES[0]]


def test_one_id_in_two_collections(doors: Doors, stac: str) -> None:
    refused = doors.refusal(ItemInvalid, stac, id="coast-01")
    assert "the id coast-01 is in the collections drafts, models" in refused.message
    found = doors.one(stac, id="coast-01", collection=OTHER_COLLECTION)
    assert found.origin == f"{stac}/collections/drafts/items/coast-01"


def test_pages_of_a_stac_api_are_no_item(doors: Doors, stac: str) -> None:
    words = {
        stac: "the landing page of a STAC API",
        f"{stac}/search?collections=models": "a FeatureCollection, such as a search answers",
        f"{stac}/collections/models": "a collection of an API",
    }
    for start, word in words.items():
        refused = doors.refusal(ItemInvalid, start)
        assert f"this is {word}, not one model item" in refused.message
        assert "inside: " in refused.message and refused.message.endswith(" and more")
        assert len(re.findall(r"coast-\d\d|segmentation", refused.message)) >= 9
    assert "there are models, drafts" in doors.refusal(ItemInvalid, f"{stac}/collections").message
    assert "no item is inside" in doors.refusal(ItemInvalid, f"{stac}/search?ids=none").message
    for start in (stac, f"{stac}/search?collections=models", f"{stac}/collections/models"):
        gone = doors.refusal(SourceGone, start, id="coats-07")
        assert "no item with the id coats-07; the nearest there: coast-07" in gone.message
    assert "is not there (404)" in doors.refusal(SourceGone, f"{stac}/collections/models/items/none").message
    assert "the server answers 400" in doors.refusal(SourceGone, f"{stac}/search?bbox=wrong").message


@pytest.mark.engine
def test_a_plan_from_a_stac_api(cli: Cli, stac: str, files: str, tmp_path: Path) -> None:
    """The command itself: what it plans from a search is what it plans from the file."""
    config = tmp_path / "site.toml"
    config.write_text(f'{cli.config.read_text()}\n[network]\nallow_hosts = ["{files.removeprefix("http://")}"]\n')
    example_id = json.loads((EXAMPLE / "item.json").read_text())["id"]
    ended = cli("plan", stac, "--id", example_id, "--collection", "models", "--config", str(config), "--json")
    assert ended.status == 0, ended.stderr
    plan = from_json(Plan, ended.stdout.encode())
    local = from_json(Plan, cli("plan", str(EXAMPLE / "item.json"), "--json").stdout.encode())
    assert plan.archive.sha256 == local.archive.sha256 and plan.environment == local.environment
    refused = cli("plan", f"{stac}/search")
    assert refused.status == 6 and "choose one with --id" in refused.stderr


# --- CKAN ----------------------------------------------------------------------------------------------------------


def test_ckan(doors: Doors) -> None:
    """Against our own answers in CKAN's documented shapes: the shapes are tried here, CKAN itself is not."""
    with ckan.serving() as url:
        own = f"{url}/dataset/coast/resource/coast-coast-01/download/coast-01.json"
        for start in (
            "/dataset/coast",
            "/api/3/action/package_show?id=coast",
            "/dataset/coast/resource/coast-coast-01",
        ):
            assert named(doors.one(f"{url}{start}"), "coast-01").origin == own
        assert named(doors.one(own), "coast-01").notes == ()
        refused = doors.refusal(ItemInvalid, f"{url}/dataset/coasts")
        assert (
            "this is a CKAN dataset, not one model item; inside: coasts-coast-01 (coast-01.json), " in refused.message
        )
        assert named(doors.one(f"{url}/fr/dataset/coasts", id="coasts-coast-02"), "coast-02")
        assert doors.all(f"{url}/dataset/coasts") == ["coast-01", "coast-02"]
        assert "is not there (404)" in doors.refusal(SourceGone, f"{url}/dataset/nix").message
