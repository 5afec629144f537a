"""The door to archives: what they hold goes into the store by content, and nothing of them is ever extracted by name.

What an archive is, is told by its first bytes, not by its name. Every check runs before anything of it becomes an
object of the store: one bad member refuses the archive. The file is read once; an archive that was unpacked before is
only hashed.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from dlm_build.disk import disk_errors
from dlm_build.errors import HashMismatch
from dlm_build.magic import HEAD, is_plain_text, stand_in
from dlm_build.progress import Notify
from dlm_build.records import Member, Record
from dlm_build.store import CHUNK, Store, Stored
from dlm_build.unpacking.names import Blame, checked_name
from dlm_build.unpacking.reading import Budget, Caps, Reader, Staging
from dlm_build.weight_files import SINGLE_SUFFIXES

RULES = "2"
"""Of the checks; a note made under older rules does not count."""

Kind = Literal["zip", "tar", "file"]

FOREIGN = {
    b"7z\xbc\xaf\x27\x1c": "7z archive",
    b"Rar!": "rar archive",
    b"\xfd7zXZ": "xz file",
    b"BZh": "bzip2 file",
    b"\x28\xb5\x2f\xfd": "zstd file",
}
_STAND_INS = {
    "page": ("a web page", "what was saved is a share or login page; save the file behind its download button"),
    "confirmation": ("a web page that asks for a confirmation", "save the file behind its download button"),
    "login": ("a web page that asks to sign in", "sign in with a browser, and save the file itself"),
    "lfs-pointer": ("a Git LFS pointer", "run `git lfs pull` where it was checked out, and take the file itself"),
    "annex-pointer": ("a git-annex pointer", "run `git annex get` where it was checked out, and take the file itself"),
    "xml-error": ("an error that its server gave, in XML", "download it again, from an address that is public"),
    "json-error": ("an error that its server gave, in JSON", "download it again, from an address that is public"),
    "empty": ("an empty file", "download it again, or publish it anew"),
}
"""What was saved in place of the file, and what to do."""
_EDGE = 64 << 10


class Parcel(Record, frozen=True, kw_only=True):
    """What is known about an archive before it is opened."""

    name: str
    """Its base name, for messages, and the member name of a single file."""
    packed: bool = False
    """Whether the publisher calls it an archive, so that a single file is an error."""
    promised: str | None = None
    """sha256 it must have."""
    known: str | None = None
    """sha256 it has, where that was computed already."""


class Unpacked(Record, frozen=True, kw_only=True):
    """An archive by content. `members` are sorted by path and are in the store."""

    rules: str = RULES
    sha256: str
    size: int
    kind: Kind
    members: tuple[Member, ...]


class _Glimpse(Record, frozen=True, kw_only=True):
    """sha256 that a file of this size and these edges had: worth a look, proves nothing."""

    sha256: str


def unpack(path: Path, store: Store, notify: Notify, parcel: Parcel, caps: Caps | None = None) -> Unpacked:
    """Put every member of the archive at `path` into the store.

    Raises ItemHostile, ItemInvalid or ResourceExceeded naming archive and member, and HashMismatch where the digest
    is not the promised one; then nothing of it is in the store.
    """
    blame = Blame(parcel.name)
    with disk_errors(path):
        with Reader(path, notify, hashing=parcel.known is None, label=f"reading {blame.archive}") as reader:
            glimpse = _glimpse(reader)
            if done := _unpacked_before(reader, glimpse, store, parcel):
                return done
        with Reader(path, notify, hashing=parcel.known is None, label=f"unpacking {blame.archive}") as reader:
            done = _unpack(reader, store, parcel, Budget(caps or Caps(), reader, blame), blame)
    store.note("archives", _key(done.sha256, parcel), done)
    store.note("glimpses", glimpse, _Glimpse(sha256=done.sha256))
    return done


def _unpack(reader: Reader, store: Store, parcel: Parcel, budget: Budget, blame: Blame) -> Unpacked:
    with Staging(store) as staging:
        kind = _stage(reader, staging, parcel, budget, blame)
        sha256 = parcel.known or reader.sha256()
        _refuse_other(sha256, reader.size, parcel)
        members = without_top(staging.adopt())
        return Unpacked(sha256=sha256, size=reader.size, kind=kind, members=members)


def _stage(reader: Reader, staging: Staging, parcel: Parcel, budget: Budget, blame: Blame) -> Kind:
    from dlm_build.unpacking.tars import unpack_tar
    from dlm_build.unpacking.zips import read_directory, unpack_members

    head = reader.peek_at(0, HEAD)
    _refuse_foreign(head, blame)
    if head.startswith((b"PK\3\4", b"PK\5\6", b"PK\7\x08")):
        places = read_directory(reader, budget, blame)
        if parcel.packed or not is_framework_file(tuple(place.entry.name for place in places)):
            unpack_members(reader, places, staging, budget, blame)
            return "zip"
    elif head.startswith(b"\x1f\x8b") or head[257:262] == b"ustar":
        unpack_tar(reader, head.startswith(b"\x1f\x8b"), staging, budget, blame)
        return "tar"
    if parcel.packed:
        raise _no_archive(reader, blame)
    if parcel.name.lower().endswith(SINGLE_SUFFIXES) and is_plain_text(head):
        hint = "publish the weights themselves; the words in it may say where they are"
        raise blame.broken("it is plain text, and no weights", hint=hint)
    name = checked_name(parcel.name, blame)
    if not (parcel.known and staging.take(name, Stored(sha256=parcel.known, size=reader.size))):
        staging.add(name, _whole(reader, budget))
    return "file"


def without_top(members: tuple[Member, ...]) -> tuple[Member, ...]:
    """Members of a model archive that was packed with its folder, as torch-model-archiver's tgz is, without that."""
    tops = {member.path.partition("/")[0] for member in members}
    top = f"{tops.pop()}/" if len(tops) == 1 else ""
    if not any(member.path == f"{top}MAR-INF/MANIFEST.json" for member in members):
        return members
    return tuple(msgspec.structs.replace(member, path=member.path.removeprefix(top)) for member in members)


