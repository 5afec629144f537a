"""Models that are a function from tensors to tensors (ONNX, TorchScript): the harness does the rest."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from . import tensors
from .contract import Contract, HarnessError
from .environment import wants_gpu
from .pictures import TIFF_SUFFIXES, Picture, can_write_tiff, holds_several, read_arrays, read_picture, write_tiff
from .results import write_array, write_json

ARRAY_FORMS = (".npy", ".npz")


class Model:
    """What both kinds come down to. `shape` is None where the model does not say what it takes."""

    def __init__(
        self,
        run: Callable[[Any], Mapping[str, Any] | list[Any]],
        shape: Sequence[Any] | None,
        dtype: str = "float32",
        names: Sequence[str] = (),
        device: str = "cpu",
        inputs: Mapping[str, str | None] | None = None,
        optional: Sequence[str] = (),
        typed: bool = True,
    ) -> None:
        self.run = run
        """Gives the results in order, or by names where it knows them only then."""
        self.shape = shape
        self.dtype = dtype
        self.typed = typed
        """Whether anybody says so; else `dtype` is what it takes of real numbers, and it may take tokens."""
        self.names = names
        """Of the results, where the model gives them any."""
        self.device = device
        """`gpu` or `cpu`: where it really is, not where it was asked to be."""
        self.inputs = inputs or {}
        """Names and types (None: any) where it takes several at once; `run` then takes the arrays by name."""
        self.optional = optional
        """Which of these it can do without. With only one that it cannot, it takes a picture as well."""


class Answer(NamedTuple):
    """What the model made of one file."""

    picture: Picture
    results: list[Any]
    scenes: list[Any]
    """The first result, or each scene of it."""
    names: Sequence[str]
    """The model's own for the results; empty where it has none."""
    bands_last: bool = False


def run_arrays(contract: Contract, kind: str, inputs: list[Path], output: Path) -> str:
    """Load the model once, then read, run and write each input; returns the device it ran on."""
    if kind == "onnx":
        from .onnx_model import load_onnx

        model = load_onnx(contract, wants_gpu())
    else:
        from .torchscript_model import load_torchscript

        model = load_torchscript(contract, wants_gpu())
    for path in inputs:
        run_one(contract, model, path, output)
    return model.device


def run_one(contract: Contract, model: Model, path: Path, output: Path) -> None:
    """One file through the model, in the units and order the item declares; several inputs at once as they are."""
    answer = _of_several(model, path) if _takes_several(model, path) else _of_one(contract, model, path)
    stem, task = output / path.stem, contract.task
    scores = _scores(answer.results) if "classification" in task else None
    several = len(answer.results) > 1 and contract.form == ".npz"
    if task == "semantic segmentation" and _is_map(answer.scenes[0]):
        _write_labels(contract, answer, stem)
    elif scores is not None and not several:
        _write_scores(contract, scores, stem)
    elif contract.form in (".npz", ".json"):
        _write_whole(answer, contract.form, stem)
    else:
        placed = path.suffix.lower() in TIFF_SUFFIXES or answer.picture.crs is not None
        as_map = contract.form in TIFF_SUFFIXES or (placed and contract.form != ".npy")
        _write_others(answer, as_map, stem)


def _takes_several(model: Model, path: Path) -> bool:
    needed = len(model.inputs) - len(model.optional)
    return needed > 1 or (len(model.inputs) > 1 and holds_several(path))


def _of_one(contract: Contract, model: Model, path: Path) -> Answer:
    picture, shape, dtype = read_picture(path), model.shape, model.dtype
    if path.suffix.lower() in ARRAY_FORMS:
        if not model.typed and tensors.are_tokens(picture.array, contract.inputs):
            shape, dtype = shape or ("rows", "columns"), "int64"
        picture.array = tensors.bands_first(picture.array, shape, contract.inputs.get("channels"))
    given = _prepared(contract, picture.array, path, dtype)
    tensor, bands_last = tensors.batched(given, shape)
    names, results = _run(model, tensor.astype(dtype))
    # The rows of an array that has the model's own axes are the author's, whatever they are: all of them are wanted.
    whole = given.ndim == tensor.ndim and given.shape[:1] != (1,)
    if not whole:
        results = [_first_scene(result, tensor.shape[0]) for result in results]
    return Answer(picture, results, _scenes(results[0], whole and tensor.ndim >= 4), names, bands_last)


def _of_several(model: Model, path: Path) -> Answer:
    arrays = read_arrays(path, list(model.inputs), model.optional)
    print(f"dlm: the arrays of {path.name} are fed to the model as they are", file=sys.stderr)
    fed = {name: array.astype(model.inputs[name] or array.dtype) for name, array in arrays.items()}
    names, results = _run(model, fed)
    first = next(iter(arrays.values()))
    return Answer(Picture(first), results, _scenes(results[0], first.ndim >= 4), names)


def _run(model: Model, fed: Any) -> tuple[Sequence[str], list[Any]]:
    """The results and their names."""
    given = model.run(fed)
    if not given:
        raise HarnessError("the model returned nothing")
    if isinstance(given, Mapping):
        return list(given), [_array(result) for result in given.values()]
    return model.names, [_array(result) for result in given]


