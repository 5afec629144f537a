"""The door to archives, on zips and tars made to be wrong in one way each. Nothing bad ever reaches the store."""

from __future__ import annotations

import gzip
import hashlib
import io
import random
import stat
import struct
import tarfile
import zipfile
import zlib
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dlm_build.archives import Parcel, Unpacked, is_framework_file, unpack
from dlm_build.errors import DlmBuildError, HashMismatch, InfraError, ItemHostile, ItemInvalid, ResourceExceeded
from dlm_build.magic import looks_like_web_page
from dlm_build.progress import Event, silent
from dlm_build.store import Store
from dlm_build.unpacking.reading import Caps
from tests.unit.unpacking.made import Made, Zip, named, pax, tar_header, tar_member, tar_of, zip64_end, zip_of


def opened(
    tmp_path: Path, data: bytes, *, name: str = "m.mar", packed: bool = True, caps: Caps | None = None
) -> Unpacked:
    path = tmp_path / "given"
    path.write_bytes(data)
    return unpack(path, Store(tmp_path / "store"), silent, Parcel(name=name, packed=packed), caps)


def contents(tmp_path: Path, done: Unpacked) -> dict[str, bytes]:
    store = Store(tmp_path / "store")
    return {member.path: store.path(member.sha256).read_bytes() for member in done.members}


def refused(tmp_path: Path, data: bytes, error: type[DlmBuildError], match: str, caps: Caps | None = None) -> None:
    """Refused for that reason, and nothing of it in the store."""
    with pytest.raises(DlmBuildError, match=match) as caught:
        opened(tmp_path, data, caps=caps)
    assert type(caught.value) is error, caught.value
    assert caught.value.hint
    left = [p for p in (tmp_path / "store").rglob("*") if p.is_file() and p.name != "owner"]
    assert left == []


# --- what honest programs write


class Pipe(io.BytesIO):
    """Takes bytes only in order, so that zipfile writes data descriptors."""

    def seekable(self) -> bool:
        return False

    def tell(self) -> int:
        raise OSError("a pipe has no place")

    def seek(self, offset: int, whence: int = 0) -> int:
        raise OSError("a pipe has no place")


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
@pytest.mark.parametrize("streamed", [False, True])
def test_zips_by_python(tmp_path: Path, method: int, streamed: bool) -> None:
    wanted = {"MAR-INF/MANIFEST.json": b"{}", "model.pt": random.Random(1).randbytes(3 << 20), "empty": b"", "é": b"e"}
    raw = Pipe() if streamed else io.BytesIO()
    with zipfile.ZipFile(raw, "w", method) as archive:
        archive.mkdir("MAR-INF") if not streamed else None
        for name, data in wanted.items():
            archive.writestr(name, data)
    done = opened(tmp_path, raw.getvalue())
    assert done.kind == "zip"
    assert done.sha256 == hashlib.sha256(raw.getvalue()).hexdigest()
    assert contents(tmp_path, done) == wanted
    assert [m.path for m in done.members] == sorted(wanted)


