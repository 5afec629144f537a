"""The output folder of a container: a stranger wrote it, so nothing in it is followed, only looked at and copied."""

from __future__ import annotations

import hashlib
import os
import secrets
import stat
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from dlm_build.errors import shown
from dlm_build.records import Limits, OutputFile, Record
from dlm_build.store import sha256_of

DEEPEST = 32
"""Folders within folders; deeper ones count as over the limit."""
LONGEST = 1024
"""Bytes of a file's path below the output folder: a system takes about 4096 for a whole one, this machine's own part
included.
"""
CHUNK = 1 << 20
LOOK = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC


class Usage(Record, frozen=True, kw_only=True):
    size: int = 0
    entries: int = 0
    too_deep: bool = False


class Collected(Record, frozen=True, kw_only=True):
    files: tuple[OutputFile, ...] = ()
    ignored: tuple[str, ...] = ()
    """What was left behind and why, escaped for display."""


class Found(Record, frozen=True, kw_only=True):
    """One entry of the tree, reached without following a link. `folder_fd` is open while it is looked at."""

    path: str
    name: str
    folder_fd: int
    status: os.stat_result
    too_deep: bool = False


def excess(usage: Usage, limits: Limits) -> str | None:
    """Which limit `usage` is over, as the end of a sentence; None when it is within all."""
    if usage.size > limits.output:
        return f"wrote more than {limits.output} bytes of output"
    if usage.entries > limits.output_files:
        return f"made more than {limits.output_files} output files"
    return f"nested its output folders deeper than {DEEPEST}" if usage.too_deep else None


def measure(folder: Path, limits: Limits) -> Usage:
    """Bytes and entries below `folder`, which may be changing; counting stops where a limit is passed."""
    size = entries = 0
    too_deep = False
    for found in walk(folder):
        entries += 1
        size += found.status.st_size if stat.S_ISREG(found.status.st_mode) else 0
        too_deep = too_deep or found.too_deep
        if size > limits.output or entries > limits.output_files or too_deep:
            break
    return Usage(size=size, entries=entries, too_deep=too_deep)


