"""Runs a handler: a model server's class or functions, or a plain function.

How a function is called follows from its parameters:

- `f(data, context)`, or any function called `handle`: as a model server does, one request at a time;
- two or more required parameters otherwise, e.g. `predict(path, output_dir)`: the two paths as strings;
- one required parameter called `data`, `body` or `request`: the file's bytes as one request;
- one required parameter otherwise, e.g. `predict(path)`: the path as a string.

What it returns is written as one file; None means that it wrote its files itself.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import workspace
from .contract import Contract, HarnessError
from .entry import find_entry
from .environment import wants_gpu
from .results import write_result
from .serving import Context, offer_torchserve, request_of

REQUEST_NAMES = ("data", "body", "request", "requests", "inputs_batch")
CONTEXT_NAMES = ("context", "ctx")


def run_handler(contract: Contract, inputs: list[Path], output: Path) -> None:
    """Load the handler once, then give it each input and write what it returns."""
    declared = str(contract.runner.get("handler") or "")
    if not declared:
        raise HarnessError("dlm.json: /runner/handler is empty")
    folder = workspace.prepare(contract, inputs)
    offer_torchserve()
    predict = predictor(find_entry(contract, declared), Context(contract, wants_gpu()))
    for path in inputs:
        results = _as_results(predict(path, output))
        for number, result in enumerate(results):
            write_result(result, output, path.stem if len(results) == 1 else f"{path.stem}.{number}")
    if not any(output.iterdir()):
        workspace.collect(folder, output)


def predictor(entry: Any, context: Context) -> Callable[[Path, Path], Any]:
    """`entry`, a class or function, initialised, as one call from (input file, output folder) to a result."""
    if inspect.isclass(entry):
        return _from_object(entry(), context)
    return _from_function(entry, context)


def _from_object(handler: Any, context: Context) -> Callable[[Path, Path], Any]:
    if callable(getattr(handler, "initialize", None)):
        handler.initialize(context)
    if callable(getattr(handler, "handle", None)):
        return lambda path, _output: _unbatched(handler.handle([request_of(path)], context))
    if callable(getattr(handler, "inference", None)):
        return lambda path, _output: _unbatched(_chained(handler, [request_of(path)]))
    return _from_function(handler.predict, context)


def _chained(handler: Any, value: Any) -> Any:
    for name in ("preprocess", "inference", "postprocess"):
        step = getattr(handler, name, None)
        value = step(value) if callable(step) else value
    return value


def _from_function(function: Any, context: Context) -> Callable[[Path, Path], Any]:
    names = _required(function)
    if function.__name__ == "handle" or (len(names) > 1 and names[1] in CONTEXT_NAMES):
        _initialise(function, context)
        return lambda path, _output: _unbatched(function([request_of(path)], context))
    if len(names) > 1:
        return lambda path, output: function(str(path), str(output))
    if names and names[0] in REQUEST_NAMES:
        return lambda path, _output: _unbatched(function([request_of(path)]))
    return lambda path, _output: function(str(path))


def _required(function: Any) -> list[str]:
    """Names of the parameters that must be given by position."""
    parameters = inspect.signature(function).parameters.values()
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in parameters if p.kind in positional and p.default is inspect.Parameter.empty]


def _initialise(function: Any, context: Context) -> None:
    """As servers do: the module's `initialize`, else one call without data."""
    module = inspect.getmodule(function)
    initialize = getattr(module, "initialize", None)
    if inspect.isfunction(initialize):
        initialize(context)
        return
    try:
        function(None, context)
    except Exception as problem:  # the real call follows; if this mattered, it will fail and say so
        print(f"dlm: the handler does not take the empty first call of a server: {problem!r}")


def _unbatched(answer: Any) -> Any:
    """A server's answer holds one entry per request, and there was one request."""
    return answer[0] if isinstance(answer, (list, tuple)) and len(answer) == 1 else answer


def _as_results(answer: Any) -> list[Any]:
    """A tuple, or a list of files or arrays, is several results; everything else is one."""
    if isinstance(answer, tuple):
        return list(answer)
    if isinstance(answer, list) and answer and all(isinstance(part, bytes) or hasattr(part, "ndim") for part in answer):
        return answer
    return [answer]
