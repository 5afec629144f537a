"""Grammars of the texts that become names, versions, commands and paths somewhere.

    ItemHostile   a control, invisible or direction-changing character anywhere; `$(`, `${`, a backtick, `{{`, `{%`, a
                  `syntax=` directive in a machine name; `..`, an absolute path or a drive in the name of a member
    ItemInvalid   anything else outside the grammar: quotes, spaces, letters beyond ASCII, too long

Every pattern is matched against the whole text and is linear.
"""

from __future__ import annotations

import posixpath
import re

from dlm_build import oci
from dlm_build.container_layout import MOUNTS, ROOT
from dlm_build.errors import shown
from dlm_build.findings.reading import BackslashInPath, StraySpaces
from dlm_build.findings.runtime import FolderNotAbsolute, VersionIsANumber, VersionIsOpen, VersionOfPackage
from dlm_build.items.node import Node
from dlm_build.items.scalars import text
from dlm_build.records import Record


class Grammar(Record, frozen=True, kw_only=True):
    """What a machine name may look like. All of them are ASCII."""

    noun: str
    pattern: re.Pattern[str]
    example: str
    is_word: bool = False
    """Whether people write it as a word of their texts: it names no file, folder, image or program."""


def _grammar(noun: str, pattern: str, example: str, *, is_word: bool = False) -> Grammar:
    return Grammar(noun=noun, pattern=re.compile(pattern), example=example, is_word=is_word)


_IDENTIFIER = r"[A-Za-z_][A-Za-z0-9_]*+"
FRAMEWORK = _grammar(noun="a framework name", pattern=r"[A-Za-z][A-Za-z0-9 ._+/-]{0,99}", example="PyTorch",
                     is_word=True)  # fmt: skip
VERSION = _grammar(noun="one exact version", pattern=r"v?[0-9][A-Za-z0-9.+!_-]{0,61}(?:\.\*)?", example="1.7.1",
                   is_word=True)  # fmt: skip
TAG = _grammar(noun="an image tag", pattern=oci.TAG, example="1.0")
DTYPE = _grammar(noun="a data type", pattern=r"[A-Za-z][A-Za-z0-9_]{0,31}", example="uint16")
COMMIT = _grammar(
    noun="a commit", pattern=r"[A-Za-z0-9_][A-Za-z0-9._/-]{0,254}", example="0123456789abcdef… (40 digits)"
)
IMAGE = _grammar(
    noun="an image name",
    pattern=(
        r"(?=.{1,255}\Z)(?:[A-Za-z0-9][A-Za-z0-9.-]*+(?::[0-9]{1,5})?/)?"
        rf"{oci.PATH}(?::{oci.TAG})?(?:@{oci.DIGEST})?"
    ),
    example="docker.io/library/my-model",
)
_DOTTED = rf"{_IDENTIFIER}(?:[.-]{_IDENTIFIER})*+"
HANDLER = _grammar(
    noun="a handler",
    pattern=rf"(?=.{{1,255}}\Z)(?:(?:[A-Za-z0-9_][A-Za-z0-9_.-]*+/)*+[A-Za-z0-9_-]++\.py|{_DOTTED})(?::{_DOTTED})?",
    example="handler.py:handle",
)
WORKING_DIR = _grammar(noun="a folder in the container", pattern=r"/[A-Za-z0-9._/-]{0,200}", example="/workspace")

_ESCAPES = {"\b": "b", "\t": "t", "\f": "f", "\n": "n", "\r": "r"}
"""What a path of Windows turns into where it is written with single backslashes."""
_STRAY = dict.fromkeys(map(ord, "\u200b\ufeff\u00ad"), "") | dict.fromkeys(map(ord, "\xa0\u2007\u202f\u3000"), " ")
"""Spaces of word processors: those without a width, and those that do not break."""
_INJECTION = re.compile(r"\$\(|\$\{|`|\{\{|\{%|(?:#|//)\s{0,9}syntax\s{0,9}=", re.IGNORECASE)
_OPEN = re.compile(r"(.+?)(?:\.[xX*])++")
_OWN_NUMBERS = {"pytorchlightning": "PyTorch", "lightning": "PyTorch"}
"""Libraries that stand on a framework and count their versions for themselves, spelled in lower-case letters."""
_KERAS = frozenset({"keras", "tfkeras", "tensorflowkeras"})
_TENSORFLOWS_OWN = re.compile(r"v?2(?:\.(?:[4-9]|1[0-5])(?:[.+_-].*)?)?")
"""The versions of Keras that came with TensorFlow of the same number."""
_SHORT_VERSION = re.compile(r"[0-9]{1,9}(\.[0-9]{1,9})?")
_RELATIVE = re.compile(r"(?:\./)?[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}")
_DRIVE = re.compile(r"[A-Za-z]:")
_TAKEN = ("/proc", "/dev", "/sys", "/etc", "/run", "/boot", "/bin", "/sbin", "/lib", "/lib64", ROOT, MOUNTS)
_TAKEN_ALONE = ("/", "/usr", "/usr/bin", "/usr/sbin", "/usr/lib", "/usr/lib64", "/usr/local", "/opt", "/var")
MAX_RUN = 4096
MAX_PATH = 1024


def machine_name(node: Node, grammar: Grammar) -> str | None:
    """The field, where it is wholly within `grammar`; None where absent."""
    value = text(node, grammar.example)
    if value is None:
        return None
    if grammar.is_word and not value.isascii():
        value = _without_stray(node, value)
    return within(node, value, grammar)


