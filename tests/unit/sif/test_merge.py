"""Layers over each other: what hides what, against a plain model that applies layer after layer to a tree of names."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dlm_build.sif.layers import FixedLayer
from dlm_build.sif.merge import OPAQUE, merged
from dlm_build.sif.rootfs import RootfsDigest, as_tar
from dlm_build.unpacking.tar_entries import BrokenLayer, Entry
from tests.unit.sif.tars import Row, layer, read_back


def names(tmp_path: Path, *layers: tuple[Row, ...]) -> dict[str, tuple[str, int, str]]:
    made = [layer(tmp_path, *rows) for rows in layers]
    found = read_back(as_tar(merged(made), RootfsDigest()))
    return {path: told for path, told in found.items() if path}


def test_an_upper_file_replaces_and_a_whiteout_removes(tmp_path: Path) -> None:
    found = names(
        tmp_path,
        (("folder", "etc", ""), ("file", "etc/a", "old"), ("file", "etc/b", "b"), ("file", "etc/c", "c")),
        (("folder", "etc", ""), ("file", "etc/a", "new"), ("file", "etc/.wh.b", "")),
    )
    assert found == {"etc": ("folder", 0o755, ""), "etc/a": ("file", 0o644, "new"), "etc/c": ("file", 0o644, "c")}


def test_a_folder_that_was_removed_and_made_again_is_empty_of_the_old(tmp_path: Path) -> None:
    lower = (("folder", "a", ""), ("file", "a/x", ""), ("folder", "a/sub", ""), ("file", "a/sub/y", ""))
    again = (("file", ".wh.a", ""), ("folder", "a", ""), ("file", "a/z", ""))
    opaque = (("folder", "a", ""), ("file", f"a/{OPAQUE}", ""), ("file", "a/z", ""))
    assert set(names(tmp_path, lower, again)) == set(names(tmp_path, lower, opaque)) == {"a", "a/z"}


def test_a_file_in_place_of_a_folder_hides_what_was_in_it(tmp_path: Path) -> None:
    assert names(tmp_path, (("folder", "a", ""), ("file", "a/x", "")), (("symlink", "a", "b"),)) == {
        "a": ("symlink", 0o644, "b")
    }


def test_the_upper_entry_of_a_folder_decides_its_mode(tmp_path: Path) -> None:
    low, high = (
        layer(tmp_path, ("folder", "a", ""), ("file", "a/x", "")),
        FixedLayer(((Entry("a", "folder", 0o700), b""),)),
    )
    found = read_back(as_tar(merged([low, high]), RootfsDigest()))
    assert found["a"] == ("folder", 0o700, "")
    assert "a/x" in found


def test_folders_nobody_names_are_made(tmp_path: Path) -> None:
    assert names(tmp_path, (("file", "a/b/c", ""),)).keys() == {"a", "a/b", "a/b/c"}


def test_a_link_whose_file_is_hidden_keeps_the_old_content(tmp_path: Path) -> None:
    low = (("file", "one", "old"), ("hardlink", "two", "one"), ("hardlink", "three", "one"))
    assert names(tmp_path, low)["two"] == ("hardlink", 0o644, "one")
    found = names(tmp_path, low, (("file", "one", "new"),))
    assert (found["one"][2], found["two"], found["three"]) == ("new", ("file", 0o644, "old"), ("file", 0o644, "old"))


def test_a_link_to_a_file_of_a_lower_layer_is_a_file_of_its_own(tmp_path: Path) -> None:
    found = names(tmp_path, (("file", "one", "text"),), (("hardlink", "two", "one"),))
    assert found["two"] == ("file", 0o644, "text")


def test_devices_hide_and_are_left_out(tmp_path: Path) -> None:
    assert names(tmp_path, (("file", "x", "old"),), (("device", "x", ""), ("fifo", "y", ""))) == {}


@pytest.mark.parametrize(("layers", "said"), [
    (((("file", "a", "1"), ("file", "a", "2")),), "a layer has a twice"),
    (((("hardlink", "a", "b"),),), "a is a link to nothing"),
    (((("symlink", "lib", "usr/lib"),), (("file", "lib/x", ""),)), "writes below lib"),
])  # fmt: skip
def test_what_cannot_be_merged_is_refused(layers: Any, said: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenLayer, match=said):
        names(tmp_path, *layers)


PATHS = st.sampled_from(["a", "b", "a/x", "a/y", "a/s/t", "b/x", "a/s"])
STEPS = st.lists(st.tuples(st.sampled_from(["put", "folder", "remove", "empty"]), PATHS), max_size=6)


def applied(tree: dict[str, str], number: int, steps: list[tuple[str, str]]) -> list[tuple[Entry, bytes]]:
    """Do `steps` to `tree` (path → content, or "/" for a folder) as a build would; the layer that says so."""
    before = dict(tree)
    for kind, path in steps:
        parents = ["/".join(path.split("/")[: n + 1]) for n in range(path.count("/"))]
        if kind in ("put", "folder"):
            for parent in parents:
                if tree.get(parent, "/") != "/":
                    _drop(tree, parent)
                tree[parent] = "/"
            if kind == "put":
                _drop(tree, path)
                tree[path] = f"{number}"
            elif tree.get(path) != "/":
                _drop(tree, path)
                tree[path] = "/"
        else:
            _drop(tree, path)
    return _difference(before, tree)


def _drop(tree: dict[str, str], path: str) -> None:
    for name in [name for name in tree if name == path or name.startswith(f"{path}/")]:
        del tree[name]


def _difference(before: dict[str, str], after: dict[str, str]) -> list[tuple[Entry, bytes]]:
    rows: dict[str, tuple[Entry, bytes]] = {}
    for path in sorted(before):
        if path not in after and all(parent in after for parent in _parents(path)):
            folder, _, name = path.rpartition("/")
            gone = f"{folder}/.wh.{name}".lstrip("/")
            rows[gone] = (Entry(gone, "file", 0o644), b"")
    for path, told in after.items():
        if before.get(path) != told:
            kind: Any = "folder" if told == "/" else "file"
            data = b"" if told == "/" else told.encode()
            rows[path] = (Entry(path, kind, 0o755, len(data)), data)
    return [rows[path] for path in sorted(rows)]


def _parents(path: str) -> list[str]:
    return ["/".join(path.split("/")[: n + 1]) for n in range(path.count("/"))]


@settings(max_examples=300, deadline=None)
@given(st.lists(STEPS, min_size=1, max_size=4))
def test_merging_gives_what_applying_layer_after_layer_gives(builds: list[list[tuple[str, str]]]) -> None:
    tree: dict[str, str] = {}
    layers = [FixedLayer(tuple(applied(tree, number, steps))) for number, steps in enumerate(builds)]
    found = read_back(as_tar(merged(layers), RootfsDigest()))
    assert {path: "/" if kind == "folder" else told for path, (kind, _, told) in found.items() if path} == tree
