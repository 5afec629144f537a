"""DLM of December 2020: as since, but what runs the model is `dlm:engine`; with `dlm:version` and `dlm:publisher`."""

from __future__ import annotations

from dlm_build.items.dlm.generation import Generation, Names
from dlm_build.items.marks import marks

GENERATION = Generation(
    name="dlm/engine",
    title="DLM of December 2020",
    marks=marks("dlm:engine", "dlm:publisher", "dlm:version"),
    names=Names(runtime=("dlm:engine",)),
)
