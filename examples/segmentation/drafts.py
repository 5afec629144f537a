"""An example folder held in memory, so that variants can be written as small edits of it.

Standard library and numpy only: no framework, no archiver.
"""

from __future__ import annotations

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from scenes import BUILT, CLASSES, SOIL, VEGETATION, WATER, make_scene

HANDLERS = Path(__file__).resolve().parent / "handlers"
REGULAR_FILE = 0o100644
ARCHIVE = "model.mar"
MANIFEST = "MAR-INF/MANIFEST.json"
ENVIRONMENT = "environment.yml"
SAMPLE_SEED, SAMPLE_SIZE = 77, 32

Item = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One member of the archive; `mode` is the Unix type and permission."""

    content: bytes
    mode: int = REGULAR_FILE


@dataclass(frozen=True, kw_only=True)
class Draft:
    """Item and archive members. `raw` stands for the archive's bytes where members cannot say what they are."""

    item: Item
    entries: Mapping[str, Entry]
    raw: bytes | None = None

    def archive(self) -> bytes:
        return packed(self.entries) if self.raw is None else self.raw


def read_draft(example: Path) -> Draft:
    """The example in the folder `example`."""
    with zipfile.ZipFile(example / ARCHIVE) as archive:
        entries = {name: Entry(content=archive.read(name)) for name in archive.namelist()}
    return Draft(item=json.loads((example / "item.json").read_text(encoding="utf-8")), entries=entries)


