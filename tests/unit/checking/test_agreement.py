"""What check says of an item, and what a build does with it up to its plan, where every address serves what its name
promises: the one blocks where the other refuses, and nowhere else.
"""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path
from posixpath import basename
from typing import Any

import pytest

from dlm_build.config import Settings
from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid
from dlm_build.fetching.urls import checked_url
from dlm_build.gathering import Outside, gather
from dlm_build.items import read_item
from dlm_build.planning.plan import Choices, make_plan
from dlm_build.progress import silent
from dlm_build.records import Item, Plan
from dlm_build.store import Store, Stored
from dlm_build.weight_files import FOREIGN_SUFFIXES, SINGLE_SUFFIXES, suffix_of
from tests.unit.checking.made import changed, check
from tests.unit.gathering.made import FakeFetcher, NoPrograms
from tests.unit.planning.inputs import tables

RUNTIME, HREF, TEST = "properties__dlm:runtime", "assets__model__href", "properties__dlm:data__test_file"
ORIGIN = "https://example.org/item.json"
ARCHIVE = "https://example.org/model.zip"
LOCK = b"version: 1\npackage:\n- name: pytorch\n  version: 1.7.1\n  manager: conda\n"


def zipped(**members: bytes) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as packed:
        for name, data in members.items():
            packed.writestr(name, data)
    return out.getvalue()


TORCHSCRIPT = zipped(**{"m/constants.pkl": b"c", "m/code/a.py": b"a", "m/data.pkl": b"d", "m/version": b"3"})
CONTENT = {
    ".onnx": b"\x08\x07\x12\x04test\x3a\x04abcd", ".torchscript": TORCHSCRIPT, ".pt": TORCHSCRIPT, ".pth": TORCHSCRIPT,
    ".pt2": zipped(**{"m/archive_format": b"pt2", "m/models/model.json": b"{}"}),
    ".keras": zipped(**{"config.json": b"{}", "metadata.json": b"{}", "model.weights.h5": b"\x89HDF\r\n\x1a\n"}),
    ".h5": b"\x89HDF\r\n\x1a\n" + bytes(64), ".yml": b"dependencies: [python=3.8, pytorch=1.7.1]\n",
    ".txt": b"torch==1.7.1\n", ".lock": b"[[package]]\n", ".toml": b"[project]\n", ".cfg": b"[metadata]\n",
    ".json": b"{}\n", "": b"FROM python:3.8\n", ".py": b"def handle(path): ...\n",
}  # fmt: skip


def content(name: str) -> bytes:
    return LOCK if basename(name) == "conda-lock.yml" else CONTENT.get(suffix_of(name), bytes(range(64)))


class Guarded(FakeFetcher):
    """Refuses the addresses that the real one does not ask."""

    def download(self, url: str, *args: Any, **options: Any) -> Stored:
        checked_url(url, trusted=False)
        return super().download(url, *args, **options)


def world(item: Item) -> FakeFetcher:
    """The archive has all that the item says to be in it."""
    runtime, sample = item.runtime, item.sample
    said = [
        *(entry.name for entry in item.archive),
        runtime.requirement_file,
        (runtime.handler or "").partition(":")[0],
    ]
    said += [sample.input, sample.expected] if sample else []
    inside = {name: content(name) for name in said if name and suffix_of(name) and "://" not in name}
    packed = zipped(**inside | {"notes": b"x"})
    hrefs = [asset.href for asset in item.assets] + [runtime.requirement_file or ""]
    return Guarded({href: packed if suffix_of(href) in (".zip", ".mar") else content(href) for href in hrefs})


def planned(document: dict[str, Any], folder: Path) -> Plan:
    item = read_item(json.dumps(document), ORIGIN)
    outside = Outside(world(item), NoPrograms(), Store(folder / "store"), silent)
    return make_plan(item, gather(item, outside), Choices(), tables(), Settings())


def without_source(**changes: Any) -> dict[str, Any]:
    less = {
        f"{RUNTIME}__model_src_url": None,
        f"{RUNTIME}__model_commit_hash": None,
        "assets__model__file:checksum": None,
    }
    return changed(**less | changes)


ALONE: dict[str, Any] = {
    f"{RUNTIME}__model_handler": None, f"{RUNTIME}__requirement_file": None, TEST: None, "properties__dlm:archive": [],
    "assets__model__type": None,
}  # fmt: skip
NAMED = (
    "environment.yml", "requirements.txt", "conda-lock.yml", "env/requirements.txt", "uv.lock", "pyproject.toml",
    "setup.py", "setup.cfg", "Dockerfile", "environment.json", "https://example.org/environment.yml",
    "https://github.com/me/m", "https://doi.org/10.5281/zenodo.123",
)  # fmt: skip
CASES: tuple[dict[str, Any], ...] = (
    {},
    *({HREF: f"https://example.org/model{suffix}", **ALONE} for suffix in (*SINGLE_SUFFIXES, ".cbm", ".joblib")),
    *({HREF: f"https://example.org/model.tar{suffix}"} for suffix in FOREIGN_SUFFIXES),
    *({HREF: f"https://example.org/scene{suffix}"} for suffix in (".tif", ".csv", ".md", ".ipynb")),
    *({HREF: href} for href in ("https://huggingface.co/me/m", "https://doi.org/10.5281/zenodo.123", "ghcr.io/me/m:1",
                                "http://example.com/model.zip", "https://10.0.0.7/model.zip", "ftp://e.org/model.zip")),
    *({f"{RUNTIME}__requirement_file": name} for name in NAMED),
    *({f"{RUNTIME}__model_handler": name} for name in ("handler.py", "handler.py:run-it", "my-mod:run", "a.b:c")),
    *({HREF: "https://example.org/model.pt", **ALONE, f"{RUNTIME}__model_handler": name}
      for name in ("handler.py:handle", "pkg.mod:handle")),
    *({f"{RUNTIME}__docker": {"run": run}} for run in ("python a.py {input}", "python a.py | tee log", "a.py {scene}")),
    *({f"{RUNTIME}__docker": {"run": "a.py", "working_dir": folder}} for folder in ("/workspace", "/usr/lib/app")),
    *({f"{RUNTIME}__version": version} for version in ("1.7", "9.9", "latest", ">=1.5,<2", "<0.1")),
    *({f"{RUNTIME}__framework": name} for name in ("Caffe", "JAX", "Keras", "ONNX")),
    *({"assets__model__roles": [role]} for role in ("thumbnail", "metadata", "mlm:model", "weights", "data")),
    *({TEST: {"filename": name}} for name in ("sample.tif", "data/sample.tif")),
    *({HREF: "https://example.org/model.onnx", **ALONE, TEST: {"filename": name}} for name in ("sample.tif", "in.npy")),
)  # fmt: skip


@pytest.mark.parametrize("changes", CASES, ids=lambda changes: " ".join(map(str, changes.values()))[:60] or "complete")
def test_check_blocks_what_a_build_refuses(changes: dict[str, Any], tmp_path: Path) -> None:
    document = without_source(**changes)
    checked = check(document, ORIGIN)
    blocking = [finding.code for finding in checked.findings if finding.severity == "error"]
    try:
        plan, refused = planned(document, tmp_path), ""
    except (ItemInvalid, ItemHostile) as problem:
        refused = problem.message
    except DlmBuildError as problem:
        pytest.fail(f"{type(problem).__name__}: {problem.message}")
    assert bool(blocking) == bool(refused), refused or (blocking, plan.runner)
    limits = {"framework-without-recipe", "weights-without-runner"}  # of dlm-build, and not of the item
    assert limits.issuperset(blocking) or checked.grade.letter in "CDEF"
