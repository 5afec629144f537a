"""What making a SIF needs: a packer, and room in each of the folders that it works in."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import NamedTuple

from dlm_build.disk import nearest
from dlm_build.errors import DlmBuildError
from dlm_build.preflight.line import Line, Look
from dlm_build.sif.squashfs import installed

TREE, FILE, ARRAYS = 10 << 30, 5 << 30, 1 << 30
"""Bytes: the files of one PyTorch model with CUDA, the SIF made of them, and the arrays of its outputs."""
IN_MEMORY = ("tmpfs", "ramfs")


class Need(NamedTuple):
    """Room in a folder."""

    name: str
    folder: Path
    wanted: int
    instead: str
    """How to name another folder."""


def packing_lines(look: Look, *, unpacks: bool) -> list[Line]:
    """`unpacks`: whether the engine cannot mount a SIF here, and unpacks it for every run."""
    return [_packer(look), _tree(look), _file(look, unpacks), _temporary(look, unpacks)]


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


def _tree(look: Look) -> Line:
    """The environment's files, or the image's layers, on their way into the file."""
    return _room(look, Need("SIF tree", Path(look.settings.store) / "scratch", TREE, "set `store` in the settings to"))


def _file(look: Look, unpacks: bool) -> Line:
    """The file itself and what its run needs: Apptainer unpacks it beside its outputs where it cannot mount it."""
    wanted = FILE + (TREE if unpacks else 0)
    return _room(look, Need("SIF output", Path("dlm-out").absolute(), wanted, "use --output in"))


def _temporary(look: Look, unpacks: bool) -> Line:
    """Where outputs are compared, and where `apptainer run` by hand unpacks a file that it cannot mount."""
    folder = Path(look.settings.environment.get("TMPDIR") or "/tmp")  # noqa: S108
    if not folder.is_dir():
        detail = f"{folder}: there is no such folder"
        return Line(name="TMPDIR", state="warn", detail=detail, fix="make it, or set TMPDIR to one that is there")
    return _room(look, Need("TMPDIR", folder, TREE if unpacks else ARRAYS, "set TMPDIR to"))


def _room(look: Look, need: Need) -> Line:
    """Size and kind of the disk; a folder that is still to be made is judged by the one above it."""
    fix = f"{need.instead} a folder on a disk with {need.wanted >> 30} GiB or more"
    made = nearest(need.folder)
    try:
        free = shutil.disk_usage(made).free
    except OSError as problem:
        return Line(name=need.name, state="warn", detail=f"{need.folder}: {problem.strerror}", fix=fix)
    if not os.access(made, os.W_OK | os.X_OK):
        fix = f"{need.instead} a folder that this user may write in"
        return Line(name=need.name, state="warn", detail=f"{made} is closed to this user", fix=fix)
    kind = file_system(made.resolve(), _mounts(look.root))
    detail = f"{need.folder}: {free / 1e9:.0f} GB free on {kind or 'an unknown file system'}"
    if kind in IN_MEMORY and need.wanted > ARRAYS:
        return Line(name=need.name, state="warn", detail=f"{detail}, which is memory", fix=fix)
    if free < need.wanted:
        return Line(name=need.name, state="warn", detail=detail, fix=fix)
    return Line(name=need.name, state="ok", detail=detail)


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
