"""The archives the benchmarks measure with."""

from __future__ import annotations

import hashlib
import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

from tests.benchmarks.archive import ARCHIVE, CHUNK, LARGE, WEIGHTS, Members, other_weights, write_large
from tests.stack.shell import StackError


def test_other_weights_differ_in_one_byte_of_the_numbers() -> None:
    numbers = np.linspace(0.5, 1.5, 4096, dtype="<f4").tobytes()
    weights = b"\xff" * 1000 + numbers + b"\xff" * 1001
    changed = other_weights(weights)
    places = [at for at, (old, new) in enumerate(zip(weights, changed, strict=True)) if old != new]
    assert len(places) == 1
    assert 1000 <= places[0] < 1000 + len(numbers)
    assert (places[0] - 1000) % 4 == 0, "the last bits of a number, not its exponent"


def test_other_weights_of_the_example_are_as_good_as_the_same() -> None:
    weights = Members().content[WEIGHTS]
    assert len(other_weights(weights)) == len(weights)
    assert other_weights(weights) != weights


def test_a_file_without_numbers_is_refused() -> None:
    with pytest.raises(StackError, match="no trained numbers"):
        other_weights(bytes(100_000))


def test_the_large_archive_is_sparse_whole_and_sealed(tmp_path: Path) -> None:
    size = 4 * CHUNK + 5
    item = json.loads(write_large(tmp_path / "large", size).read_text())
    archive = tmp_path / "large" / ARCHIVE
    with zipfile.ZipFile(archive) as opened:
        assert opened.testzip() is None
        assert opened.getinfo(LARGE).file_size == size
        assert set(opened.namelist()) == {LARGE, *Members().content}
    asset = item["assets"]["model_archive"]
    assert asset["file:size"] == archive.stat().st_size
    assert asset["file:checksum"] == "1220" + hashlib.sha256(archive.read_bytes()).hexdigest()
    assert archive.stat().st_blocks * 512 < size // 4
