"""Rows of a context: files with their text, files by store digest, and trees named by their own digest."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable

from dlm_build.records import ContextFile, Member

_PART = re.compile(r"[^/\\\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]{1,255}")


def text_row(path: str, text: str, mode: int = 0o644) -> ContextFile:
    data = text.encode()
    return ContextFile(
        path=checked_path(path), mode=mode, sha256=hashlib.sha256(data).hexdigest(), size=len(data), text=text
    )


def member_row(path: str, member: Member) -> ContextFile:
    """A file of the store, read-only and therefore a hard link."""
    return ContextFile(path=checked_path(path), mode=0o444, sha256=member.sha256, size=member.size)


def tree(kind: str, rows: Iterable[ContextFile]) -> tuple[str, tuple[ContextFile, ...]]:
    """The name of a folder holding `rows`, and the rows inside it.

    The name carries the content: BuildKit tells changed files by size and time, and all times are the same here.
    It also leaves the time of a folder that it updates to chance, so a changed tree must be a new folder.
    """
    kept = sorted(rows, key=lambda row: row.path)
    digest = hashlib.sha256("".join(f"{row.path}\0{row.mode:o}\0{row.sha256}\n" for row in kept).encode())
    name = f"{kind}-{digest.hexdigest()[:32]}"
    return name, tuple(
        ContextFile(path=f"{name}/{row.path}", mode=row.mode, sha256=row.sha256, size=row.size, text=row.text)
        for row in kept
    )


def checked_path(path: str) -> str:
    """`path`; a path that could leave the folder is a bug of whoever let it through, not the user's error."""
    parts = path.split("/")
    if any(part in (".", "..") or not _PART.fullmatch(part) for part in parts):
        raise AssertionError(f"not a path for a context: {path!a}")
    return path
