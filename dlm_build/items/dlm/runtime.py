"""The current DLM generation (2021 on): `dlm:runtime`, `dlm:archive`, `dlm:data`, `dlm:inputs`, `dlm:outputs`."""

from __future__ import annotations

from dlm_build.items.dlm.generation import Generation, Names
from dlm_build.items.marks import marks

GENERATION = Generation(
    name="dlm/runtime",
    title="DLM of 2021 on",
    marks=marks("dlm:runtime", "dlm:archive", "dlm:data", "dlm:inputs", "dlm:outputs", "dlm:architecture"),
    names=Names(
        runtime=("dlm:runtime",),
        archive=("dlm:archive", "dlm:archive:content"),
        data=("dlm:data",),
        inputs=("dlm:inputs", "dlm:input"),
        outputs=("dlm:outputs", "dlm:output"),
    ),
)
