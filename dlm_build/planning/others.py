"""A framework that is in no table: made for an item that declares its environment, so that none has to be inferred."""

from __future__ import annotations

import re

from dlm_build.planning.tables import Framework
from dlm_build.planning.versions import Picked

NAMELESS = "python"
"""What is said to run a model whose item names no framework."""
_DISTRIBUTIONS = {
    "sklearn": ("scikit-learn",),
    "xgboost": ("xgboost", "py-xgboost", "py-xgboost-cpu", "py-xgboost-gpu", "xgboost-cpu"),
    "paddle": ("paddlepaddle", "paddlepaddle-gpu"),
    "paddlepaddle": ("paddlepaddle", "paddlepaddle-gpu"),
    "r": ("r-base",),
}
"""What installs a framework where that is not called as the framework is."""


def made_for(named: str) -> Framework:
    """The framework of that name, of which nothing is known but what packages of its own are called."""
    without_version = re.sub(r"[\s=]+v?\d[\d.]*$", "", named.strip().lower())
    name = re.sub(r"[^a-z0-9]+", "-", without_version).strip("-") or NAMELESS
    distributions = _DISTRIBUTIONS.get(name, (name,))
    return Framework(name=name, aliases=(), distributions=distributions, rows_are="minors", sources=(), rows=())


def said_python(table: Framework, picked: Picked, pointer: str) -> tuple[str, str] | None:
    """The version of Python, and where it stands, where Python is all that is named as the framework."""
    if table.name != NAMELESS or not picked.version:
        return None
    return f"=={picked.version}.*" if picked.version.count(".") < 2 else f"=={picked.version}", pointer
