"""The `mlm:` properties of a model that its item describes in another dialect."""

from __future__ import annotations

import re
from typing import Any

from dlm_build.migrating.records import Notes
from dlm_build.migrating.source import Source
from dlm_build.migrating.tensors import ascii_of, mlm_input, mlm_output, mlm_tasks
from dlm_build.records import Item, Runtime

_VERSION = re.compile(r"(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)\.(?:0|[1-9]\d*)(?:-[0-9A-Za-z.-]+)?(?:\+[0-9A-Za-z.-]+)?")
_FRAMEWORK = re.compile(r"[^\s._-](?:.*[^\s._-])?")
_TOTALS = ("total_nb_parameters", "total_parameters", "nb_parameters", "parameters")


def mlm_properties(source: Source, bands: list[str], notes: Notes) -> dict[str, Any]:
    """All of them; what stood in `source.architecture` and is said here is taken out of it."""
    item = source.item
    tasks = mlm_tasks(item.outputs)
    if not tasks:
        said = f"MLM has no task {item.outputs.task}" if item.outputs.task else "the item gives no task"
        notes.assumed("/properties/mlm:tasks", f"empty: {said}")
    return {
        "mlm:name": _name(item, notes),
        "mlm:architecture": _architecture(source, notes),
        "mlm:tasks": tasks,
        **_framework(item.runtime),
        **_accelerator(item.runtime),
        **_parameters(source.architecture),
        **_pretrained(source.architecture),
        "mlm:input": mlm_input(item.inputs, bands, notes),
        "mlm:output": mlm_output(item.outputs, notes),
    }


def _name(item: Item, notes: Notes) -> str:
    """MLM wants letters, digits, spaces and `_.-`, a letter first."""
    text = item.title or item.id
    name = re.sub(r"\s+", " ", re.sub(r"[^A-Za-z0-9_.\s-]+", " ", ascii_of(text))).strip(" _.-")
    if not re.match(r"[A-Za-z]", name):
        name = f"model {name}".strip()
    if len(name) < 3:
        name = f"model {name}"
    if name != text:
        notes.assumed("/properties/mlm:name", f"made from {text}, in the letters that MLM allows")
    return name


def tell_architecture(source: Source, notes: Notes) -> None:
    """Where the account finds what stood in the architecture."""
    node = source.architecture_node
    notes.moved(node.pointer, "/properties/dlm:architecture")
    if isinstance(node.value, str):
        notes.moved(node.pointer, "/properties/mlm:architecture")
    fields = {"type": ("architecture",), "pretrained": ("pretrained", "pretrained_source")}
    for name in ("type", "pretrained", *_TOTALS):
        for field in fields.get(name, ("total_parameters",)):
            notes.moved(node.at(name).pointer, f"/properties/mlm:{field}")


def _architecture(source: Source, notes: Notes) -> str:
    kind = source.architecture.get("type")
    if isinstance(kind, str) and kind.strip():
        del source.architecture["type"]
        return kind.strip()
    older = source.rest.get("ml-model:architecture")
    if isinstance(older, str) and older.strip():
        return older.strip()
    notes.assumed("/properties/mlm:architecture", "the item does not name one")
    return "unknown"


def _framework(runtime: Runtime) -> dict[str, str]:
    made = {}
    if runtime.framework and _FRAMEWORK.fullmatch(runtime.framework):
        made["mlm:framework"] = runtime.framework
    if runtime.version and _VERSION.fullmatch(runtime.version):
        made["mlm:framework_version"] = runtime.version
    return made


def _accelerator(runtime: Runtime) -> dict[str, str]:
    gpu = runtime.docker.gpu
    return {} if gpu is None else {"mlm:accelerator": "cuda" if gpu else "amd64"}


def _parameters(architecture: dict[str, Any]) -> dict[str, int]:
    for name in _TOTALS:
        value = architecture.get(name)
        if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
            del architecture[name]
            return {"mlm:total_parameters": value}
    return {}


def _pretrained(architecture: dict[str, Any]) -> dict[str, Any]:
    value = architecture.get("pretrained")
    if isinstance(value, bool):
        del architecture["pretrained"]
        return {"mlm:pretrained": value} if value else {"mlm:pretrained": False, "mlm:pretrained_source": None}
    if isinstance(value, str) and value.strip():
        del architecture["pretrained"]
        return {"mlm:pretrained": True, "mlm:pretrained_source": value.strip()}
    return {}
