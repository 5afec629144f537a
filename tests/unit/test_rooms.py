"""What a room says of itself: its docstring's list of modules has every one that lies in it."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "dlm_build"
WITHOUT = {"findings"}
"""Rooms whose docstring says what those have in common that it does not name."""


def listing(room: Path) -> str:
    """The docstring from the heading of its list of modules on; empty where it has none."""
    doc = ast.get_docstring(ast.parse((room / "__init__.py").read_text("utf-8"))) or ""
    found = re.search(r"^module +(?:what it knows|sink)$", doc, re.MULTILINE)
    return doc[found.end() :] if found else ""


ROOMS = [path.parent for path in sorted(PACKAGE.rglob("__init__.py")) if listing(path.parent)]


@pytest.mark.parametrize("room", [room for room in ROOMS if room.name not in WITHOUT], ids=lambda room: room.name)
def test_every_module_of_a_room_is_in_its_list(room: Path) -> None:
    modules = {path.stem for path in room.glob("*.py")} - {"__init__"}
    rooms = {path.parent.name for path in room.glob("*/__init__.py")}
    assert not {name for name in modules | rooms if not re.search(rf"\b{name}\b", listing(room))}


def test_most_large_rooms_have_one() -> None:
    assert {"catalogues", "checking", "hrefs", "items", "judging", "migrating"} <= {room.name for room in ROOMS}
