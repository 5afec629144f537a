"""What the image says about its model (`dlm.json`), where its parts lie, and how the harness says no."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

EXIT_MODEL = 1
"""The model's own code raised; its traceback is on stderr."""
EXIT_USAGE = 64
EXIT_INPUT = 66
"""An input file cannot be read as what the model takes."""
EXIT_OUTPUT = 73
"""The folder for the results cannot be made or written in."""
EXIT_CONTRACT = 70
"""What the item declares (handler, weights, shapes) does not fit what is in the image."""


class HarnessError(Exception):
    """Ends the harness with `status` and one message on stderr; never a traceback."""

    def __init__(self, message: str, status: int = EXIT_CONTRACT) -> None:
        super().__init__(message)
        self.status = status


def first_line(problem: BaseException) -> str:
    """What a library says of its failure, short enough for one message."""
    return (str(problem).strip().splitlines() or [type(problem).__name__])[0][:300]


class Contract:
    """`dlm.json` and the folders beside it. Missing optional fields read as None or empty."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.model = root / "model"
        self.source = root / "source"
        self.sample = root / "sample"
        self.data = _read(root / "dlm.json")  # type: dict[str, Any]
        self.runner = _section(self.data, "runner")
        self.inputs = _section(self.data, "inputs")
        self.outputs = _section(self.data, "outputs")

    @property
    def sample_name(self) -> str | None:
        """The sample input's path in the archive, where `dlm.json` tells it."""
        sample = self.data.get("sample") or {}
        named = sample.get("input") if isinstance(sample, dict) else sample
        if isinstance(named, dict):
            named = named.get("path")
        return named if isinstance(named, str) else None

    @property
    def form(self) -> str:
        """The suffix of the kind of file that the item's author shows as output; "" where none is shown."""
        sample = self.data.get("sample") or {}
        return str(sample.get("form") or "") if isinstance(sample, dict) else ""

    @property
    def task(self) -> str:
        """What the outputs are for; score maps that the author wants to see as such are not a segmentation."""
        if _section(self.data, "comparison").get("task") == "probabilities":
            return "probabilities"
        return str(self.outputs.get("task") or "")

    def sample_files(self) -> list[Path]:
        """The packaged sample input, for `selftest`."""
        return sorted(path for path in self.sample.rglob("*") if path.is_file()) if self.sample.is_dir() else []

    def weights(self, suffixes: tuple[str, ...]) -> Path:
        """The weights the runner names, else the one file of the model folder with such a suffix."""
        named = self.runner.get("weights")
        if named:
            path = self.model / str(named)
            if not path.is_file():
                raise HarnessError(f"dlm.json: /runner/weights names {named!r}, which is not in {self.model}")
            return path
        found = sorted(path for path in self.model.rglob("*") if path.suffix.lower() in suffixes)
        if len(found) != 1:
            raise HarnessError(
                "dlm.json: /runner/weights is empty and {} holds {} files ending in {}; name one".format(
                    self.model, len(found), " or ".join(suffixes)
                )
            )
        return found[0]


def _read(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as problem:
        raise HarnessError(f"{path} cannot be read: {problem}") from problem
    if not isinstance(data, dict):
        raise HarnessError(f"{path} does not hold a JSON object")
    return data


def _section(data: dict[str, Any], key: str) -> dict[str, Any]:
    value = data.get(key) or {}
    if not isinstance(value, dict):
        raise HarnessError(f"dlm.json: /{key} is not an object")
    return value
