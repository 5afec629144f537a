"""The scripts of examples/segmentation import each other by bare name, as scripts do."""

from __future__ import annotations

import sys
from pathlib import Path

SCRIPTS = Path(__file__).resolve().parents[3] / "examples" / "segmentation"
sys.path.extend(str(folder) for folder in (SCRIPTS, SCRIPTS / "handlers"))
