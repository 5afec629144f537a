"""DLM's draft of late November 2020: `engine`, `archive`, `inputs`, `outputs`, `data` without any prefix.

Such names might be anything in an item, so two of them are asked for.
"""

from __future__ import annotations

from dlm_build.items.dlm.generation import Generation, Names
from dlm_build.items.marks import marks

GENERATION = Generation(
    name="dlm/bare",
    title="DLM's draft of late November 2020",
    marks=marks(
        "engine", "engine/framework", "engine/docker", "engine/docker:image", "engine/model:handler",
        "archive", "archive:content", "inputs", "outputs", "inputs/shape:channels", "outputs/index_to_name",
        enough=2,
    ),
    names=Names(
        runtime=("engine",),
        archive=("archive", "archive:content"),
        data=("data",),
        inputs=("inputs", "input"),
        outputs=("outputs", "output"),
    ),
)  # fmt: skip
