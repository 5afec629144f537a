from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlm_build.harness.results import write_result


class Tensor:
    """As much of a torch tensor on a device as the writer touches."""

    def detach(self) -> Tensor:
        return self

    cpu = detach

    def numpy(self) -> Any:
        return np.ones((2, 3), np.float32)


class Array:
    """As much of an MXNet array as the writer touches."""

    def asnumpy(self) -> Any:
        return np.ones(4)


@pytest.mark.parametrize(
    ("result", "name"),
    [
        (b"II*\0rest", "x.tif"), (b"MM\0*rest", "x.tif"), (b"II+\0rest", "x.tif"), (b"\x89PNG\r\n\x1a\nrest", "x.png"),
        (b"\xff\xd8\xff\xe0", "x.jpg"), (b"\x93NUMPYrest", "x.npy"), (b"PK\x03\x04rest", "x.npz"),
        (b'{"a": 1}', "x.json"), (b"plain words", "x.txt"), (b"\x80\x81", "x.bin"), ("[1, 2]", "x.json"),
        ("words", "x.txt"), (bytearray(b"II*\0"), "x.tif"), ({"a": 1}, "x.json"), ([0.5], "x.json"), (3, "x.json"),
        (np.zeros(2), "x.npy"), (np.float32(0.5), "x.json"), (Tensor(), "x.npy"), (Array(), "x.npy"),
    ],
)  # fmt: skip
def test_the_kind_is_told_by_the_content(tmp_path: Path, result: Any, name: str) -> None:
    write_result(result, tmp_path, "x")
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_arrays_inside_json_become_lists(tmp_path: Path) -> None:
    write_result({"boxes": np.eye(2), "n": np.int64(3), "t": Tensor(), "s": {2, 1}}, tmp_path, "x")
    said = json.loads((tmp_path / "x.json").read_text())
    assert said == {"boxes": [[1, 0], [0, 1]], "n": 3, "t": [[1, 1, 1], [1, 1, 1]], "s": [1, 2]}


def test_none_and_files_already_there_add_nothing(tmp_path: Path) -> None:
    (tmp_path / "done.txt").write_text("x")
    write_result(None, tmp_path, "x")
    write_result(str(tmp_path / "done.txt"), tmp_path, "x")
    assert [path.name for path in tmp_path.iterdir()] == ["done.txt"]


def test_what_is_neither_is_named(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="the model returned a object, which is neither an array nor JSON"):
        write_result([object()], tmp_path, "x")


def test_object_arrays_are_not_pickled(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="pickle"):
        write_result(np.array([{}], dtype=object), tmp_path, "x")
