"""mksquashfs: what it is asked for, so that equal trees give equal bytes, and what it says when it fails."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path

from dlm_build.disk import IN_OUTPUT, is_full, more_space
from dlm_build.errors import InfraError, UsageError, shown
from dlm_build.proc import Programs
from dlm_build.records import Record
from dlm_build.store import OBJECT_TIME

LEVELS = {"gzip": (1, 9), "zstd": (1, 22), "lz4": (0, 0), "xz": (0, 0)}
"""Compressors that Apptainer's own readers know, with their levels."""
PREFERRED = "zstd:4"
"""Each level above costs more seconds for every byte that it saves; see docs/benchmarks.md."""
EVERYWHERE = "gzip"
PACKING_SECONDS = 6 * 3600.0
_MEMORY = "128M"
"""For blocks on their way. By default it takes a quarter of the machine's, each block anew from the kernel."""
_FIRST_WITH_TAR = (4, 5)
_INSTALL = "install squashfs-tools 4.5 or newer (of the system, or from conda-forge) and put it on PATH"


class Compression(Record, frozen=True, kw_only=True):
    name: str
    level: int | None = None
    """None: the compressor's own default."""

    def __str__(self) -> str:
        return self.name if self.level is None else f"{self.name}:{self.level}"


class Packer(Record, frozen=True, kw_only=True):
    """The mksquashfs of this machine."""

    version: str
    compressors: tuple[str, ...]


def parse_compression(text: str) -> Compression:
    """`zstd`, `zstd:N`, `gzip`, … Raises UsageError."""
    name, colon, level = text.partition(":")
    low, high = LEVELS.get(name, (0, 0))
    if name not in LEVELS or (colon and not (level.isascii() and level.isdigit() and low <= int(level) <= high > 0)):
        known = ", ".join(f"{name}[:{low}-{high}]" if high else name for name, (low, high) in LEVELS.items())
        raise UsageError(f"--compression {shown(text)} is not known", f"one of {known}")
    if name == "zstd" and not colon:
        return parse_compression(PREFERRED)
    return Compression(name=name, level=int(level) if colon else None)


def installed(programs: Programs) -> Packer:
    """Raises InfraError where there is none, or one that cannot read a tar."""
    try:
        told = programs.run(("mksquashfs", "-version"), timeout=60)
    except InfraError as problem:
        raise InfraError(problem.message, _INSTALL) from problem
    found = re.search(r"version (\d+)\.(\d+)([\w.-]*)", told.stdout)
    if found is None:
        raise InfraError(f"mksquashfs does not say its version: {shown(told.tail(1))}", _INSTALL)
    version = "".join((found[1], ".", found[2], found[3]))
    if (int(found[1]), int(found[2])) < _FIRST_WITH_TAR:
        raise InfraError(f"mksquashfs {version} is too old: it cannot read a tar", _INSTALL)
    help_text = programs.run(("mksquashfs", "-help"), timeout=60)
    listed = re.findall(rf"^\s+({'|'.join(LEVELS)})\b", f"{help_text.stdout}\n{help_text.stderr}", re.MULTILINE)
    return Packer(version=version, compressors=tuple(sorted(set(listed))))


def chosen(asked: str | None, packer: Packer) -> Compression:
    """What was asked for, else zstd where this mksquashfs has it. Raises UsageError or InfraError."""
    compression = parse_compression(asked or (PREFERRED if "zstd" in packer.compressors else EVERYWHERE))
    if compression.name not in packer.compressors:
        raise InfraError(
            f"mksquashfs {packer.version} was built without {compression.name}",
            f"--compression with one of {', '.join(packer.compressors)}, or another squashfs-tools",
        )
    return compression


def argv(part: Path, offset: int, compression: Compression) -> tuple[str, ...]:
    """A tar on standard input becomes a file system at `offset` of `part`. No owner, time or order of this machine."""
    level = () if compression.level is None else ("-Xcompression-level", str(compression.level))
    return (
        "mksquashfs", "-", str(part), "-tar", "-noappend", "-offset", str(offset),
        "-comp", compression.name, *level,
        "-all-root", "-root-mode", "755", "-mkfs-time", str(OBJECT_TIME), "-all-time", str(OBJECT_TIME),
        "-no-xattrs", "-no-exports", "-mem", _MEMORY, "-quiet", "-no-progress",
    )  # fmt: skip


def pack(programs: Programs, stream: Iterable[bytes], part: Path, offset: int, compression: Compression) -> None:
    """Raises InfraError; whatever making the stream raises passes through."""
    ended = programs.run(argv(part, offset, compression), stdin=stream, timeout=PACKING_SECONDS)
    if ended.timed_out:
        raise InfraError(f"packing took longer than {PACKING_SECONDS:.0f} s", "try again on a faster machine")
    if ended.status != 0:
        raise _problem(ended.tail(), ended.status, part)


def _problem(said: str, status: int, part: Path) -> InfraError:
    if is_full(said):
        return InfraError(f"{part.parent}: no space left for the SIF", more_space(IN_OUTPUT))
    if status in (-9, 137):
        return InfraError("mksquashfs was killed, most likely for lack of memory", "give the job more memory")
    return InfraError(f"mksquashfs failed: {shown(said.strip() or f'status {status}', 400)}", _INSTALL)
