"""Fixed places inside the container, and its user: what building writes, what a run calls and mounts.

The harness inside imports nothing of dlm_build; a test holds its half of the names to these.
"""

from __future__ import annotations

ROOT = "/opt/dlm"
PREFIX = f"{ROOT}/env"
LAUNCHER = f"{ROOT}/bin/model"
MOUNTS = "/dlm"
INPUT = f"{MOUNTS}/in"
OUTPUT = f"{MOUNTS}/out"
USER_ID = 65534
USER = f"{USER_ID}:{USER_ID}"
