"""The harness itself inside a container with all restrictions."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

import dlm_build.harness
from dlm_build.config import Settings
from dlm_build.records import Member
from dlm_build.running import run_sample
from dlm_build.store import Store
from tests.engines.running.models import built, limited, plan_of

pytestmark = pytest.mark.engine


HARNESS = Path(dlm_build.harness.__file__).parent
HARNESS_DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY dlm /opt/dlm
"""
LAUNCHER = """\
#!/usr/bin/env -S python3 -IBu
import runpy; runpy.run_path("/opt/dlm/harness/__main__.py", run_name="__main__")
"""
PROGRAM = """\
import os, sys, tempfile
from pathlib import Path
import helper
handle, name = tempfile.mkstemp(dir=".")
inputs = Path(sys.argv[1]).read_text() + " " + Path("test/program.py").read_text()
os.write(handle, f"{helper.word} {inputs} {os.getcwd()}".encode())
os.rename(name, "result.txt")
"""
HANDLER = """\
import os
from ts.torch_handler.base_handler import BaseHandler
class Handler(BaseHandler):
    def initialize(self, context): self.device = os.environ["DLM_DEVICE"]
    def preprocess(self, data): return bytes(data[0]["body"]).decode()
    def inference(self, data): return data.upper()
    def postprocess(self, data): return [{"said": data, "device": self.device, "seed": os.environ["PYTHONHASHSEED"]}]
"""


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        (
            {"kind": "command", "argv": ["python3", "run.py", "{input}"], "working_dir": "/workspace"},
            {"result.txt": "hello pixels pixels /workspace"},
        ),
        (
            {"kind": "handler", "handler": "handler.py", "working_dir": "/workspace"},
            {"program.json": '{\n "device": "cpu",\n "said": "PIXELS",\n "seed": "0"\n}\n'},
        ),
    ],
    ids=["command", "handler"],
)
def test_the_harness_works_under_all_restrictions(
    stack: dict[str, Any], settings: Settings, tmp_path: Path, runner: dict[str, Any], expected: dict[str, str]
) -> None:
    context = tmp_path / "context"
    shutil.copytree(HARNESS, context / "dlm/harness", ignore=shutil.ignore_patterns("__pycache__"))
    described = {"runner": runner, "sample": {"input": {"path": "test/program.py"}}}
    files = {
        "Dockerfile": HARNESS_DOCKERFILE, "dlm/bin/model": LAUNCHER, "dlm/dlm.json": json.dumps(described),
        "dlm/model/run.py": PROGRAM, "dlm/model/handler.py": HANDLER, "dlm/source/helper.py": "word = 'hello'",
    }  # fmt: skip
    for name, text in files.items():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(text)
    (context / "dlm/bin/model").chmod(0o755)
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"pixels")
    plan = plan_of(Member(path="test/program.py", size=stored.size, sha256=stored.sha256), False)
    with built(stack, context, "harness") as image:
        run = run_sample(image, plan, tmp_path / "run", None, limited(settings, store))
    assert run.end == "finished", run
    assert {file.path: Path(run.output_folder, file.path).read_text() for file in run.outputs} == expected
