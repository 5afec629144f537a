"""Positions of JSON values, looked up one by one, against a parser that keeps them all."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlm_build.items.document import Position, child
from dlm_build.items.loading.json_places import JsonPlaces


def values(texts: st.SearchStrategy[str]) -> st.SearchStrategy[object]:
    return st.recursive(
        st.none() | st.booleans() | st.integers() | texts,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
        max_leaves=20,
    )


PLAIN = values(st.text(st.sampled_from("ab~/ :,{}[]"), max_size=2))
"""Written without an escape, and often with one key in several objects."""
ANY = values(st.text(st.sampled_from('ab~/" \n\\:,{}[]é\ud800🛰'), max_size=4))


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


@given(
    value=PLAIN | ANY,
    indent=st.none() | st.integers(0, 3),
    spaces=st.sampled_from(["", " ", "\n\t "]),
    escaped=st.booleans(),
)
def test_every_value_is_found_where_it_is_written(
    value: object, indent: int | None, spaces: str, escaped: bool
) -> None:
    separators = (f"{spaces},{spaces}", f"{spaces}:{spaces}")
    text = spaces + json.dumps(value, indent=indent, separators=separators, ensure_ascii=escaped) + spaces
    places, wanted = JsonPlaces(text), every_value(value)
    assert set(places) == set(wanted) and len(places) == len(wanted)
    for pointer, inner in wanted.items():
        assert JsonPlaces(text)[pointer] == places[pointer]
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


def test_a_key_that_stands_in_an_object_inside_too() -> None:
    text = '{"b": {"a": 1, "c": "d"},\n "a" : "a",\n "d": {"x": {"c":\n2}}}'
    assert JsonPlaces(text)["/a"] == Position(line=2, column=2)
    assert JsonPlaces(text)["/b/a"] == Position(line=1, column=8)
    assert JsonPlaces(text)["/d"] == Position(line=3, column=2)
    assert JsonPlaces(text)["/d/x/c"] == Position(line=3, column=14)
    assert JsonPlaces(text).get("/c") is None


def test_halves_of_surrogate_pairs() -> None:
    """Which the standard library reads, and UTF-8 cannot say."""
    for half in ("\\ud800", "\ud800"):
        places = JsonPlaces(f'{{"{half}": ["{half}"],\n "a": ["{half}", {{"b": 1}}]}}')
        assert places["/a/1/b"] == Position(line=2, column=13 + len(half))
