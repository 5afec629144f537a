"""Makes `frameworks.json` and `bases.json` from the collected facts; see README.md beside this file.

    python -m dlm_build.planning.data.make framework_compat.json cuda_digests.json

One row per line, so that a change of one fact is a change of one line.
"""

from __future__ import annotations

import argparse
import json
import re
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
GENERATED = "made by dlm_build/planning/data/make.py; change that or its inputs, then run it"

PYTHON_RELEASES = {
    "3.5": "2015-09-13", "3.6": "2016-12-23", "3.7": "2018-06-27", "3.8": "2019-10-14", "3.9": "2020-10-05",
    "3.10": "2021-10-04", "3.11": "2022-10-24", "3.12": "2023-10-02", "3.13": "2024-10-07", "3.14": "2025-10-07",
}  # fmt: skip
PYTHON_SOURCE = "release schedules: PEP 478, 494, 537, 569, 596, 619, 664, 693, 719, 745"

TABLE_NAMES = {"pytorch": "pytorch", "tensorflow": "tensorflow", "mxnet": "mxnet", "onnxruntime-gpu": "onnxruntime"}
ROWS_ARE = {"pytorch": "releases", "mxnet": "releases", "tensorflow": "minors", "onnxruntime": "minors"}
ALIASES = {
    "pytorch": ["pytorch", "torch", "torchscript", "pytorchlightning", "lightning", "libtorch"],
    "tensorflow": ["tensorflow", "tensorflow2", "tf", "keras", "tfkeras", "tensorflowkeras", "tensorflowgpu"],
    "mxnet": ["mxnet", "apachemxnet", "gluon"],
    "onnxruntime": ["onnxruntime", "onnx", "ort", "onnxruntimegpu"],
}
DISTRIBUTIONS = {
    "pytorch": ["torch", "pytorch", "pytorch-cpu", "pytorch-gpu"],
    "tensorflow": ["tensorflow", "tensorflow-gpu", "tensorflow-cpu"],
    "mxnet": ["mxnet"],
    "onnxruntime": ["onnxruntime", "onnxruntime-gpu"],
}
ONNXRUNTIME_BY = {
    "1.4": "2020-07-31", "1.5": "2020-10-31", "1.6": "2020-12-31", "1.7": "2021-03-31", "1.8": "2021-06-30",
    "1.9": "2021-09-30", "1.10": "2021-12-31", "1.11": "2022-03-31", "1.12": "2022-07-31", "1.13": "2022-10-31",
}  # fmt: skip
"""Last day of the month of release, from memory: the collected table has dates from 1.14 on only."""
TAG_STATES = {"present": "present", "deleted": "deleted", "partly": "partly-deleted"}

REWORDED = (
    (r" \((copy in )?stored files? [^)]*\)", ""),
    (r",? ?as quoted in stored files.*", " (copies of the table)"),
    (r"[^;]*stored file \d+[^;]*", "public text"),
    (
        r"^wheel index: --index-url.*",
        "PyTorch's own wheel index has builds per CUDA, the package index one each",
    ),
    (r"\b(the )?download\.pytorch\.org( torch wheel index|/\S+)?", "the PyTorch wheel index"),
    (r"\bpiwheels\.org/project/\S+( and /\S+)?", "piwheels"),
    (r"\(blog\.csdn\.net/[^)]*\)", "(copies, up to 1.20)"),
    (r"\(?conda-forge\.org/docs\S+", "(conda-forge documentation)"),
    (r"\bstored\b", "public"),
    (r"\b\d{9,11}\b(/\d{9,11}\b)*", "a public file"),
)


def main() -> None:
    parser = argparse.ArgumentParser(description="Make the tables of dlm_build.planning from the collected facts.")
    parser.add_argument("frameworks", type=Path)
    parser.add_argument("digests", type=Path)
    given = parser.parse_args()
    write_tables(json.loads(given.frameworks.read_text("utf-8")), json.loads(given.digests.read_text("utf-8")), HERE)


def write_tables(facts: dict[str, Any], digests: list[dict[str, Any]], folder: Path) -> None:
    """Write both files into `folder`."""
    (folder / "frameworks.json").write_text(frameworks_text(facts), "utf-8")
    (folder / "bases.json").write_text(bases_text(facts, digests), "utf-8")


def frameworks_text(facts: dict[str, Any]) -> str:
    tables = [_framework(TABLE_NAMES[name], facts["frameworks"][name]) for name in TABLE_NAMES]
    return _lines({
        "generated": GENERATED,
        "collected": facts["generated"],
        "frameworks": tables,
        "python_releases": PYTHON_RELEASES,
        "python_source": PYTHON_SOURCE,
    })  # fmt: skip


