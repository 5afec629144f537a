"""Title, date and the like: nothing in them stops a build, and nothing in them reaches a terminal raw."""

from __future__ import annotations

import copy

import pytest

from .samples_of_items import GOOD, codes, found, read, read_spoiled, spoiled


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("2020-12-12T00:00:01Z", "2020-12-12T00:00:01Z"), ("2020-12-12T00:00:01.000Z", "2020-12-12T00:00:01Z"),
        ("2020-12-12t01:00:00+02:00", "2020-12-11T23:00:00Z"), ("2020-12-12 01:02:03Z", "2020-12-12T01:02:03Z"),
        ("2020-12-12", "2020-12-12T00:00:00Z"),
    ],
)  # fmt: skip
def test_dates(written: str, read: str) -> None:
    item = read_spoiled("properties/created", written)
    assert (item.date, item.date_pointer) == (read, "/properties/created")
    assert item.findings == ()


def test_a_date_without_a_zone() -> None:
    item = read_spoiled("properties/created", "2020-12-12T01:02:03")
    assert item.date == "2020-12-12T01:02:03Z"
    assert codes(item) == {"date-without-zone"}


@pytest.mark.parametrize(
    "written", ["yesterday", 20201212, "2020-13-01", "0001-01-01T00:00:00+23:00", ["2020"], "2020-12-12T99"]
)
def test_dates_that_cannot_be_read(written: object) -> None:
    item = read(_with_updated(written))
    assert (item.date, item.date_pointer) == ("2021-01-01T00:00:00Z", "/properties/updated")
    assert found(item, "unreadable-date").pointer == "/properties/created"


def _with_updated(created: object) -> dict[str, object]:
    item = spoiled("properties/created", created)
    item["properties"]["updated"] = "2021-01-01"
    return item


def test_the_scene_date_is_the_last_resort_and_said() -> None:
    item = spoiled("properties/created")
    item["properties"]["datetime"] = "2016-05-03T13:22:30Z"
    assert found(read(item), "date-from-datetime").severity == "warning"
    assert read(item).date == "2016-05-03T13:22:30Z"


def test_a_date_before_there_was_any_framework_is_not_the_models() -> None:
    item = spoiled("properties/created")
    item["properties"]["datetime"] = "1900-01-01T00:00:00Z"
    got = read(item)
    assert got.date is None
    finding = found(got, "date-too-early")
    assert (finding.pointer, finding.severity) == ("/properties/datetime", "warning")
    assert not {"no-date", "date-from-datetime"} & codes(got)
    item["properties"]["updated"] = "2021-01-01"
    assert read(item).date == "2021-01-01T00:00:00Z"


def test_no_date() -> None:
    item = read_spoiled("properties/created")
    assert item.date is None and item.date_pointer is None
    assert found(item, "no-date").severity == "warning"


@pytest.mark.parametrize("written", [11234, 1.50])
def test_numeric_ids(written: float) -> None:
    item = read_spoiled("id", written)
    assert item.id == str(written)
    assert found(item, "id-is-a-number").pointer == "/id"


@pytest.mark.parametrize("written", [None, "", [1], True, ...])
def test_missing_ids(written: object) -> None:
    item = read_spoiled("id", written)
    assert item.id == f"item-{item.sha256[:12]}"
    assert "no-id" in codes(item)


def test_odd_ids_are_only_displayed() -> None:
    for odd in ("..", "a/b", "CON"):
        assert read_spoiled("id", odd).id == odd
    assert len(read_spoiled("id", "x" * 10_000).id) == 300


@pytest.mark.parametrize("field", ["title", "description", "license"])
def test_texts_for_people_lose_what_cannot_be_seen(field: str) -> None:
    item = read_spoiled(f"properties/{field}", "a\x1b]0;x\x07b\u202ec\u200bd\ud800e\0")
    assert getattr(item, field) == "a]0;xbcde"
    assert found(item, "invisible-characters").pointer == f"/properties/{field}"


@pytest.mark.parametrize("field", ["title", "description", "license"])
def test_what_a_collection_has_beside_the_properties(field: str) -> None:
    item = copy.deepcopy(GOOD) | {field: "MIT"}
    item["properties"].pop(field, None)
    got = read(item)
    told = found(got, "field-misplaced")
    assert (getattr(got, field), told.pointer, told.hint) == ("MIT", f"/{field}", f"move it to /properties/{field}")


def test_a_title_is_one_line_and_a_description_may_have_more() -> None:
    assert read_spoiled("properties/title", "x\n# syntax=evil").title == "x # syntax=evil"
    item = read_spoiled("properties/description", " x\r\ny\tz\n")
    assert item.description == "x\ny\tz"
    assert "invisible-characters" not in codes(item)


def test_texts_are_composed_and_cut() -> None:
    assert read_spoiled("properties/title", "e\u0301").title == "é"
    item = read_spoiled("properties/title", "x" * 400)
    assert item.title == "x" * 300 and codes(item) == {"text-cut"}


@pytest.mark.parametrize("value", [["MIT"], {"a": 1}])
def test_wrong_types_of_texts_are_findings(value: object) -> None:
    for field in ("title", "description"):
        item = read_spoiled(f"properties/{field}", value)
        assert getattr(item, field) is None
        assert codes(item) == {"not-a-text"}


def test_a_license_object() -> None:
    item = read_spoiled("properties/license", {"title": "MIT", "href": "https://example.org"})
    assert item.license == "MIT" and codes(item) == {"license-is-an-object"}
