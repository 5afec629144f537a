"""Fixed times and variables of the image, and the line by which a folder that builds it is known."""

from __future__ import annotations

from dlm_build.container_layout import PREFIX, ROOT
from dlm_build.store import OBJECT_TIME

EPOCH = OBJECT_TIME
"""1980-01-01T00:00:00Z, the time of every file in the image: the oldest that a zip can hold, so that tools which
zip parts of an image do not stumble. A file's time says nothing here, its sha256 does. It is the time of objects of the
store, since files of a context are hard links to them."""

ENVIRONMENT = (
    (
        "PATH",
        f"{ROOT}/bin:{PREFIX}/bin:/usr/local/nvidia/bin:/usr/local/cuda/bin"
        ":/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    ),
    ("CONDA_PREFIX", PREFIX),
    ("HOME", "/tmp"),  # noqa: S108
    ("PYTHONDONTWRITEBYTECODE", "1"),
    ("PYTHONNOUSERSITE", "1"),
)

GENERATED = "# Made by dlm-build; changes here are lost."
"""First line of the Dockerfile: how a folder is known to be ours. Must never be a parser directive."""