@pytest.mark.parametrize("mode", ["w", "w:gz"])
@pytest.mark.parametrize("dialect", [tarfile.USTAR_FORMAT, tarfile.GNU_FORMAT, tarfile.PAX_FORMAT])
def test_tars_by_python(tmp_path: Path, mode: str, dialect: int) -> None:
    wanted = {"MAR-INF/MANIFEST.json": b"{}", "w.bin": random.Random(2).randbytes(1 << 20), "empty": b""}
    if dialect != tarfile.USTAR_FORMAT:
        wanted |= {"long/" * 40 + "name": b"far", "é" * 60: b"wide"}
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode=mode, format=dialect) as archive:  # type: ignore[call-overload]
        folder = tarfile.TarInfo("./")
        folder.type = tarfile.DIRTYPE
        archive.addfile(folder)
        for name, data in wanted.items():
            info = tarfile.TarInfo("./" + name if name == "w.bin" else name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    done = opened(tmp_path, raw.getvalue(), name="m.tar.gz")
    assert done.kind == "tar"
    assert contents(tmp_path, done) == wanted


def test_a_single_file_is_its_own_member(tmp_path: Path) -> None:
    done = opened(tmp_path, b"\x08\x07onnx", name="model.onnx", packed=False)
    assert (done.kind, done.size) == ("file", 6)
    assert contents(tmp_path, done) == {"model.onnx": b"\x08\x07onnx"}
    assert done.members[0].sha256 == done.sha256


def test_a_pytorch_checkpoint_is_a_file_although_it_is_a_zip(tmp_path: Path) -> None:
    data = zip_of(named("best/data.pkl"), named("best/version", data=b"3\n"), named("best/data/0"))
    done = opened(tmp_path, data, name="best.pt", packed=False)
    assert done.kind == "file" and contents(tmp_path, done) == {"best.pt": data}


def test_the_same_zip_called_an_archive_is_unpacked(tmp_path: Path) -> None:
    data = zip_of(named("best/data.pkl"), named("best/version"))
    assert opened(tmp_path, data, name="best.pt", packed=False).kind == "file"
    assert opened(tmp_path, data, name="m.mar").kind == "zip"


def test_which_zips_frameworks_read_as_one_file() -> None:
    assert is_framework_file(("x.npy", "y.npy"))
    assert is_framework_file(("config.json", "metadata.json", "model.weights.h5"))
    assert not is_framework_file(("MAR-INF/MANIFEST.json", "model.pt"))
    assert not is_framework_file(("a/data.pkl", "b/version"))
    assert not is_framework_file(())


def test_a_real_zip64_by_hand(tmp_path: Path) -> None:
    wide = struct.pack("<2H2Q", 1, 16, 64, 64)
    member = Made(extra=wide, central_extra=wide, central_size=0xFFFFFFFF, central_packed=0xFFFFFFFF)
    local = bytearray(member.local())
    local[18:26] = b"\xff" * 8
    central = member.central(0)
    end = zip64_end(len(local), len(central), 1, len(local) + len(central))
    tail = struct.pack("<4s4H2LH", b"PK\5\6", 0, 0, 0xFFFF, 0xFFFF, 0xFFFFFFFF, 0xFFFFFFFF, 0)
    done = opened(tmp_path, bytes(local) + central + end + tail)
    assert contents(tmp_path, done) == {"model.onnx": b"weights " * 8}


def test_aligned_members_and_comments_are_fine(tmp_path: Path) -> None:
    padding = struct.pack("<2H", 0xD935, 5) + b"\0" * 5 + b"\0\0"
    data = Zip(members=(Made(extra=padding), named("b")), comment=b"made by hand").bytes()
    assert set(contents(tmp_path, opened(tmp_path, data))) == {"model.onnx", "b"}


@pytest.mark.parametrize("shape", ["<4sLLL", "<LLL", "<4sLQQ", "<LQQ"])
def test_the_four_shapes_of_a_data_descriptor(tmp_path: Path, shape: str) -> None:
    numbers = Made(method=8).numbers()
    values = (b"PK\7\x08", *numbers) if "4s" in shape else numbers
    member = Made(method=8, flags=8, descriptor=struct.pack(shape, *values))
    data = zip_of(member, named("after"))
    assert set(contents(tmp_path, opened(tmp_path, data))) == {"model.onnx", "after"}


def test_a_folder_deflated_to_nothing_as_java_writes_it(tmp_path: Path) -> None:
    folder = Made(name=b"d/", data=b"", method=8, flags=8, attributes=0, made=0)
    assert [m.path for m in opened(tmp_path, zip_of(folder, named("d/x"))).members] == ["d/x"]


def test_a_model_archive_packed_with_its_folder(tmp_path: Path) -> None:
    """torch-model-archiver does so with --archive-format tgz."""
    data = tar_of(tar_member(b"m/MAR-INF/MANIFEST.json", b"{}"), tar_member(b"m/model.onnx", b"w"))
    assert contents(tmp_path, opened(tmp_path, data)) == {"MAR-INF/MANIFEST.json": b"{}", "model.onnx": b"w"}
    other = tar_of(tar_member(b"m/model.onnx", b"w"))
    assert contents(tmp_path, opened(tmp_path, other)) == {"m/model.onnx": b"w"}
    only = tar_of(tar_member(b"MAR-INF/MANIFEST.json", b"{}"))
    assert contents(tmp_path, opened(tmp_path, only)) == {"MAR-INF/MANIFEST.json": b"{}"}


def test_equal_members_are_stored_once(tmp_path: Path) -> None:
    big = random.Random(3).randbytes(2 << 20)
    done = opened(
        tmp_path, zip_of(named("a", data=big), named("b", data=big), named("c", data=b""), named("d", data=b""))
    )
    assert len(done.members) == 4
    objects = [p for p in (tmp_path / "store" / "objects").rglob("*") if p.is_file()]
    assert len(objects) == 2


# --- broken and hostile zips

GOOD = zip_of(Made())
UNICODE_PATH = struct.pack("<2HBL", 0x7075, 5 + 4, 1, 0) + b"evil"
DEFLATED = Made(method=8).body()

LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:" + b"ab" * 32 + b"\nsize 12345\n"

BROKEN = {
    "truncated-in-data": (GOOD[:60], "cut short"),
    "truncated-in-directory": (GOOD[:-30], "cut short"),
    "truncated-last-byte": (GOOD[:-1], "cut short"),
    "only-magic": (b"PK\3\4", "cut short"),
    "empty-zip": (Zip(members=()).bytes(), "empty"),
    "empty-file": (b"", "empty file"),
    "web-page": (b"\n<!DOCTYPE html><html>", "web page"),
    "lfs-pointer": (LFS, "a Git LFS pointer"),
    "xml-error": (
        b"<?xml version='1.0'?>\n<Error><Code>AccessDenied</Code></Error>",
        "error that its server gave, in XML",
    ),
    "json-error": (b'{"message": "Not Found", "status": "404"}', "server gave, in JSON"),
    "not-a-zip": (b"hello, world\n" * 50, "no zip and no tar"),
    "7z": (b"7z\xbc\xaf\x27\x1c" + bytes(40), "7z archive"),
    "zstd": (b"\x28\xb5\x2f\xfd" + bytes(40), "zstd"),
    "encrypted": (zip_of(Made(flags=1)), "model.onnx: it is encrypted"),
    "strongly-encrypted": (zip_of(Made(flags=0x40)), "encrypted"),
    "unknown-method": (zip_of(Made(method=14)), "method 14"),
    "bad-crc": (zip_of(Made(crc=1)), "checksum"),
    "damaged-deflate": (zip_of(Made(method=8, packed=b"\xff\xff\xff\xff")), "damaged"),
    "deflate-cut-short": (zip_of(Made(method=8, packed=DEFLATED[:-3])), "cut short"),
    "split-disk": (Zip(disk=1).bytes(), "split"),
    "split-member": (zip_of(Made(disk=2)), "split"),
    "name-not-utf8": (zip_of(Made(name=b"\xff\xfe", flags=0x800)), "neither ASCII nor"),
    "name-cp437": (zip_of(Made(name=b"\x82t\x82.tif")), "neither ASCII nor"),
    "name-empty": (zip_of(Made(name=b"")), "empty component|no name"),
    "name-dot": (zip_of(Made(name=b".")), "no name"),
    "name-option": (zip_of(Made(name=b"-rf")), "starts with `-`"),
    "name-trailing-dot": (zip_of(Made(name=b"a./b")), "ends with a dot"),
    "name-long-component": (zip_of(Made(name=b"x" * 300)), "longer than 255"),
}

HOSTILE = {
    "traversal": (zip_of(Made(name=b"../../x")), "leads out"),
    "traversal-backslash": (zip_of(Made(name=b"..\\x")), "backslash"),
    "absolute": (zip_of(Made(name=b"/etc/cron.d/x")), "absolute"),
    "drive": (zip_of(Made(name=b"C:x")), "absolute"),
    "nul-in-name": (zip_of(Made(name=b"model.pt\0.txt")), "invisible"),
    "escape-in-name": (zip_of(Made(name=b"\x1b[2J")), "invisible"),
    "nested": (zip_of(named("a/" * 64 + "x")), "65 components"),
    "symlink": (zip_of(Made(data=b"/etc/passwd", attributes=(stat.S_IFLNK | 0o777) << 16)), "symbolic link"),
    "device": (zip_of(Made(attributes=(stat.S_IFCHR | 0o644) << 16)), "device"),
    "fifo": (zip_of(Made(attributes=(stat.S_IFIFO | 0o644) << 16, made=19 << 8)), "pipe"),
    "folder-by-attribute": (zip_of(Made(attributes=(stat.S_IFDIR | 0o755) << 16)), "whether it is a folder"),
    "file-by-attribute": (zip_of(Made(name=b"d/", data=b"")), "whether it is a folder"),
    "folder-with-contents": (zip_of(Made(name=b"d/", attributes=0)), "folder with contents"),
    "duplicate": (zip_of(Made(), Made(data=b"second")), "twice"),
    "duplicate-by-case": (zip_of(named("MANIFEST.json"), named("manifest.json")), "twice"),
    "duplicate-by-composition": (zip_of(named("é"), named("e\u0301")), "twice"),
    "file-and-folder": (zip_of(named("a"), named("a/b")), "as a folder"),
    "names-differ": (zip_of(Made(central_name=b"other.onnx")), "own header calls it"),
    "sizes-differ": (zip_of(Made(central_size=9, central_packed=9)), "disagree|unexplained"),
    "crc-differs": (zip_of(Made(central_crc=9)), "disagree"),
    "method-differs": (zip_of(Made(method=8, central_method=0, central_size=len(DEFLATED))), "disagree"),
    "utf8-flag-differs": (zip_of(Made(central_flags=0x800)), "disagree"),
    "descriptor-flag-differs": (zip_of(Made(flags=8, central_flags=0)), "disagree"),
    "stored-sizes-differ": (zip_of(Made(size=9)), "stored as is"),
    "promises-less": (zip_of(Made(method=8, size=9)), "more than the 9 bytes"),
    "promises-more": (zip_of(Made(method=8, size=99)), "promises 99"),
    "hidden-after-deflate": (zip_of(Made(method=8, packed=DEFLATED + b"hidden")), "hide after its compressed"),
    "descriptor-lies": (zip_of(Made(flags=8, descriptor=b"PK\7\x08" + bytes(12))), "not its data descriptor"),
    "descriptor-missing": (zip_of(Made(flags=8, descriptor=b"")), "not its data descriptor"),
    "descriptor-oversized": (
        zip_of(Made(flags=8, descriptor=b"PK\7\x08" + struct.pack("<LLL", *Made().numbers()) + b"x" * 9)),
        "not its data descriptor",
    ),
    "overlap": (zip_of(Made(), named("b", central_offset=10)), "overlaps"),
    "overlap-same": (zip_of(Made(), named("b", central_offset=0)), "overlaps|unexplained"),
    "full-overlap-bomb": (
        zip_of(named("a", data=b"q" * 4096), named("b", data=b"r" * 64, central_offset=100, central_packed=64)),
        "overlaps",
    ),
    "offset-past-end": (zip_of(Made(central_offset=10_000)), "unexplained bytes"),
    "runs-into-directory": (zip_of(Made(central_packed=100, central_size=100)), "disagree"),
    "bytes-between-members": (zip_of(Made(), named("b", before=b"hidden")), "unexplained"),
    "bytes-before-directory": (Zip(gap=b"hidden").bytes(), "unexplained"),
    "bytes-in-front": (Zip(prefix=b"#!/bin/sh\n").bytes(), "bytes stand before"),
    "bytes-in-front-honest-offsets": (Zip(prefix=b"MZ stub", honest_prefix=True).bytes(), "bytes stand before"),
    "zip-in-front": (GOOD + zip_of(named("other")), "bytes stand before"),
    "zip-in-front-honest-offsets": (
        Zip(members=(named("other"),), prefix=GOOD, honest_prefix=True).bytes(),
        "unexplained bytes at the archive's start",
    ),
    "bytes-behind": (GOOD + b"trailing", "follow after its end"),
    "zip-in-comment": (Zip(comment=zip_of(named("other"))).bytes(), "two ends"),
    "two-ends": (GOOD + GOOD[-22:], "bytes stand before|overlaps"),
    "end-counts-more": (Zip(entries=2, here=2).bytes(), "promises 2 entries"),
    "end-counts-less": (Zip(members=(Made(), named("b")), entries=1, here=1).bytes(), "promises 1 entries"),
    "directory-offset-lies": (Zip(start=0).bytes(), "bytes stand before|overlaps"),
    "directory-size-lies": (Zip(size=20).bytes(), "bytes stand before|overlaps"),
    "zip64-promised": (Zip(start=0xFFFFFFFF).bytes(), "zip64"),
    "zip64-field-promised": (zip_of(Made(central_size=0xFFFFFFFF, central_packed=0xFFFFFFFF)), "zip64 field"),
    "zip64-field-short": (
        zip_of(Made(central_size=0xFFFFFFFF, central_packed=0xFFFFFFFF, central_extra=struct.pack("<2HQ", 1, 8, 64))),
        "too short",
    ),
    "zip64-field-twice": (zip_of(Made(central_extra=struct.pack("<2HQ", 1, 8, 64) * 2)), "contradict"),
    "zip64-ends-contradict": (Zip(end64=zip64_end(0, 56, 1, 104 + 56)).bytes(), "contradict|where it says"),
    "zip64-locator-lies": (Zip(end64=zip64_end(104, 56, 1, 3)).bytes(), "where it says"),
    "extra-field-too-long": (zip_of(Made(central_extra=struct.pack("<2H", 7, 900))), "extra fields"),
    "extra-field-tail": (zip_of(Made(central_extra=b"xyz")), "hide after its extra"),
    "second-name": (zip_of(Made(central_extra=UNICODE_PATH)), "two names"),
    "second-name-local": (zip_of(Made(extra=UNICODE_PATH)), "two names"),
    "directory-garbage": (GOOD.replace(b"PK\1\2", b"PK\1\3"), "no entry"),
    "local-garbage": (b"PK\3\4" + bytes(26) + GOOD[30:], "calls it|disagree"),
}  # fmt: skip


@pytest.mark.parametrize("case", BROKEN)
def test_broken_archives_are_invalid(tmp_path: Path, case: str) -> None:
    data, match = BROKEN[case]
    refused(tmp_path, data, ItemInvalid, match)


@pytest.mark.parametrize("case", HOSTILE)
def test_hostile_archives_are_refused(tmp_path: Path, case: str) -> None:
    data, match = HOSTILE[case]
    refused(tmp_path, data, ItemHostile, match)


def test_one_bad_member_refuses_all_of_them(tmp_path: Path) -> None:
    big = random.Random(4).randbytes(2 << 20)
    refused(tmp_path, zip_of(named("good.bin", data=big), Made(crc=1)), ItemInvalid, "checksum")


@pytest.mark.parametrize("flip", range(0, len(GOOD), 3))
def test_no_flipped_byte_changes_what_is_stored(tmp_path: Path, flip: int) -> None:
    """Either the flip is noticed, or it is in a field that says nothing of name and contents (a date, a version)."""
    data = bytearray(GOOD)
    data[flip] ^= 0x55
    try:
        done = opened(tmp_path, bytes(data))
    except (ItemInvalid, ItemHostile):
        return
    assert contents(tmp_path, done) == {"model.onnx": b"weights " * 8}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.dictionaries(st.text("abAB./é -", min_size=1, max_size=8), st.binary(max_size=200), min_size=1, max_size=5),
    st.sampled_from([0, 8]),
)
def test_what_is_accepted_is_what_zipfile_reads(tmp_path: Path, members: dict[str, bytes], method: int) -> None:
    data = zip_of(*(named(name, data=body, method=method, attributes=0, made=0) for name, body in members.items()))
    try:
        done = opened(tmp_path, data)
    except DlmBuildError:
        return
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        theirs = {i.filename.removeprefix("./"): archive.read(i) for i in archive.infolist() if not i.is_dir()}
    assert {name.removeprefix("./"): body for name, body in theirs.items()} == contents(tmp_path, done)


