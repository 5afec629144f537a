"""Whether what mounts or unpacks SIF files here can read the compression they are packed with.

A SIF is packed for whoever reads it, and the default follows the machine that packs.
"""

from __future__ import annotations

import gzip
import re
import zlib
from typing import NamedTuple

from dlm_build.errors import InfraError
from dlm_build.preflight.line import Line, Look


class Traces(NamedTuple):
    """Of a compression in what reads it: the kernel's option, and the library that programs load."""

    option: str
    library: str


TRACES = {
    "gzip": Traces("CONFIG_SQUASHFS_ZLIB", "libz.so"),
    "lz4": Traces("CONFIG_SQUASHFS_LZ4", "liblz4.so"),
    "xz": Traces("CONFIG_SQUASHFS_XZ", "liblzma.so"),
    "zstd": Traces("CONFIG_SQUASHFS_ZSTD", "libzstd.so"),
}
FIX = "pack what is to run here with `--compression gzip`"


def reader_line(look: Look, packed: str, mounter: str | None, setuid: bool) -> Line:
    """The kernel reads where the engine has its setuid starter, else squashfuse, else unsquashfs unpacks."""
    if setuid:
        reader, reads = "the kernel", _kernel_reads(look, packed)
    elif mounter:
        reader, reads = mounter, _loads(look, mounter, packed)
    else:
        reader, reads = "unsquashfs", _unpacks(look, packed)
    if reads:
        return Line(name="SIF reader", state="ok", detail=f"{reader} reads {packed}")
    if reads is None:
        detail, fix = f"nothing tells whether {reader} reads {packed}", f"where it does not, {FIX}"
        return Line(name="SIF reader", state="warn", detail=detail, fix=fix)
    return Line(name="SIF reader", state="warn", detail=f"{reader} was built without {packed}", fix=FIX)


def _kernel_reads(look: Look, packed: str) -> bool | None:
    """As its configuration says, where this user may read it."""
    config = _kernel_config(look)
    if "CONFIG_SQUASHFS" not in config:
        return None
    return re.search(rf"^{TRACES[packed].option}=y$", config, re.MULTILINE) is not None


def _kernel_config(look: Look) -> str:
    try:
        return gzip.decompress((look.root / "proc/config.gz").read_bytes()).decode("utf-8", "replace")
    except (OSError, EOFError, zlib.error):
        pass
    try:
        release = (look.root / "proc/sys/kernel/osrelease").read_text().strip()
        return (look.root / "boot" / f"config-{release}").read_text("utf-8", "replace")
    except OSError:
        return ""


def _loads(look: Look, program: str, packed: str) -> bool | None:
    """Whether it loads the library; None for one that loads none, having all in itself."""
    told = _said(look, "ldd", program)
    if not any(trace.library in told for trace in TRACES.values()):
        return None
    return TRACES[packed].library in told


def _unpacks(look: Look, packed: str) -> bool | None:
    listed = _said(look, "unsquashfs", "-help").partition("Decompressors available:")[2]
    return re.search(rf"^\s+{packed}\b", listed, re.MULTILINE) is not None if listed else None


def _said(look: Look, *argv: str) -> str:
    try:
        told = look.programs.run(argv, timeout=30)
    except InfraError:
        return ""
    return f"{told.stdout}\n{told.stderr}"