def _without_stray(node: Node, value: str) -> str:
    plain = value.translate(_STRAY).strip(" ")
    if plain and plain != value:
        stray = next(character for character in value if ord(character) in _STRAY)
        node.find(StraySpaces, found=stray, read=plain)
        return plain
    return value


def within(node: Node, value: str, grammar: Grammar) -> str:
    if grammar.pattern.fullmatch(value):  # which none does that is refused below
        return value
    refuse_unseen(node, value)
    fix = f'write something like "{grammar.example}"'
    if found := _INJECTION.search(value):
        raise node.hostile(f'must be {grammar.noun}, but has {shown(found.group())} in "{shown(value)}"', fix)
    raise node.invalid(f'must be {grammar.noun}, but is "{shown(value)}"', fix)


def refuse_unseen(node: Node, value: str) -> None:
    """Raises ItemHostile where a character has no picture of its own."""
    if value.isprintable():
        return
    bad = next((c for c in value if not c.isprintable() and c not in "\xa0\u3000"), None)
    if bad is not None:
        fix = "remove the line break" if bad in "\r\n" else "remove it"
        if bad in _ESCAPES:
            fix += f"; if a backslash was meant, write / for it: \\{_ESCAPES[bad]} stands for one character"
        raise node.hostile(f'has the character {shown(bad)} in "{shown(value)}"', fix)


def version(node: Node) -> str | None:
    """A framework version. A number keeps its text; that its patch level is unknown is a finding."""
    value = machine_name(node, VERSION)
    if value is None:
        return None
    if not isinstance(node.value, str):
        if not _SHORT_VERSION.fullmatch(value):
            raise node.invalid(f"must be a version, but is the number {shown(value)}", 'write a text such as "1.7.1"')
        node.find(VersionIsANumber, found=value)
    elif found := _OPEN.fullmatch(value):
        node.find(VersionIsOpen, found=value, example=f"{found[1]}.1")
    return value.removeprefix("v")


def framework_version(framework: str | None, node: Node, package: str | None = None) -> str | None:
    """`version`, where it is the framework's own. That of a library on top of one is not: None, with a finding.

    `package` is the library, where the reader has already put its framework in its place.
    """
    value = version(node)
    if value is None or framework is None:
        return value
    spelled = "".join(filter(str.isalpha, framework.lower()))
    stands_on = framework if package else _OWN_NUMBERS.get(spelled)
    if spelled in _KERAS and not _TENSORFLOWS_OWN.fullmatch(value):
        stands_on = "TensorFlow"
    if stands_on is None:
        return value
    node.find(VersionOfPackage, found=value, package=package or framework, framework=stands_on)
    return None


def handler(node: Node) -> str | None:
    """`package.module`, `module:name`, `file.py`, `file.py:Name`; paths relative, without `..`."""
    value = text(node, HANDLER.example)
    if value is None:
        return None
    value = value.removeprefix("./")
    if value.startswith("/") or ".." in value.replace("\\", "/").partition(":")[0].split("/"):
        raise node.hostile(f'must stay inside the archive, but is "{shown(value)}"', f'write "{HANDLER.example}"')
    return within(node, value, HANDLER)


def working_dir(node: Node) -> str | None:
    """An absolute folder, normalised, that is not one the container needs for itself."""
    value = text(node, WORKING_DIR.example)
    if value is None:
        return None
    if _RELATIVE.fullmatch(value):
        whole = "/" + value.removeprefix("./")
        node.find(FolderNotAbsolute, found=value, read=whole)
        value = whole
    value = within(node, value, WORKING_DIR)
    if ".." in value.split("/"):
        raise node.hostile(f'must not climb with "..", but is "{shown(value)}"', 'write "/workspace"')
    folder = posixpath.normpath("/" + value.strip("/"))
    if folder in _TAKEN_ALONE or any(folder == top or folder.startswith(top + "/") for top in _TAKEN):
        raise node.invalid(f'"{shown(folder)}" belongs to the container itself', 'write "/workspace"')
    return folder


def command_line(node: Node) -> str | None:
    """`run` as published. One line, no control characters; what it means is the planner's business."""
    value = text(node, "predict --input in.tif")
    value = value.strip() if value else None
    if not value:
        return None
    if len(value) > MAX_RUN:
        raise node.invalid(
            f"has {len(value)} characters", f"keep the command under {MAX_RUN}; put a script in the archive"
        )
    if re.search(r"[\r\n\t]", value):
        raise node.invalid(
            f'must be one line, but is "{shown(value)}"', "write one command; put a script in the archive"
        )
    refuse_unseen(node, value)
    return value


def member_name(node: Node, value: str) -> str:
    """The name of a file in the archive: relative, `/`-separated, without `.` and `..`."""
    refuse_unseen(node, value)
    if "\\" in value:
        node.find(BackslashInPath, found=shown(value))
        value = value.replace("\\", "/")
    parts = [part for part in value.split("/") if part not in ("", ".")]
    if value.startswith("/") or _DRIVE.match(value) or ".." in parts:
        raise node.hostile(
            f'must name a file inside the archive, but is "{shown(value)}"', "write its path in the archive"
        )
    if not parts:
        raise node.invalid(f'must name a file, but is "{shown(value)}"', "write its path in the archive")
    if len(value) > MAX_PATH:
        raise node.invalid(f"has {len(value)} characters", f"keep paths under {MAX_PATH}")
    return "/".join(parts)
