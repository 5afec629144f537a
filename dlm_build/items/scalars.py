"""Typed readers of single fields that matter: ItemInvalid with the pointer, or a value within its bounds.

A text that certainly means the value (`"3"`, `"true"`, `"1/255"`) is taken, with a finding.
"""

from __future__ import annotations

import math
import re

from dlm_build.errors import shown
from dlm_build.findings.reading import ListAsText, NotABoolean, NotAList, NumberAsText, SurroundingSpaces
from dlm_build.items.document import Number, described
from dlm_build.items.limits import NUMBER, number_problem
from dlm_build.items.node import Node

_MEANT = "write the number that the model was made with, or leave the field out"
_BETWEEN = re.compile(r"\s*+[,;]\s*+|\s++")
_DECIMAL_COMMA = re.compile(r"[0-9],[0-9]")
_LONGEST = 1000
"""Characters of a text that is read as a list."""
_FRACTION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)\s?/\s?([0-9]{1,9}(?:\.[0-9]{1,9})?)")


def text(node: Node, example: str) -> str | None:
    """A text, surrounding spaces and line breaks removed; a number gives its own text. Anything else is ItemInvalid."""
    value = node.value
    if value is None:
        return None
    if isinstance(value, str):
        stripped = value.strip(" \t\r\n")
        if stripped != value:
            node.find(SurroundingSpaces)
        return stripped
    if isinstance(value, Number):
        return value.raw
    raise node.invalid(f"must be a text, but is {described(value)}", f'write "{example}"')


def boolean(node: Node) -> bool | None:
    if node.value is None or isinstance(node.value, bool):
        return node.value
    raw = node.value.raw if isinstance(node.value, Number) else node.value
    word = raw.strip().lower() if isinstance(raw, str) else ""
    if word in ("true", "yes", "on", "1", "false", "no", "off", "0"):
        value = word in ("true", "yes", "on", "1")
        node.find(NotABoolean, found=described(node.value), value=str(value).lower())
        return value
    raise node.invalid(f"must be true or false, but is {described(node.value)}", "write true or false")


def integer(node: Node, low: int, high: int) -> int | None:
    """A whole number from `low` to `high`."""
    number = node.value
    if number is None:
        return None
    exact = float(raw := number.raw if isinstance(number, Number) else _number_text(node, _whole(low, high)))
    if exact.is_integer() and abs(exact) < 2**53:
        value = int(exact)
        if low <= value <= high:
            return value
    raise node.invalid(f"must be {_whole(low, high)}, but is {shown(raw, 40)}", _MEANT)


def _whole(low: int, high: int) -> str:
    return f"a whole number from {low} to {high}"


def real(node: Node, low: float, high: float, example: str = "") -> float | None:
    """A finite number from `low` to `high`."""
    number = node.value
    if number is None:
        return None
    if isinstance(number, Number):
        value = float(number.raw)
    elif isinstance(number, str) and (parts := _FRACTION.fullmatch(number.strip())) and float(parts[2]):
        value = float(parts[1]) / float(parts[2])
        node.find(NumberAsText, found=described(number), value=repr(value))
    else:
        value = float(_number_text(node, "a number"))
    if math.isfinite(value) and low <= value <= high:
        return value
    fix = f"write {example}" if example else _MEANT
    raise node.invalid(f"must be a number from {low:g} to {high:g}, but is {value!r}", fix)


def reals(node: Node, low: float, high: float, example: str) -> tuple[float, ...]:
    """A list of numbers; one number alone is a list of one."""
    numbers = _numbers(node)
    if numbers and low <= min(numbers) and max(numbers) <= high:
        return tuple(numbers)
    values = [real(row, low, high) for row in _rows(node, "numbers", example)]
    return tuple(value for value in values if value is not None)


def integers(node: Node, low: int, high: int, example: str) -> tuple[int, ...]:
    numbers = _numbers(node)
    if numbers and low <= min(numbers) and max(numbers) <= high and all(map(float.is_integer, numbers)):
        return tuple(map(int, numbers))
    values = [integer(row, low, high) for row in _rows(node, "whole numbers", example)]
    return tuple(value for value in values if value is not None)


def _numbers(node: Node) -> list[float]:
    """Of a list in which all are written as such; of any other, none."""
    values = node.values()
    numbers = [float(value.raw) for value in values if isinstance(value, Number)]
    return numbers if len(numbers) == len(values) else []


def _rows(node: Node, what: str, example: str) -> list[Node]:
    if isinstance(node.value, Number):
        node.find(NotAList, found=node.value.raw)
        return [node]
    if isinstance(node.value, str):
        node = _listed(node, node.value)
    if node.value is not None and not isinstance(node.value, list):
        raise node.invalid(f"must be a list of {what}, but is {described(node.value)}", f"write {example}")
    rows = node.rows()
    for row in rows:
        if row.value is None:
            raise row.invalid(f"must be one of {what}, but is empty", f"write {example}")
    return rows


def _listed(node: Node, text: str) -> Node:
    """A text of numbers as the list of them; itself where any of its words is none."""
    words = _BETWEEN.split(text.strip().removeprefix("[").removesuffix("]").strip()) if len(text) <= _LONGEST else []
    if not words or not all(NUMBER.fullmatch(word) and not number_problem(word) for word in words):
        return node
    if _DECIMAL_COMMA.search(text) and not all("." in word for word in words):
        return node  # it may be one number
    node.find(ListAsText, found=described(text), value=f"[{', '.join(words)}]")
    return Node(node.log, node.pointer, [Number(word) for word in words])


def _number_text(node: Node, what: str) -> str:
    """Of a number that is written as a text."""
    match node.value:
        case str(value) if len(value) <= 40 and NUMBER.fullmatch(value.strip()):
            node.find(NumberAsText, found=described(value), value=value.strip())
            return value.strip()
        case other:
            raise node.invalid(f"must be {what}, but is {described(other)}", "write a number without quotes")
