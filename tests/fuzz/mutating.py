"""Changes of an item that leave it JSON, so that a fuzzer gets past the parser: other values in other places."""

from __future__ import annotations

import copy
import json
import random
from pathlib import Path
from typing import Any

_OTHERS: tuple[Any, ...] = (
    None, True, False, 0, -1, 1, 7, 1.5, 65536, 65537, 9007199254740992, 1e+18, 1e-12, [], {}, [[]], [{}], [None],
    ["x"], [1], [0.5, 0.5], {"a": 1}, {"0": "x"}, {"name": "x"}, ["batch", "bands", "height", "width"], [-1, 3,
    64, 64], [0],
)  # fmt: skip
_ODD = (
    "", " ", "\n", "\x00", "\ud800", "\u202e", "\u2028", "\x1b[2J", "\xe9", "e\u0301", "C:\\x", "a\\b",
)  # fmt: skip
_HERE = Path(__file__).parent
KEYS = (_HERE / "keys.txt").read_text("ascii").split("\n")[:-1]
TEXTS = (*_ODD, *(_HERE / "values.txt").read_text("ascii").split("\n")[:-1])
VALUES = (*_OTHERS, *TEXTS)
_MOST = 60_000
"""Characters of a text that is taken apart."""


def mutated(data: bytes, seed: int) -> bytes | None:
    """Another item; None where `data` is no JSON object or list."""
    if len(data) > _MOST:
        return None
    try:
        item = json.loads(data)
    except (ValueError, RecursionError):
        return None
    if not isinstance(item, dict | list):
        return None
    dice = random.Random(seed)
    for _ in range(dice.choice((1, 1, 1, 2, 3))):
        _change(item, dice)
    return json.dumps(item, ensure_ascii=dice.random() < 0.9).encode("utf-8", "surrogatepass")


def _change(item: Any, dice: random.Random) -> None:
    places = _places(item)
    holder = dice.choice(places)
    keys: list[Any] = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    kind = dice.randrange(6)
    if kind == 0 or not keys:
        _add(holder, _value(places, dice), dice)
    elif kind == 1:
        del holder[dice.choice(keys)]
    elif kind == 2 and isinstance(holder, dict):
        holder[dice.choice(KEYS)] = holder.pop(dice.choice(keys))
    elif kind == 3:
        key = dice.choice(keys)
        holder[key] = _spoiled(holder[key], dice)
    else:
        holder[dice.choice(keys)] = _value(places, dice)


def _add(holder: Any, value: Any, dice: random.Random) -> None:
    if isinstance(holder, dict):
        holder[dice.choice(KEYS)] = value
    else:
        holder.insert(dice.randrange(len(holder) + 1), value)


def _spoiled(value: Any, dice: random.Random) -> Any:
    """The same, somewhat changed."""
    if isinstance(value, str):
        put, at = dice.choice(TEXTS), dice.randrange(len(value) + 1)
        return value[:at] + put + value[at + dice.randrange(2) :]
    if isinstance(value, int | float):
        return dice.choice((-value, value + 1, str(value), [value], value * 2**40))
    return [value] if dice.random() < 0.5 else list(value.values()) if isinstance(value, dict) else {"x": value}


def _value(places: list[Any], dice: random.Random) -> Any:
    return copy.deepcopy(dice.choice(places) if dice.random() < 0.2 else dice.choice(VALUES))


def _places(value: Any) -> list[Any]:
    """Every object and list in it, itself first; not more than matter."""
    found: list[Any] = []
    waiting = [value]
    while waiting and len(found) < 500:
        one = waiting.pop()
        found.append(one)
        inner = one.values() if isinstance(one, dict) else one
        waiting.extend(part for part in inner if isinstance(part, dict | list))
    return found
