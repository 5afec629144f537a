"""What the files of a context are called, and the label that its digest goes by: building writes them, Docker's build
and the SIF read them."""

from __future__ import annotations

DOCKERFILE = "Dockerfile"
DEFINITION = "Apptainer.def"
LABELS = "labels.json"
BUILD_ARGS = "build.args"
INSTALLER = "environment/install_environment.py"
ENVIRONMENT_LOCK = "environment/lock.json"
"""What the installer installs."""
CONTEXT = "dlm.context"
"""The label with the context's digest, which no file of the context can hold but `build.args`."""
