"""Which runner serves this container's model. Each imports its framework only when it is chosen."""

from __future__ import annotations

from pathlib import Path

from .contract import Contract, HarnessError


def run(contract: Contract, inputs: list[Path], output: Path) -> int:
    """Run the model on `inputs`, results into `output`; returns the exit status."""
    kind = contract.runner.get("kind")
    if kind == "command":
        from .command_runner import run_command

        return run_command(contract, inputs, output)
    if kind == "handler":
        from .handler_runner import run_handler

        run_handler(contract, inputs, output)
        return 0
    if kind in ("onnx", "torchscript"):
        from .array_runner import run_arrays

        run_arrays(contract, str(kind), inputs, output)
        return 0
    raise HarnessError(f"dlm.json: /runner/kind is {kind!r}, which this harness does not know")


def shape_of(path: Path) -> str:
    """Shape and type of a result, for people; empty where it is no array or none can be read here."""
    try:
        from .pictures import PICTURE_SUFFIXES, read_picture
    except ImportError:
        return ""  # an environment without numpy
    if path.suffix.lower() not in PICTURE_SUFFIXES:
        return ""
    try:
        array = read_picture(path).array
    except HarnessError as problem:
        return str(problem)
    return "{} {}".format("x".join(str(length) for length in array.shape), array.dtype)
