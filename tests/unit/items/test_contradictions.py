"""What an item says twice, differently, whatever its dialect; those of numbers are in test_tensors."""

from __future__ import annotations

import pytest

from .samples_of_items import DATA, DOCKER, INPUTS, OUTPUTS, RUNTIME, codes, found, read, read_spoiled, spoiled


@pytest.mark.parametrize(
    ("path", "value", "named"),
    [
        (f"{RUNTIME}model_handler", "mxnet_vision_service:handle", "MXNet"),
        (f"{DOCKER}image_name", "docker.io/me/keras-coast", "TensorFlow"),
        (f"{RUNTIME}framework", "TensorFlow", None),
    ],
)
def test_a_framework_that_is_named_differently(path: str, value: str, named: str | None) -> None:
    item = read_spoiled(path, value)
    if named is None:
        assert codes(item) == set()
        return
    finding = found(item, "contradiction-framework")
    assert finding.pointer == f"/{path}" and finding.severity == "warning"
    assert named in finding.message and "PyTorch" in finding.message and finding.evidence == named


@pytest.mark.parametrize("value", ["torch_handler.py:handle", "onnx_or_torch.py:handle", "handler.py:infer"])
def test_a_handler_that_fits_the_framework(value: str) -> None:
    assert codes(read_spoiled(f"{RUNTIME}model_handler", value)) == set()


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("Takes tiles of 128x128 pixels.", "128 by 128"),
        ("Input of 224 by 224 px, trained on images of 10980 x 10980", "224 by 224"),
        ("The patches are 32×32", "32 by 32"),
    ],
)
def test_a_description_with_another_size_of_the_input(text: str, size: str) -> None:
    finding = found(read_spoiled("properties/description", text), "contradiction-input-size")
    assert finding.pointer == "/properties/description"
    assert size in finding.message and "64 by 64" in finding.message


@pytest.mark.parametrize(
    "text",
    [
        "Takes tiles of 64 x 64 pixels, cut from images of 10980x10980.",
        "A network with 3x3 kernels and 512x2 filters.",
        "Version 1.20x10 of the tile reader",
        "Trained on tiles.\nThe kernel is 16x16",
    ],
)
def test_a_description_that_says_nothing_else(text: str) -> None:
    assert codes(read_spoiled("properties/description", text)) == set()


@pytest.mark.parametrize("name", ["mean", "std"])
def test_two_different_normalisations(name: str) -> None:
    item = read_spoiled(f"{INPUTS}normalization", {name: [0.3, 0.4]})
    finding = found(item, f"contradiction-{name}")
    assert finding.pointer == f"/{INPUTS}normalization/{name}"
    assert f"/{INPUTS}normalization:{name}" in finding.message
    kept = item.inputs.mean if name == "mean" else item.inputs.std
    assert str(list(kept)) in finding.message


def test_the_same_normalisation_twice_is_none() -> None:
    assert codes(read_spoiled(f"{INPUTS}normalization", {"mean": [0.1, 0.2]})) == set()


def test_the_sides_alone_of_a_map() -> None:
    assert codes(read_spoiled(f"{OUTPUTS}final_layer_size", [64, 64])) == set()
    assert codes(read_spoiled(f"{OUTPUTS}final_layer_size", [32, 32])) == {"contradiction-output-size"}


def test_the_classes_of_a_classifier() -> None:
    item = spoiled(f"{OUTPUTS}task", "classification")
    item["properties"]["dlm:outputs"]["final_layer_size"] = [1, 3]
    assert codes(read(item)) == {"contradiction-final-layer-classes"}


def test_both_lists_of_bands_counted_from_one_are_mended_at_once() -> None:
    item = spoiled(f"{INPUTS}selected_bands", [1, 2, 3])
    item["properties"]["dlm:data"] |= {
        "number_of_bands": 3, "useful_bands": [{"index": 1}, {"index": 2}, {"index": 3}],
    }  # fmt: skip
    places = [one.pointer for one in read(item).findings if one.code == "contradiction-selected-bands"]
    assert places == [f"/{INPUTS}selected_bands", f"/{DATA}useful_bands"]
    item["properties"]["dlm:inputs"]["selected_bands"] = [0, 1, 2]
    assert "contradiction-useful-bands" not in codes(read(item))
