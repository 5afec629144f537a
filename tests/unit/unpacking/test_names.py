"""The grammar of member names."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid
from dlm_build.unpacking import names
from dlm_build.unpacking.names import DEPTH_LIMIT, Blame, NamesSeen, checked_name, folded

BLAME = Blame("m.mar")


@pytest.mark.parametrize(
    ("given_name", "plain"),
    [("a", "a"), ("a/b.txt", "a/b.txt"), ("./a/b", "a/b"), ("././a", "a"), (".", ""), (".hidden", ".hidden"),
     ("données/été.tif", "données/été.tif"), ("a b/c-d_e+f.pth", "a b/c-d_e+f.pth"), ("..a/b..c", "..a/b..c"),
     ("d/" * (DEPTH_LIMIT - 1) + "f", "d/" * (DEPTH_LIMIT - 1) + "f")],
)  # fmt: skip
def test_honest_names_pass(given_name: str, plain: str) -> None:
    assert checked_name(given_name, BLAME) == plain


@pytest.mark.parametrize(
    "name",
    ["../x", "../../etc/passwd", "a/../../x", "a/..", "..", "/etc/cron.d/x", "//x", "C:x", "c:/x", "..\\x", "a\\b",
     "a\0b", "a\nb", "\x1b[31m", "a\x7f", "a\x85b", "evil\u202egpj.exe", "zero\u200bwidth", "\ufeffbom", "a\u2028b",
     "d/" * DEPTH_LIMIT + "f"],
)  # fmt: skip
def test_attacks_are_hostile(name: str) -> None:
    with pytest.raises(ItemHostile, match=r"m\.mar"):
        checked_name(name, BLAME)


@pytest.mark.parametrize(
    "name", ["a//b", "a/./b", "x" * 256, "é" * 128, "/".join(["d" * 200] * 6), "a.", "a ", "dir./b", "-rf", "-x/y"]
)
def test_clumsy_names_are_invalid(name: str) -> None:
    with pytest.raises(ItemInvalid, match="member"):
        checked_name(name, BLAME)


def test_the_message_shows_the_name_escaped() -> None:
    with pytest.raises(ItemHostile) as caught:
        checked_name("a\x1b[2Jb", BLAME)
    assert "\x1b" not in str(caught.value) and "\\x1b" in str(caught.value)


@given(st.text(max_size=40))
def test_what_passes_stays_inside_and_passes_again(name: str) -> None:
    try:
        plain = checked_name(name, BLAME)
    except DlmBuildError:
        return
    parts = plain.split("/") if plain else []
    assert ".." not in parts and not plain.startswith("/") and "\\" not in plain
    assert not plain or checked_name(plain, BLAME) == plain  # "" is the archive's own top folder


@pytest.mark.parametrize("pair", [("A.txt", "a.txt"), ("é", "e\u0301"), ("straße", "STRASSE"), ("x", "x")])
def test_names_that_some_disk_takes_for_one(pair: tuple[str, str]) -> None:
    assert folded(pair[0]) == folded(pair[1])
    seen = NamesSeen(BLAME)
    seen.add(pair[0])
    with pytest.raises(ItemHostile, match="twice"):
        seen.add(pair[1])


@pytest.mark.parametrize("pair", [("a", "a/b"), ("a/b", "a"), ("a/b/c", "A/b"), ("a/b", "a/b/c/d"), ("a/b/c/d", "a/b")])
def test_a_file_that_is_also_a_folder(pair: tuple[str, str]) -> None:
    seen = NamesSeen(BLAME)
    seen.add(pair[0])
    with pytest.raises(ItemHostile, match="folder"):
        seen.add(pair[1])


def test_a_folder_is_kept_and_counted_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "NAMES_LIMIT", len("folder") + len("folder/inner") + 20 * len("folder/inner/00"))
    seen = NamesSeen(BLAME)
    for number in range(20):
        seen.add(f"folder/inner/{number:02}")
    with pytest.raises(ItemHostile, match="its names take more than"):
        seen.add("x")


def test_folders_of_their_own_for_every_file_have_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(names, "NAMES_LIMIT", 1 << 20)
    seen = NamesSeen(BLAME)
    with pytest.raises(ItemHostile, match="its names take more than"):
        for number in range(400):
            seen.add(f"{number:06}/" + "a/" * 62 + "f")
