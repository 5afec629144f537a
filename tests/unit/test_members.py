from __future__ import annotations

import pytest

from dlm_build.members import find_member, members_named, normalised
from dlm_build.records import Member

ROWS = [
    Member(path=path, size=1, sha256="0" * 64)
    for path in ("a.tif", "x/a.tif", "x/b.tif", "y/c.tif", "z/c.tif", "deep/down/d.tif")
]


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("a.tif", "a.tif"),
        ("./x//a.tif", "x/a.tif"),
        ("x\\b.tif", "x/b.tif"),
        ("b.tif", "x/b.tif"),
        ("elsewhere/d.tif", "deep/down/d.tif"),
        ("/deep/down/d.tif", "deep/down/d.tif"),
        ("c.tif", None),
        ("q/a.tif", None),
        ("down", None),
        ("x", None),
        ("", None),
        (".", None),
        ("/", None),
    ],
)
def test_by_path_else_by_the_only_base_name(name: str, path: str | None) -> None:
    found = find_member(ROWS, name)
    assert (found.path if found else None) == path


def test_all_of_a_base_name() -> None:
    assert [member.path for member in members_named(ROWS, "c.tif")] == ["y/c.tif", "z/c.tif"]
    assert members_named(ROWS, "") == ()


def test_the_spelling_of_members() -> None:
    assert normalised(" ./a//b/./c ") == "a/b/c"
