# ruff: noqa: ARG002, ARG005  (the signatures are the servers')
"""What a model server gives a handler: the context, the request, and TorchServe's base class where it is missing.

Written from the published behaviour of those servers; it serves one request at a time and counts nothing.
"""

from __future__ import annotations

import importlib.util
import json
import sys
import types
from pathlib import Path
from typing import Any

from .contract import Contract


class Silent:
    """Stands where a server keeps its metrics: takes every call and does nothing."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: None


class Context:
    """The second argument of `initialize` and `handle`."""

    def __init__(self, contract: Contract, gpu: bool) -> None:
        self.manifest = manifest_of(contract)
        self.model_name = str(self.manifest["model"].get("modelName") or "model")
        self.system_properties = {
            "model_dir": str(contract.model),
            "gpu_id": 0 if gpu else None,
            "batch_size": 1,
            "server_name": "dlm-build",
            "server_version": "1.0",
            "limit_max_image_pixels": False,
        }  # type: dict[str, Any]
        self.model_yaml_config = _model_config(contract)
        self.request_ids = {0: "sample"}
        self.metrics = Silent()

    def get_request_id(self, idx: int = 0) -> str:
        return self.request_ids.get(idx, "")

    def get_request_header(self, idx: int, key: str) -> None:
        return None

    def get_all_request_header(self, idx: int) -> dict[str, str]:
        return {}

    def set_response_content_type(self, idx: int, value: str) -> None:
        """Results are told by their content."""

    def set_response_header(self, idx: int, key: str, value: str) -> None:
        """There is no response to put it on."""

    def set_response_status(self, code: int = 200, phrase: str = "", idx: int = 0) -> None:
        """A handler that reports failure this way, without raising, has failed all the same."""
        if code >= 400:
            raise RuntimeError(f"the handler answered with status {code} {phrase}")


def manifest_of(contract: Contract) -> dict[str, Any]:
    """The archive's manifest; its `model` part filled from dlm.json where the archive has none."""
    path = contract.model / "MAR-INF" / "MANIFEST.json"
    manifest = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
    model = dict(manifest.get("model") or {})
    item = contract.data.get("item") or {}
    model.setdefault("modelName", item.get("id") or "model")
    if contract.runner.get("weights"):
        model.setdefault("serializedFile", contract.runner["weights"])
    return dict(manifest, model=model)


def _model_config(contract: Contract) -> dict[str, Any]:
    for name in ("model-config.yaml", "model-config.yml"):
        path = contract.model / name
        if path.is_file() and importlib.util.find_spec("yaml") is not None:
            return dict(importlib.import_module("yaml").safe_load(path.read_text(encoding="utf-8")) or {})
    return {}


def request_of(path: Path) -> dict[str, Any]:
    """One request as a server would make it of an upload: the bytes, or the value of a JSON file."""
    raw = path.read_bytes()
    body = json.loads(raw.decode("utf-8")) if path.suffix.lower() == ".json" else bytearray(raw)  # type: Any
    return {"data": body, "body": body}


def offer_torchserve() -> None:
    """Let `from ts.torch_handler.base_handler import BaseHandler` work where TorchServe is not installed."""
    if "ts" in sys.modules or importlib.util.find_spec("ts") is not None:
        return
    from .base_handler import BaseHandler

    parts = {
        "ts": {},
        "ts.context": {"Context": Context},
        "ts.torch_handler": {},
        "ts.torch_handler.base_handler": {"BaseHandler": BaseHandler},
    }  # type: dict[str, dict[str, Any]]
    for name, content in parts.items():
        module = types.ModuleType(name, "Stand-in by dlm-build; TorchServe is not in this environment.")
        module.__dict__.update(content, __path__=[])
        sys.modules[name] = module
        parent, _, child = name.rpartition(".")
        if parent:
            setattr(sys.modules[parent], child, module)
