"""DLM's first draft of November 2020: `model:archive`, `model:inputs`, …; what runs the model stands beside them."""

from __future__ import annotations

from dlm_build.items.dlm.generation import Generation, Names
from dlm_build.items.marks import marks

_PARTS = (
    "archive",
    "archive:content",
    "inputs",
    "input",
    "outputs",
    "output",
    "data",
    "architecture",
    "engine",
    "runtime",
)

GENERATION = Generation(
    name="dlm/model",
    title="DLM's first draft of November 2020",
    marks=marks(*(f"model:{part}" for part in _PARTS), "model:handler", "model:src"),
    names=Names(
        runtime=("model:engine", "model:runtime"),
        archive=("model:archive", "model:archive:content"),
        data=("model:data",),
        inputs=("model:inputs", "model:input"),
        outputs=("model:outputs", "model:output"),
    ),
    loose=(
        "framework", "framework_name", "framework_version", "model:framework",
        "model:handler", "model:src", "model:repo", "docker", "docker:",
    ),
)  # fmt: skip
