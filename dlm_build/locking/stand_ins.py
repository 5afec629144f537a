"""Empty wheels that stand for what conda provides, so that uv asks no index what it is made of.

The index may have another build, which requires other things, or none. A local version tells them apart: it fits
whatever the version before it fits, and no index has it.
"""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from pathlib import Path

LOCAL = "+conda"
_WHEEL = "Wheel-Version: 1.0\nGenerator: dlm-build\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def version_of(version: str) -> str:
    """Of the wheel that stands for this version."""
    return version.partition("+")[0] + LOCAL


def write_stand_ins(distributions: Iterable[tuple[str, str]], folder: Path) -> None:
    """A wheel for each name and version, into `folder`, which is made."""
    folder.mkdir()
    for name, version in distributions:
        stem = f"{name.replace('-', '_')}-{version_of(version)}"
        with zipfile.ZipFile(folder / f"{stem}-py3-none-any.whl", "w") as wheel:
            metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version_of(version)}\n"
            for file, text in (("METADATA", metadata), ("WHEEL", _WHEEL), ("RECORD", "")):
                wheel.writestr(f"{stem}.dist-info/{file}", text)
