"""Where the weights are: the asset that a build would take, what its address is worth, and whether a digest is given.

No address is asked. What a share or a page really serves, only a build or `--online` can tell.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence

from dlm_build.checking.records import Part
from dlm_build.errors import shown
from dlm_build.findings.completeness import NoChecksum, NoModelAsset, WeightsAreData
from dlm_build.findings.hrefs import ModelHasNoAddress
from dlm_build.hrefs import read_href
from dlm_build.model_asset import models
from dlm_build.records import Asset, Finding, Item
from dlm_build.weight_files import NO_MODELS, suffix_of
from dlm_build.words import words_of

_NONE = frozenset(("no-assets", "model-has-no-address"))
"""Codes by which a reader says that there are none."""
_DOUBTS = ("weights-are-a-page", "raw-url-inferred", "share-url-inferred", "href-moves", "href-ends")
"""Codes by which a reader says that the address is inferred or a page, or may serve something else or nothing tomorrow.

The most telling first.
"""
_LOCAL = "href-is-a-local-path"
"""The code by which a reader says that a path was published whole."""
_WHOLE_PATH = re.compile(r"/|~[\w.-]*/|[A-Za-z]:[/\\]|file:", re.IGNORECASE)


def weights_of(item: Item) -> tuple[Asset | None, Part]:
    """The asset that is the model, where one is, and how surely its bytes can be had."""
    said = next((finding for finding in item.findings if finding.code in _NONE), None)
    found = models(item.assets)
    if said is not None or len(found) != 1:
        role = words_of(item).model
        return None, _missing(said or NoModelAsset.at("/assets", found=_unclear(found, item), role=role))
    return found[0], _addressed(found[0], item)


def _unclear(found: Sequence[Asset], item: Item) -> str:
    if found:
        return "it could be any of " + ", ".join(shown(asset.key) for asset in found[:8])
    keys = ", ".join(shown(asset.key) for asset in item.assets[:8])
    return f"by their roles, {keys} are something else" if keys else "there is none"


def _addressed(asset: Asset, item: Item) -> Part:
    pointer = f"{asset.pointer}/href"
    if what := NO_MODELS.get(suffix_of(asset.href)):
        return _missing(WeightsAreData.at(pointer, found=as_published(asset.href, item), what=what))
    href = read_href(asset.href)
    lost = _is_of_a_machine(asset, item) if href.kind == "local" else href.url is None
    if lost:
        instead = href.instead or "publish the file and give its URL, or a path beside the item"
        return _missing(ModelHasNoAddress.at(pointer, found=asset.href, what=href.reason, instead=instead))
    said = [finding for finding in item.findings if finding.code in _DOUBTS]
    said = [finding for finding in said if f"{finding.pointer}/".startswith(f"{asset.pointer}/")]
    if not said:
        return Part(name="weights", state="given")
    doubts = sorted(said, key=lambda finding: _DOUBTS.index(finding.code))
    return Part(name="weights", state="guessed", gap=doubts[0], more=tuple(doubts[1:]))


def as_published(href: str, item: Item) -> str:
    """A path as seen from the item: the folders above it are of this machine only."""
    folder = posixpath.dirname(item.origin)
    if not folder or "://" in folder:
        return href
    if href.startswith("/") and folder.startswith("/") and not _said_whole(href, item):
        return posixpath.relpath(href, folder)
    return href.removeprefix(folder + "/")


def _said_whole(href: str, item: Item) -> bool:
    """Whether the item has the path as it is, from the root of somebody's disk."""
    return any(one.code == _LOCAL and one.evidence == shown(href) for one in item.findings)


def _missing(gap: Finding) -> Part:
    return Part(name="weights", state="missing", gap=gap)


def _is_of_a_machine(asset: Asset, item: Item) -> bool:
    """Whether its path begins at the root, or a home, of somebody's disk.

    One that is relative is seen from the item, wherever that is: on disk too, where reading has made it a whole path.
    """
    if not _WHOLE_PATH.match(asset.href):
        return False
    said = any(one.code == _LOCAL and one.pointer.startswith(f"{asset.pointer}/") for one in item.findings)
    return said or not item.origin.startswith("/")


def digest_of_weights(asset: Asset | None) -> Part:
    if asset is not None and asset.sha256:
        return Part(name="digest", state="given")
    return Part(name="digest", state="missing", gap=NoChecksum.at(asset.pointer if asset else "/assets"))
