"""Which member names are allowed, and how a refused archive is described."""

from __future__ import annotations

import re
import unicodedata

from dlm_build.errors import ItemHostile, ItemInvalid, shown

COMPONENT_LIMIT = 255
"""Bytes of one component, as common file systems have it."""
PATH_LIMIT = 1024
"""Bytes of a whole member name."""
DEPTH_LIMIT = 64
"""Components of a member name."""
NAMES_LIMIT = 32 << 20
"""Characters of an archive's names and of their folders' names, together: compressed they take next to nothing."""
REPACK = "write the archive anew with plain file names, e.g. with torch-model-archiver or `zip -r`"

_DRIVE = re.compile(r"[A-Za-z]:")
_INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


class Blame:
    """Makes the errors of one archive (or source tree): each names it and, where there is one, the member."""

    def __init__(self, archive: str, what: str = "archive") -> None:
        self.archive = shown(archive)
        self._what = what

    def hostile(self, what: str, member: str | bytes | None = None, hint: str = "") -> ItemHostile:
        """For what no honest archive contains."""
        return ItemHostile(
            self._message(what, member), hint or "nothing of it was used; ask the publisher for a clean archive"
        )

    def broken(self, what: str, member: str | bytes | None = None, hint: str = "") -> ItemInvalid:
        """For what an honest publisher can have got wrong."""
        return ItemInvalid(self._message(what, member), hint or REPACK)

    def _message(self, what: str, member: str | bytes | None) -> str:
        if member is None:
            return f"{self._what} {self.archive}: {what}"
        text = member.decode("utf-8", "backslashreplace") if isinstance(member, bytes) else member
        return f"{self._what} {self.archive}: member {shown(text)}: {what}"


def checked_name(name: str, blame: Blame) -> str:
    """`name` without a leading `./`, or an error: relative, `/`-separated, visible characters, no way up or out.

    Returns "" for the archive's own top folder (`.` or `./`).
    """
    _refuse_escapes(name, blame)
    parts = name.split("/")
    while parts and parts[0] == ".":
        parts = parts[1:]
    for part in parts:
        _check_component(part, name, blame)
    plain = "/".join(parts)
    if len(parts) > DEPTH_LIMIT:
        raise blame.hostile(f"its name has {len(parts)} components, more than the limit of {DEPTH_LIMIT}", name)
    if len(plain.encode()) > PATH_LIMIT:
        raise blame.broken(f"its name is longer than {PATH_LIMIT} bytes", name)
    if plain.startswith("-"):
        raise blame.broken("its name starts with `-`, which programs read as an option", name)
    return plain


def _refuse_escapes(name: str, blame: Blame) -> None:
    if any(unicodedata.category(character) in _INVISIBLE for character in name):
        raise blame.hostile("its name has control or invisible characters", name)
    if "\\" in name:
        raise blame.hostile("its name has a backslash, a path separator on some systems", name, REPACK)
    if name.startswith("/") or _DRIVE.match(name):
        raise blame.hostile("its name is an absolute path", name)
    if ".." in name.split("/"):
        raise blame.hostile("its name leads out of the archive (`..`)", name)


def _check_component(part: str, name: str, blame: Blame) -> None:
    if part in ("", "."):
        raise blame.broken("its name has an empty component", name)
    if len(part.encode()) > COMPONENT_LIMIT:
        raise blame.broken(f"a component of its name is longer than {COMPONENT_LIMIT} bytes", name)
    if part != part.rstrip(". "):
        raise blame.broken("a component of its name ends with a dot or a space", name)


def folded(name: str) -> str:
    """Equal for names that some file system takes for the same."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


class NamesSeen:
    """Refuses two files of one name, a name that is both a file and a folder, and more names than any archive needs."""

    def __init__(self, blame: Blame) -> None:
        self._blame = blame
        self._files: set[str] = set()
        self._folders: set[str] = set()
        self._size = 0

    def add(self, name: str) -> None:
        """Raises ItemHostile."""
        key = folded(name)
        folders = self._new_folders(key)
        if key in self._files:
            raise self._blame.hostile("the archive has this name twice (or one that differs only in case)", name)
        if key in self._folders or not self._files.isdisjoint(folders):
            raise self._blame.hostile("the archive has this name both as a file and as a folder", name)
        self._size += sum(map(len, (key, *folders)))
        if self._size > NAMES_LIMIT:
            raise self._blame.hostile(f"its names take more than {NAMES_LIMIT} characters")
        self._files.add(key)
        self._folders.update(folders)

    def _new_folders(self, key: str) -> list[str]:
        """The folders above `key`, deepest first, up to one that is known: then those above it are known, too."""
        found: list[str] = []
        while (key := key.rpartition("/")[0]) and key not in self._folders:
            found.append(key)
        return found