# --- size

SMALL = Caps(entries=3, total=1 << 20, ratio=200, free=64 << 10)


def test_too_many_entries(tmp_path: Path) -> None:
    data = zip_of(*(named(f"f{n}", data=b"") for n in range(4)))
    refused(tmp_path, data, ItemHostile, "4 entries", SMALL)


def test_too_many_bytes_promised(tmp_path: Path) -> None:
    refused(
        tmp_path, zip_of(named("a", data=random.Random(5).randbytes(2 << 20))), ResourceExceeded, "unpack to", SMALL
    )


def test_a_bomb_is_stopped_while_it_inflates(tmp_path: Path) -> None:
    refused(tmp_path, zip_of(Made(method=8, data=bytes(900 << 10))), ItemHostile, "zip bomb", SMALL)


def test_a_bomb_that_lies_about_its_size(tmp_path: Path) -> None:
    refused(tmp_path, zip_of(Made(method=8, data=bytes(1 << 20), size=10)), ItemHostile, "more than the 10", SMALL)


def test_a_gzipped_bomb(tmp_path: Path) -> None:
    data = gzip.compress(tar_of(tar_member(b"zeros", bytes(900 << 10))))
    refused(tmp_path, data, ItemHostile, "zip bomb", SMALL)


def test_a_tar_that_claims_terabytes(tmp_path: Path) -> None:
    refused(tmp_path, tar_of(tar_header(b"huge", 0o7777777777)), ResourceExceeded, "unpack to", SMALL)


