"""Which runner serves this container's model. Each imports its framework only when it is chosen."""

from __future__ import annotations

from pathlib import Path

from .contract import Contract, HarnessError
from .environment import wants_gpu
from .used import device_of_program


def run(contract: Contract, inputs: list[Path], output: Path) -> tuple[int, str | None]:
    """Run the model on `inputs`, results into `output`; the exit status and the device it used, None where unknown."""
    kind = contract.runner.get("kind")
    if kind == "command":
        from .command_runner import run_command

        # A program of its own, which has ended: nothing tells what it made of a GPU.
        return run_command(contract, inputs, output), None if wants_gpu() else "cpu"
    if kind == "handler":
        from .handler_runner import run_handler

        run_handler(contract, inputs, output)
        return 0, device_of_program()
    if kind in ("onnx", "torchscript"):
        from .array_runner import run_arrays

        return 0, run_arrays(contract, str(kind), inputs, output)
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
