"""Whatever stands in any field: what is written of an item that can be read satisfies the schemas and says the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items import read_item
from dlm_build.migrating.kept import FIELDS
from dlm_build.migrating.text import written
from dlm_build.schemas import problems_of_item
from tests.unit.items.samples_of_items import GOOD
from tests.unit.items.samples_of_mlm import MLM
from tests.unit.items.test_any_item import SCALARS, TEXTS, VALUES, paths

from .items import ITEMS, OURS, of_text

WHOLE = copy.deepcopy(GOOD) | {
    "stac_extensions": ["https://stac-extensions.github.io/eo/v1.1.0/schema.json", "scientific"],
    "geometry": {"type": "Point", "coordinates": [1, 2]},
    "bbox": [1, 2, 1, 2],
    "collection": "models",
    "links": [{"rel": "collection", "href": "./collection.json"}, {"rel": "about", "href": "https://example.org/x"}],
}
WHOLE["properties"] |= {
    "updated": "2021-02-01T00:00:00Z",
    "start_datetime": "2020-01-01T00:00:00Z",
    "end_datetime": "2020-02-01T00:00:00Z",
    "providers": [{"name": "us", "roles": ["producer"], "url": "https://example.org"}],
    "keywords": ["coast"],
    "gsd": 10,
    "platform": "a",
    "sci:doi": "10.1/2",
    "eo:cloud_cover": 3,
    "dlm:architecture": {"type": "unet", "total_nb_parameters": 5, "pretrained": "imagenet", "summary": "…"},
}
BARE = json.loads("\n".join((ITEMS / "generations" / "engine.json").read_text("utf-8").split("\n")))


def replaced(item: dict[str, Any], path: str, value: Any) -> dict[str, Any]:
    """A copy with the value at `path`."""
    made = copy.deepcopy(item)
    *parents, last = path.split("/")
    place: Any = made
    for step in parents:
        place = place[int(step)] if isinstance(place, list) else place[step]
    place[int(last) if isinstance(place, list) else last] = value
    return made


def named(item: dict[str, Any]) -> list[str]:
    """Paths to fields whose names have no slash in them."""
    return sorted(path for path in paths(item) if _leads_somewhere(item, path))


def _leads_somewhere(item: dict[str, Any], path: str) -> bool:
    try:
        replaced(item, path, None)
    except (KeyError, IndexError, ValueError, TypeError):
        return False
    return True


def check(content: dict[str, Any], origin: str = "item") -> None:
    text = json.dumps(content)
    try:
        read_item(text, origin)
    except (ItemInvalid, ItemHostile):
        return
    item, migrated = of_text(text, origin)
    assert problems_of_item(migrated.document) == ()
    again = read_item(written(migrated.document), origin)
    assert all(note.pointer.isprintable() and note.reason.isprintable() for note in migrated.assumed + migrated.dropped)
    if item.dialect.startswith("dlm/"):
        lost = [note.reason for note in migrated.dropped if "comes back" in note.reason]
        told = [field.path for field in FIELDS if field.path != ("sample",) and field.of(item) not in (None, (), "")]
        assert [".".join(path) for path in told if not _same(path, item, again)] == [
            reason.split(" ")[0] for reason in lost
        ]
        assert not lost, lost


def _same(path: tuple[str, ...], one: Any, other: Any) -> bool:
    for name in path:
        one, other = getattr(one, name), getattr(other, name)
    return bool(one == other)


slow = settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(path=st.sampled_from(named(WHOLE)), value=TEXTS)
def test_any_text_in_any_field(path: str, value: str) -> None:
    check(replaced(WHOLE, path, value))


@slow
@given(path=st.sampled_from(named(WHOLE)), value=VALUES)
@example(path="properties/providers", value={"a": 1})
@example(path="geometry/coordinates", value=[[1, 2]])
def test_any_value_in_any_field(path: str, value: object) -> None:
    check(replaced(WHOLE, path, value))


@slow
@given(path=st.sampled_from(named(MLM)), value=VALUES)
def test_any_value_in_any_field_of_mlm(path: str, value: object) -> None:
    check(replaced(MLM, path, value))


@slow
@given(path=st.sampled_from(named(BARE)), value=VALUES, origin=st.sampled_from(["-", "https://example.org/a/i.json"]))
def test_any_value_in_any_field_of_a_draft(path: str, value: object, origin: str) -> None:
    check(replaced(BARE, path, value), origin)


@slow
@given(first=st.sampled_from(named(WHOLE)), second=st.sampled_from(named(WHOLE)), value=SCALARS)
def test_two_fields_at_once(first: str, second: str, value: object) -> None:
    once = replaced(WHOLE, first, value)
    if _leads_somewhere(once, second):
        check(replaced(once, second, value))


@pytest.mark.parametrize("path", named(WHOLE))
def test_every_field_may_be_null(path: str) -> None:
    check(replaced(WHOLE, path, None))


def test_the_fixtures_are_the_items_that_are_spoiled() -> None:
    assert len(named(WHOLE)) > 80 and len(named(MLM)) > 60 and len(named(BARE)) > 40 and len(OURS) >= 10
