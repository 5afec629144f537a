"""Lays out what an image holds below /opt/dlm, in a test's own folder."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from dlm_build.harness.contract import Contract


def make_contract(root: Path, *, files: Mapping[str, Any] | None = None, **sections: Any) -> Contract:
    """A Contract in `root` with the `sections` of dlm.json and `files` below it; the runner works in `root/work`."""
    sections["runner"] = {"working_dir": str(root / "work"), **sections.get("runner", {})}
    everything = {"dlm.json": json.dumps({"item": {"id": "tiny"}, **sections}), **(files or {})}
    for name, content in everything.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
    (root / "out").mkdir(exist_ok=True)
    return Contract(root)


def forget(*names: str) -> None:
    """Let the next test import its own module of such a name."""
    for name in names:
        sys.modules.pop(name, None)
