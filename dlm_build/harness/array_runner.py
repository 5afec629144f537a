"""Models that are a function from tensors to tensors (ONNX, TorchScript): the harness does the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from . import tensors
from .contract import Contract, HarnessError
from .environment import wants_gpu
from .pictures import TIFF_SUFFIXES, Picture, can_write_tiff, read_picture, write_tiff
from .results import write_array, write_json


class Model:
    """What both kinds come down to. `shape` is None where the model does not say what it takes."""

    def __init__(self, run: Callable[[Any], list[Any]], shape: Sequence[Any] | None, dtype: str = "float32") -> None:
        self.run = run
        self.shape = shape
        self.dtype = dtype


def run_arrays(contract: Contract, kind: str, inputs: list[Path], output: Path) -> None:
    """Load the model once, then read, run and write each input."""
    if kind == "onnx":
        from .onnx_model import load_onnx

        model = load_onnx(contract, wants_gpu())
    else:
        from .torchscript_model import load_torchscript

        model = load_torchscript(contract, wants_gpu())
    for path in inputs:
        run_one(contract, model, path, output)


def run_one(contract: Contract, model: Model, path: Path, output: Path) -> None:
    """One file through the model, in the units and order the item declares."""
    picture = read_picture(path)
    tensor, bands_last = tensors.batched(tensors.selected(picture.array, contract.inputs), model.shape)
    results = [_first_scene(result, tensor.shape[0]) for result in model.run(tensor.astype(model.dtype))]
    if not results:
        raise HarnessError("the model returned nothing")
    task = str(contract.outputs.get("task") or "")
    if task == "semantic segmentation" and _is_map(results[0]):
        _write_labels(contract, picture, results[0], bands_last, output / path.stem)
    elif "classification" in task and results[0].size == max(results[0].shape, default=1):
        _write_scores(contract, results[0].reshape(-1), output / (path.stem + ".json"))
    else:
        _write_others(picture, results, bands_last, path, output)


def _first_scene(result: Any, batch: int) -> Any:
    array = np.asarray(result)
    return array[0] if array.ndim and array.shape[0] == batch else array


def _is_map(scores: Any) -> bool:
    """Scores per pixel for more than one class, or labels; a single map of real numbers is neither."""
    if scores.ndim == 3 and 1 in (scores.shape[0], scores.shape[-1]):
        return bool(scores.dtype.kind in "iub")
    return scores.ndim == 3 or (scores.ndim == 2 and scores.dtype.kind in "iub")


def _write_labels(contract: Contract, picture: Picture, scores: Any, bands_last: bool, stem: Path) -> None:
    dont_care = contract.outputs.get("dont_care_index")
    labels = tensors.label_map(scores, bands_last, contract.outputs.get("number_of_classes"), dont_care)
    mask = tensors.nodata_mask(picture.array, contract.inputs.get("nodata"))
    if mask is not None and dont_care is not None:
        if mask.shape == labels.shape:
            labels[mask] = dont_care
        elif mask.any():
            print("dlm: the labels have another size than the input; its nodata is not marked", file=sys.stderr)
    if can_write_tiff():
        write_tiff(stem.with_name(stem.name + ".tif"), labels, picture, dont_care)
    else:
        write_array(stem.with_name(stem.name + ".npy"), labels)


def _write_scores(contract: Contract, scores: Any, path: Path) -> None:
    """Scores by class name where the item names every class once, else as a list in the model's order."""
    names = {int(row["index"]): str(row["name"]) for row in contract.outputs.get("classes") or ()}
    values = [float(score) for score in scores]
    labels = [names.get(number, "") for number in range(len(values))]
    for number in tensors.best(scores):
        print(f"dlm: class {number} {labels[number]}: {values[number]:g}", file=sys.stderr)
    if all(labels) and len(set(labels)) == len(labels):
        write_json(path, {label: values[number] for number, label in enumerate(labels)})
    else:
        write_json(path, values)


def _write_others(picture: Picture, results: list[Any], bands_last: bool, path: Path, output: Path) -> None:
    for number, result in enumerate(results):
        name = path.stem if len(results) == 1 else f"{path.stem}.{number}"
        bands = np.moveaxis(result, -1, 0) if bands_last and result.ndim == 3 else result
        spatial = bands.ndim in (2, 3) and bands.shape[-2:] == picture.array.shape[-2:]
        if spatial and path.suffix.lower() in TIFF_SUFFIXES and can_write_tiff():
            write_tiff(output / (name + ".tif"), bands.astype(np.float32), picture)
        else:
            write_array(output / (name + ".npy"), result)
