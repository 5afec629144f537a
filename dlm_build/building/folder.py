"""Writes contexts and package folders: whole or not at all, the same under any umask, with fixed times."""

from __future__ import annotations

import os
import secrets
import shutil
import stat
from pathlib import Path, PurePosixPath

from dlm_build.building.layout import EPOCH, GENERATED
from dlm_build.context_layout import DOCKERFILE
from dlm_build.disk import IN_OUTPUT, disk_error, disk_errors
from dlm_build.errors import InfraError, UsageError
from dlm_build.records import Context, ContextFile, Package, digest_of
from dlm_build.store import Store


def write_context(context: Context, store: Store, folder: Path) -> None:
    """Write `context` as `folder`, in place of an older context there.

    Raises UsageError when `folder` holds anything else, InfraError on a full disk or a store that lacks a file.
    """
    with disk_errors(folder, IN_OUTPUT):
        _refuse_foreign(folder)
        folder.parent.mkdir(parents=True, exist_ok=True)
        _sweep(folder)
        scratch = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.partial")
        try:
            _fill(context.files, store, scratch)
            _put_in_place(scratch, folder)
        finally:
            _remove(scratch)


def is_as_written(context: Context, folder: Path) -> bool:
    """Whether `folder` holds `context` and nothing else, by names, kinds, modes, sizes and times.

    What a builder would read is what the digest stands for: a file that was edited, added or opened up to others is
    told by these; contents are not read again.
    """
    wanted = {row.path: (stat.S_IFREG | row.mode, row.size) for row in context.files}
    above = {str(parent) for path in wanted for parent in PurePosixPath(path).parents}
    wanted |= dict.fromkeys(above, (stat.S_IFDIR | 0o755, 0))
    try:
        there = {str(path.relative_to(folder)): _seen(path.lstat()) for path in (folder, *folder.rglob("*"))}
    except OSError:
        return False
    return there == wanted


def _seen(told: os.stat_result) -> tuple[int, int] | None:
    """Mode and size, no size for folders; None for what was changed."""
    if int(told.st_mtime) != EPOCH:
        return None
    return told.st_mode, 0 if stat.S_ISDIR(told.st_mode) else told.st_size


def package_folder(packages: tuple[Package, ...], store: Store) -> Path:
    """A folder with `packages` by file name, as hard links into the store; made once per set of packages.

    Raises InfraError when the store lacks one.
    """
    rows = sorted({(package.filename, package.sha256, package.size or 0) for package in packages})
    files = tuple(ContextFile(path=name, mode=0o444, sha256=sha256, size=size) for name, sha256, size in rows)
    if len({row.path for row in files}) != len(files):
        raise AssertionError("two packages of a lock have one file name")
    digest = digest_of(Context(lock_digest="", files=files))
    # BuildKit keys what it was sent before by the folder's own name: one name, and only new packages are sent.
    folder = store.root / "packages" / digest / "packages"
    if not folder.is_dir():
        write_links(files, store, folder)
    return folder


def write_links(files: tuple[ContextFile, ...], store: Store, folder: Path) -> None:
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        scratch = folder.with_name(f".{secrets.token_hex(8)}.partial")
        try:
            _fill(files, store, scratch)
            if not folder.is_dir():
                scratch.rename(folder)
        finally:
            _remove(scratch)
    except OSError as problem:
        if not folder.is_dir():  # a second process may have been first
            raise disk_error(problem, folder) from problem


def _refuse_foreign(folder: Path) -> None:
    if not folder.exists() and not folder.is_symlink():
        return
    if folder.is_dir() and not folder.is_symlink():
        if not any(folder.iterdir()):
            return
        with_dockerfile = folder / DOCKERFILE
        if with_dockerfile.is_file() and with_dockerfile.read_bytes().startswith(GENERATED.encode() + b"\n"):
            return
    raise UsageError(f"{folder} is not a folder dlm-build made, so it is not replaced", "name another or a new folder")


def _sweep(folder: Path) -> None:
    """Remove what a killed run left beside `folder`."""
    for left in folder.parent.glob(f".{folder.name}.*.partial"):
        _remove(left)


def _fill(files: tuple[ContextFile, ...], store: Store, root: Path) -> None:
    root.mkdir()
    for row in files:
        target = root / row.path
        target.parent.mkdir(parents=True, exist_ok=True)
        if row.text is None:
            _link(row, store, target)
        else:
            target.write_bytes(row.text.encode())
            target.chmod(row.mode)
        moment = _moment(row.sha256)
        os.utime(target, ns=(moment, moment))
    _settle_folders(root)


def _link(row: ContextFile, store: Store, target: Path) -> None:
    if not store.has(row.sha256):
        raise InfraError(
            f"the store lacks {row.path} (sha256 {row.sha256})", "run the same command again; it is fetched anew"
        )
    store.link(row.sha256, target, row.mode)


def _moment(sha256: str) -> int:
    """Nanoseconds since 1970: the fixed second, and below it a part that tells contents apart.

    BuildKit takes a file of the same size and time for unchanged. Layers keep whole seconds only, so this part never
    reaches an image.
    """
    return EPOCH * 10**9 + int(sha256[:12], 16) % 10**9


def _settle_folders(root: Path) -> None:
    for folder, _, _ in os.walk(root, topdown=False):
        path = Path(folder)
        path.chmod(0o755)
        os.utime(path, (EPOCH, EPOCH))


def _put_in_place(scratch: Path, folder: Path) -> None:
    """Rename; an older context steps aside first, so that a crash leaves the old, none, or the new one."""
    if not folder.exists():
        scratch.rename(folder)
        return
    aside = folder.with_name(f".{folder.name}.{secrets.token_hex(8)}.partial")
    folder.rename(aside)
    scratch.rename(folder)
    _remove(aside)


def _remove(path: Path) -> None:
    shutil.rmtree(path, ignore_errors=True)
