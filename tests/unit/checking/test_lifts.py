"""What `to reach B` lists is all that it takes: pasted as told, the item has the grade that was promised."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

import pytest

from dlm_build.checking.records import LETTERS, Lift
from tests.unit.checking.made import COMMIT, changed, check
from tests.unit.items.samples_of_mlm import MLM

Item = dict[str, Any]
RUNTIME = "properties__dlm:runtime"
LESS: tuple[dict[str, Any], ...] = (
    {"assets__model__file:checksum": None},
    {f"{RUNTIME}__model_commit_hash": None},
    {f"{RUNTIME}__model_handler": None},
    {f"{RUNTIME}__requirement_file": None, "properties__dlm:archive": []},
    {"properties__dlm:data__test_file": None},
    {"properties__dlm:data__test_file": "sample.tif"},
)
PAGES = (
    "https://huggingface.co/me/m/blob/main/model.zip",
    "https://github.com/me/m/blob/main/model.zip",
    "https://gitlab.com/me/m/-/blob/main/model.zip",
    "https://bitbucket.org/me/m/src/main/model.zip",
    "https://codeberg.org/me/m/src/branch/main/model.zip",
    "hf://me/m/model.zip",
    "https://huggingface.co/me/m/resolve/main/model.zip",
    "https://github.com/me/m/releases/latest/download/model.zip",
    "https://www.dropbox.com/s/x/model.zip?dl=0",
    "[model](https://huggingface.co/me/m/resolve/main/model.zip)",
    "example.org/model.zip",
)


def cases() -> Iterator[Item]:
    for count in (1, 2, 3):
        for less in combinations(LESS, count):
            changes = {path: value for one in less for path, value in one.items()}
            yield changed(**changes)
    for page in PAGES:
        yield changed(assets__model__href=page)
        yield changed(**{"assets__model__href": page, "assets__model__file:checksum": None})
        yield changed(**{"assets__model__href": page, "assets__model__file:checksum": None} | LESS[1] | LESS[2])
    for gone in ("code", "environment", "test", "expected"):
        item = copy.deepcopy(MLM)
        item["assets"].pop(gone, None)
        yield item


# --- doing what a lift says --------------------------------------------------------------------------------------


def _written(item: Item, lift: Lift, found: re.Match[str]) -> None:
    _set(item, lift.pointer, found[1])


def _at_a_commit(item: Item, lift: Lift, found: re.Match[str]) -> None:
    model = item["assets"]["model"]
    if f"/{found[1]}/" in model["href"]:
        model["href"] = model["href"].replace(f"/{found[1]}/", f"/{COMMIT}/").replace("/branch/", "/commit/")
    else:
        model["file:checksum"] = "1220" + "0f" * 32


def _checksum(item: Item, lift: Lift, found: re.Match[str]) -> None:
    item["assets"]["model"]["file:checksum"] = "1220" + "0f" * 32


def _in_dlm(item: Item, lift: Lift, found: re.Match[str]) -> None:
    place = found[2] or lift.pointer.split("/")[2]
    item["properties"][place] |= json.loads(f"{{{found[1]}}}")


def _source(item: Item, lift: Lift, found: re.Match[str]) -> None:
    item["properties"]["dlm:runtime"] |= {"model_src_url": found[1], "model_commit_hash": COMMIT}


def _commit(item: Item, lift: Lift, found: re.Match[str]) -> None:
    item["properties"]["dlm:runtime"]["model_commit_hash"] = COMMIT


def _an_asset(item: Item, lift: Lift, found: re.Match[str]) -> None:
    asset = json.loads(found[1].replace("<40 hex digits>", COMMIT))
    item["assets"][f"added-{len(item['assets'])}"] = asset


def _entry_point(item: Item, lift: Lift, found: re.Match[str]) -> None:
    for asset in item["assets"].values():
        if "code" in asset["roles"]:
            asset["mlm:entrypoint"] = found[1]


DOING: tuple[tuple[str, Callable[[Item, Lift, re.Match[str]], None]], ...] = (
    (r'write "([^"]+)"$', _written),
    (r"name a commit in place of ([^,]+),", _at_a_commit),
    (r'add "file:checksum"', _checksum),
    (r'add "model_src_url": "([^"]+)" and "model_commit_hash"', _source),
    (r'add "model_commit_hash": "…"', _commit),
    (r'(?:add|write) ("(?:model_handler|requirement_file|test_file)": .+?)(?: (?:to|in) (dlm:\w+)|, both)', _in_dlm),
    (r'(?:as )?an asset(?: "[\w-]+":)? (\{.+\})', _an_asset),
    (r'add "mlm:entrypoint": "([^"]+)"', _entry_point),
)


def _set(item: Item, pointer: str, value: str) -> None:
    *above, last = pointer.split("/")[1:]
    place = item
    for name in above:
        place = place[name]
    place[last] = value


def done(item: Item, lifts: tuple[Lift, ...]) -> None:
    """All of them; each a thing that can be done by what it says alone."""
    for lift in lifts:
        steps = [(found, do) for form, do in DOING if (found := re.search(form, lift.fix))]
        assert steps, f"nothing to paste in: {lift.fix}"
        for found, do in sorted(steps, key=lambda step: step[1] is _entry_point):
            do(item, lift, found)


@pytest.mark.parametrize("item", list(cases()))
def test_all_of_it_leads_to_the_grade_that_is_promised(item: Item) -> None:
    for _ in range(3):
        now = check(item).grade
        if now.next is None:
            return
        done(item, now.lifts)
        after = check(item).grade
        assert LETTERS.index(after.letter) <= LETTERS.index(now.next), [lift.fix for lift in after.lifts]
    assert check(item).grade.letter == "A"
