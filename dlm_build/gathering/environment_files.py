"""Environment declarations: what the item names, else what lies in its archive, else in its source."""

from __future__ import annotations

import codecs
import contextlib
import posixpath
import re
from collections.abc import Callable, Iterator
from typing import Literal
from urllib.parse import unquote, urljoin, urlsplit

from dlm_build.errors import ItemInvalid, shown
from dlm_build.fetch import Fetcher
from dlm_build.fetching.pages import stood_in
from dlm_build.fetching.urls import shown_url
from dlm_build.findings.archive import RequirementFileFoundElsewhere
from dlm_build.gathering.assets import is_own_server, refuse_no_file
from dlm_build.gathering.manifest import requirements_of
from dlm_build.gathering.outside import Outside
from dlm_build.locks import EXPLICIT_NAMES, NAMES, PYTHON_NAMES, is_aside, is_explicit
from dlm_build.magic import stand_in
from dlm_build.members import find_member
from dlm_build.records import Archive, EnvironmentFile, Finding, Item, Member, Source
from dlm_build.store import Store

LIMIT = 16 << 20
"""Bytes of one file; a lock has a few megabytes."""
_FILES_LIMIT = 32
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_INCLUDE = re.compile(r"^\s*(?:-\s+)?['\"]?(?:-r|-c|--requirement|--constraint)[ =]?\s*([^\s#'\"]+)", re.MULTILINE)
_LOCK = re.compile(r"^package:\s*$", re.MULTILINE)
_CONDA = re.compile(r"^dependencies:\s*$", re.MULTILINE)

Read = Callable[[str], str | None]
"""Text of a file by its path in one place; None where it is not there."""


def collect(
    item: Item, archive: Archive, manifest: dict[str, object], source: Source | None, outside: Outside
) -> tuple[tuple[EnvironmentFile, ...], tuple[Finding, ...]]:
    """The files in order of preference, those they include after them, and what was inferred on the way."""
    if item.runtime.requirement_file:
        return _declared(item.runtime.requirement_file, item, archive, source, outside)
    inside = _from_members("archive", archive.members, outside.store, requirements_of(manifest))
    if inside or source is None:
        return inside, ()
    return _from_members("source", source.members, outside.store, None), ()


# --- what the item names ----------------------------------------------------------------------------------------------


def _declared(
    wanted: str, item: Item, archive: Archive, source: Source | None, outside: Outside
) -> tuple[tuple[EnvironmentFile, ...], tuple[Finding, ...]]:
    asset = next((asset for asset in item.assets if asset.key == wanted), None)
    url = asset.href if asset else wanted
    beside = next((member.path for member in archive.members if asset and member.asset == asset.key), None)
    if url.startswith(("https://", "http://")):
        refuse_no_file(url, asset.pointer if asset else item.pointers.requirements)
        text = _reader(archive.members, outside.store)(beside) if beside else None
        return _linked(url, text, item, outside.fetch), ()
    wanted = beside or (posixpath.basename(url) if asset else wanted)
    members = {"archive": archive.members, "source": source.members if source else ()}
    for place, rows in members.items():
        if found := find_member(rows, wanted):
            files = _with_pythons(place, found.path, _reader(rows, outside.store))
            return files, () if found.path == wanted else (_renamed(wanted, place, found, item.pointers.requirements),)
    or_source = " or the source" if source else ""
    raise ItemInvalid(
        f"{item.pointers.requirements}: {shown(wanted)} is neither an asset, nor in the archive{or_source}",
        "name a member of the archive, an asset's key, or an https address",
    )


def _linked(url: str, text: str | None, item: Item, fetch: Fetcher) -> tuple[EnvironmentFile, ...]:
    """The file at `url`; what it includes is looked for beside it. They are called `item:<path>`.

    `text` is the file's where it is there already, held to its checksum: it is not asked for again.
    """
    base = unquote(posixpath.basename(urlsplit(url).path)) or "requirements.txt"

    def read(path: str) -> str | None:
        if path == base and text is not None:
            return text
        place = url if path == base else urljoin(url, path)
        answer = fetch.get(place, limit=LIMIT, trusted=is_own_server(item, place))
        if path != base and answer.status in (404, 410):
            return None
        answer.found()
        if found := stand_in(answer.body) if answer.body else None:
            raise stood_in(found, answer.url, place)
        return _text(answer.body, shown_url(place))

    return _with_included("item", base, read)


def _renamed(wanted: str, place: str, found: Member, pointer: str) -> Finding:
    return RequirementFileFoundElsewhere.at(pointer, found=wanted, path=found.path, place=place)


