"""Positions of JSON values, looked up one by one, against a parser that keeps them all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlm_build.items.document import Position, child
from dlm_build.items.loading.json_places import JsonPlaces

KEYS = st.text(st.sampled_from('ab~/" \n\\:,{}[]é'), max_size=4)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | KEYS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=20,
)


def every_value(value: object, pointer: str = "") -> dict[str, object]:
    found = {pointer: value}
    if isinstance(value, dict):
        for key, inner in value.items():
            found |= every_value(inner, child(pointer, key))
    if isinstance(value, list):
        for index, inner in enumerate(value):
            found |= every_value(inner, child(pointer, index))
    return found


def written_at(text: str, position: Position) -> str:
    return "\n".join(text.split("\n")[position.line - 1 :])[position.column - 1 :]


@given(value=VALUES, indent=st.none() | st.integers(0, 3), spaces=st.sampled_from(["", " ", "\n\t "]))
def test_every_value_is_found_where_it_is_written(value: object, indent: int | None, spaces: str) -> None:
    text = spaces + json.dumps(value, indent=indent, separators=(f"{spaces},{spaces}", f"{spaces}:{spaces}")) + spaces
    places, wanted = JsonPlaces(text), every_value(value)
    assert set(places) == set(wanted) and len(places) == len(wanted)
    for pointer, inner in wanted.items():
        rest = written_at(text, places[pointer])
        first, end = json.JSONDecoder().raw_decode(rest)
        if rest[end:].lstrip().startswith(":"):
            assert child(pointer.rpartition("/")[0], first) == pointer
            rest = rest[end:].lstrip().removeprefix(":").lstrip()
            first, _ = json.JSONDecoder().raw_decode(rest)
        assert first == inner


@pytest.mark.parametrize("pointer", ["/b", "/a/2", "/a/0/x", "/a/x", "a", "/", "//"])
def test_what_is_not_there(pointer: str) -> None:
    places = JsonPlaces('{"a": [1, {}]}')
    assert pointer not in places
    assert places.get(pointer) is None


def test_a_key_that_must_not_reach_a_terminal() -> None:
    assert JsonPlaces('{"\\u001b[2J": 1}')["/\\x1b[2J"] == Position(line=1, column=2)