def _array(result: Any) -> Any:
    """Scores by their classes, which scikit-learn's classifiers give for each row, as a table in the classes' order;
    arrays of several shapes and nothing at all as objects, of which JSON can be made.
    """
    if isinstance(result, list) and result and all(isinstance(row, dict) for row in result):
        return np.array([list(row.values()) for row in result], dtype=np.float32)
    if isinstance(result, list) and len({np.shape(part) for part in result}) > 1:
        apart = np.empty(len(result), dtype=object)
        for number, part in enumerate(result):
            apart[number] = part
        return apart
    array = np.asarray(result)
    texts = array.dtype.kind == "O" and all(isinstance(text, str) for text in array.flat)
    return array.astype(str) if texts else array


def _scores(results: list[Any]) -> Any:
    """One number per class, after the label where a classifier gives that before; None where there are no such."""
    labelled = len(results) == 2 and results[0].dtype.kind in "iuU"
    scores = results[1] if labelled else results[0]
    return scores if scores.size == max(scores.shape, default=1) and scores.dtype.kind in "iuf" else None


def _scenes(result: Any, apart: bool) -> list[Any]:
    return list(result) if apart and result.ndim else [result]


def _prepared(contract: Contract, array: Any, path: Path, dtype: str) -> Any:
    """The bands as the item declares them. An array of real numbers with a batch axis is the model's own tensor."""
    if path.suffix.lower() in ARRAY_FORMS and array.ndim >= 4 and array.dtype.kind == "f":
        print(f"dlm: {path.name} has a batch axis and real numbers; it is fed to the model as it is", file=sys.stderr)
        return array
    return tensors.selected(array, contract.inputs, dtype)


def _first_scene(result: Any, batch: int) -> Any:
    return result[0] if result.ndim and result.shape[0] == batch else result


def _is_map(scores: Any) -> bool:
    """Scores per pixel for more than one class, or labels; a single map of real numbers is neither."""
    if scores.ndim == 3 and 1 in (scores.shape[0], scores.shape[-1]):
        return bool(scores.dtype.kind in "iub")
    return scores.ndim == 3 or (scores.ndim == 2 and scores.dtype.kind in "iub")


def _write_labels(contract: Contract, answer: Answer, stem: Path) -> None:
    """The labels of one scene, or of each."""
    picture, dont_care = answer.picture, contract.outputs.get("dont_care_index")
    classes = contract.outputs.get("number_of_classes")
    maps = [tensors.label_map(scores, answer.bands_last, classes, dont_care) for scores in answer.scenes]
    labels = maps[0] if len(maps) == 1 else np.stack(maps)
    mask = tensors.nodata_mask(picture.array, contract.inputs.get("nodata"))
    if mask is not None and dont_care is not None:
        if mask.shape == labels.shape:
            labels[mask] = dont_care
        elif mask.any():
            print("dlm: the labels have another size than the input; its nodata is not marked", file=sys.stderr)
    if can_write_tiff() and contract.form not in ARRAY_FORMS:
        write_tiff(_named(stem, ".tif"), labels, picture, dont_care)
    else:
        write_array(_named(stem, ".npy"), labels)


def _write_scores(contract: Contract, result: Any, stem: Path) -> None:
    """Scores by class name where the item names every class once, else as a list in the model's order.

    An array, as the model gave it, where the author shows one.
    """
    scores = result.reshape(-1)
    names = {int(row["index"]): str(row["name"]) for row in contract.outputs.get("classes") or ()}
    values = [float(score) for score in scores]
    labels = [names.get(number, "") for number in range(len(values))]
    for number in tensors.best(scores):
        print(f"dlm: class {number} {labels[number]}: {values[number]:g}", file=sys.stderr)
    if contract.form in ARRAY_FORMS:
        write_array(_named(stem, ".npy"), result)
    elif all(labels) and len(set(labels)) == len(labels):
        # In the model's order, which a comparison with a plain list needs.
        write_json(_named(stem, ".json"), {label: values[number] for number, label in enumerate(labels)}, ordered=True)
    else:
        write_json(_named(stem, ".json"), values)


def _write_whole(answer: Answer, form: str, stem: Path) -> None:
    """All results in one file, by the model's names for them."""
    results = answer.results
    named = len(set(answer.names)) == len(results)
    names = list(answer.names) if named else [f"arr_{number}" for number in range(len(results))]
    by_name = {names[number]: result for number, result in enumerate(results)}
    if form == ".json":
        # In the model's order, which a comparison with a plain list needs.
        whole = by_name if named else results
        write_json(_named(stem, form), results[0] if len(results) == 1 else whole, ordered=True)
        return
    _check_numbers(results)
    with _named(stem, form).open("wb") as target:
        np.savez_compressed(target, **by_name)


def _write_others(answer: Answer, as_map: bool, stem: Path) -> None:
    picture = answer.picture
    _check_numbers(answer.results)
    for number, result in enumerate(answer.results):
        name = stem if len(answer.results) == 1 else _named(stem, f".{number}")
        bands = np.moveaxis(result, -1, 0) if answer.bands_last and result.ndim == 3 else result
        spatial = bands.ndim in (2, 3) and bands.shape[-2:] == picture.array.shape[-2:]
        if spatial and as_map and can_write_tiff():
            write_tiff(_named(name, ".tif"), bands.astype(np.float32), picture)
        else:
            write_array(_named(name, ".npy"), result)


def _check_numbers(results: list[Any]) -> None:
    """Raises HarnessError for what only JSON can hold."""
    if any(result.dtype.kind in "OU" for result in results):
        text = "the model returned texts, or arrays of several shapes: show its expected output as .json"
        raise HarnessError(text)


def _named(stem: Path, suffix: str) -> Path:
    return stem.with_name(stem.name + suffix)
