"""The core of STAC: where, when, who, links. What the item does not say is left open, and said."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dlm_build.checking import check_text
from dlm_build.migrating import Migrated
from dlm_build.migrating.core import as_reference, moved
from dlm_build.migrating.text import written
from dlm_build.migrating.valid import NotValid, demand_valid
from tests.unit.items.samples_of_items import GOOD
from tests.unit.items.samples_of_mlm import MLM

from .items import of

POLYGON = {"type": "Polygon", "coordinates": [[[1, 2], [5, 2], [5, 9], [1, 2]]]}


def changed(top: dict[str, Any] | None = None, properties: dict[str, Any] | None = None) -> Migrated:
    item = copy.deepcopy(GOOD) | (top or {})
    item["properties"] |= properties or {}
    return of(item)


def reasons(migrated: Migrated, kind: str, pointer: str) -> str:
    return " ".join(note.reason for note in getattr(migrated, kind) if note.pointer == pointer)


@pytest.mark.parametrize(
    ("geometry", "bbox", "wanted", "bounds"),
    [
        (POLYGON, [1, 2, 5, 9], POLYGON, [1, 2, 5, 9]),
        (POLYGON, None, POLYGON, [1, 2, 5, 9]),
        ({"type": "Point", "coordinates": [3, 4, 100]}, None, {"type": "Point", "coordinates": [3, 4, 100]},
         [3, 4, 100, 3, 4, 100]),
        ({"type": "Point"}, None, None, None),
        ("everywhere", [1, 2, 3], None, None),
        (None, None, None, None),
    ],
)  # fmt: skip
def test_where(geometry: Any, bbox: Any, wanted: Any, bounds: Any) -> None:
    document = changed({"geometry": geometry, "bbox": bbox}).document
    assert (document["geometry"], document.get("bbox")) == (wanted, bounds)


def test_a_box_alone_is_a_polygon() -> None:
    migrated = changed({"geometry": None, "bbox": [-72.5, 46.3, -72.4, 46.4]})
    ring = migrated.document["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1] == [-72.5, 46.3] and [-72.4, 46.4] in ring and len(ring) == 5
    assert reasons(migrated, "assumed", "/geometry") == "the box of /bbox"


ALWAYS = {"datetime": None, "start_datetime": "1900-01-01T00:00:00Z", "end_datetime": "9999-12-31T23:59:59Z"}
A_YEAR = {"datetime": None, "start_datetime": "2020-01-01T00:00:00Z", "end_datetime": "2020-12-31T00:00:00Z"}


@pytest.mark.parametrize(
    ("given", "wanted", "is_assumed"),
    [
        ({"datetime": "2020-05-06T07:08:09+02:00"}, {"datetime": "2020-05-06T05:08:09Z"}, False),
        (A_YEAR | {"start_datetime": "2020-01-01"}, A_YEAR, False),
        ({"datetime": None, "start_datetime": "2020-01-01"}, {"datetime": "2021-01-31T00:00:00Z"}, True),
        ({"datetime": "soon", "created": None, "updated": "2022-02-02T00:00:00Z"},
         {"datetime": "2022-02-02T00:00:00Z"}, True),
        ({"datetime": None, "created": "long ago"}, ALWAYS, True),
    ],
)  # fmt: skip
def test_when(given: dict[str, Any], wanted: dict[str, Any], is_assumed: bool) -> None:
    migrated = changed(properties=given)
    told = migrated.document["properties"]
    assert {name: told[name] for name in ALWAYS if name in told} == wanted
    assert bool(reasons(migrated, "assumed", "/properties/datetime")) == is_assumed


@pytest.mark.parametrize(
    ("own", "wanted", "is_assumed"),
    [
        ("2025-03-01T10:00:00.123456Z", "2025-03-01T10:00:00.123456Z", False),
        ("2025-03-01T10:00:00+00:00", "2025-03-01T10:00:00+00:00", False),
        ("2025-03-01T10:00:00+01:00", "2025-03-01T09:00:00Z", False),
        ("2025-03-01T10:00:00.5+01:00", "2025-03-01T09:00:00Z", True),
        ("2025-03-01T10:00:00", "2025-03-01T10:00:00Z", True),
        ("2025-03-01", "2025-03-01T00:00:00Z", True),
    ],
)
@pytest.mark.parametrize("name", ["created", "updated", "datetime"])
def test_a_moment_is_the_items_own_where_stac_takes_it_so(name: str, own: str, wanted: str, is_assumed: bool) -> None:
    migrated = changed(properties={name: own})
    assert migrated.document["properties"][name] == wanted
    assert (own in reasons(migrated, "assumed", f"/properties/{name}")) == is_assumed


def test_links() -> None:
    links = [
        {"rel": "self", "href": "https://example.org/a.json"},
        {"rel": "about", "href": "https://example.org/a b"},
        {"rel": "license", "href": "LICENSE"},
        {"rel": "collection", "href": "./collection.json"},
        {"href": "x"},
        "x",
    ]
    migrated = changed({"links": links, "collection": "models"})
    assert [(one["rel"], one["href"]) for one in migrated.document["links"]] == [
        ("about", "https://example.org/a%20b"), ("license", "LICENSE"), ("collection", "collection.json"),
    ]  # fmt: skip
    assert reasons(migrated, "assumed", "/links/0/href")
    assert migrated.document["collection"] == "models"
    dropped = [note.pointer for note in migrated.dropped if note.pointer.startswith("/links")]
    assert sorted(dropped) == ["/links/0", "/links/4", "/links/5"]


def test_a_member_of_a_link_that_no_schema_allows_goes_alone() -> None:
    migrated = changed({"links": ["x", {"rel": "about", "href": "a", "type": 3, "title": "About"}]})
    assert migrated.document["links"] == [{"rel": "about", "href": "a", "title": "About"}]
    assert "3" in reasons(migrated, "dropped", "/links/1/type")


@pytest.mark.parametrize("top", [{"collection": "models"}, {"links": [{"rel": "collection", "href": "c.json"}]}])
def test_a_collection_has_an_id_and_a_link_or_neither(top: dict[str, Any]) -> None:
    migrated = changed({"links": []} | top)
    assert "collection" not in migrated.document and migrated.document["links"] == []
    assert [note for note in migrated.dropped if "collection" in note.reason]


def test_texts_stay_as_they_were_written() -> None:
    long = "long " * 6_000
    told = changed(properties={"title": "Cafe\u0301", "description": long, "name": "Another"}).document["properties"]
    assert (told["title"], told["description"], told["name"]) == ("Cafe\u0301", long.strip(), "Another")


@pytest.mark.parametrize(
    ("given", "license", "kept"),
    [
        ("MIT", "MIT", None),
        ("CC BY 4.0", "other", "CC BY 4.0"),
        ({"title": "MIT", "href": "https://example.org/mit"}, "MIT", {"title": "MIT", "href": "https://example.org/mit"}),
        ([], None, None),
        (None, None, None),
    ],
)  # fmt: skip
def test_license(given: Any, license: str | None, kept: Any) -> None:
    told = changed(properties={"license": given}).document["properties"]
    assert (told.get("license"), told.get("dlm:license")) == (license, kept)


def test_providers() -> None:
    rows = [{"name": "Us", "roles": ["producer", "image licensor"]}, {"roles": ["host"]}, "Them"]
    migrated = changed(properties={"providers": rows})
    assert migrated.document["properties"]["providers"] == [{"name": "Us", "roles": ["producer"]}]
    assert {note.pointer for note in migrated.dropped if "providers" in note.pointer} == {
        "/properties/providers/0/roles", "/properties/providers/1", "/properties/providers/2",
    }  # fmt: skip


def test_what_no_schema_allows_goes_with_its_reason() -> None:
    migrated = changed(properties={"gsd": "ten", "platform": "a", "instruments": 3, "sci:doi": "10.1/2"})
    told = migrated.document["properties"]
    assert "gsd" not in told and "instruments" not in told and (told["platform"], told["sci:doi"]) == ("a", "10.1/2")
    assert reasons(migrated, "dropped", "/properties/gsd") == '"ten" is not of type "number"'


def test_extensions_keep_their_addresses() -> None:
    given = [
        "eo", "https://stac-extensions.github.io/eo/v1.1.0/schema.json", "https://example.org/mine/v1/schema.json",
        "https://schemas.example.org/extensions/dl-model/json-schema/schema.json", "not an address", 3,
    ]  # fmt: skip
    migrated = changed({"stac_extensions": given})
    names = [uri.split("/")[3] for uri in migrated.document["stac_extensions"]]
    assert names == ["mlm", "file", "mine"]
    assert [note.pointer for note in migrated.dropped if "extensions" in note.pointer] == [
        "/stac_extensions/0", "/stac_extensions/4", "/stac_extensions/5",
    ]  # fmt: skip
    assert "https://example.org/mine" in reasons(migrated, "assumed", "/stac_extensions")


def test_an_extension_the_item_does_not_keep_to_is_not_claimed() -> None:
    uri = "https://stac-extensions.github.io/processing/v1.1.0/schema.json"
    assert uri in changed({"stac_extensions": [uri]}, {"processing:level": "L2"}).document["stac_extensions"]
    migrated = changed({"stac_extensions": [uri]}, {"processing:level": 2})
    assert uri not in migrated.document["stac_extensions"]
    assert "does not keep to it" in reasons(migrated, "dropped", "/stac_extensions")


@pytest.mark.parametrize(
    ("href", "origin", "place", "wanted"),
    [
        ("./m.mar", "items/a.json", "items/a.json", "m.mar"),
        ("m.mar", "items/a.json", "out/mlm/a.json", "../../items/m.mar"),
        ("m.mar", "/data/a.json", "/data/out/a.json", "../m.mar"),
        ("../m.mar", "https://example.org/x/y/a.json", "here.json", "https://example.org/x/m.mar"),
        ("https://example.org/m.mar", "a.json", "b/c.json", "https://example.org/m.mar"),
        ("/data/m.mar", "a.json", "b/c.json", "/data/m.mar"),
        ("C:/Users/me/m.mar", "a.json", "b/c.json", "C:/Users/me/m.mar"),
        ("C:\\Users\\me\\m.mar", "https://example.org/a.json", "c.json", "C:\\Users\\me\\m.mar"),
        ("~/m.mar", "a.json", "b/c.json", "~/m.mar"),
        ("file:/data/m.mar", "a.json", "b/c.json", "file:/data/m.mar"),
        ("m.mar", "-", "-", "m.mar"),
        ("torchvision.models:resnet50", "a/a.json", "b/a.json", "torchvision.models:resnet50"),
    ],
)
def test_relative_addresses_fit_the_new_place(href: str, origin: str, place: str, wanted: str) -> None:
    assert moved(href, origin, place) == wanted


@pytest.mark.parametrize("href", ["C:\\Users\\me\\unet.pt", "~/unet.pt", "/home/me/unet.pt"])
def test_a_path_of_one_machine_becomes_no_path_beside_the_item(href: str) -> None:
    item = copy.deepcopy(MLM)
    item["assets"]["model"]["href"] = href
    again = json.dumps(of(item, "items/a.json", "out/a.json").document)
    before, after = _of_addresses(json.dumps(item), "items/a.json"), _of_addresses(again, "out/a.json")
    assert before == after == {"href-is-a-local-path", "model-has-no-address"}


def _of_addresses(text: str, origin: str) -> set[str]:
    codes = {finding.code for finding in check_text(text, origin).findings}
    return codes & {"href-is-a-local-path", "model-has-no-address"}


@pytest.mark.parametrize(
    ("href", "wanted"),
    [
        ("m.mar", "m.mar"),
        ("my model.mar", "my%20model.mar"),
        ("100%.mar", "100%25.mar"),
        ("a%20b", "a%20b"),
        ("naïve.mar", "naïve.mar"),
        ("../latin-1 \udce9/m.mar", "../latin-1%20%E9/m.mar"),
        ('say "it"', "say%20%22it%22"),
        ("1:2", "./1:2"),
        ("https://[::1/m.mar?a=b c", "https://%5B%3A%3A1/m.mar?a=b%20c"),
        ("https://example.org:port/m.mar", "https://example.org%3Aport/m.mar"),
    ],
)
def test_hrefs_are_addresses(href: str, wanted: str) -> None:
    assert as_reference(href) == wanted


def test_texts_show_what_they_are() -> None:
    title = "a \u202e b \U000e0041 é"
    text = written({"title": title, "n": 1.5})
    assert "é" in text and "\\u202e" in text and text.replace("\n", "").isprintable()
    assert json.loads(text) == {"title": title, "n": 1.5} and text.endswith("}\n")


def test_nothing_invalid_is_written() -> None:
    document = changed().document
    demand_valid(document)
    del document["properties"]["mlm:name"]
    with pytest.raises(NotValid, match=r"fault of dlm-build.*mlm:name"):
        demand_valid(document)
