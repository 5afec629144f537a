"""A base class for handlers with the hooks TorchServe's has: initialize, preprocess, inference, postprocess, handle."""

from __future__ import annotations

import importlib
import inspect
import json
from pathlib import Path
from typing import Any

from .entry import load_module


class BaseHandler:
    """Loads a TorchScript archive, or a module class plus its state dict; runs it on what `preprocess` gives."""

    def __init__(self) -> None:
        self.model = None  # type: Any
        self.mapping = None  # type: Any
        self.device = None  # type: Any
        self.initialized = False
        self.context = None  # type: Any
        self.manifest = None  # type: Any
        self.map_location = None  # type: str | None
        self.explain = False
        self.target = 0

    def initialize(self, context: Any) -> None:
        torch = importlib.import_module("torch")
        properties = context.system_properties
        gpu = properties.get("gpu_id") is not None and torch.cuda.is_available()
        self.context, self.manifest = context, context.manifest
        self.map_location = "cuda" if gpu else "cpu"
        self.device = torch.device("cuda:{}".format(properties["gpu_id"]) if gpu else "cpu")
        folder, named = Path(properties["model_dir"]), self.manifest["model"]
        weights = folder / named["serializedFile"] if named.get("serializedFile") else None
        if named.get("modelFile"):
            self.model = self._load_pickled_model(str(folder), str(named["modelFile"]), weights and str(weights))
        elif weights is not None:
            self.model = self._load_torchscript_model(str(weights))
        else:
            raise RuntimeError("the manifest names neither modelFile nor serializedFile")
        self.model.to(self.device)
        self.model.eval()
        self.mapping = self._mapping(folder / "index_to_name.json")
        self.initialized = True

    def _load_torchscript_model(self, model_pt_path: str) -> Any:
        return importlib.import_module("torch").jit.load(model_pt_path, map_location=self.device)

    def _load_pickled_model(self, model_dir: str, model_file: str, model_pt_path: str | None) -> Any:
        torch = importlib.import_module("torch")
        module = load_module(Path(model_dir) / model_file)
        classes = [kind for _, kind in inspect.getmembers(module, inspect.isclass)]
        networks = [
            kind for kind in classes if kind.__module__ == module.__name__ and issubclass(kind, torch.nn.Module)
        ]
        if len(networks) != 1:
            raise ValueError(f"{model_file} must define one network class, it defines {len(networks)}")
        model = networks[0]()  # type: Any
        if model_pt_path:
            model.load_state_dict(torch.load(model_pt_path, map_location=self.device))
        return model

    @staticmethod
    def _mapping(path: Path) -> Any:
        return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None

    def preprocess(self, data: Any) -> Any:
        return importlib.import_module("torch").as_tensor(data, device=self.device)

    def inference(self, data: Any, *args: Any, **kwargs: Any) -> Any:
        with importlib.import_module("torch").no_grad():
            return self.model(data.to(self.device), *args, **kwargs)

    def postprocess(self, data: Any) -> Any:
        return data.tolist()

    def handle(self, data: Any, context: Any) -> Any:
        self.context = context
        return self.postprocess(self.inference(self.preprocess(data)))
