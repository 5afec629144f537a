"""NetCDF's classic formats, written here byte for byte."""

from __future__ import annotations

import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from dlm_build.judging.netcdf import read_netcdf

GIB = 1 << 30
TYPES = {"i1": 1, "S1": 2, ">i2": 3, ">i4": 4, ">f4": 5, ">f8": 6}
Written = tuple[str, Sequence[int], str, dict[str, Any], bytes]
"""A variable: name, dimensions, type, attributes, and its bytes; of one with records those of one after the other."""


class Classic:
    """A file of a version, with `records` along its first dimension."""

    def __init__(self, version: int = 1, records: int = 2) -> None:
        self.version, self.records = version, records
        self.dimensions = [("time", 0), ("x", 3)]

    def count(self, number: int) -> bytes:
        return struct.pack(">Q" if self.version == 5 else ">I", number)

    def padded(self, raw: bytes) -> bytes:
        return raw + bytes(-len(raw) % 4)

    def name(self, name: str) -> bytes:
        return self.count(len(name)) + self.padded(name.encode())

    def listed(self, kind: int, members: Sequence[bytes]) -> bytes:
        return struct.pack(">I", kind if members else 0) + self.count(len(members)) + b"".join(members)

    def attribute(self, name: str, value: Any) -> bytes:
        kind, raw = ("S1", value.encode()) if isinstance(value, str) else (value.dtype.str, value.tobytes())
        count = len(raw) if kind == "S1" else value.size
        return self.name(name) + struct.pack(">I", TYPES[kind]) + self.count(count) + self.padded(raw)

    def variable(self, written: Written, start: int) -> bytes:
        name, along, dtype, said, raw = written
        place = struct.pack(">I" if self.version == 1 else ">Q", start)
        told = self.listed(12, [self.attribute(*one) for one in said.items()])
        dimensions = self.count(len(along)) + b"".join(map(self.count, along))
        return self.name(name) + dimensions + told + struct.pack(">I", TYPES[dtype]) + self.count(len(raw)) + place

    def header(self, variables: Sequence[Written], starts: Sequence[int]) -> bytes:
        dimensions = self.listed(10, [self.name(name) + self.count(length) for name, length in self.dimensions])
        history = self.listed(12, [self.attribute("history", "written today")])
        found = self.listed(11, [self.variable(one, start) for one, start in zip(variables, starts, strict=True)])
        return b"CDF" + bytes([self.version]) + self.count(self.records) + dimensions + history + found

    def write(self, path: Path, *variables: Written) -> Path:
        """Those with records have to come last."""
        at, starts = len(self.header(variables, [0] * len(variables))), []
        added = [raw for _, along, _, _, raw in variables if list(along[:1]) == [0]]
        parts = [raw[: len(raw) // self.records] for raw in added]
        for _, along, _, _, raw in variables:
            starts.append(at)
            at += len(self.padded(raw[: len(raw) // self.records] if list(along[:1]) == [0] else raw))
        fixed = [self.padded(raw) for _, along, _, _, raw in variables if list(along[:1]) != [0]]
        alone = len(added) == 1
        rows = [
            raw[row * len(part) : (row + 1) * len(part)] if alone else self.padded(raw[row * len(part) :][: len(part)])
            for row in range(self.records)
            for raw, part in zip(added, parts, strict=True)
        ]
        path.write_bytes(self.header(variables, starts) + b"".join((*fixed, *rows)))
        return path


X = np.array([0.5, 1.5, 2.5], ">f8")
RAIN = np.arange(6, dtype=">f4").reshape(2, 3)
FLAGS = np.array([[1, 2, 3], [4, 5, 6]], "i1")
SHORT = np.arange(6, dtype=">i2").reshape(2, 3)


def scene() -> list[Written]:
    return [
        ("x", [1], ">f8", {"units": "m", "long_name": "easting"}, X.tobytes()),
        ("crs", [], ">i4", {"spatial_ref": "here"}, np.array(7, ">i4").tobytes()),
        ("name", [1], "S1", {}, b"abc"),
        ("rain", [0, 1], ">f4", {"_FillValue": np.array([-9], ">f4")}, RAIN.tobytes()),
        ("flags", [0, 1], "i1", {}, FLAGS.tobytes()),
    ]


@pytest.mark.parametrize("version", [1, 2, 5])
def test_variables_are_read_with_what_is_said_of_them(tmp_path: Path, version: int) -> None:
    found = read_netcdf(Classic(version).write(tmp_path / "out.nc", *scene()), GIB)
    assert found is not None
    values = {one.name: one.values.tolist() for one in found}
    assert values == {"x": X.tolist(), "crs": 7, "name": [b"a", b"b", b"c"], "rain": RAIN.tolist(),
                      "flags": FLAGS.tolist()}  # fmt: skip
    said = {one.name: one.said for one in found if one.said}
    assert said == {"x": {"units": "m"}, "crs": {"spatial_ref": "here"}, "rain": {"_FillValue": [-9.0]}}
    assert [one.name for one in found if one.is_scale] == ["x"]


def test_the_records_of_one_variable_lie_side_by_side(tmp_path: Path) -> None:
    found = read_netcdf(Classic().write(tmp_path / "out.nc", ("n", [0, 1], ">i2", {}, SHORT.tobytes())), GIB) or []
    assert [one.values.tolist() for one in found] == [SHORT.tolist()]


def test_records_that_nobody_counted_are_compared_as_a_whole(tmp_path: Path) -> None:
    path = Classic().write(tmp_path / "out.nc", *scene())
    path.write_bytes(path.read_bytes()[:4] + b"\xff" * 4 + path.read_bytes()[8:])
    assert read_netcdf(path, GIB) is None


def test_a_broken_file_is_told_wherever_it_breaks(tmp_path: Path) -> None:
    """Cut anywhere, and with any byte of the header turned to ones."""
    path = Classic().write(tmp_path / "out.nc", *scene())
    whole, told = path.read_bytes(), set()
    for place in range(4, len(whole)):
        for raw in (whole[:place], whole[:place] + b"\xff" + whole[place + 1 :]):
            path.write_bytes(raw)
            try:
                read_netcdf(path, GIB)
            except ValueError as problem:
                told.add(str(problem).partition(" ")[0])
    assert {"its", "decodes", "rain"} <= told


def test_more_than_may_be_decoded_is_told(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="decodes to 61 bytes, more than 60"):
        read_netcdf(Classic().write(tmp_path / "out.nc", *scene()), 60)
