"""What an item says twice, differently. Each is a finding of its own; which side is right, nobody here decides."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from math import inf
from types import MappingProxyType
from typing import NamedTuple

from dlm_build.findings import contradictions as kinds
from dlm_build.items.node import Node
from dlm_build.records import Finding, Inputs, Item, Outputs, Record


class Declared(Record, frozen=True, kw_only=True):
    """All that is compared."""

    inputs: Inputs
    outputs: Outputs
    useful_bands: tuple[int, ...] = ()
    eo_bands: int | None = None
    """How many bands `eo:bands` lists."""
    one_label_a_pixel: bool = False
    """Whether the final layer is known to have no dimension for classes."""
    layer_has_sides: bool | None = None
    """Whether its last two dimensions are known to be, or not to be, height and width; None: their number tells."""


class Places(NamedTuple):
    """The objects in which a dialect keeps these fields."""

    inputs: Node
    outputs: Node
    data: Node
    shape: Node
    renamed: Mapping[str, tuple[Node, str]] = MappingProxyType({})
    """Fields that a dialect keeps elsewhere, by the name they have in DLM."""

    def pointer(self, part: Node, name: str) -> str:
        part, name = self.renamed.get(name, (part, name))
        return part.at(name).pointer


def contradictions(declared: Declared, at: Places) -> tuple[Finding, ...]:
    """Among inputs, outputs and data."""
    return (
        *_bands(declared, at),
        *_channels(declared.inputs, at),
        *_classes(declared, at),
        *_sides(declared, at),
    )


def _bands(declared: Declared, at: Places) -> Iterator[Finding]:
    inputs = declared.inputs
    count, selected = inputs.number_of_bands, inputs.selected_bands
    if count is not None and declared.eo_bands not in (None, count):
        yield kinds.ContradictionBandCount.at(
            at.pointer(at.data, "number_of_bands"), found=count, other=declared.eo_bands
        )
    if not selected:
        return
    place, listed = at.pointer(at.inputs, "selected_bands"), at.pointer(at.data, "useful_bands")
    useful, last = declared.useful_bands, inf if count is None else count - 1
    for bands, where in ((selected, place), (useful, listed)):
        if bands and max(bands) > last:
            yield kinds.ContradictionSelectedBands.at(where, found=max(bands), other=count, last=last)
    if useful and useful != selected and max(useful) <= last:
        yield kinds.ContradictionUsefulBands.at(place, found=list(selected), other=list(useful), place=listed)


def _channels(inputs: Inputs, at: Places) -> Iterator[Finding]:
    channels = inputs.channels
    if channels is None:
        return
    counts = (
        (kinds.ContradictionChannelsSelectedBands, len(inputs.selected_bands), (0, channels)),
        (kinds.ContradictionChannelsMean, len(inputs.mean), (0, 1, channels)),
        (kinds.ContradictionChannelsStd, len(inputs.std), (0, 1, channels)),
    )
    for kind, count, right in counts:
        if count not in right:
            yield kind.at(at.pointer(at.shape, "channels"), found=channels, other=count)


def _classes(declared: Declared, at: Places) -> Iterator[Finding]:
    outputs = declared.outputs
    count, layer = outputs.number_of_classes, outputs.final_layer_size
    if count is not None and outputs.classes and len(outputs.classes) != count:
        place = at.pointer(at.outputs, "number_of_classes")
        yield kinds.ContradictionClassCount.at(place, found=count, other=len(outputs.classes))
    channels = layer[1] if len(layer) > 1 else layer[0] if layer else -1
    sides_only = declared.one_label_a_pixel or (len(layer) == 2 and _is_map(outputs))
    if count is not None and channels > 1 and channels != count and not sides_only:
        place = at.pointer(at.outputs, "final_layer_size")
        yield kinds.ContradictionFinalLayerClasses.at(place, found=count, other=channels)


def _sides(declared: Declared, at: Places) -> Iterator[Finding]:
    """A map of the scene should be as large as the scene."""
    layer, inputs = declared.outputs.final_layer_size, declared.inputs
    has_sides = len(layer) in (2, 4) if declared.layer_has_sides is None else declared.layer_has_sides
    if not _is_map(declared.outputs) or not has_sides:
        return
    wanted, given = (inputs.height, inputs.width), layer[-2:]
    if None not in wanted and -1 not in given and given != wanted:
        place = at.pointer(at.outputs, "final_layer_size")
        yield kinds.ContradictionOutputSize.at(place, found=_by(given), other=_by(wanted))


def _is_map(outputs: Outputs) -> bool:
    return "segmentation" in (outputs.task or "")


def _by(sides: Iterable[object]) -> str:
    return " by ".join(map(str, sides))


# --- what any dialect may say twice -----------------------------------------------------------------------------------

_FRAMEWORKS = {
    "pytorch": "PyTorch", "torch": "PyTorch", "torchvision": "PyTorch", "torchserve": "PyTorch",
    "torchgeo": "PyTorch", "lightning": "PyTorch", "tensorflow": "TensorFlow", "tf": "TensorFlow",
    "keras": "TensorFlow", "mxnet": "MXNet", "gluon": "MXNet", "onnx": "ONNX", "onnxruntime": "ONNX", "jax": "JAX",
    "flax": "JAX", "paddle": "PaddlePaddle", "paddlepaddle": "PaddlePaddle", "caffe": "Caffe", "sklearn":
    "scikit-learn", "catboost": "CatBoost", "xgboost": "XGBoost", "lightgbm": "LightGBM",
}  # fmt: skip
"""Words that name a framework wherever they stand."""
_SIZE = re.compile(r"(?<![\w.])(\d{2,5})\s{0,2}(?:[x×*]|by)\s{0,2}(\d{2,5})(?![\w.])")
_MAY_BE_A_SIZE = re.compile(r"\d\s{0,2}(?:[x×*]|by)\s{0,2}\d")
_OF_THE_INPUT = re.compile(r"\b(?:input|tile|patch|patche|chip|crop|window|image)s?\b", re.IGNORECASE)


def disagreements(item: Item) -> tuple[Finding, ...]:
    """Between parts of an item that every dialect has: the framework, and the size of the input."""
    return (*_frameworks(item), *_size_in_text(item))


def _frameworks(item: Item) -> Iterator[Finding]:
    """A handler or an image that is named after another framework."""
    declared = _named(item.runtime.framework or "")
    if not declared:
        return
    docker = item.runtime.docker
    places = ((item.pointers.handler, item.runtime.handler), (item.pointers.image, docker.image_name))
    for pointer, text in places:
        others = _named(text or "")
        if others and not declared & others:
            found = " and ".join(sorted(others))
            yield kinds.ContradictionFramework.at(pointer, found=found, other=item.runtime.framework)


@lru_cache(maxsize=256)
def _named(text: str) -> frozenset[str]:
    words = re.findall(r"[a-z]+", text.lower())
    return frozenset(_FRAMEWORKS[word] for word in words if word in _FRAMEWORKS)


def _size_in_text(item: Item) -> Iterator[Finding]:
    """A description that gives the input another size than its fields do."""
    wanted = (item.inputs.height, item.inputs.width)
    text = (item.description or "")[:4000]
    if None in wanted or not _MAY_BE_A_SIZE.search(text):
        return
    sentences = re.split(r"[.;\n](?:\s|\Z)", text)
    sizes = [
        (int(found[1]), int(found[2]))
        for sentence in sentences
        if _OF_THE_INPUT.search(sentence)
        for found in _SIZE.finditer(sentence)
    ]
    if sizes and wanted not in sizes:
        place = "/properties/description"
        yield kinds.ContradictionInputSize.at(place, found=_by(sizes[0]), other=_by(wanted))