def test_a_tar_of_many_entries(tmp_path: Path) -> None:
    refused(tmp_path, tar_of(*(tar_member(b"f%d" % n) for n in range(4))), ItemHostile, "4 entries", SMALL)


# --- tars

TARS_BROKEN = {
    "empty": (tar_header(b"x", kind=b"x") + bytes(1024), "cut short|cannot be read|empty"),
    "truncated": (tar_member(b"x", b"y" * 900)[:1000], "cut short"),
    "no-end": (tar_member(b"x", b"y"), "cut short"),
    "bad-checksum": (tar_member(b"x", b"y").replace(b"0000644", b"0000645") + bytes(1024), "header"),
    "gzip-cut": (gzip.compress(tar_of(tar_member(b"x", random.Random(6).randbytes(4000))))[:-60], "damaged or cut"),
    "gzip-no-tar": (gzip.compress(b"just text\n" * 200), "header"),
    "gzip-garbage-after": (gzip.compress(tar_of(tar_member(b"x", b"y"))) + b"garbage", "damaged"),
    "pax-garbage": (tar_of(tar_member(b"p", b"99 nonsense", b"x"), tar_member(b"x")), "extended header"),
}
TARS_HOSTILE = {
    "traversal": (tar_of(tar_member(b"../x")), "leads out"),
    "nested": (tar_of(tar_member(b"@", b"a/" * 64 + b"x\0", b"L"), tar_member(b"x")), "65 components"),
    "absolute": (tar_of(tar_member(b"/etc/x")), "absolute"),
    "symlink": (tar_of(tar_member(b"x", kind=b"2", link=b"/etc/passwd")), "a link"),
    "hardlink": (tar_of(tar_member(b"x", kind=b"1", link=b"/etc/shadow")), "a link"),
    "character-device": (tar_of(tar_member(b"x", kind=b"3")), "device"),
    "fifo": (tar_of(tar_member(b"x", kind=b"6")), "device"),
    "gnu-sparse": (tar_of(tar_member(b"x", kind=b"S")), "sparse"),
    "duplicate": (tar_of(tar_member(b"x", b"1"), tar_member(b"x", b"2")), "twice"),
    "duplicate-by-case": (tar_of(tar_member(b"X", b"1"), tar_member(b"x", b"2")), "twice"),
    "folder-with-contents": (tar_of(tar_member(b"d", b"data", kind=b"5")), "folder with contents"),
    "pax-traversal": (tar_of(pax(path="../../x"), tar_member(b"honest")), "leads out"),
    "pax-sparse": (tar_of(pax(**{"GNU.sparse.major": "1"}), tar_member(b"x")), "sparse"),
    "pax-negative-size": (tar_of(pax(size="-1"), tar_member(b"x")), "not a number"),
    "pax-global-path": (tar_of(pax("g", path="x"), tar_member(b"honest")), "global header"),
    "long-header": (tar_of(tar_header(b"p", 2 << 20, b"x") + bytes(2 << 20)), "extended header of 2097152"),
    "long-name-traversal": (tar_of(tar_member(b"@", b"../" * 60 + b"x\0", b"L"), tar_member(b"x")), "leads out"),
    "bytes-behind": (tar_of(tar_member(b"x")) + b"hidden" * 200, "follow after its end"),
    "gzipped-bytes-behind": (gzip.compress(tar_of(tar_member(b"x")) + b"hidden" * 200), "follow after its end"),
}  # fmt: skip


