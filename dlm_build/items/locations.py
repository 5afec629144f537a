"""Where an asset's file really is: the address inferred from what was published, and what is odd about the model's."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from dlm_build.fetching.urls import shown_url
from dlm_build.findings.hrefs import (
    HrefEnds,
    HrefMoves,
    HrefNamesNoFile,
    HttpsInferred,
    ModelHasNoAddress,
    RawUrlInferred,
    ShareUrlInferred,
    SourceHasNoRepository,
)
from dlm_build.hrefs import Href, read_href
from dlm_build.items.node import Node
from dlm_build.records import Asset

_ASIDE = frozenset({
    "mlm:source code", "source code", "source", "code", "documentation", "about", "metadata", "thumbnail", "overview",
    "license", "citation", "example", "notebook", "mlm:training runtime", "service",
})  # fmt: skip
"""Roles of what is meant to be read by people: a page is right for them."""
_IMAGES = frozenset({"container", "docker", "image", "mlm:container", "inference runtime", "mlm:inference runtime"})
_RIGHT_AS_IT_IS = frozenset({"image", "symbol", "text", "record", "repository", "store"})


def is_no_path(href: str) -> bool:
    """Whether a text that is no URL is no path beside the item either."""
    return read_href(href).kind in _RIGHT_AS_IT_IS


def understood(asset: Asset, node: Node) -> Asset:
    """The asset with the address of its file, where that can be inferred; `node` is its href."""
    meaning = meaning_of(asset)
    if meaning.ends:
        node.find(HrefEnds)
    if _is_aside(asset) or meaning.url in (None, asset.href.partition("#")[0], asset.href):
        return asset
    about = {"found": _shown(asset.href, meaning), "what": meaning.reason, "url": meaning.url}
    if meaning.asks:
        node.find(ShareUrlInferred, **about, instead=meaning.instead)
    else:
        node.find(RawUrlInferred, **about)
    return replace(asset, href=meaning.url, published=asset.href)


def tell_of_model(places: Sequence[tuple[Asset, Node]], models: Sequence[Asset]) -> None:
    """What of the addresses stands against building with them, or against building the same again.

    `models` are those of the assets that may be the model.
    """
    lost = all(meaning_of(model).url is None for model in models)
    chosen = {*map(id, models)}
    for asset, node in places:
        meaning, is_model = meaning_of(asset), id(asset) in chosen
        if meaning.url is None and meaning.kind != "local" and is_model and lost:
            node.find(ModelHasNoAddress, **_about(asset, meaning))
        elif meaning.kind in ("text", "symbol") and not _is_aside(asset):
            node.find(HrefNamesNoFile, **_about(asset, meaning))
        elif is_model and meaning.moves and asset.sha256 is None:
            node.find(HrefMoves, found=asset.published or asset.href, ref=meaning.ref or "the latest release")


def _about(asset: Asset, meaning: Href) -> dict[str, str]:
    return {"found": _shown(asset.href, meaning), "what": meaning.reason, "instead": meaning.instead}


def meaning_of(asset: Asset) -> Href:
    is_image = not _IMAGES.isdisjoint(asset.roles) or "vnd.oci.image" in (asset.media_type or "")
    return read_href(asset.href, image=True) if is_image else read_href(asset.href)


def over_https(node: Node, url: str) -> str:
    """The source's address, or for an ssh address of a host that is known its https twin, with a finding."""
    if url.startswith(("https://", "http://")):
        return url
    meaning = read_href(url)
    if not meaning.keyed or meaning.repository is None:
        return url
    node.find(HttpsInferred, found=url, url=meaning.repository)
    return meaning.repository


def commit_in(node: Node, url: str) -> str | None:
    """The commit that the source's address names itself. What is no repository is a finding at `node`."""
    meaning = read_href(url)
    if meaning.commit:
        return meaning.commit
    if meaning.repository is None and meaning.kind in ("page", "share", "folder", "record", "image", "text", "symbol"):
        node.find(SourceHasNoRepository, found=url, what=meaning.reason)
    return None


def file_behind(node: Node, url: str) -> str:
    """The address of the one file that `url` is a page about; itself where it is none."""
    meaning = read_href(url)
    if meaning.url in (None, url, url.partition("#")[0]):
        return url
    node.find(RawUrlInferred, found=_shown(url, meaning), what=meaning.reason, url=meaning.url)
    return meaning.url or url


def _is_aside(asset: Asset) -> bool:
    return bool(asset.roles) and _ASIDE.issuperset(asset.roles)


def _shown(href: str, meaning: Href) -> str:
    """A signature is a secret, even where its owner published it."""
    return shown_url(href) if meaning.ends else href
