"""What mksquashfs is asked, and what its complaints become."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

import pytest

from dlm_build.errors import InfraError, UsageError
from dlm_build.proc import Finished
from dlm_build.sif.squashfs import Compression, Packer, argv, chosen, installed, pack, parse_compression

HELP = "Compressors available:\n\tgzip (default)\n\tlzo\n\tlz4\n\txz\n\tzstd\n\tlzma\n"
OLD_HELP = "Compressors available:\n\tgzip (default)\n\tlzo\n"
ALL = Packer(version="4.5.1", compressors=("gzip", "lz4", "xz", "zstd"))


class Programs:
    """Answers only what it was told."""

    def __init__(self, answers: Mapping[str, tuple[int, str, str]]) -> None:
        self._answers = answers
        self.fed = b""

    def run(
        self, argv: Sequence[str], *, env: Mapping[str, str] | None = None, cwd: Path | None = None,
        stdin: bytes | Iterable[bytes] | None = None, timeout: float = 3600.0,
        on_line: Callable[[str], None] | None = None,
    ) -> Finished:  # fmt: skip
        status, out, err = self._answers[argv[1]]
        assert not isinstance(stdin, bytes)
        self.fed = b"".join(stdin or ())
        return Finished(argv=tuple(argv), status=status, stdout=out, stderr=err, seconds=0.1)


@pytest.mark.parametrize(("text", "meant"), [
    ("zstd", "zstd:4"), ("zstd:19", "zstd:19"), ("gzip", "gzip"), ("gzip:9", "gzip:9"), ("lz4", "lz4"), ("xz", "xz"),
])  # fmt: skip
def test_compression_is_a_name_and_a_level(text: str, meant: str) -> None:
    assert str(parse_compression(text)) == meant


@pytest.mark.parametrize(
    "text", ["", "zip", "zstd:0", "zstd:23", "zstd:", "zstd:-1", "xz:3", "gzip:١", "zstd:3:3", "lz4:0"]
)
def test_other_compressions_are_refused_with_those_there_are(text: str) -> None:
    with pytest.raises(UsageError, match="is not known") as caught:
        parse_compression(text)
    assert "zstd[:1-22]" in caught.value.hint


def test_version_and_compressors_are_read() -> None:
    programs = Programs({"-version": (1, "mksquashfs version 4.6.1 (2023/03/25)\n", ""), "-help": (1, HELP, "")})
    assert installed(programs) == Packer(version="4.6.1", compressors=("gzip", "lz4", "xz", "zstd"))


@pytest.mark.parametrize(("told", "said"), [
    ("mksquashfs version 4.4 (2019/08/29)\n", "4.4 is too old"), ("what?", "does not say its version"),
])  # fmt: skip
def test_a_mksquashfs_without_tar_is_refused_with_a_way_out(told: str, said: str) -> None:
    with pytest.raises(InfraError, match=said) as caught:
        installed(Programs({"-version": (0, told, ""), "-help": (0, OLD_HELP, "")}))
    assert "4.5 or newer" in caught.value.hint


def test_what_can_be_written_decides_where_nobody_asks() -> None:
    assert str(chosen(None, ALL)) == "zstd:4"
    assert str(chosen(None, Packer(version="4.5", compressors=("gzip",)))) == "gzip"
    with pytest.raises(InfraError, match="built without zstd"):
        chosen("zstd", Packer(version="4.5", compressors=("gzip",)))


def test_nothing_of_the_machine_is_in_what_is_asked() -> None:
    words = argv(Path("x.sif.part"), 36864, Compression(name="zstd", level=3))
    assert words == (
        "mksquashfs", "-", "x.sif.part", "-tar", "-noappend", "-offset", "36864",
        "-comp", "zstd", "-Xcompression-level", "3",
        "-all-root", "-root-mode", "755", "-mkfs-time", "315532800", "-all-time", "315532800",
        "-no-xattrs", "-no-exports", "-mem", "128M", "-quiet", "-no-progress",
    )  # fmt: skip
    assert "-Xcompression-level" not in argv(Path("x"), 0, Compression(name="gzip"))


def test_the_stream_is_fed_to_it() -> None:
    programs = Programs({"-": (0, "", "")})
    pack(programs, iter((b"a", b"b")), Path("x"), 0, Compression(name="gzip"))
    assert programs.fed == b"ab"


@pytest.mark.parametrize(("status", "said", "becomes"), [
    (1, "Write failed because No space left on device", "no space left for the SIF"),
    (1, "Write failed because Disk quota exceeded", "no space left for the SIF"),
    (-9, "", "was killed"),
    (1, "FATAL ERROR: \x1b[31mbad", r"mksquashfs failed: FATAL ERROR: \\x1b\[31mbad"),
    (2, "", "mksquashfs failed: status 2"),
])  # fmt: skip
def test_its_complaints_become_errors_one_can_act_on(status: int, said: str, becomes: str) -> None:
    with pytest.raises(InfraError, match=becomes):
        pack(Programs({"-": (status, "", said)}), (), Path("d/x"), 0, Compression(name="gzip"))