def walk(folder: Path) -> Iterator[Found]:
    """Every entry below `folder`, by name, each folder before its content. Entries that vanish are passed over."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        yield from _walk(handle, "", 0)
    finally:
        os.close(handle)


def _walk(folder_fd: int, prefix: str, depth: int) -> Iterator[Found]:
    for name in _names(folder_fd):
        try:
            status = os.stat(name, dir_fd=folder_fd, follow_symlinks=False)
        except OSError:
            continue
        is_folder = stat.S_ISDIR(status.st_mode)
        deep = is_folder and depth >= DEEPEST
        yield Found(path=prefix + name, name=name, folder_fd=folder_fd, status=status, too_deep=deep)
        if is_folder and not deep:
            yield from _inside(folder_fd, name, prefix, depth)


def _names(folder_fd: int) -> list[str]:
    try:
        return sorted(os.listdir(folder_fd))
    except OSError:
        return []  # removed since it was opened


def _inside(folder_fd: int, name: str, prefix: str, depth: int) -> Iterator[Found]:
    try:
        child = os.open(name, LOOK | os.O_DIRECTORY, dir_fd=folder_fd)
    except OSError:
        return
    try:
        yield from _walk(child, f"{prefix}{name}/", depth + 1)
    finally:
        os.close(child)


def collect(source: Path, target: Path, limits: Limits) -> Collected:
    """Copy the regular files below `source` into the fresh folder `target`, hashed on the way.

    Links, devices, pipes, files with a second name and names that are too long or cannot be shown are left behind and
    listed.
    """
    target.mkdir(parents=True)
    files: list[OutputFile] = []
    ignored: list[str] = []
    room = limits.output
    for found in walk(source):
        if stat.S_ISDIR(found.status.st_mode):
            continue
        why = _unfit(found)
        taken = None if why else _copy(found, target, room)
        if isinstance(taken, OutputFile):
            files.append(taken)
            room -= taken.size
        else:
            ignored.append(f"{shown(found.path)} ({why or taken})")
    return Collected(files=tuple(files), ignored=tuple(ignored))


def are_as_collected(files: tuple[OutputFile, ...], folder: Path) -> bool:
    """Whether `folder` still holds `files`, byte for byte, and no others; whoever reads results may change them."""
    try:
        there = {found.path: found.status for found in walk(folder) if not stat.S_ISDIR(found.status.st_mode)}
        return (
            all(stat.S_ISREG(status.st_mode) for status in there.values())
            and {path: status.st_size for path, status in there.items()} == {file.path: file.size for file in files}
            and all(sha256_of(folder / file.path) == file.sha256 for file in files)
        )
    except OSError:
        return False


def _unfit(found: Found) -> str | None:
    kinds: tuple[tuple[Callable[[int], bool], str], ...] = (
        (stat.S_ISLNK, "symbolic link"), (stat.S_ISFIFO, "pipe"), (stat.S_ISSOCK, "socket"),
        (stat.S_ISBLK, "device"), (stat.S_ISCHR, "device"),
    )  # fmt: skip
    for is_kind, name in kinds:
        if is_kind(found.status.st_mode):
            return name
    if not found.path.isprintable():
        return "unprintable name"
    if len(os.fsencode(found.path)) > LONGEST:
        return "name too long"
    return "hard link" if found.status.st_nlink != 1 else None


def _copy(found: Found, target: Path, room: int) -> OutputFile | str:
    try:
        handle = os.open(found.name, LOOK, dir_fd=found.folder_fd)
    except OSError as problem:
        return problem.strerror or "cannot be opened"
    with os.fdopen(handle, "rb") as stream:
        status = os.fstat(handle)
        if not stat.S_ISREG(status.st_mode) or status.st_nlink != 1 or status.st_size > room:
            return "changed while it was looked at"
        destination = target / found.path
        destination.parent.mkdir(parents=True, exist_ok=True)
        digest, size = _copy_bytes(stream, destination, status.st_size)
    return OutputFile(path=found.path, size=size, sha256=digest)


def _copy_bytes(stream: BinaryIO, destination: Path, length: int) -> tuple[str, int]:
    digest, size = hashlib.sha256(), 0
    with destination.open("xb") as out:
        while size < length and (chunk := stream.read(min(CHUNK, length - size))):
            digest.update(chunk)
            out.write(chunk)
            size += len(chunk)
    return digest.hexdigest(), size


def remove_tree(folder: Path) -> bool:
    """Remove `folder` however deep it is nested, following nothing. False where something of it could not be."""
    with suppress(OSError):
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            _empty(handle)
        finally:
            os.close(handle)
        folder.rmdir()
    return not folder.exists()


def _empty(top: int) -> None:
    """Folders found inside others are moved up before they are emptied, so that no path grows long."""
    while names := os.listdir(top):
        for name in names:
            if stat.S_ISDIR(os.stat(name, dir_fd=top, follow_symlinks=False).st_mode):
                _lift(top, name)
                os.rmdir(name, dir_fd=top)
            else:
                os.unlink(name, dir_fd=top)


def _lift(top: int, name: str) -> None:
    """Remove the files of the folder `name` and move its folders up into `top` under names nobody could foresee."""
    child = os.open(name, LOOK | os.O_DIRECTORY, dir_fd=top)
    try:
        for inner in os.listdir(child):  # noqa: PTH208
            if stat.S_ISDIR(os.stat(inner, dir_fd=child, follow_symlinks=False).st_mode):
                os.rename(inner, secrets.token_hex(16), src_dir_fd=child, dst_dir_fd=top)
            else:
                os.unlink(inner, dir_fd=child)
    finally:
        os.close(child)
