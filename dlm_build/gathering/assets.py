"""Which asset of an item is the model archive, and where its bytes are. Pure, but for looking at the disk."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath
from urllib.parse import unquote, urlsplit

from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid, SourceGone, shown
from dlm_build.fetching.urls import is_beside, shown_url
from dlm_build.findings.archive import ArchiveOutsideItemFolder
from dlm_build.hrefs import read_href
from dlm_build.local_files import is_endless, is_file, is_folder, is_there
from dlm_build.model_asset import is_packed, models, path_of
from dlm_build.records import Asset, Finding, Item, Record
from dlm_build.unpacking.names import Blame, checked_name
from dlm_build.weight_files import NO_MODELS, suffix_of

_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")
_NO_PATHS = frozenset({"image", "symbol", "text", "record", "repository", "store"})
_NAME_A_ROLE = 'give one asset "roles": ["model artefact"], or ["mlm:model"] where the item is MLM'


class Place(Record, frozen=True, kw_only=True):
    """Where the archive's bytes are: at a URL, or at a path of this machine."""

    url: str | None = None
    path: str | None = None
    name: str
    """Base name, fit for a member."""
    packed: bool
    """Whether its publisher calls it an archive."""


def choose_archive(item: Item) -> Asset:
    """By role, else by key, else the only asset. Raises ItemInvalid that lists the keys where it is not clear.

    Raises it also where the only one is no model by its name.
    """
    if not item.assets:
        raise ItemInvalid(f"item {shown(item.id)}: /assets has no model archive", _NAME_A_ROLE)
    chosen = _only(models(item.assets), item)
    if what := NO_MODELS.get(suffix_of(chosen.href)):
        where = f"{chosen.pointer}: {shown(chosen.href)} is {what} by its name, so it holds no model"
        raise ItemInvalid(where, "give the address of the weights or the model archive")
    return chosen


def place_of(asset: Asset, item: Item) -> Place:
    """Raises ItemHostile where an item from the network names a file of this machine."""
    name = _base_name(asset)
    packed = is_packed(asset, name)
    if asset.href.startswith(("https://", "http://")):
        refuse_no_file(asset.href, asset.pointer)
        return Place(url=asset.href, name=name, packed=packed)
    remote = item.origin.startswith(("https://", "http://"))
    if file := _named_like_words(asset, item):
        return Place(path=str(file), name=name, packed=packed)
    scheme = _URL.match(asset.href)
    if scheme and not asset.href.startswith("file:"):
        raise ItemInvalid(
            f"{asset.pointer}: {shown_url(asset.href)} cannot be fetched", "publish the archive at an https address"
        )
    if remote:
        raise ItemHostile(
            f"{asset.pointer}: an item from the network names {shown(asset.href)}, a file of this machine",
            "publish the archive at an https address",
        )
    return Place(path=local_path(asset.href), name=name, packed=packed)


def refuse_no_file(url: str, pointer: str) -> None:
    """Raises ItemInvalid for an address of which its host says that it is a page, a repository or a record."""
    meaning = read_href(url)
    if meaning.is_no_file:
        raise ItemInvalid(
            f"{pointer}: {shown_url(url)} is {meaning.reason}", meaning.instead or "publish the address of the file"
        )


def _named_like_words(asset: Asset, item: Item) -> Path | None:
    """The file beside the item whose name looks like something else; ItemInvalid where it only is something else."""
    meaning = read_href(asset.href)
    if meaning.kind not in _NO_PATHS or meaning.url is not None:
        return None
    beside = Path(item.origin).parent / asset.href
    if item.origin != "-" and "://" not in f"{item.origin}{asset.href}" and is_file(beside):
        return beside
    where = f"{asset.pointer}: {shown(asset.href)} is {meaning.reason}"
    raise ItemInvalid(where, meaning.instead or "publish the file at an https address")


def local_path(href: str) -> str:
    """The path that a local href or file:// URL names; with % escapes, as addresses have, where only that is there."""
    if href.startswith("file:"):
        return unquote(urlsplit(href).path)
    decoded = unquote(href)
    return decoded if decoded != href and not is_there(Path(href)) and is_file(Path(decoded)) else href


def checked_path(path: Path, asset: Asset, what: str = "model archive") -> Path:
    """`path`, where it is a file. Raises SourceGone or ItemInvalid."""
    where = f"{asset.pointer}: {what} {shown(asset.href)}"
    if is_folder(path):
        raise ItemInvalid(f"{where} is a folder", "pack it, e.g. with torch-model-archiver or `zip -r`")
    if is_endless(path):
        raise ItemInvalid(f"{where} is a pipe or a device, not a file", "name a file there")
    try:
        with path.open("rb"):
            return path
    except OSError as problem:
        place = str(path.absolute())
        looked = "" if place == asset.href else f"{shown(place, 400)}: "
        raise SourceGone(
            f"{where}: {looked}{problem.strerror}",
            f"put the {what.split()[-1]} there, or correct the href; relative ones are read from the item's own folder",
        ) from problem


def found_outside(path: Path, asset: Asset, item: Item) -> tuple[Finding, ...]:
    """A finding where a local item names a file that does not travel with it."""
    if item.origin == "-" or path.is_relative_to(Path(item.origin).parent):
        return ()
    return (ArchiveOutsideItemFolder.at(asset.pointer, found=asset.href),)


def is_own_server(item: Item, url: str) -> bool:
    """Whether `url` is on the plain or private server from which the operator chose to read the item."""
    return is_beside(item.origin, url)


def _only(assets: tuple[Asset, ...], item: Item) -> Asset:
    if len(assets) == 1:
        return assets[0]
    if not assets:
        keys = ", ".join(shown(asset.key) for asset in item.assets[:12])
        raise ItemInvalid(
            f"item {shown(item.id)}: /assets has no model archive: by their roles, {keys} are something else",
            _NAME_A_ROLE,
        )
    keys = ", ".join(shown(asset.key) for asset in assets[:12])
    raise ItemInvalid(f"item {shown(item.id)}: /assets: any of {keys} could be the model archive", _NAME_A_ROLE)


def _base_name(asset: Asset) -> str:
    """The href's last component where it can name a member, else the asset's key."""
    for name in (PurePosixPath(unquote(path_of(asset.href))).name, asset.key):
        try:
            if (checked := checked_name(name, Blame(name))) and "/" not in checked:
                return checked
        except DlmBuildError:
            continue
    return "model"
