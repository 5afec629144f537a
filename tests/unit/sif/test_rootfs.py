"""The digest of a root file system: what changes it, and what does not."""

from __future__ import annotations

from typing import Any

import pytest
from blake3 import blake3

from dlm_build.sif.rootfs import RootfsDigest, as_tar
from dlm_build.unpacking.tar_entries import Entry

ROWS: tuple[tuple[Entry, bytes], ...] = (
    (Entry("a", "folder", 0o755), b""),
    (Entry("a/b", "file", 0o644, 4), b"text"),
    (Entry("a/l", "symlink", 0o777, 0, "b"), b""),
    (Entry("a/h", "hardlink", 0o644, 0, "a/b"), b""),
)


def digest(*rows: tuple[Entry, bytes]) -> str:
    made = RootfsDigest()
    for _ in as_tar(((entry, iter((data,))) for entry, data in rows), made):
        pass
    return made.digest()


def test_it_is_what_the_documentation_says() -> None:
    text = blake3(b"text").hexdigest()
    rows = (
        ("a", "folder", "755", ""),
        ("a/b", "file", "644", text),
        ("a/h", "file", "644", text),
        ("a/l", "symlink", "777", "b"),
    )
    told = "".join("\0".join(row) + "\n" for row in rows)
    assert digest(*ROWS) == "blake3:" + blake3(told.encode()).hexdigest()


def test_the_order_does_not_count() -> None:
    assert digest(*ROWS) == digest(ROWS[1], ROWS[3], ROWS[2], ROWS[0])


@pytest.mark.parametrize("path", [
    "", ".singularity.d", ".singularity.d/env/x.sh", ".run", "environment", "dev/null", "proc", "tmp", "dlm/in",
    "etc/hosts", "var/tmp",
])  # fmt: skip
def test_what_only_engines_have_does_not_count(path: str) -> None:
    assert digest(*ROWS, (Entry(path, "folder", 0o700), b"")) == digest(*ROWS)


@pytest.mark.parametrize("path", ["tmp/x", "etc/host", "dlm/in/x", "developer", "root/.bashrc"])
def test_what_a_model_could_see_counts(path: str) -> None:
    assert digest(*ROWS, (Entry(path, "file", 0o644, 0), b"")) != digest(*ROWS)


@pytest.mark.parametrize(("row", "changed"), [
    (0, {"mode": 0o700}), (1, {"mode": 0o4755}), (1, {"path": "a/c"}), (2, {"target": "c"}), (0, {"kind": "file"}),
])  # fmt: skip
def test_mode_path_kind_and_target_count(row: int, changed: dict[str, Any]) -> None:
    rows = list(ROWS[:3])
    before = digest(*rows)
    rows[row] = (rows[row][0]._replace(**changed), rows[row][1])
    assert digest(*rows) != before


def test_content_counts() -> None:
    assert digest(*ROWS[:3]) != digest(ROWS[0], (ROWS[1][0], b"tex7"), ROWS[2])