def packed(entries: Mapping[str, Entry]) -> bytes:
    """A zip with the members sorted, stored, and dated 1980-01-01."""
    result = io.BytesIO()
    with zipfile.ZipFile(result, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(entries):
            info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            info.create_system = 3
            info.external_attr = entries[name].mode << 16
            archive.writestr(info, entries[name].content)
    return result.getvalue()


def sealed(draft: Draft) -> Draft:
    """The item's checksum and size brought in line with the archive."""
    content = draft.archive()
    asset = dict(draft.item["assets"]["model_archive"])
    asset |= {"file:checksum": "1220" + hashlib.sha256(content).hexdigest(), "file:size": len(content)}
    return replace(draft, item=draft.item | {"assets": {"model_archive": asset}})


def write_draft(draft: Draft, verdict: str, destination: Path) -> Path:
    """item.json, model.mar and expected.json in the new folder `destination`. The draft is written as it is."""
    destination.mkdir(parents=True)
    (destination / ARCHIVE).write_bytes(draft.archive())
    (destination / "item.json").write_text(_json(draft.item), encoding="utf-8")
    (destination / "expected.json").write_text(_json({"verdict": verdict, "item": "item.json"}), encoding="utf-8")
    return destination / "item.json"


def python_draft(template: Draft, handler: str) -> Draft:
    """A model of a few numbers behind `handlers/<handler>.py`, which needs nothing but Python and numpy.

    All else (bands, classes, place, dates) is as in `template`, an example's draft. So is the environment, byte for
    byte: the lock is the example's, and whoever built that has most of this one's image already.
    """
    expected = _honest_answer(entries := _python_entries(template, handler))
    entries = {**entries, "expected.npy": Entry(content=expected)}
    properties = template.item["properties"]
    runtime = properties["dlm:runtime"] | {"model_handler": "handler:handle"}
    test_file = {"filename": "sample.npy", "output": "expected.npy"}
    tensors = properties["dlm:inputs"]["input_tensors"] | {"height": SAMPLE_SIZE, "width": SAMPLE_SIZE}
    changed = {
        "title": f"Nearest mean spectrum, handler {handler}",
        "description": "Every pixel gets the class whose mean spectrum is nearest",
        "dlm:runtime": runtime,
        "dlm:archive": [{"name": name, "role": [_role(name)]} for name in sorted(entries)],
        "dlm:data": properties["dlm:data"] | {"test_file": test_file},
        "dlm:inputs": properties["dlm:inputs"] | {"input_tensors": tensors},
        "dlm:outputs": properties["dlm:outputs"] | {"final_layer_size": [1, len(CLASSES), SAMPLE_SIZE, SAMPLE_SIZE]},
        "dlm:architecture": {"total_nb_parameters": 16, "type": "nearest mean", "pretrained": None},
    }
    item = template.item | {"id": f"dlm-example-python-{handler}", "properties": properties | changed}
    return sealed(Draft(item=item, entries=entries))


def _python_entries(template: Draft, handler: str) -> dict[str, Entry]:
    inputs = template.item["properties"]["dlm:inputs"]
    means, std = (np.array(inputs[f"normalization:{k}"]) for k in ("mean", "std"))
    scene = make_scene(SAMPLE_SEED, 128)
    spectra = scene.image[inputs["selected_bands"]] * inputs["scaling_factor"]
    weights = [
        ((spectra[:, scene.labels == c].mean(axis=1) - means) / std).round(4).tolist()
        for c in (WATER, VEGETATION, SOIL, BUILT)
    ]
    config = {
        **{k: inputs[k] for k in ("selected_bands", "scaling_factor")},
        **{k: inputs[f"normalization:{k}"] for k in ("mean", "std")},
        "nodata_value": template.item["properties"]["dlm:data"]["nodata_value"],
        "dont_care_index": template.item["properties"]["dlm:outputs"]["dont_care_index"],
    }
    texts = {
        "config.json": _json(config),
        "weights.json": _json({"classes": CLASSES[1:], "means": weights}),
        "handler.py": (HANDLERS / f"{handler}.py").read_text(encoding="utf-8"),
        "predict.py": (HANDLERS / "predict.py").read_text(encoding="utf-8"),
        MANIFEST: _json(_manifest()),
    }
    sample = npy(scene.image[:, :SAMPLE_SIZE, :SAMPLE_SIZE])
    entries = {name: Entry(content=text.encode()) for name, text in texts.items()}
    return entries | {"sample.npy": Entry(content=sample), ENVIRONMENT: template.entries[ENVIRONMENT]}


def _manifest() -> dict[str, Any]:
    model = {"modelName": "model", "serializedFile": "weights.json", "handler": "handler:handle", "modelVersion": "1.0"}
    return {"createdOn": "15/01/2025 00:00:00", "runtime": "python", "model": model, "archiverVersion": "0.12.0"}


def _honest_answer(entries: Mapping[str, Entry]) -> bytes:
    """What predict.py gives for the sample, computed here without it."""
    config, weights = (json.loads(entries[n].content) for n in ("config.json", "weights.json"))
    image = np.load(io.BytesIO(entries["sample.npy"].content), allow_pickle=False)
    bands = image[config["selected_bands"]] * config["scaling_factor"]
    flat = (bands - np.array(config["mean"])[:, None, None]) / np.array(config["std"])[:, None, None]
    distances = [((flat - np.array(mean)[:, None, None]) ** 2).sum(axis=0) for mean in weights["means"]]
    labels = (np.argmin(distances, axis=0) + 1).astype(np.uint8)
    labels[(image == config["nodata_value"]).all(axis=0)] = config["dont_care_index"]
    return npy(labels)


def npy(array: np.ndarray[Any, Any]) -> bytes:
    """The bytes of a .npy file."""
    result = io.BytesIO()
    np.save(result, np.ascontiguousarray(array), allow_pickle=False)
    return result.getvalue()


def _role(name: str) -> str:
    roles = {
        "weights.json": "model weight",
        ENVIRONMENT: "environment file",
        "sample.npy": "test set",
        "expected.npy": "expected output",
        MANIFEST: "archive manifest",
        "config.json": "config file",
    }
    return roles.get(name, "model handler")


def _json(value: Any) -> str:
    return json.dumps(value, indent=2, ensure_ascii=False) + "\n"
