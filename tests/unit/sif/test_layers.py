"""Layers are read whatever their compression and dialect of tar, and damage is never taken for an end."""

from __future__ import annotations

import gzip
import hashlib
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from dlm_build.errors import HashMismatch
from dlm_build.records import ContextFile
from dlm_build.sif.layers import RowsLayer, TreeLayer
from dlm_build.store import Store
from dlm_build.unpacking.layers import read_layer, read_tar
from dlm_build.unpacking.tar_entries import BrokenLayer, Entry, packed_header, padding
from tests.unit.sif.tars import Row, layer, tar

LONG = "a/" + "long" * 60
ROWS: tuple[Row, ...] = (
    ("folder", "a", ""), ("file", "a/b", "text"), ("file", LONG, "x" * 2000), ("symlink", "a/link", "../" + LONG),
    ("hardlink", "a/hard", "a/b"), ("device", "dev/null", ""), ("fifo", "a/pipe", ""), ("file", "./é/ü", ""),
)  # fmt: skip
PACKS: dict[str, Callable[[bytes], bytes]] = {
    "plain": bytes,
    "gzip": gzip.compress,
    "zstd": zstd.compress,
    "gzip in two": lambda raw: gzip.compress(raw[:1500]) + gzip.compress(raw[1500:]),
    "zstd in two": lambda raw: zstd.compress(raw[:1500]) + zstd.compress(raw[1500:]),
}


def entries(path: Path) -> list[tuple[Entry, bytes]]:
    return [(entry, b"".join(content)) for entry, content in read_layer(path, lambda chunk: None)]


