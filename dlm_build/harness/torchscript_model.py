"""A TorchScript archive through torch."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

from .array_runner import Model
from .contract import EXIT_INPUT, Contract, HarnessError, first_line

NUMBERS = {"int": int, "float": float, "bool": bool}  # type: dict[str, Callable[[Any], Any]]
"""What one number becomes for an input that is no tensor, by what the model's own code declares."""
WIDER = {"uint16": "int32", "uint32": "int64", "uint64": "int64"}
"""For the types that most releases of torch have not."""
WHOLE = ("bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64")
REAL = ("float16", "float32", "float64")


class Input:
    """One argument of the model's `forward`."""

    def __init__(self, name: str, kind: str, optional: bool) -> None:
        self.name = name
        self.optional = optional
        self.kind = kind[len("Optional[") : -1] if kind.startswith("Optional[") else kind
        self.shown = f"{name}: {kind}" + (" (optional)" if optional else "")


def load_torchscript(contract: Contract, gpu: bool) -> Model:
    """Load the module for inference, on the GPU where it is asked for and torch sees one."""
    try:
        torch = importlib.import_module("torch")
    except ImportError as problem:
        raise HarnessError(f"this container's environment lacks torch: {problem}") from problem
    on_gpu = gpu and torch.cuda.is_available()
    device = torch.device("cuda" if on_gpu else "cpu")
    weights = contract.weights((".pt", ".pth", ".ts", ".jit"))
    try:
        module = torch.jit.load(str(weights), map_location=device)
    except (RuntimeError, ValueError) as problem:
        text = "{} is not TorchScript; weights alone, or a pickled model, need a `model_handler` that loads them ({})"
        raise HarnessError(text.format(weights.name, first_line(problem))) from problem
    module.eval()
    inputs, real = inputs_of(module), real_type(module)

    def given(array: Any) -> Any:
        kind = (real if array.dtype.kind == "f" else WIDER.get(array.dtype.name)) or array.dtype
        return torch.from_numpy(array.astype(kind)).to(device)

    def run(fed: Any) -> dict[str, Any] | list[Any]:
        with torch.no_grad():
            if isinstance(fed, dict):
                kinds = {one.name: one for one in inputs}
                return results_of(module(**{name: _value(kinds[name], fed[name], given) for name in fed}))
            return results_of(module(_value(inputs[0], fed, given) if inputs else given(fed)))

    names = {one.name: None for one in inputs} if len(inputs) > 1 else {}  # type: dict[str, str | None]
    optional = [one.name for one in inputs if one.optional and names]
    axes, dtype = _declared(contract, real)
    where = "gpu" if on_gpu else "cpu"
    return Model(run, axes, dtype or real or "float32", (), where, names, optional, dtype is not None)


def inputs_of(module: Any) -> list[Input]:
    """What the model's own code says it takes; nothing where it does not say. Raises HarnessError where no file of
    arrays can be that.
    """
    schema = getattr(getattr(module, "forward", None), "schema", None)
    arguments = list(schema.arguments)[1:] if schema is not None else []  # without self
    inputs = [Input(str(one.name), str(one.type), bool(one.has_default_value())) for one in arguments]
    strange = [one for one in inputs if one.kind != "Tensor" and one.kind not in NUMBERS]
    needed = [one for one in strange if not one.optional]
    if needed:
        text = "the model takes {}, of which no array can be the {}; a `model_handler` can make it"
        raise HarnessError(text.format(", ".join(one.shown for one in inputs), needed[0].name))
    return [one for one in inputs if one not in strange]


def _declared(contract: Contract, real: str | None) -> tuple[list[str] | None, str | None]:
    """The axes and the type of a tensor that is no picture, as the item says them; of real numbers, the model's own."""
    axes, dtype = contract.inputs.get("axes"), contract.inputs.get("tensor_dtype")
    if not axes:
        return None, None
    if dtype in REAL:
        dtype = real or dtype
    return list(axes), dtype if dtype in WHOLE + REAL else None


def real_type(module: Any) -> str | None:
    """The type of the model's own real numbers, with which alone it can reckon.

    None where they are of several, of one that numpy lacks, or not there.
    """
    kinds = {str(one.dtype).replace("torch.", "") for one in module.parameters()}
    real = [kind for kind in kinds if "float" in kind]
    return real[0] if len(real) == 1 and real[0] in REAL else None


def _value(entry: Input, array: Any, given: Callable[[Any], Any]) -> Any:
    """The array as a tensor, or the one number in it where the model takes no tensor."""
    if entry.kind not in NUMBERS:
        return given(array)
    if array.size != 1:
        text = "the model takes {}: one number, and not an array of {}"
        raise HarnessError(text.format(entry.shown, " x ".join(str(length) for length in array.shape)), EXIT_INPUT)
    return NUMBERS[entry.kind](array.item())


def results_of(result: Any) -> dict[str, Any] | list[Any]:
    """The tensors and numbers of a result: by the names in it where each has one of its own, else in order."""
    found = flattened(result)
    names = [name for name, _ in found]
    if all(names) and len(set(names)) == len(names):
        return dict(found)
    return [value for _, value in found]


def flattened(result: Any, name: str = "") -> list[tuple[str, Any]]:
    """Every tensor or number in a result, in order, with the keys that lead to it; nothing of what is None."""
    if hasattr(result, "detach"):
        return [(name, result.detach().cpu().numpy())]
    if isinstance(result, dict):
        parts = [(str(key), value) for key, value in result.items()]
    elif isinstance(result, tuple) and hasattr(result, "_fields"):
        parts = [(str(key), getattr(result, key)) for key in result._fields]
    elif isinstance(result, (list, tuple)):
        parts = [(str(number) if name else "", value) for number, value in enumerate(result)]
    else:
        return [] if result is None else [(name, result)]
    return [one for key, value in parts for one in flattened(value, ".".join(filter(None, (name, key))))]
