"""The frame around a signed SIF: after signing, every byte of it that no signature covers has one value."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from dlm_build.errors import HashMismatch, InfraError
from dlm_build.sif.sif_file import DATA, TABLE
from dlm_build.sif.signed import check_frame, signers, without_times
from tests.unit.sif.test_sif_file import written

ROW = struct.Struct("<i?III7q128s384s")
ADA, BOB = "AB" * 20, "CD" * 20
TEXT = b"-----BEGIN PGP SIGNED MESSAGE-----\n"


def signed(path: Path, *keys: str) -> Path:
    """As Apptainer leaves a file: a signature and its descriptor at the end, and the hour in three places."""
    raw = bytearray(written(path).read_bytes())
    for number, key in enumerate(keys, 4):
        extra = (struct.pack("<i", 1) + bytes.fromhex(key)).ljust(384, b"\0")
        row = (0x4005, True, number, 0xF0000000, 0xF0000001, len(raw), len(TEXT), len(TEXT), 17, 17, 1000, 1000)
        ROW.pack_into(raw, TABLE + (number - 1) * ROW.size, *row, b"part.signature", extra)
        raw += TEXT
    struct.pack_into("<q", raw, 72, 1795377427)
    struct.pack_into("<q", raw, 80, 45 - len(keys))
    struct.pack_into("<q", raw, 120, len(raw) - DATA)
    path.write_bytes(raw)
    return path


@pytest.fixture
def sif(tmp_path: Path) -> Path:
    path = signed(tmp_path / "m.sif", ADA)
    without_times(path)
    return path


def test_the_hour_is_taken_off_and_nothing_else(tmp_path: Path) -> None:
    path = signed(tmp_path / "m.sif", ADA)
    before = path.read_bytes()
    with pytest.raises(HashMismatch):
        check_frame(path)
    without_times(path)
    after = path.read_bytes()
    changed = [n for n, (a, b) in enumerate(zip(before, after, strict=True)) if a != b]
    row = TABLE + 3 * ROW.size
    assert changed and all(72 <= n < 80 or row + 41 <= n < row + 73 + 128 for n in changed), changed
    assert check_frame(path) == 3
    without_times(path)
    assert path.read_bytes() == after


def test_every_byte_of_the_frame_counts(sif: Path) -> None:
    """All of the header, and of the table behind the descriptors that are signed; but the key, which is compared."""
    good = sif.read_bytes()
    row = TABLE + 3 * ROW.size
    free = {*range(row + 73 + 128, row + 73 + 128 + 24)}
    places = [*range(128), *range(128, TABLE, 61), *range(row, DATA, 37), *range(row, row + ROW.size)]
    for place in {*places} - free:
        changed = bytearray(good)
        changed[place] ^= 1
        sif.write_bytes(changed)
        with pytest.raises((HashMismatch, InfraError)):
            check_frame(sif)
    sif.write_bytes(good)
    assert check_frame(sif) == 3


@pytest.mark.parametrize("gap", [DATA, DATA + 100, 32768 + 20])
def test_nothing_hides_between_objects(sif: Path, gap: int) -> None:
    raw = bytearray(sif.read_bytes())
    assert raw[gap] == 0
    raw[gap] = 7
    sif.write_bytes(raw)
    with pytest.raises(HashMismatch, match="outside of what its signature covers"):
        check_frame(sif)


@pytest.mark.parametrize("more", [b"\0", b"#!/bin/sh"])
def test_nothing_hides_after_the_last_object(sif: Path, more: bytes) -> None:
    sif.write_bytes(sif.read_bytes() + more)
    with pytest.raises(HashMismatch):
        check_frame(sif)


def test_who_is_said_to_have_signed(tmp_path: Path) -> None:
    assert signers(written(tmp_path / "0.sif")) == ()
    assert signers(signed(tmp_path / "1.sif", ADA)) == (ADA,)
    twice = signed(tmp_path / "2.sif", ADA, BOB, ADA)
    assert signers(twice) == (ADA, BOB)
    without_times(twice)
    assert check_frame(twice) == 3