@pytest.mark.parametrize("case", TARS_BROKEN)
def test_broken_tars_are_invalid(tmp_path: Path, case: str) -> None:
    data, match = TARS_BROKEN[case]
    refused(tmp_path, data, ItemInvalid, match)


@pytest.mark.parametrize("case", TARS_HOSTILE)
def test_hostile_tars_are_refused(tmp_path: Path, case: str) -> None:
    data, match = TARS_HOSTILE[case]
    refused(tmp_path, data, ItemHostile, match)


def test_a_pax_size_replaces_the_header_s(tmp_path: Path) -> None:
    data = tar_of(pax(size="4"), tar_header(b"x", 0) + b"data" + bytes(508))
    assert contents(tmp_path, opened(tmp_path, data)) == {"x": b"data"}


# --- digests and doing it once


def test_another_digest_than_promised_leaves_nothing(tmp_path: Path) -> None:
    path = tmp_path / "given"
    path.write_bytes(GOOD)
    store = Store(tmp_path / "store")
    with pytest.raises(HashMismatch, match=hashlib.sha256(GOOD).hexdigest()):
        unpack(path, store, silent, Parcel(name="m.mar", promised="0" * 64))
    assert not list((tmp_path / "store").rglob("objects/*/*"))


def test_an_archive_seen_before_is_only_hashed(tmp_path: Path) -> None:
    big = random.Random(7).randbytes(3 << 20)
    first = opened(tmp_path, zip_of(named("w", data=big)))
    path = Store(tmp_path / "store").path(first.members[0].sha256)
    inode = path.stat().st_ino
    assert opened(tmp_path, zip_of(named("w", data=big))) == first
    assert path.stat().st_ino == inode, "it was written again"


