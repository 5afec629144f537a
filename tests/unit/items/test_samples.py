"""The sample and its expected output, wherever they are named."""

from __future__ import annotations

from typing import Any

import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.records import DeclaredSample, Item

from .samples_of_items import DATA, codes, found, read, read_spoiled, spoiled

POINTER = "/properties/dlm:data/test_file"


def with_archive(rows: object, test_file: object = ...) -> Item:
    item: dict[str, Any] = spoiled("properties/dlm:archive", rows)
    if test_file is ...:
        del item["properties"]["dlm:data"]["test_file"]
    else:
        item["properties"]["dlm:data"]["test_file"] = test_file
    return read(item)


def row(name: str, *roles: str) -> dict[str, object]:
    return {"name": name, "roles": list(roles)}


def test_a_text() -> None:
    item = read_spoiled(f"{DATA}test_file", "in.tif")
    assert item.sample == DeclaredSample(input="in.tif", expected="out.tif", pointer=POINTER)
    assert codes(item) == {"expected-from-roles"}


def test_tolerances() -> None:
    test_file = {"filename": "in.tif", "output": "out.tif", "atol": 1e-5, "rtol": 0}
    sample = read_spoiled(f"{DATA}test_file", test_file).sample
    assert sample is not None and (sample.atol, sample.rtol) == (1e-5, 0.0)
    for bad in (-1, "x", [1], 1e30):
        with pytest.raises(ItemInvalid, match="test_file/atol"):
            read_spoiled(f"{DATA}test_file", test_file | {"atol": bad})


def test_one_file_under_two_paths() -> None:
    item = with_archive([row("./sub/256/in.tif", "test set"), row("net.pth", "model weight")], "in.tif")
    assert item.sample is not None and item.sample.input == "sub/256/in.tif"
    finding = found(item, "sample-path-inferred")
    assert (finding.severity, finding.pointer) == ("info", POINTER)
    assert '"sub/256/in.tif"' in finding.message


def test_a_base_name_that_fits_two_paths_is_left_alone() -> None:
    item = with_archive([row("a/in.tif"), row("b/in.tif")], "in.tif")
    assert item.sample is not None and item.sample.input == "in.tif"
    assert "sample-path-inferred" not in codes(item)


@pytest.mark.parametrize("role", ["test set", "Test_File", "sample", "test input"])
@pytest.mark.parametrize("expected", ["expected output", "test output", "Reference-Output"])
def test_from_the_roles_of_the_archive(role: str, expected: str) -> None:
    item = with_archive([row("a", role), row("b", expected), row("c", "model weight")])
    assert item.sample == DeclaredSample(input="a", expected="b", pointer=POINTER)
    assert codes(item) == {"sample-from-roles", "expected-from-roles"}
    assert "/properties/dlm:archive/0" in found(item, "sample-from-roles").message


def test_two_different_samples_are_a_contradiction() -> None:
    item = with_archive([row("a.tif", "test set"), row("b.tif")], "b.tif")
    assert item.sample is not None and item.sample.input == "b.tif"
    finding = found(item, "contradiction-sample")
    assert finding.severity == "warning" and '"a.tif"' in finding.message and '"b.tif"' in finding.message


def test_one_sample_under_two_folders_is_a_contradiction() -> None:
    item = with_archive([row("data/in.tif"), row("net.pth")], {"filename": "test/in.tif", "output": "out.tif"})
    assert item.sample is not None and item.sample.input == "test/in.tif"
    finding = found(item, "contradiction-sample")
    assert finding.evidence == "test/in.tif" and '"data/in.tif"' in finding.message


def test_no_sample_and_no_expected_output() -> None:
    item = with_archive([row("net.pth", "model weight")])
    assert item.sample is None
    assert found(item, "no-sample").severity == "warning"
    item = with_archive([row("net.pth")], "in.tif")
    assert item.sample is not None and item.sample.expected is None
    assert found(item, "no-expected-output").severity == "warning"


def test_the_sample_as_its_own_expected_output() -> None:
    with pytest.raises(ItemInvalid, match="are one file"):
        read_spoiled(f"{DATA}test_file", {"filename": "in.tif", "output": "./in.tif"})


def test_an_address_is_no_sample() -> None:
    item = with_archive([], "https://example.org/in.tif")
    assert item.sample is None
    assert codes(item) == {"sample-is-a-url", "no-sample"}


def test_a_list_of_samples() -> None:
    item = read_spoiled(f"{DATA}test_file", [{"filename": "in.tif", "output": "out.tif"}, {"filename": "b"}])
    assert item.sample == DeclaredSample(input="in.tif", expected="out.tif", pointer=f"{POINTER}/0")
    assert codes(item) == {"several-samples"}


@pytest.mark.parametrize("value", [5, True, [[1]]])
def test_wrong_types(value: object) -> None:
    with pytest.raises(ItemInvalid, match="test_file"):
        read_spoiled(f"{DATA}test_file", value)


@pytest.mark.parametrize("rows", ["net.pth", 5, [5], [["a"]]])
def test_an_archive_of_the_wrong_type(rows: object) -> None:
    with pytest.raises(ItemInvalid, match=r"/properties/dlm:archive"):
        with_archive(rows)


def test_other_shapes_of_the_archive() -> None:
    for rows in (
        ["net.pth"],
        {"net.pth": ["model weight"]},
        {"content": [row("net.pth")]},
        [{"filename": "./net.pth"}],
    ):
        assert [entry.name for entry in with_archive(rows).archive] == ["net.pth"]


def test_rows_without_a_name_and_twice() -> None:
    item = with_archive([{"roles": ["x"]}, row("a"), row("./a"), None])
    assert [entry.name for entry in item.archive] == ["a", "a"]
    assert found(item, "archive-row-without-name").severity == "warning"
    assert found(item, "archive-name-repeated").pointer == "/properties/dlm:archive/2"
