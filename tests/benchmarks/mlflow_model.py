"""Saves an ONNX file as an MLflow model; run by the python of MLflow's own virtual environment, not by ours.

``python mlflow_model.py MODEL.onnx TARGET PYTHON PIN...``
"""

from __future__ import annotations

import importlib
import sys
from pathlib import Path


def main(source: str, target: str, python: str, *pins: str) -> None:
    onnx = importlib.import_module("onnx")
    flavor = importlib.import_module("mlflow.onnx")
    dependencies = [f"python={python}", "pip", {"pip": list(pins)}]
    environment = {"name": "model", "channels": ["conda-forge"], "dependencies": dependencies}
    flavor.save_model(onnx.load(source), target, conda_env=environment)
    _say_python(Path(target, "python_env.yaml"), python)


def _say_python(path: Path, python: str) -> None:
    """MLflow notes the python it runs on itself; the image's is another."""
    lines = path.read_text().splitlines()
    path.write_text("".join(f"python: {python}\n" if line.startswith("python:") else f"{line}\n" for line in lines))


if __name__ == "__main__":
    main(*sys.argv[1:])
