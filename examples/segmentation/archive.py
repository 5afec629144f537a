"""Step 5: the model archives, by the real torch-model-archiver, then made the same bytes every time.

The archiver stamps the manifest and every member with the time of day. `normalise` rewrites its archive with the same
members: sorted, stored without compression (so no compressor's version shows), dated 1980-01-01, mode 0644; and sets
the manifest's `createdOn` to the item's date. Nothing else is touched.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from recipe import BUILD, EXAMPLES, SCALING_FACTOR, SELECTED_BANDS, load_normalisation, write_json
from scenes import DONTCARE, NODATA

MANIFEST = "MAR-INF/MANIFEST.json"
MEMBER_TIME = (1980, 1, 1, 0, 0, 0)
VERSION = "1.0"


@dataclass(frozen=True, kw_only=True)
class Example:
    """One example folder: what goes into its archive and what its item says about the runtime."""

    folder: Path
    weights: str
    """Name in the build folder and in the archive."""
    handler: str
    """For the archiver: a file of the example folder, or the name of one of TorchServe's own handlers."""
    roles: tuple[tuple[str, str], ...]
    """Every member of the archive with its role in `dlm:archive`."""
    framework: str
    framework_version: str
    model_handler: str | None
    created: datetime


ONNX = Example(
    folder=EXAMPLES / "segmentation-onnx",
    weights="model.onnx",
    # The archiver insists on a handler; this names one of TorchServe's own and adds no file. Nothing here uses it.
    handler="image_segmenter",
    roles=(
        ("model.onnx", "model weight"),
        ("environment.yml", "environment file"),
        ("sample.tif", "test set"),
        ("expected.tif", "expected output"),
        (MANIFEST, "archive manifest"),
    ),
    framework="onnxruntime",
    framework_version="1.20.1",
    model_handler=None,
    created=datetime(2025, 1, 15, tzinfo=UTC),
)
PYTORCH = Example(
    folder=EXAMPLES / "segmentation-pytorch",
    weights="model.pt",
    handler="handler.py",
    roles=(
        ("model.pt", "model weight"),
        ("handler.py", "model handler"),
        ("config.json", "config file"),
        ("environment.yml", "environment file"),
        ("sample.tif", "test set"),
        ("expected.tif", "expected output"),
        (MANIFEST, "archive manifest"),
    ),
    framework="PyTorch",
    framework_version="2.13.0",
    model_handler="handler.py",
    created=datetime(2026, 10, 1, tzinfo=UTC),
)


def write_config(path: Path) -> None:
    """What the PyTorch handler needs to know; the item's `dlm:data` and `dlm:inputs` say the same."""
    normalisation = load_normalisation()
    write_json(
        path,
        {
            "selected_bands": list(SELECTED_BANDS),
            "scaling_factor": SCALING_FACTOR,
            "mean": list(normalisation.mean),
            "std": list(normalisation.std),
            "nodata_value": NODATA,
            "dont_care_index": DONTCARE,
        },
    )


def archiver_argv(example: Example, staging: Path, export: Path) -> tuple[str, ...]:
    """The command; every path is below `staging` but the destination."""
    extra = [name for name, _ in example.roles if name not in {example.weights, example.handler, MANIFEST}]
    handler = str(staging / example.handler) if example.handler.endswith(".py") else example.handler
    return (
        str(Path(sys.executable).with_name("torch-model-archiver")),
        *("--model-name", "model", "--version", VERSION),
        *("--serialized-file", str(staging / example.weights)),
        *("--handler", handler),
        *("--extra-files", ",".join(str(staging / name) for name in extra)),
        *("--export-path", str(export), "--force"),
    )


def make_archive(example: Example) -> Path:
    """`model.mar` in the example's folder."""
    with TemporaryDirectory() as scratch:
        staging, export, temporary = (Path(scratch, n) for n in ("staging", "export", "tmp"))
        for folder in (staging, export, temporary):
            folder.mkdir()
        for name, _ in example.roles:
            if name != MANIFEST:
                own = example.folder / name
                shutil.copyfile(own if own.exists() else BUILD / name, staging / name)
        # The archiver collects its members in the temporary folder under the model's name: give it one of its own.
        environment = os.environ | {"TMPDIR": str(temporary)}
        subprocess.run(archiver_argv(example, staging, export), check=True, env=environment)
        destination = example.folder / "model.mar"
        normalise(export / "model.mar", destination, example.created)
    return destination


def normalise(source: Path, destination: Path, created: datetime) -> None:
    """The archive `source` again, with nothing in it that depends on when or where it was made."""
    with zipfile.ZipFile(source) as archive:
        members = {name: archive.read(name) for name in archive.namelist()}
    manifest = json.loads(members[MANIFEST])
    manifest["createdOn"] = created.strftime("%d/%m/%Y %H:%M:%S")
    members[MANIFEST] = json.dumps(manifest, indent=2).encode()
    write_zip(destination, members)


def write_zip(destination: Path, members: dict[str, bytes]) -> None:
    """Members sorted by name, stored, with fixed times and modes."""
    with zipfile.ZipFile(destination, "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(members):
            archive.writestr(plain_member(name), members[name])


def plain_member(name: str) -> zipfile.ZipInfo:
    """A regular file, mode 0644, made on Unix."""
    info = zipfile.ZipInfo(name, MEMBER_TIME)
    info.create_system = 3
    info.external_attr = 0o100644 << 16
    return info


def main() -> None:
    write_config(BUILD / "config.json")
    for example in (ONNX, PYTORCH):
        path = make_archive(example)
        print(f"{path.relative_to(EXAMPLES)}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