def test_one_changed_byte_in_the_middle_is_noticed(tmp_path: Path) -> None:
    """Same size, same edges, same checksum in the directory: the quick look is fooled, the digest is not."""
    data = bytearray(zip_of(named("w", data=random.Random(8).randbytes(1 << 20))))
    opened(tmp_path, bytes(data))
    data[500_000] ^= 1
    with pytest.raises(ItemInvalid, match="checksum"):
        opened(tmp_path, bytes(data))


def test_a_missing_member_is_unpacked_again(tmp_path: Path) -> None:
    first = opened(tmp_path, GOOD)
    path = Store(tmp_path / "store").path(first.members[0].sha256)
    path.unlink()
    assert opened(tmp_path, GOOD) == first
    assert path.is_file()


def test_a_stored_single_file_is_not_copied(tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"onnx\0" * 1000)
    inode = store.path(stored.sha256).stat().st_ino
    done = unpack(store.path(stored.sha256), store, silent, Parcel(name="m.onnx", known=stored.sha256))
    assert done.members[0].sha256 == stored.sha256
    assert store.path(stored.sha256).stat().st_ino == inode


def test_a_single_file_under_another_name_has_that_name(tmp_path: Path) -> None:
    assert opened(tmp_path, b"onnx", name="a.onnx", packed=False).members[0].path == "a.onnx"
    assert opened(tmp_path, b"onnx", name="b.onnx", packed=False).members[0].path == "b.onnx"


