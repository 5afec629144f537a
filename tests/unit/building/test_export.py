"""Images as engines hand them out: the OCI layout as a tar, its blobs checked against the names they have."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from dlm_build.building.export import take_in
from dlm_build.errors import HashMismatch, InfraError
from dlm_build.progress import silent
from tests.unit.sif.tars import Row, tar

LAYERS = ("lower layer", "upper layer")
CONFIG = json.dumps({"architecture": "amd64", "config": {"Env": ["PATH=/bin", "X=a=b", "EMPTY="]}})


def named(text: str) -> str:
    return f"blobs/sha256/{hashlib.sha256(text.encode()).hexdigest()}"


def layout(**changes: Any) -> list[Row]:
    listed = [{"Config": named(CONFIG), "RepoTags": ["x:1"], "Layers": [named(text) for text in LAYERS], **changes}]
    blobs: list[Row] = sorted(("file", named(text), text) for text in (*LAYERS, CONFIG))
    return [
        ("folder", "blobs", ""),
        *blobs,
        ("file", "index.json", "{}"),
        ("file", "manifest.json", json.dumps(listed)),
    ]


def stream(rows: list[Row]) -> Iterator[bytes]:
    raw = tar(*rows)
    return (raw[at : at + 700] for at in range(0, len(raw), 700))


def test_layers_come_in_their_own_order_with_the_variables(tmp_path: Path) -> None:
    taken = take_in(stream(layout()), tmp_path, silent)
    assert [Path(path).read_text() for path in taken.layers] == list(LAYERS)
    assert taken.environment == {"PATH": "/bin", "X": "a=b", "EMPTY": ""}
    assert f"sha256:{hashlib.sha256(CONFIG.encode()).hexdigest()}" in taken.digests


def test_other_bytes_than_promised_are_refused(tmp_path: Path) -> None:
    rows = [(kind, path, "tampered" if text == LAYERS[0] else text) for kind, path, text in layout()]
    with pytest.raises(HashMismatch, match="handed out other bytes"):
        take_in(stream(rows), tmp_path, silent)


@pytest.mark.parametrize(("rows", "said"), [
    ([("file", "index.json", "{}")], "handed out no image"),
    ([("file", "manifest.json", "[]")], "handed out no image"),
    ([("file", "manifest.json", "{}")], "cannot be read"),
    (layout(Layers=["0123/layer.tar"]), "a form this version does not read"),
    (layout(Config="../../etc/passwd"), "a form this version does not read"),
    (layout(Config="blobs/sha256/../../../etc/passwd"), "a form this version does not read"),
])  # fmt: skip
def test_what_is_no_image_is_said_to_be_none(rows: list[Row], said: str, tmp_path: Path) -> None:
    with pytest.raises(InfraError, match=said):
        take_in(stream(rows), tmp_path, silent)


def test_a_stream_that_ends_early_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="cut short"):
        take_in(iter((tar(*layout())[:900],)), tmp_path, silent)