def _whole(reader: Reader, budget: Budget) -> Iterator[bytes]:
    while data := reader.read(CHUNK):
        budget.spend(len(data))
        yield data


def is_framework_file(names: tuple[str, ...]) -> bool:
    """Whether these are the insides of a file that frameworks read as one: a PyTorch checkpoint, .keras or .npz."""
    files = [name for name in names if name]
    tops = {name.split("/", 1)[0] for name in files}
    if len(tops) == 1 and all("/" in name for name in files):
        top = tops.pop()
        if {f"{top}/data.pkl", f"{top}/version"} <= set(files):
            return True
    return {"config.json", "metadata.json", "model.weights.h5"} <= set(files) or (
        bool(files) and all(name.endswith(".npy") for name in files)
    )


def _refuse_foreign(head: bytes, blame: Blame) -> None:
    if found := stand_in(head):
        what, hint = _STAND_INS[found.what]
        raise blame.broken(f"it is {what}, not an archive", hint=hint)
    for magic, what in FOREIGN.items():
        if head.startswith(magic):
            raise blame.broken(f"it is a {what}", hint="publish it as .zip, .mar or .tar.gz")


def _no_archive(reader: Reader, blame: Blame) -> Exception:
    from dlm_build.unpacking.zip_end import has_end

    if reader.peek_at(0, 4) != b"PK\3\4" and has_end(reader):
        return blame.hostile("bytes stand before the zip: two programs would read two different files")
    return blame.broken("it is called an archive, and is no zip and no tar", hint="publish it as .zip, .mar or .tar.gz")


def _refuse_other(sha256: str, size: int, parcel: Parcel) -> None:
    if parcel.promised is not None and parcel.promised != sha256:
        raise HashMismatch(
            f"archive {Blame(parcel.name).archive}: sha256 is {sha256} ({size} bytes), "
            f"the item promises {parcel.promised}",
            "the archive changed after the item was written: update `file:checksum` if that was meant",
        )


def _glimpse(reader: Reader) -> str:
    edges = reader.peek_at(0, _EDGE) + reader.peek_at(max(0, reader.size - _EDGE), _EDGE)
    return hashlib.sha256(b"%d " % reader.size + edges).hexdigest()


def _key(sha256: str, parcel: Parcel) -> str:
    return f"{sha256}-packed" if parcel.packed else sha256


def _unpacked_before(reader: Reader, glimpse: str, store: Store, parcel: Parcel) -> Unpacked | None:
    """The earlier result, where the whole file's digest says that it is the same archive."""
    seen = None if parcel.known else store.noted("glimpses", glimpse, _Glimpse)
    likely = parcel.known or (seen.sha256 if seen else "")
    done = store.noted("archives", _key(likely, parcel), Unpacked)
    if done is None or done.rules != RULES or not all(store.has(member.sha256) for member in done.members):
        return None
    if done.kind == "file" and done.members[0].path != parcel.name:
        return None
    if not parcel.known:
        reader.drain()
        if reader.sha256() != likely:
            return None
    _refuse_other(likely, reader.size, parcel)
    return done
