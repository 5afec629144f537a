"""Whatever stands in any field, and whatever the text: an Item that can be written, or an error a user can read."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items import read_item
from dlm_build.records import Item, from_json, to_json

from .samples_of_items import GOOD, spoiled


def paths(value: Any, path: str = "") -> list[str]:
    if isinstance(value, dict):
        return [p for key in value for p in (f"{path}{key}", *paths(value[key], f"{path}{key}/"))]
    if isinstance(value, list):
        return [p for index, one in enumerate(value) for p in (f"{path}{index}", *paths(one, f"{path}{index}/"))]
    return []


PATHS = sorted(paths(GOOD))
HOSTILE = [
    "\n",
    '"',
    "$(id)",
    "{{ x }}",
    "# syntax=evil",
    "\0",
    "\ud800",
    "\x1b[2J",
    "\u202e",
    "../..",
    "/etc/passwd",
    "1/0",
    "1e999",
    "9" * 400,
    "-",
    "://",
    "https://[",
    "https://\u2100",
    "C:",
    "~",
    "'",
    "`",
    "\\",
    " ",
    "NaN",
    "٣",
    "²",
]
TEXTS = st.one_of(st.text(max_size=40), st.sampled_from(HOSTILE), st.lists(st.sampled_from(HOSTILE)).map("".join))
SCALARS = st.one_of(TEXTS, st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False))
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=6
)


def check(text: str, origin: str = "item") -> None:
    """Any exception but the two fails the test with its traceback."""
    try:
        item = read_item(text, origin)
    except (ItemInvalid, ItemHostile) as error:
        assert error.message.startswith("item")
        assert all(line.isprintable() for line in str(error).split("\n")), str(error)
        assert len(str(error)) < 2000
    else:
        assert from_json(Item, to_json(item)) == item
        assert all(f.message.isprintable() and f.pointer.isprintable() and f.hint.isprintable() for f in item.findings)


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), value=TEXTS)
def test_any_text_in_any_field(path: str, value: str) -> None:
    check(json.dumps(spoiled(path, value)))


@settings(max_examples=400, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_in_any_field(path: str, value: object) -> None:
    check(json.dumps(spoiled(path, value)))


@settings(max_examples=100, deadline=2000, suppress_health_check=[HealthCheck.too_slow])
@given(path=st.sampled_from(PATHS), value=VALUES)
def test_any_value_in_any_field_from_a_url(path: str, value: object) -> None:
    check(json.dumps(spoiled(path, value)), "item://example.org/a/item.json")


@settings(max_examples=300, deadline=2000)
@given(text=st.text(max_size=60))
@example(text='a: "\\UFFFFFFFF"')
@example(text="{")
@example(text="%YAML 9.9\n---\n")
@example(text='{"a": 1,,}')
@example(text="&a")
def test_any_text_at_all(text: str) -> None:
    check(text)


@settings(max_examples=300, deadline=2000)
@given(text=st.text(alphabet="{}[]:,\"'\\ \n\t-?!&*|>%@`#abn01.eu~<=/", max_size=60))
def test_any_punctuation(text: str) -> None:
    check(text)


@settings(max_examples=100, deadline=2000)
@given(cut=st.integers(min_value=0, max_value=5000), put=TEXTS)
def test_a_cut_or_spoiled_document(cut: int, put: str) -> None:
    text = json.dumps(GOOD, indent=1)
    check(text[:cut])
    check(text[:cut] + put + text[cut:])


@pytest.mark.parametrize("path", PATHS)
def test_every_field_may_be_missing_or_null(path: str) -> None:
    if not path.rpartition("/")[2].isdigit():
        check(json.dumps(spoiled(path)))
    check(json.dumps(spoiled(path, None)))
