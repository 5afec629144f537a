"""What making a SIF needs: a packer, and room for temporary files on a real disk."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from dlm_build.errors import DlmBuildError
from dlm_build.preflight.line import Line, Look
from dlm_build.sif.squashfs import installed

WANTED_SPACE = 15 << 30
"""Bytes: the tree of one PyTorch model with CUDA, and the file made of it."""
IN_MEMORY = ("tmpfs", "ramfs")


def packing_lines(look: Look) -> list[Line]:
    return [_packer(look), _scratch(look)]


def _packer(look: Look) -> Line:
    try:
        packer = installed(look.programs)
    except DlmBuildError as problem:
        return Line(name="mksquashfs", state="warn", detail=problem.message, fix=problem.hint)
    detail = f"{packer.version}, packs {', '.join(packer.compressors) or 'gzip'}"
    if "zstd" in packer.compressors:
        return Line(name="mksquashfs", state="ok", detail=detail)
    fix = "install squashfs-tools built with zstd: gzip takes several times as long"
    return Line(name="mksquashfs", state="warn", detail=detail, fix=fix)


def _scratch(look: Look) -> Line:
    folder = Path(look.settings.environment.get("TMPDIR") or "/tmp")  # noqa: S108
    fix = "set TMPDIR to a folder on a larger disk"
    try:
        free = shutil.disk_usage(folder).free
    except OSError as problem:
        return Line(name="TMPDIR", state="warn", detail=f"{folder}: {problem.strerror}", fix=fix)
    if not os.access(folder, os.W_OK | os.X_OK):
        fix = "set TMPDIR to a folder that this user may write in"
        return Line(name="TMPDIR", state="warn", detail=f"{folder} is closed to this user", fix=fix)
    kind = file_system(folder.resolve(), _mounts(look.root))
    detail = f"{folder}: {free / 1e9:.0f} GB free on {kind or 'an unknown file system'}"
    if kind in IN_MEMORY:
        return Line(name="TMPDIR", state="warn", detail=f"{detail}, which is memory", fix="set TMPDIR to a disk")
    if free < WANTED_SPACE:
        return Line(name="TMPDIR", state="warn", detail=detail, fix=fix)
    return Line(name="TMPDIR", state="ok", detail=detail)


def _mounts(root: Path) -> str:
    try:
        return (root / "proc/self/mountinfo").read_text("utf-8", "replace")
    except OSError:
        return ""


def file_system(folder: Path, mountinfo: str) -> str | None:
    """The kind of file system that holds `folder`; None where the kernel does not tell."""
    kinds: dict[Path, str] = {}
    for line in mountinfo.splitlines():
        fields = line.split()
        kinds[Path(fields[4].encode().decode("unicode_escape"))] = fields[fields.index("-") + 1]
    return next((kinds[place] for place in (folder, *folder.parents) if place in kinds), None)