def test_words_are_no_weights_whatever_their_name(tmp_path: Path) -> None:
    for name in ("net.pth", "net.onnx", "net.h5"):
        with pytest.raises(ItemInvalid, match="plain text, and no weights"):
            opened(tmp_path, b"Not Found, see the readme\n", name=name, packed=False)
    assert opened(tmp_path, b"Not Found, see the readme\n", name="notes.txt", packed=False).kind == "file"


def test_a_missing_file_is_an_error_with_its_name(tmp_path: Path) -> None:
    with pytest.raises(InfraError, match="nowhere"):
        unpack(tmp_path / "nowhere.mar", Store(tmp_path / "store"), silent, Parcel(name="nowhere.mar"))


def test_progress_is_told_in_bytes(tmp_path: Path) -> None:
    path = tmp_path / "given"
    with path.open("wb") as out:
        out.truncate(70 << 20)
    events: list[Event] = []
    unpack(path, Store(tmp_path / "store"), events.append, Parcel(name="zeros.bin"))
    assert events and all(e.total == 70 << 20 and e.done for e in events)


@pytest.mark.parametrize(
    ("head", "page"),
    [(b"<!doctype html>", True), (b"  \n<HTML lang=en>", True), (b"\xef\xbb\xbf<html>", True),
     (b"<!-- x --><html>", True),
     (b'<?xml version="1.0"?><!DOCTYPE html><html>', True), (b"PK\3\4", False), (b"<?xml", False), (b"", False)],
)  # fmt: skip
def test_web_pages_are_told_by_their_first_bytes(head: bytes, page: bool) -> None:
    assert looks_like_web_page(head) is page


def test_crc_of_nothing_is_right() -> None:
    assert zlib.crc32(b"") == 0
