"""What is written as usual is read quickly: with the same result as everything else, which is read with care."""

from __future__ import annotations

import hashlib
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from dlm_build.errors import ItemInvalid
from dlm_build.items.display import display_text, text_of
from dlm_build.items.document import Document, Number, Value, _canonical, digest
from dlm_build.items.mlm.scaling import Scaling, read_scaling
from dlm_build.items.node import Node
from dlm_build.items.scalars import integers, reals

_TEXTS = st.text(max_size=12) | st.text(st.characters(codec="ascii"), max_size=12) | st.sampled_from(("\ud800", "\x7f"))
_NUMBERS = st.floats(allow_nan=False, allow_infinity=False).map(repr) | st.integers().map(str)
_PLAIN = st.none() | st.booleans() | _TEXTS | _NUMBERS.map(Number)
_VALUES = st.recursive(
    _PLAIN, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4), max_leaves=12
)
_STEPS = {"z-score": ("mean", "stddev"), "min-max": ("minimum", "maximum")}


def _node(value: Any) -> Node:
    return Node.root(Document(origin="-", value=value, places=dict))


@given(_VALUES)
def test_a_digest_is_of_the_canonical_json(value: Value) -> None:
    assert digest(value) == hashlib.sha256(_canonical(value).encode("ascii")).hexdigest()


@given(st.lists(st.tuples(st.sampled_from(list(_STEPS)), _NUMBERS, _NUMBERS), min_size=1, max_size=3))
def test_a_step_is_the_same_with_a_field_that_says_nothing(steps: list[tuple[str, str, str]]) -> None:
    usual = [
        {"type": kind, _STEPS[kind][0]: Number(first), _STEPS[kind][1]: Number(second)} for kind, first, second in steps
    ]
    careful = [row | {"comment": "another field"} for row in usual]
    assert _scaling({"value_scaling": usual}) == _scaling({"value_scaling": careful})


def _scaling(fields: dict[str, Any]) -> Scaling | tuple[str, str]:
    try:
        return read_scaling(_node(fields))
    except ItemInvalid as error:
        return error.message, error.hint


@given(st.lists(st.integers(-9, 99), min_size=1, max_size=4))
def test_numbers_are_the_same_where_one_is_a_text(numbers: list[int]) -> None:
    usual: list[Any] = [Number(str(number)) for number in numbers]
    careful = [*usual[:-1], str(numbers[-1])]
    assert integers(_node(usual), -9, 99, "") == integers(_node(careful), -9, 99, "") == tuple(numbers)
    assert reals(_node(usual), -9, 99, "") == reals(_node(careful), -9, 99, "") == tuple(map(float, numbers))


@given(_VALUES, _VALUES)
def test_a_text_is_that_of_the_first_member_that_says_something(first: Value, second: Value) -> None:
    quick, careful = _node({"a": first, "b": second}), _node({"a": first, "b": second})
    said = next((node for node in (careful.at("a"), careful.at("b")) if not node.absent), careful.at("a"))
    assert text_of(quick, "a", "b") == display_text(said)
    assert quick.log.findings == careful.log.findings