def bases_text(facts: dict[str, Any], digests: list[dict[str, Any]]) -> str:
    kept = [row for row in digests if row["image"].removeprefix("nvcr.io/") in ("nvidia/cuda", "python")]
    return _lines({
        "generated": GENERATED,
        "collected": facts["generated"],
        "rows": [_base(row) for row in kept],
    })  # fmt: skip


def _framework(name: str, table: dict[str, Any]) -> dict[str, Any]:
    return {
        "name": name,
        "aliases": ALIASES[name],
        "distributions": DISTRIBUTIONS[name],
        "rows_are": ROWS_ARE[name],
        "sources": [_clean(text) for text in table["sources"]],
        "notes": [_clean(text) for text in table["notes"]],
        "rows": [_row(row) | _remembered(name, row) for row in table["versions"]],
    }


def _row(row: dict[str, Any]) -> dict[str, Any]:
    conda = row.get("conda_channel_pytorch") or {}
    cudnn = row.get("cudnn")
    return {
        "version": row["version"],
        "released": _date(row.get("release_date") or row.get("announced") or row.get("docs_row_added")),
        "cuda": row["cuda"],
        "cuda_default": row.get("cuda_default") or row["cuda"][0],
        "cuda_source": _clean(row.get("cuda_default_source") or ""),
        "cudnn": {cuda: text for cuda, text in cudnn.items() if cuda != "note"} if isinstance(cudnn, dict) else {},
        "cudnn_note": _clean(cudnn if isinstance(cudnn, str) else (cudnn or {}).get("note", "")),
        "python": row["python"],
        "torchvision": row.get("torchvision"),
        "conda_style": _conda_style(conda),
        "conda_channels": conda.get("channels", []),
        "conda_source": _clean("; ".join(text for text in (conda.get("checked"), conda.get("extra_channel")) if text)),
        "pip": row.get("pip") or (f"mxnet=={row['pip_version']}" if row.get("pip_version") else None),
        "pip_cuda_extra": "[" in (row.get("pip_cuda_extra") or ""),
        "note": _clean("; ".join(text for text in (row.get("note"), row.get("pip_note"), row.get("checked")) if text)),
    }


def _remembered(name: str, row: dict[str, Any]) -> dict[str, str]:
    by = ONNXRUNTIME_BY.get(row["version"]) if name == "onnxruntime" else None
    if by is None:
        return {}
    note = "; ".join(text for text in (row.get("note"), "month of release from memory") if text)
    return {"released": by, "note": note}


def _conda_style(conda: dict[str, Any]) -> str | None:
    if "pytorch_cuda" in conda:
        return "pytorch-cuda"
    return "cudatoolkit" if "cudatoolkit" in conda else None


def _base(row: dict[str, Any]) -> dict[str, Any]:
    named = [f"{source['repo']}:{source['path']}" for source in row["sources"] if "repo" in source]
    unnamed = len(row["sources"]) - len(named)
    return {
        "repository": _repository(row["image"]),
        "tag": row["tag"],
        "digest": row["digest"],
        "kind": row["kind"],
        "trust": row["trust"],
        "confirmations": row["confirmations"],
        "use_for_amd64": row["use_for_amd64"],
        "superseded": bool(row["superseded"]),
        "state": TAG_STATES[(row.get("tag_state") or "present").split()[0]],
        "cuda": row.get("cuda"),
        "flavour": row.get("flavour"),
        "os": row.get("os") or "",
        "note": _clean(row["note"]),
        "sources": named + ([f"{unnamed} public files"] if unnamed else []),
    }


def _repository(image: str) -> str:
    if image.startswith("nvcr.io/"):
        return image
    return f"docker.io/{image}" if "/" in image else f"docker.io/library/{image}"


def _date(text: str | None) -> str | None:
    found = re.search(r"\d{4}-\d{2}-\d{2}", text or "")
    return found.group() if found else None


def _clean(text: str) -> str:
    for pattern, words in REWORDED:
        text = re.sub(pattern, words, text)
    return text.strip()


def _lines(document: dict[str, Any]) -> str:
    """JSON with one line per row: objects open up to the second level, everything below stays on its line."""
    return "{\n" + ",\n".join(f'"{key}": {_value(value)}' for key, value in document.items()) + "\n}\n"


def _value(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return "[\n" + ",\n".join(_item(row) for row in value) + "\n]"
    return json.dumps(value, ensure_ascii=False)


def _item(row: dict[str, Any]) -> str:
    if "rows" not in row:
        return json.dumps(row, ensure_ascii=False)
    return "{" + ",\n".join(f'"{key}": {_value(value)}' for key, value in row.items()) + "}"


if __name__ == "__main__":
    main()
