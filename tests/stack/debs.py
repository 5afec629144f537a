"""Reading the contents of Debian packages, and which of them make up a python."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path

from tests.stack.shell import pipe_from, run

PYTHON = ("libpython3.11-minimal", "libpython3.11-stdlib", "python3.11-minimal", "python3.11")
PYTHON_LIBRARIES = (
    "libssl3",
    "libsqlite3-0",
    "libffi8",
    "zlib1g",
    "libbz2-1.0",
    "liblzma5",
    "libexpat1",
    "libreadline8",
    "libncursesw6",
    "libtinfo6",
    "libuuid1",
    "libdb5.3",
    "libcrypt1",
)
_MERGED = ("bin/", "sbin/", "lib/", "lib64/")


def version(deb: Path) -> str:
    """Upstream part of a package's version: ``3.11.2`` of ``3.11.2-6+deb12u6``."""
    full = run(["dpkg-deb", "--field", deb, "Version"]).strip()
    return full.rpartition(":")[2].rpartition("-")[0]


def members(deb: Path) -> Iterator[tuple[tarfile.TarInfo, bytes]]:
    """Files and links of a package with their contents, as on a system where /lib is /usr/lib; no folders."""
    with (
        pipe_from(["dpkg-deb", "--fsys-tarfile", deb]) as process,
        tarfile.open(fileobj=process.stdout, mode="r|") as archive,
    ):
        for info in archive:
            info.name = _merged(info.name.removeprefix("./"))
            if not info.isdir() and info.name:
                stream = archive.extractfile(info) if info.isreg() else None
                yield info, stream.read() if stream else b""


def _merged(name: str) -> str:
    return f"usr/{name}" if name.startswith(_MERGED) else name
