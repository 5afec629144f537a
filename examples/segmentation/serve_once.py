"""Runs a TorchServe handler once, as the server does, without the server: `serve_once.py FOLDER INPUT OUTPUT`.

FOLDER is an unpacked archive. The entry point is found by TorchServe's rule: the function after the colon in the
manifest's handler, else `handle`, else the only class of the module. Imports nothing of these examples.
"""

from __future__ import annotations

import importlib
import inspect
import json
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

EntryPoint = Callable[[list[dict[str, Any]] | None, Any], list[Any]]


def context_for(folder: Path) -> SimpleNamespace:
    """The parts of the server's context that handlers read."""
    manifest = json.loads((folder / "MAR-INF" / "MANIFEST.json").read_text(encoding="utf-8"))
    properties = {"model_dir": str(folder), "gpu_id": None, "batch_size": 1, "server_name": "serve_once"}
    return SimpleNamespace(manifest=manifest, system_properties=properties, model_name="model")


def entry_point(module: ModuleType, function: str, context: Any) -> EntryPoint:
    """Initialised and ready to be called with (data, context)."""
    if hasattr(module, function):
        handle: EntryPoint = getattr(module, function)
        handle(None, context)
        return handle
    classes: list[Any] = [c for _, c in inspect.getmembers(module, inspect.isclass) if c.__module__ == module.__name__]
    if len(classes) != 1:
        raise SystemExit(f"expected one class or a function {function}, found {[c.__name__ for c in classes]}")
    service = classes[0]()
    service.initialize(context)
    bound: EntryPoint = service.handle
    return bound


def main() -> None:
    folder, source, destination = (Path(a).resolve() for a in sys.argv[1:4])
    context = context_for(folder)
    name, _, function = context.manifest["model"]["handler"].partition(":")
    sys.path.insert(0, str(folder))
    module = importlib.import_module(name.removesuffix(".py"))
    handle = entry_point(module, function or "handle", context)
    answers = handle([{"body": bytearray(source.read_bytes())}], context)
    if len(answers) != 1:
        raise SystemExit(f"one request, {len(answers)} answers")
    destination.write_bytes(answers[0])


if __name__ == "__main__":
    main()
