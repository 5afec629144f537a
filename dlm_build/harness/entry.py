"""Finds what a handler declaration names: `file.py`, `file.py:Name`, `module:name`, `package.module.name`."""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

from .contract import Contract, HarnessError

ENTRY_NAMES = ("handle", "predict", "infer", "inference", "run", "main")


def find_entry(contract: Contract, declared: str) -> Any:
    """The function or class `declared` stands for. Raises HarnessError when it is not there.

    What the model's modules raise while they are imported is the model's own failure and passes through.
    """
    for folder in (contract.source, contract.model):
        if folder.is_dir():
            sys.path.insert(0, str(folder))
    target, _, name = declared.partition(":")
    if target.endswith(".py"):
        module = _from_file(contract, target)
    else:
        module, name = _from_dotted(target, name)
    return _attribute(module, name, declared) if name else _only_entry(module, declared)


def _from_file(contract: Contract, target: str) -> ModuleType:
    for folder in (contract.model, contract.source):
        path = folder / target
        if path.is_file():
            return load_module(path)
    raise HarnessError(f"the handler {target!r} is neither in the archive nor in the source")


def load_module(path: Path) -> ModuleType:
    """The file as a module of its own name, so that other files of the model can import it too."""
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    spec = importlib.util.spec_from_file_location(path.stem, str(path))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[path.stem] = module
    spec.loader.exec_module(module)
    return module


def _from_dotted(target: str, name: str) -> tuple[ModuleType, str]:
    """Import `target`; where no such module exists, its last part is taken for a name inside the rest."""
    try:
        return importlib.import_module(target), name
    except ModuleNotFoundError as problem:
        missing = problem.name or ""
        if missing != target and not target.startswith(missing + "."):
            raise  # the module is there; something it imports is not
    parent, _, last = target.rpartition(".")
    if name or not parent or missing != target:
        raise HarnessError(f"the handler's module {missing!r} is not in the archive, source or environment")
    return importlib.import_module(parent), last


def _attribute(module: ModuleType, name: str, declared: str) -> Any:
    value = module  # type: Any
    for part in name.split("."):
        value = getattr(value, part, None)
    if not callable(value):
        raise HarnessError(f"the handler {declared!r}: {module.__name__} has no function or class {name!r}")
    return value


def _only_entry(module: ModuleType, declared: str) -> Any:
    """A module's own `handle` (or `predict`, …), else its one handler class."""
    for name in ENTRY_NAMES:
        value = getattr(module, name, None)
        if inspect.isfunction(value):
            return value
    classes = [kind for _, kind in inspect.getmembers(module, inspect.isclass) if _is_handler(kind, module)]
    leaves = [kind for kind in classes if not any(other is not kind and issubclass(other, kind) for other in classes)]
    if len(leaves) != 1:
        found = ", ".join(kind.__name__ for kind in leaves) or "none"
        text = "the handler {!r} must define one handler class or a function named {}; classes found: {}"
        raise HarnessError(text.format(declared, " or ".join(ENTRY_NAMES[:2]), found))
    return leaves[0]


def _is_handler(kind: type, module: ModuleType) -> bool:
    own = kind.__module__ == module.__name__
    return own and any(callable(getattr(kind, name, None)) for name in ("handle", "inference", "predict"))
