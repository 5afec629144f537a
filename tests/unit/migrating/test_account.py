"""Nothing vanishes in silence: every value of the old item is in the new one, or a note names it."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items.document import Value
from dlm_build.items.reading import load
from dlm_build.migrating import Migrated
from dlm_build.migrating.source import plain
from dlm_build.migrating.text import written
from tests.benchmarks import check_items
from tests.unit.items.samples_of_items import GOOD
from tests.unit.items.samples_of_mlm import ML_MODEL, MLM

from .items import CASES, DLM_CASES, OTHER_CASES, OURS, of, of_text

Steps = tuple[str | int, ...]
PATHS = [*OURS, *(CASES / case for case in (*DLM_CASES, *OTHER_CASES))]
BY_DESIGN = ("/stac_version", "/type")


@cache
def documents() -> tuple[dict[str, Any], ...]:
    """Fixtures, examples, made and, where they are at hand, published items."""
    texts = [path.read_text("utf-8") for path in PATHS if path.exists()]
    made = [check_items.item(1), *check_items.broken(), GOOD, MLM, ML_MODEL]
    return (*(plain(load(text, "item").value) for text in texts), *made)


def leaves(value: Any, steps: Steps = ()) -> Iterator[tuple[Steps, Any]]:
    if isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from leaves(member, (*steps, name))
    elif value is not None and not (isinstance(value, str) and not value.strip()):
        yield steps, value


def objects(value: Any, steps: Steps = ()) -> Iterator[Steps]:
    if isinstance(value, dict):
        yield steps
    if isinstance(value, dict | list):
        for name, member in value.items() if isinstance(value, dict) else enumerate(value):
            yield from objects(member, (*steps, name))


def changed(document: dict[str, Any], steps: Steps, value: Any) -> dict[str, Any]:
    made = copy.deepcopy(document)
    place: Any = made
    for name in steps[:-1]:
        place = place[name]
    place[steps[-1]] = value
    return made


def pointer_of(steps: Steps) -> str:
    return "".join(f"/{str(name).replace('~', '~0').replace('/', '~1')}" for name in steps)


def is_named(migrated: Migrated, pointer: str) -> bool:
    """Whether a note says that it, or what it is a part of, was dropped; or that something else is assumed for it."""
    dropped = [note.pointer for note in migrated.dropped if note.pointer]
    return any(pointer == one or pointer.startswith(f"{one}/") for one in dropped) or pointer in {
        note.pointer for note in migrated.assumed
    }


def is_there(migrated: Migrated, value: Any) -> bool:
    """Whether it is anywhere in the document or in a note: enough for a value that nothing else has."""
    said = value if isinstance(value, str) else json.dumps(value)
    notes = (*migrated.kept, *migrated.assumed, *migrated.dropped)
    return said.lower() in written(migrated.document).lower() or any(said in note.reason for note in notes)


def demand_not_lost(document: dict[str, Any], steps: Steps, value: Any) -> None:
    """`value` stands at `steps` and is unlike all else in the document."""
    try:
        migrated = of_text(json.dumps(document), "items/item.json")[1]
    except (ItemInvalid, ItemHostile):
        return
    assert is_there(migrated, value) or is_named(migrated, pointer_of(steps)), (pointer_of(steps), value)


slow = settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow])


@slow
@given(st.data())
def test_no_value_that_is_unlike_all_others_is_lost(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(documents()))
    steps, old = data.draw(st.sampled_from([one for one in leaves(document) if pointer_of(one[0]) not in BY_DESIGN]))
    is_number = isinstance(old, int | float) and not isinstance(old, bool)
    value = data.draw(st.sampled_from((730.125, 99_017, "7a9q") if is_number else ("zq7x9", "zq7x9.ab", 99_017)))
    demand_not_lost(changed(document, steps, value), steps, value)


@slow
@given(st.data())
def test_no_member_that_nobody_knows_is_lost(data: st.DataObject) -> None:
    document = data.draw(st.sampled_from(documents()))
    steps = (
        *data.draw(st.sampled_from([*objects(document)])),
        data.draw(st.sampled_from(("zqnew", "mlm:zq", "eo:zq"))),
    )
    inner = data.draw(st.sampled_from(((), ("a", 1))))
    value: Any = {"a": [1, "zq7x9"]} if inner else "zq7x9"
    demand_not_lost(changed(document, steps, value), (*steps, *inner), "zq7x9")


@pytest.mark.parametrize("path", PATHS, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_every_text_of_an_item_is_somewhere(path: Path) -> None:
    if not path.exists():
        pytest.skip(f"{path} is not here: published items are no part of the project")
    text = path.read_text("utf-8")
    document: Value = load(text, str(path)).value
    migrated = of_text(text, str(path))[1]
    for steps, value in leaves(plain(document)):
        pointer = pointer_of(steps)
        if isinstance(value, str) and pointer not in BY_DESIGN and not pointer.startswith("/stac_extensions"):
            words = value.removeprefix("./").strip()
            told = is_there(migrated, words) or is_named(migrated, pointer)
            assert told or _parts_are(migrated, words) or _moment_is(migrated, words), pointer


def _parts_are(migrated: Migrated, text: str) -> bool:
    """An image's name and its tag, a command behind the options of `docker run`: each in a place of its own."""
    return all(is_there(migrated, word) for word in text.replace("_", " ").replace(":", " ").split())


def _moment_is(migrated: Migrated, text: str) -> bool:
    """A moment with an offset is there in UTC."""
    try:
        moment = datetime.fromisoformat(text).astimezone(UTC)
    except ValueError:
        return False
    return is_there(migrated, moment.strftime("%Y-%m-%dT%H:%M:%SZ"))


def test_a_command_that_starts_a_server_is_named() -> None:
    line = "-itd --name mms -p 80:8080 <image> multi-model-server --start --models coast=coast.mar"
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:runtime"]["docker"]["run"] = line
    notes = {note.pointer: note.reason for note in of(item).dropped}
    assert line in notes["/properties/dlm:runtime/docker/run"]


def test_what_is_not_read_is_kept_where_it_stood() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:archive"][0]["sha256"] = "ab" * 32
    item["properties"]["dlm:data"]["test_file"]["crs"] = "EPSG:32618"
    migrated = of(item)
    told = migrated.document["properties"]
    assert told["dlm:archive"][0]["sha256"] == "ab" * 32 and told["dlm:data"]["test_file"]["crs"] == "EPSG:32618"
    assert {"/properties/dlm:archive/0/sha256", "/properties/dlm:data/test_file/crs"} <= {
        note.pointer for note in migrated.kept
    }


def test_what_is_lost_as_a_whole_is_one_note() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["raster:bands"] = [{"nodata": 3, "unit": "m"}, {"nodata": 4, "unit": "m"}]
    notes = [note for note in of(item).dropped if "raster:bands" in note.pointer]
    assert [note.pointer for note in notes] == ["/properties/raster:bands"]


def test_a_part_that_is_no_object_is_named() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"]["dlm:architecture"] = ["unet", "resnet"]
    assert "/properties/dlm:architecture" in {note.pointer for note in of(item).dropped}


def test_properties_in_a_list_are_carried() -> None:
    item = copy.deepcopy(GOOD)
    item["properties"] = [item["properties"]]
    assert not [note for note in of(item).dropped if note.pointer.startswith("/properties")]
