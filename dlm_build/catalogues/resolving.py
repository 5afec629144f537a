"""From ITEM as its user gave it to the text of one item, or of all that are there."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urldefrag

import msgspec

from dlm_build.catalogues import ckan
from dlm_build.catalogues.asked import BULK, Asked, Bounds, Outside, SourceText, Unread
from dlm_build.catalogues.choosing import called, only
from dlm_build.catalogues.documents import Opened, file_behind, id_of, kind_of, may_hold_items, opened
from dlm_build.catalogues.found import Found
from dlm_build.catalogues.inside import Inside, word_for
from dlm_build.catalogues.reader import Reader, Text, is_url
from dlm_build.errors import DlmBuildError, SourceGone, UsageError, shown
from dlm_build.fetching.pages import direct_url
from dlm_build.fetching.urls import public_place, shown_place, shown_url
from dlm_build.findings.documents import NotAnItem
from dlm_build.items.document import position, refused
from dlm_build.magic import looks_like_web_page
from dlm_build.progress import Event
from dlm_build.workfolder import is_work_folder


def resolve(asked: Asked, outside: Outside, bounds: Bounds | None = None) -> SourceText:
    """The one item that ITEM, `--id` and `--collection` name.

    Raises ItemInvalid where there are several or none, SourceGone where that one is not there, UsageError for
    options that cannot be followed, and whatever reading raises.
    """
    return _public(_resolved(asked, outside, bounds or Bounds()))


def _public(source: SourceText) -> SourceText:
    return msgspec.structs.replace(source, origin=public_place(source.origin))


def _resolved(asked: Asked, outside: Outside, limits: Bounds) -> SourceText:
    whole, asked = asked, divided(asked)
    reader = Reader(asked, outside, limits)
    first, document = _opened(reader)
    if document is None or kind_of(document) == "item":
        return _itself(first, whole, asked)
    found = Inside(reader, asked, limits, everything=False).items(first, document)
    if asked.id is not None:
        return called(asked.id, first, document, found)
    return only(first, document, found)


def every(asked: Asked, outside: Outside, bounds: Bounds = BULK) -> Iterator[SourceText | Unread]:
    """All items that ITEM leads to, one after the other; what cannot be had is said in its place.

    ITEM may be a folder too. Raises UsageError alone.
    """
    for one in _every(asked, outside, bounds):
        yield one._replace(origin=public_place(one.origin)) if isinstance(one, Unread) else _public(one)


def _every(asked: Asked, outside: Outside, bounds: Bounds) -> Iterator[SourceText | Unread]:
    if asked.id is None and asked.href != "-" and not is_url(asked.href) and Path(asked.href).is_dir():
        yield from _folder(asked, outside, bounds)
    else:
        yield from _each(asked, outside, bounds)


def _each(asked: Asked, outside: Outside, bounds: Bounds, *, in_folder: bool = False) -> Iterator[SourceText | Unread]:
    try:
        if divided(asked).id is not None:
            yield _resolved(asked, outside, bounds)
            return
        reader = Reader(asked, outside, bounds)
        first, document = _opened(reader)
        if document is None or kind_of(document) == "item" or (in_folder and not may_hold_items(first.text)):
            yield SourceText(text=first.text, origin=first.place, in_folder=in_folder)
        elif in_folder and kind_of(document) != "features":
            said = f"{first.place}: {word_for(document)}; the items of this folder are read from their own files"
            outside.notify(Event(step="read", text=said))
            yield SourceText(text=first.text, origin=first.place, in_folder=True)
        elif in_folder and not document.parts:
            yield SourceText(text=first.text, origin=first.place, in_folder=True)
        else:
            found = Inside(reader, asked, bounds, everything=True).items(first, document)
            yield from _at_least_one(_read_all(found, first), first, document)
    except UsageError:
        raise
    except DlmBuildError as problem:
        yield Unread(asked.href, problem)


def _at_least_one(
    sources: Iterator[SourceText | Unread], first: Text, document: Opened
) -> Iterator[SourceText | Unread]:
    """All of them; that there are none is said."""
    none = True
    for source in sources:
        none = False
        yield source
    if none:
        found = f"{word_for(document).partition(',')[0]} with no items in it"
        fix = "give an item, or a folder or catalogue of some"
        place = position(first.text, 0)
        yield Unread(first.place, refused(NotAnItem, first.place, place, found=found, fix=fix))


def _read_all(found: Iterator[Found | Unread], first: Text) -> Iterator[SourceText | Unread]:
    for one in found:
        if isinstance(one, Unread):
            yield one
            continue
        try:
            yield one.read()
        except DlmBuildError as problem:
            yield Unread(first.place, problem)


def _folder(asked: Asked, outside: Outside, bounds: Bounds) -> Iterator[SourceText | Unread]:
    empty = True
    for path in _files(Path(asked.href)):
        empty = False
        if isinstance(path, Unread):
            yield path
        else:
            yield from _each(msgspec.structs.replace(asked, href=str(path)), outside, bounds, in_folder=True)
    if empty:
        what = f"{shown(asked.href, 300)}: no JSON or YAML file of an item is in this folder"
        yield Unread(asked.href, SourceGone(what, "give the path of an item"))


def _files(folder: Path) -> Iterator[Path | Unread]:
    """JSON and YAML files below `folder`, by name; nothing hidden, no links to folders, no records of dlm-build."""
    try:
        names = sorted(entry.name for entry in os.scandir(folder))  # no paths: there may be tens of thousands
    except OSError as problem:
        yield Unread(str(folder), SourceGone(f"{shown(str(folder), 300)}: {problem.strerror}", "make it readable"))
        return
    if is_work_folder(names):
        return
    for name in names:
        path = folder / name
        if name.startswith("."):
            continue
        if path.is_dir() and not path.is_symlink():
            yield from _files(path)
        elif path.suffix.lower() in (".json", ".geojson", ".yml", ".yaml") and path.is_file():
            yield path


def divided(asked: Asked) -> Asked:
    """`catalog.json#id` in two. A path is divided only where no file has the whole of it for a name."""
    if asked.href == "-" or "#" not in asked.href:
        return asked
    bare, fragment = _parts(asked.href)
    if not fragment or (not is_url(asked.href) and (Path(asked.href).exists() or not Path(bare).is_file())):
        return asked
    if asked.id is not None and asked.id != fragment:
        raise UsageError(
            f"ITEM ends in #{shown(fragment, 60)} and --id says {shown(asked.id, 60)}", "leave one of the two out"
        )
    return msgspec.structs.replace(asked, href=bare, id=fragment)


def _parts(href: str) -> tuple[str, str]:
    try:
        bare, fragment = urldefrag(href) if is_url(href) else href.split("#", 1)
    except ValueError:  # said where it is fetched
        return href, ""
    return bare, unquote(fragment)


def _opened(reader: Reader) -> tuple[Text, Opened | None]:
    """ITEM taken apart; for a page of CKAN what its API says of it, for a page about a file that file."""
    first = reader.start()
    if is_url(first.place) and looks_like_web_page(first.text[:1024].encode("utf-8", "replace")):
        address = ckan.api_address(first.place)
        if address is not None:
            first = reader.linked(address)
        elif direct := direct_url(first.place):
            raise SourceGone(f"{shown_url(first.place)}: is a web page, not an item", f"give {shown(direct, 300)}")
    if is_url(first.place) and (behind := file_behind(first.text)):
        first = reader.linked(reader.target(behind, first.base))
    return first, opened(first.text, first.place)


def _itself(first: Text, whole: Asked, asked: Asked) -> SourceText:
    """ITEM is an item already: an id may only agree. A URL's fragment may be any anchor, and says nothing here."""
    meant = whole.id if is_url(whole.href) else asked.id
    if meant is not None and (own := id_of(first.text, first.place)) != meant:
        raise SourceGone(
            f"{shown_place(first.place)}: this item has the id {shown(own, 60)}, not {shown(meant, 60)}",
            "leave --id out, or give the catalogue that has that item",
        )
    return SourceText(text=first.text, origin=first.place)
