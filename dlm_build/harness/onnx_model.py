"""An ONNX file through onnxruntime."""

from __future__ import annotations

import importlib
import re
import sys
from typing import Any

from .array_runner import Model
from .contract import Contract, HarnessError

TYPES = {
    "tensor(float)": "float32", "tensor(double)": "float64", "tensor(float16)": "float16",
    "tensor(uint8)": "uint8", "tensor(uint16)": "uint16", "tensor(int8)": "int8", "tensor(int16)": "int16",
    "tensor(int32)": "int32", "tensor(int64)": "int64", "tensor(uint32)": "uint32", "tensor(uint64)": "uint64",
    "tensor(bool)": "bool",
}  # fmt: skip

CAUSES = (
    (
        r"is under development|Unsupported model IR version",
        "it is made for a newer onnxruntime; declare that, or export it with an older opset",
    ),
    (
        r"No such file or directory",
        "its numbers are in another file; pack both into one archive, or make that an asset if it is {}.data",
    ),
    (
        r"is not a registered function/op|No Op registered",
        "it calls an operator that this onnxruntime has not; name a handler that registers it",
    ),
)
"""What onnxruntime says where it cannot load a file, and what that means to its author."""
_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : (Load model from .*? failed:)?")
_PLACE = re.compile(r"/\S+\.(cc|h):\d+ .*?\) (?=[A-Z])")
"""Where in its own source it found out, with the signature of the function."""

GPU_PROVIDER = "CUDAExecutionProvider"


def load_onnx(contract: Contract, gpu: bool) -> Model:
    """Open a session on the GPU where it is asked for and onnxruntime has it, else on the CPU."""
    try:
        runtime = importlib.import_module("onnxruntime")
    except ImportError as problem:
        raise HarnessError(f"this container's environment lacks onnxruntime: {problem}") from problem
    weights = contract.weights((".onnx",))
    available = runtime.get_available_providers()
    providers = [name for name in _wanted(gpu) if name in available]
    if gpu and providers[:1] != [GPU_PROVIDER]:
        print("dlm: this onnxruntime has no CUDA provider; running on the CPU", file=sys.stderr)
    try:
        session = runtime.InferenceSession(str(weights), providers=providers)
    except Exception as problem:  # onnxruntime has a class of its own for each cause
        text = "onnxruntime {} cannot load {}: {}"
        raise HarnessError(text.format(runtime.__version__, weights.name, _why(problem, weights.name))) from problem
    return model_of(session, contract.inputs.get("name"))


def _why(problem: Exception, name: str) -> str:
    said = _PLACE.sub("", _PREFIX.sub("", " ".join(str(problem).split())), 1)[:300]
    cause = next((text.format(name) for pattern, text in CAUSES if re.search(pattern, said)), None)
    return f"{cause} ({said})" if cause else said


def _wanted(gpu: bool) -> list[str]:
    return [GPU_PROVIDER, "CPUExecutionProvider"] if gpu else ["CPUExecutionProvider"]


def model_of(session: Any, name: str | None) -> Model:
    """`session` as a Model. `name` is what the item calls the input, where there is one."""
    offered = session.get_inputs()
    if not offered:
        raise HarnessError("the ONNX model takes no input")
    for entry in offered:
        if entry.type not in TYPES:
            raise HarnessError(f"the ONNX model takes {entry.type}, which no image gives")
    chosen = offered[0]
    if len(offered) == 1 and name and chosen.name != name:
        text = "dlm: the item calls the input {!r}; the model has {!r}, which is fed instead"
        print(text.format(name, chosen.name), file=sys.stderr)

    def run(tensor: Any) -> list[Any]:
        return list(session.run(None, tensor if len(offered) > 1 else {chosen.name: tensor}))

    names = [str(entry.name) for entry in session.get_outputs()]
    # What it could not open it leaves out.
    device = "gpu" if GPU_PROVIDER in session.get_providers() else "cpu"
    inputs = {str(entry.name): TYPES[entry.type] for entry in offered} if len(offered) > 1 else {}
    return Model(run, chosen.shape, TYPES[chosen.type], names, device, inputs)