# --- what is there ----------------------------------------------------------------------------------------------------


def _from_members(
    place: str, members: tuple[Member, ...], store: Store, named: str | None
) -> tuple[EnvironmentFile, ...]:
    paths = [member.path for member in members]
    chosen = [path for names in NAMES for path in _shallowest(paths, names)]
    if named in paths and named not in chosen:
        chosen.append(named)
    read = _reader(members, store)
    files: dict[str, EnvironmentFile] = {}
    for path in chosen:
        try:
            found = _with_pythons(place, path, read)
        except ItemInvalid:
            if path == named or not files:
                raise
            continue  # a better one is there, so this one is not used, whatever is wrong with it
        if posixpath.basename(path) in EXPLICIT_NAMES and path != named and found[0].kind != "explicit":
            continue
        files |= {file.name: file for file in found if file.name not in files}
    return tuple(files.values())


def _shallowest(paths: list[str], names: tuple[str, ...]) -> list[str]:
    """The one of these names that lies nearest to the top; none where two lie equally deep below it."""
    ranked = sorted((path.count("/"), names.index(posixpath.basename(path)), path) for path in _named(paths, names))
    nearest = [path for depth, _, path in ranked if depth == ranked[0][0]]
    return nearest[:1] if nearest and (len(nearest) == 1 or "/" not in nearest[0]) else []


def _named(paths: list[str], names: tuple[str, ...]) -> Iterator[str]:
    return (path for path in paths if posixpath.basename(path) in names and not is_aside(path))


def _reader(members: tuple[Member, ...], store: Store) -> Read:
    def read(path: str) -> str | None:
        member = next((member for member in members if member.path == path), None)
        if member is None:
            return None
        if member.size > LIMIT:
            raise _too_large(shown(path), member.size)
        return _text(store.path(member.sha256).read_bytes(), path)

    return read


def _with_included(place: str, path: str, read: Read) -> tuple[EnvironmentFile, ...]:
    """The file and every file that it or they include and that is there. A missing one is the reader's to report."""
    files: dict[str, EnvironmentFile] = {}
    waiting = [path]
    while waiting and len(files) < _FILES_LIMIT:
        at = waiting.pop(0)
        text = None if at in files else read(at)
        if text is None:
            continue
        files[at] = EnvironmentFile(name=f"{place}:{at}", kind=_kind(at, text, included=at != path), text=text)
        waiting += _included(at, text)
    return tuple(files.values())


def _with_pythons(place: str, path: str, read: Read) -> tuple[EnvironmentFile, ...]:
    """As `_with_included`, and what lies beside a list for pip and says which Python it is for, if it can be read."""
    files = _with_included(place, path, read)
    beside = (posixpath.join(posixpath.dirname(path), name) for name in PYTHON_NAMES if files[0].kind == "pip")
    for at in beside:
        with contextlib.suppress(ItemInvalid):
            if text := read(at):
                files += (EnvironmentFile(name=f"{place}:{at}", kind="python", text=text),)
    return files


def _included(at: str, text: str) -> list[str]:
    """Paths of the files that `text` includes, in the same place; nothing above it, and no URL."""
    beside = (posixpath.normpath(posixpath.join(posixpath.dirname(at), name)) for name in _INCLUDE.findall(text))
    return [path for path in beside if not path.startswith(("../", "/")) and path != ".." and "://" not in path]


def _kind(path: str, text: str, *, included: bool) -> Literal["conda-lock", "explicit", "conda", "pip"]:
    """By its text where its name does not tell, such as behind a deposit's `…/files/environment.yml/content`."""
    if included:
        return "pip"
    if is_explicit(text):
        return "explicit"
    if _LOCK.search(text):
        return "conda-lock"
    return "conda" if path.lower().endswith((".yml", ".yaml")) or _CONDA.search(text) else "pip"


def _too_large(where: str, size: int) -> ItemInvalid:
    return ItemInvalid(f"{where} has {size} bytes", "an environment file has a few kilobytes")


def _text(raw: bytes, where: str) -> str:
    """UTF-8, or the UTF-16 that `pip freeze > requirements.txt` writes on Windows and pip reads."""
    try:
        return raw.decode("utf-16" if raw.startswith(_WIDE) else "utf-8-sig")
    except UnicodeDecodeError as problem:
        raise ItemInvalid(f"{shown(where)} is not UTF-8 text (byte {problem.start})", "save it as UTF-8") from problem
