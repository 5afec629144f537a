"""A TorchScript archive through torch."""

from __future__ import annotations

import importlib
from typing import Any

from .array_runner import Model
from .contract import Contract, HarnessError, first_line


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

    def run(tensor: Any) -> list[Any]:
        with torch.no_grad():
            return flattened(module(torch.from_numpy(tensor).to(device)))

    return Model(run, None, device="gpu" if on_gpu else "cpu")


def flattened(result: Any) -> list[Any]:
    """The tensors of a result in order, as arrays: a tensor, a sequence or a mapping of them."""
    if hasattr(result, "detach"):
        return [result.detach().cpu().numpy()]
    if isinstance(result, dict):
        return [array for value in result.values() for array in flattened(value)]
    if isinstance(result, (list, tuple)):
        return [array for value in result for array in flattened(value)]
    return []
