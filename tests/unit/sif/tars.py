"""Small layers, made by the standard library's own tar writer."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

from dlm_build.sif.layers import ImageLayer

Row = tuple[str, str, str]
"""Kind, path, and content or target."""
KINDS = {
    "file": tarfile.REGTYPE, "folder": tarfile.DIRTYPE, "symlink": tarfile.SYMTYPE, "hardlink": tarfile.LNKTYPE,
    "device": tarfile.CHRTYPE, "fifo": tarfile.FIFOTYPE,
}  # fmt: skip


def tar(*rows: Row, form: int = tarfile.PAX_FORMAT, mode: int | None = None) -> bytes:
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w", format=form) as out:
        for kind, path, told in rows:
            info = tarfile.TarInfo(path)
            info.type = KINDS[kind]
            info.mode = mode if mode is not None else (0o755 if kind == "folder" else 0o644)
            info.uid, info.uname, info.mtime = 1000, "someone", 1_700_000_000.5
            if kind == "file":
                data = told.encode()
                info.size = len(data)
                out.addfile(info, io.BytesIO(data))
            else:
                info.linkname = told
                out.addfile(info)
    return raw.getvalue()


def layer(folder: Path, *rows: Row, pack: Callable[[bytes], bytes] = bytes) -> ImageLayer:
    path = folder / f"layer-{len(list(folder.iterdir()))}"
    path.write_bytes(pack(tar(*rows)))
    return ImageLayer(path, lambda size: None)


def read_back(stream: Iterator[bytes]) -> dict[str, tuple[str, int, str]]:
    """What a tar holds, as the standard library reads it: kind, mode and content or target by path."""
    whole = io.BytesIO(b"".join(stream))
    names = {flag: kind for kind, flag in KINDS.items()}
    found = {}
    with tarfile.open(fileobj=whole) as archive:
        for info in archive:
            body = archive.extractfile(info) if info.isreg() else None
            told = body.read().decode() if body else info.linkname
            assert info.name not in found
            assert (info.uid, info.gid, info.mtime) == (0, 0, 0)
            found[info.name] = (names[info.type], info.mode, told)
    return found
