"""What a cluster's module files set for its own programs does not reach the model in a SIF."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from dlm_build.harness.environment import STRAY
from dlm_build.records import Sif
from tests.engines.sif.conftest import Works

pytestmark = pytest.mark.engine
CODE = """
import os, sys
sys.path.insert(0, "/opt/dlm")
from harness.environment import STRAY, settled
from pathlib import Path
made = settled(os.environ, Path("/opt/dlm"))
left = ",".join(name for name in STRAY if name in made)
print(left, made["TMPDIR"], made["DLM_DEVICE"], made["CUDA_VERSION"], sep="|")
"""


def as_user(works: Works, host: dict[str, str], *argv: str | Path) -> subprocess.CompletedProcess[str]:
    clean = ("env", "-i", f"HOME=/home/{works.user}", "PATH=/usr/bin:/bin", *(f"{k}={v}" for k, v in host.items()))
    line = ("runuser", "-u", works.user, "--", *clean, works.program, "-s", *map(str, argv))
    return subprocess.run(line, capture_output=True, text=True, timeout=300, check=False, cwd="/")


def test_the_hosts_modules_stay_outside(works: Works, from_packages: Sif) -> None:
    host = dict.fromkeys(STRAY, "/opt/site/modules") | {"TMPDIR": "/scratch/jobs/5"}
    told = as_user(works, host, "exec", from_packages.path, "/opt/dlm/env/bin/python", "-IB", "-c", CODE)
    assert told.stdout.strip() == "|/tmp|cpu|12.4.1", told.stderr


def test_a_model_runs_where_the_host_has_a_python_of_its_own(works: Works, from_packages: Sif) -> None:
    """Before its environment is settled nothing of the host may be imported either."""
    site = works.folder / "site"
    site.mkdir()
    (site / "sitecustomize.py").write_text("raise SystemExit('a module of the host')")
    host = {"PYTHONPATH": str(site), "PYTHONHOME": "/usr", "APPTAINER_BIND": str(site)}
    ended = as_user(works, host, "test", from_packages.path)
    assert "module of the host" not in ended.stderr and "PYTHONHOME" not in ended.stderr
    assert "No module named 'numpy'" in ended.stderr, "it came as far as the model, which this environment cannot run"
