"""One table for all who read the names of models' files: whoever asks, the same name means the same."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from dlm_build.hrefs import read_href
from dlm_build.items import read_item
from dlm_build.items.mlm.artifacts import read_artifact
from dlm_build.records import Item
from dlm_build.weight_files import BY_SUFFIX, SINGLE_SUFFIXES, WEIGHT_SUFFIXES, suffix_of
from tests.unit.checking.made import changed, check, codes
from tests.unit.items.samples_of_mlm import MLM


@pytest.mark.parametrize("suffix", BY_SUFFIX)
def test_what_is_called_as_a_model_is_a_file_beside_the_item(suffix: str) -> None:
    """And no name in a program, such as `package.module`."""
    assert read_href(f"model{suffix}").kind == "local"
    assert "model-has-no-address" not in codes(check(changed(assets__model__href=f"./model{suffix}")))


def mlm(href: str) -> Item:
    """Whose model is the file there, and who says no more of it: no type, no framework, no code."""
    item: dict[str, Any] = copy.deepcopy(MLM)
    del item["properties"]["mlm:framework"], item["properties"]["mlm:framework_version"], item["assets"]["code"]
    item["assets"]["model"] = {"href": href, "roles": ["mlm:model"]}
    return read_item(json.dumps(item), "https://example.org/shore.json")


@pytest.mark.parametrize(
    ("href", "suffix"),
    [
        ("https://example.org/m.ONNX?download=1#x", ".onnx"),
        ("m.weights.h5", ".weights.h5"),
        ("https://example.org/data.zarr/", ".zarr"),
        (".onnx", ""),
        ("https://example.org/m", ""),
        ("m.", ""),
    ],
)
def test_the_suffix_of_an_address(href: str, suffix: str) -> None:
    assert suffix_of(href) == suffix


def test_a_suffix_stands_once_and_what_is_found_is_a_models() -> None:
    assert len(BY_SUFFIX) == len(set(BY_SUFFIX)) and set(WEIGHT_SUFFIXES) < set(SINGLE_SUFFIXES) <= set(BY_SUFFIX)
    assert not [row for row in BY_SUFFIX.values() if row.kind == "archive" and (row.found or row.whole or row.sure)]


def test_a_torchscript_file_tells_its_framework_as_its_weights_do() -> None:
    item = mlm("https://example.org/shore.torchscript")
    assert item.runtime.framework == "PyTorch"
    assert {finding.code for finding in item.findings} >= {"framework-from-artifact"}


@pytest.mark.parametrize("suffix", [".pkl", ".pickle"])
def test_a_pickle_is_one_however_its_name_is_spelled(suffix: str) -> None:
    assert read_artifact(f"https://example.org/model{suffix}", None, None).kind == "pickled"
    assert "weights-need-code" in {finding.code for finding in mlm(f"https://example.org/model{suffix}").findings}


def test_a_store_is_no_model_with_a_slash_behind_it_either() -> None:
    assert "weights-are-data" in codes(check(changed(assets__model__href="https://example.org/scenes.zarr/")))
