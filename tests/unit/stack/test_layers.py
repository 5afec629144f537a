"""Layers and manifests whose bytes depend on nothing but their contents."""

from __future__ import annotations

import gzip
import hashlib
import io
import tarfile
from pathlib import Path

from tests.stack.layers import EPOCH, file_member, link_member, tree_members, write_layer
from tests.stack.registry import Blob, canonical


def test_a_layer_names_both_its_digests(tmp_path: Path) -> None:
    layer = write_layer(tmp_path / "one.tar.gz", [file_member("a", b"text", 0o755), link_member("b", "a")])
    packed = layer.path.read_bytes()
    assert layer.digest == "sha256:" + hashlib.sha256(packed).hexdigest()
    assert layer.diff_id == "sha256:" + hashlib.sha256(gzip.decompress(packed)).hexdigest()
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        assert [(info.name, info.mode, info.mtime, info.linkname) for info in archive] == [
            ("a", 0o755, EPOCH, ""),
            ("b", 0o777, EPOCH, "a"),
        ]


def test_the_same_tree_made_at_another_time_and_place_is_the_same_layer(tmp_path: Path) -> None:
    digests = set()
    for name, order in (("x", ("b", "a")), ("yy", ("a", "b"))):
        root = tmp_path / name
        (root / "dev").mkdir(parents=True)
        (root / "dev" / name).touch()
        for file in order:
            (root / file).write_text(file)
            (root / file).touch()
        digests.add(write_layer(tmp_path / f"{name}.tar.gz", tree_members(root)).digest)
    assert len(digests) == 1


def test_manifest_bytes_do_not_depend_on_the_order_of_fields() -> None:
    assert canonical({"b": 1, "a": [2]}) == canonical({"a": [2], "b": 1}) == b'{"a":[2],"b":1}'


def test_a_descriptor_can_carry_a_platform() -> None:
    assert Blob("type", "sha256:00", 3).descriptor(platform={"os": "linux"}) == {
        "mediaType": "type",
        "digest": "sha256:00",
        "size": 3,
        "platform": {"os": "linux"},
    }