@pytest.mark.parametrize("pack", PACKS)
@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_every_dialect_and_compression_gives_the_same_entries(pack: str, form: int, tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(PACKS[pack](tar(*ROWS, form=form)))
    assert entries(tmp_path / "l") == [
        (Entry("a", "folder", 0o755), b""),
        (Entry("a/b", "file", 0o644, 4), b"text"),
        (Entry(LONG, "file", 0o644, 2000), b"x" * 2000),
        (Entry("a/link", "symlink", 0o644, 0, "../" + LONG), b""),
        (Entry("a/hard", "hardlink", 0o644, 0, "a/b"), b""),
        (Entry("dev/null", "device", 0o644), b""),
        (Entry("a/pipe", "device", 0o644), b""),
        (Entry("é/ü", "file", 0o644), b""),
    ]


def test_contents_need_not_be_taken(tmp_path: Path) -> None:
    found = [entry.path for entry, _ in layer(tmp_path, *ROWS).entries()]
    assert found == ["a", "a/b", LONG, "a/link", "a/hard", "dev/null", "a/pipe", "é/ü"]


@pytest.mark.parametrize("pack", PACKS)
def test_a_layer_that_is_cut_short_is_an_error_wherever_it_is_cut(pack: str, tmp_path: Path) -> None:
    whole = PACKS[pack](tar(*ROWS, form=tarfile.GNU_FORMAT))
    end = len(whole) if pack != "plain" else len(tar(*ROWS, form=tarfile.GNU_FORMAT).rstrip(b"\0"))
    for cut in range(1, end, max(1, end // 40)):
        (tmp_path / "l").write_bytes(whole[:cut])
        with pytest.raises(BrokenLayer):
            entries(tmp_path / "l")


@pytest.mark.parametrize("name", ["../x", "a/../../x", "/a/../x"])
def test_nothing_outside_of_it_is_named(name: str, tmp_path: Path) -> None:
    with pytest.raises(BrokenLayer, match="outside"):
        list(layer(tmp_path, ("file", name, "")).entries())


@pytest.mark.parametrize("record", [b"12 size=abc\n", b"13 size=-512\n", b"8 size=\n", b"1" * 5000 + b" size=3\n"])
def test_an_extended_header_that_cannot_be_read_is_an_error(record: bytes, tmp_path: Path) -> None:
    head = packed_header(Entry("x", "file", 0o644, len(record)))
    (tmp_path / "l").write_bytes(
        head[:156] + b"x" + head[157:] + record + padding(len(record)) + tar(("file", "a", "text"))
    )
    with pytest.raises(BrokenLayer, match="an extended header cannot be read"):
        entries(tmp_path / "l")


def test_what_is_no_tar_is_said_to_be_none(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(b"<html>" * 1000)
    with pytest.raises(BrokenLayer, match="layer l: it is no tar"):
        entries(tmp_path / "l")


@pytest.mark.parametrize("entry", [
    Entry("a/b", "file", 0o4755, 3), Entry("x" * 300, "file", 0o644, 0), Entry("l", "symlink", 0o777, 0, "t" * 300),
    Entry("h", "hardlink", 0o644, 0, "y" * 101), Entry("d", "folder", 0o1777), Entry("bad\udcff", "file", 0o600, 0),
    Entry("huge", "file", 0o644, 9 << 33), Entry("\udcff" * 100, "symlink", 0o7777, 0, "\udcff" * 100),
])  # fmt: skip
def test_what_is_written_is_read_again(entry: Entry) -> None:
    raw = packed_header(entry)
    assert next(read_tar(iter((raw, bytes(1024))), "x"))[0] == entry
    with_standard_library = tarfile.TarInfo.frombuf(raw[-512:], "utf-8", "surrogateescape")
    assert (with_standard_library.mode, with_standard_library.size) == (entry.mode, entry.size)


def test_padding() -> None:
    assert [len(padding(size)) for size in (0, 1, 511, 512, 513)] == [0, 511, 1, 0, 511]


def test_a_tree_is_walked_as_image_builders_do(tmp_path: Path) -> None:
    for name in ("b/z", "a.txt", "a/x", "a-b"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)
    (tmp_path / "b" / "link").symlink_to("../nowhere")
    read: list[int] = []
    found = [
        (entry.path, entry.kind, b"".join(content)) for entry, content in TreeLayer(tmp_path, read.append).entries()
    ]
    assert found == [
        ("a", "folder", b""), ("a/x", "file", b"a/x"), ("a-b", "file", b"a-b"), ("a.txt", "file", b"a.txt"),
        ("b", "folder", b""), ("b/link", "symlink", b""), ("b/z", "file", b"b/z"),
    ]  # fmt: skip
    assert sum(read) == TreeLayer(tmp_path, read.append).size == 14


def test_a_tree_of_a_context_needs_no_folder(tmp_path: Path) -> None:
    store = Store(tmp_path)
    stored = store.add_bytes(b"weights")
    rows = (
        ContextFile(path="dlm-1/opt/dlm/dlm.json", mode=0o444, sha256="0", size=3, text="{}\n"),
        ContextFile(path="dlm-1/opt/dlm/bin/model", mode=0o555, sha256=stored.sha256, size=7),
        ContextFile(path="model-1/opt/x", mode=0o444, sha256="0", size=1, text="x"),
    )
    found = [(entry, b"".join(data)) for entry, data in RowsLayer("dlm-1", rows, store, lambda size: None).entries()]
    assert found == [
        (Entry("opt", "folder", 0o755), b""), (Entry("opt/dlm", "folder", 0o755), b""),
        (Entry("opt/dlm/bin", "folder", 0o755), b""), (Entry("opt/dlm/bin/model", "file", 0o555, 7), b"weights"),
        (Entry("opt/dlm/dlm.json", "file", 0o444, 3), b"{}\n"),
    ]  # fmt: skip


def test_a_file_that_shrinks_meanwhile_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("long")
    _, content = next(TreeLayer(tmp_path, lambda size: None).entries())
    (tmp_path / "a").write_text("x")
    with pytest.raises(OSError, match="shorter"):
        b"".join(content)


def test_a_layer_must_be_the_promised_one(tmp_path: Path) -> None:
    made = layer(tmp_path, *ROWS, pack=gzip.compress)
    promised = hashlib.sha256(made.path.read_bytes()).hexdigest()
    read: list[int] = []
    assert len(list(made._replace(sha256=promised, read=read.append).entries())) == len(ROWS)
    assert sum(read) == made.size
    with pytest.raises(HashMismatch, match=f"promised was {'0' * 64}"):
        list(made._replace(sha256="0" * 64).entries())


def test_a_layer_of_zeros_fits_into_memory(tmp_path: Path) -> None:
    (tmp_path / "l").write_bytes(zstd.compress(tar(("file", "zeros", "\0" * (64 << 20)))))
    (_, content), *_ = (
        (entry, [len(piece) for piece in data]) for entry, data in read_layer(tmp_path / "l", lambda chunk: None)
    )
    assert sum(content) == 64 << 20
    assert max(content) <= 1 << 20
