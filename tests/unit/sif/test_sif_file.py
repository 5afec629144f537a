"""The SIF format as we write it, read with nothing but the format's own description."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from dlm_build.errors import InfraError
from dlm_build.sif.sif_file import finish, objects_of, partition_offset, read_metadata, replace_metadata

DEFINITION = b"Bootstrap: docker\n"
METADATA = b'{"data":{}}'
SQUASHFS = b"hsqs" + bytes(36) + struct.pack("<Q", 5000) + b"x" * (8192 - 48)


def written(path: Path, metadata: bytes = METADATA) -> Path:
    with path.open("wb") as out:
        out.seek(partition_offset(DEFINITION))
        out.write(SQUASHFS)
    finish(path, DEFINITION, metadata)
    return path


def test_the_header_names_no_hour_and_no_identity(tmp_path: Path) -> None:
    raw = written(tmp_path / "x.sif").read_bytes()
    assert raw[:32] == b"#!/usr/bin/env run-singularity\n\0"
    assert raw[32:48] == b"SIF_MAGIC\x0001\x0002\0"
    assert raw[48:64] == bytes(16), "the identifier"
    created, modified, free, total, table, length, data, size = struct.unpack_from("<8q", raw, 64)
    assert (created, modified) == (0, 0)
    assert (free, total, table, length, data) == (45, 48, 4096, 48 * 585, 4096 + 48 * 585)
    assert data + size == len(raw)


def test_descriptors_name_the_objects(tmp_path: Path) -> None:
    raw = written(tmp_path / "x.sif").read_bytes()
    found = []
    for number in range(48):
        kind, used, number_, group, link, offset, size, padded, created, modified, uid, gid, name, extra = (
            struct.unpack_from("<i?III7q128s384s", raw, 4096 + 585 * number)
        )
        if used:
            assert (group, link, created, modified, uid, gid) == (0xF0000001, 0, 0, 0, 0, 0)
            assert padded >= size
            found.append((number_, kind, name.rstrip(b"\0"), raw[offset : offset + size], extra.rstrip(b"\0")))
    assert found == [
        (1, 0x4001, b"Singularity", DEFINITION, b""),
        (2, 0x4004, b"rootfs", SQUASHFS, b"\x01\0\0\0\x02\0\0\x0002"),
        (3, 0x4006, b"inspect-metadata.json", METADATA, b""),
    ]


def test_equal_parts_give_equal_bytes(tmp_path: Path) -> None:
    assert written(tmp_path / "1").read_bytes() == written(tmp_path / "2").read_bytes()


@pytest.mark.parametrize("longer", [b"{}", b"y" * 20000])
def test_other_metadata_is_as_if_it_had_been_there_from_the_start(longer: bytes, tmp_path: Path) -> None:
    first = written(tmp_path / "1")
    replace_metadata(first, longer)
    assert first.read_bytes() == written(tmp_path / "2", longer).read_bytes()
    assert read_metadata(first) == longer


@pytest.mark.parametrize(("cut", "said"), [
    (10, "is no SIF"), (40000, "is cut short"), (36864 + 20, "is cut short"), (-1, "is cut short"),
])  # fmt: skip
def test_a_file_that_is_not_whole_is_refused(cut: int, said: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.sif")
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(InfraError, match=said):
        objects_of(path)


def test_a_file_without_its_file_system_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.sif")
    raw = bytearray(path.read_bytes())
    raw[36864] ^= 1
    path.write_bytes(raw)
    with pytest.raises(InfraError, match="holds no whole squashfs"):
        objects_of(path)


def test_a_signed_file_keeps_its_metadata(tmp_path: Path) -> None:
    path = written(tmp_path / "x.sif")
    raw = bytearray(path.read_bytes())
    struct.pack_into("<i?", raw, 4096 + 3 * 585, 0x4005, True)
    struct.pack_into("<2q", raw, 4096 + 3 * 585 + 17, 36864, 1)
    path.write_bytes(raw)
    with pytest.raises(InfraError, match="is signed already"):
        replace_metadata(path, b"{}")
