"""STAC assets: the list-shaped ones too, hrefs resolved against the item's own place, checksums decoded."""

from __future__ import annotations

import posixpath
import re

from msgspec.structs import replace

from dlm_build.errors import shown
from dlm_build.fetching.urls import joined
from dlm_build.findings import assets as kinds
from dlm_build.findings.reading import BackslashInPath, NotAnObject, SurroundingSpaces
from dlm_build.items.display import TITLE, cleaned, display_text, phrase
from dlm_build.items.document import Number, described
from dlm_build.items.locations import is_no_path, tell_of_model, understood
from dlm_build.items.names import refuse_unseen
from dlm_build.items.node import Node
from dlm_build.model_asset import candidates
from dlm_build.records import Asset, Record

_EXAMPLE = '"assets": {"model": {"href": "https://…/model.mar", "roles": ["model artefact"]}}'
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{1,30}:")
_LINE_BREAK = re.compile(r"\r\n?|\n")
"""As forms of the web leave them, in what a person wrote into a field of several lines."""
_HEADER_BELOW = re.compile(r"\w+://[^\r\n]*[\r\n]+[\w-]+:(?!//)")
"""What a careless client would send as a header of its request."""
_OF_A_MACHINE = re.compile(r"/|[A-Za-z]:/|~[\w.-]*/")
_TWO_HOSTS = re.compile(r"https?:[\\/]{2}[^/?#\\]*\\[^/?#]*@", re.IGNORECASE)
"""`https://one.example\\@other.example`: some programs end the host at the backslash, others at the @."""
_MAX_HREF = 4096
MAX_ASSETS = 2_000
"""A real item has some ten."""
ENVIRONMENT = frozenset((
    "environment", "environment file", "requirements", "requirement file", "conda environment",
))  # fmt: skip
_OF_THE_FILE = ("file:checksum", "checksum:multihash", "file:size")
_MULTIHASH_SHA256 = re.compile(r"1220([0-9a-f]{64})")
_BARE_SHA256 = re.compile(r"(?:sha256:|sha2-256:)?([0-9a-f]{64})")


def read_assets(root: Node) -> tuple[Asset, ...]:
    """Every asset with a usable href, in the order published; what was left out is a finding."""
    found = assets_in_place(root)
    assets = tuple(placed.asset for placed in found)
    tell_of_model([(one.asset, one.href) for one in found], candidates(assets))
    return assets


class Placed(Record, frozen=True, kw_only=True):
    """An asset, where it stands, and where its href stands."""

    asset: Asset
    node: Node
    href: Node


def assets_in_place(root: Node, example: str = "") -> list[Placed]:
    """As `read_assets`, with their places, and without a word about the one that is the model.

    `example`: what to add where there are none, as the dialect spells it.
    """
    node = root.get("assets")
    taken: dict[str, int] = {}
    pairs = _members(node)
    if len(pairs) > MAX_ASSETS:
        raise node.invalid(f"has {len(pairs):,} assets", f"keep it under {MAX_ASSETS:,}; link a table instead")
    published = [placed for key, one in pairs if (placed := _asset(key, one, taken))]
    found = [replace(one, asset=understood(one.asset, one.href)) for one in published]
    if not found:
        finding = kinds.NoAssets.at(node.pointer)
        node.log.add(replace(finding, hint=f"add {example}") if example else finding)
    return found


def _members(node: Node) -> list[tuple[str, Node]]:
    if node.absent or isinstance(node.value, dict):
        return node.members()
    if not isinstance(node.value, list):
        raise node.invalid(f"must be an object, but is {described(node.value)}", f"write {_EXAMPLE}")
    node.find(kinds.AssetsNotAnObject)
    pairs: list[tuple[str, Node]] = []
    for index, row in enumerate(node.rows()):
        if row.has("href"):
            pairs.append((f"asset-{index}", row))
        elif isinstance(row.value, dict):
            pairs.extend(row.members())
        elif not row.absent:
            raise row.invalid(f"must be an object, but is {described(row.value)}", f"write {_EXAMPLE}")
    return pairs


def _asset(key: str, node: Node, taken: dict[str, int]) -> Placed | None:
    if node.value is not None and not isinstance(node.value, dict):
        example = shown(node.value) if isinstance(node.value, str) else "https://…"
        raise node.invalid(f"must be an object, but is {described(node.value)}", f'write {{"href": "{example}"}}')
    place = href_of(node)
    href = _href(place)
    if href is None:
        return None
    asset = Asset(
        key=_unique(key, node, taken),
        href=href,
        pointer=node.pointer,
        media_type=display_text(node.get("type")),
        title=display_text(node.get("title")),
        roles=read_roles(node),
    )
    if node.every(_OF_THE_FILE):
        asset = replace(asset, sha256=_checksum(node), size=_size(node.get("file:size")))
    return Placed(asset=asset, node=node, href=place)


def _unique(key: str, node: Node, taken: dict[str, int]) -> str:
    """`taken` counts how often each name was given, so that a thousand twins cost no more than a thousand steps."""
    clean = cleaned(key)[:TITLE]
    name = clean
    while name in taken:
        taken[clean] += 1
        name = f"{clean}-{taken[clean]}"
    taken[name] = 1
    if name != clean:
        node.find(kinds.AssetKeyRepeated, found=clean, name=name)
    return name


def read_roles(node: Node) -> tuple[str, ...]:
    """`roles` (or the old `role`), a list or one text, in lower case with single spaces."""
    roles = node.get("roles", "role")
    if isinstance(roles.value, str):
        roles.find(kinds.RolesNotAList, what="is a text; read as a list of one", found=roles.value)
        rows = [roles]
    else:
        rows = roles.rows()
        if not rows and not roles.absent and roles.value != []:
            what = f"must be a list of texts, but is {described(roles.value)}; left out"
            roles.find(kinds.RolesNotAList, what=what, found=described(roles.value))
    return tuple([text for row in rows if (role := display_text(row)) and (text := phrase(role))])


def href_of(asset: Node) -> Node:
    """The place of an asset's address: the one text of a list, with a finding; anything else as it is."""
    node = asset.get("href", "url")
    if not isinstance(node.value, list) or len(node.value) != 1 or not isinstance(node.value[0], str):
        return node
    node.find(NotAnObject)
    return node.rows()[0]


def _href(node: Node) -> str | None:
    if not isinstance(node.value, str):
        what = "is missing" if node.absent else f"must be a text, but is {described(node.value)}"
        node.find(kinds.NoHref, what=what)
        return None
    href = node.value.strip()
    refuse_unseen(node, href if _HEADER_BELOW.match(href) else _LINE_BREAK.sub(" ", href))
    if _LINE_BREAK.search(href):
        node.find(kinds.HrefUnreadable, found=shown(href))
        return None
    if href != node.value:
        node.find(SurroundingSpaces)
    if len(href) > _MAX_HREF or (href.count("://") > 1 and _is_several(href)):
        node.find(kinds.HrefUnreadable, found=shown(href))
        return None
    return _resolved(node, href)


def _is_several(href: str) -> bool:
    return len(re.findall(r"\w://", href)) > 1 and re.search(r"[\s,;]", href) is not None


def _resolved(node: Node, href: str) -> str:
    if "\\" in href:
        if _TWO_HOSTS.match(href):
            what = f'must name one host, but programs read different ones in "{shown(href)}"'
            raise node.hostile(what, "write the address with / alone")
        node.find(BackslashInPath, found=shown(href))
        href = href.replace("\\", "/")
    is_url = _SCHEME.match(href) is not None
    if is_url and " " in href:
        node.find(kinds.SpaceInHref, found=shown(href))
        href = href.replace(" ", "%20")
    if href[:5].lower() == "file:":
        node.find(kinds.HrefIsALocalPath, found=shown(href))
    if is_url or is_no_path(href):
        return href
    if _OF_A_MACHINE.match(href):
        node.find(kinds.HrefIsALocalPath, found=shown(href))
    origin = node.log.document.origin
    return beside(origin, href)


def beside(origin: str, href: str) -> str:
    """A relative href as seen from where the item was read; unchanged for `-`, which is nowhere, and below a home."""
    if href.startswith("~") and _OF_A_MACHINE.match(href):
        return href
    if "://" in origin:
        return joined(origin, href)
    if origin == "-" or _OF_A_MACHINE.match(href):
        return href
    return posixpath.normpath(posixpath.join(posixpath.dirname(origin), href))


def _checksum(node: Node) -> str | None:
    """sha256 from a multihash in hex, or from a bare sha256 with a finding. Anything else is not used."""
    field = node.get("file:checksum", "checksum:multihash")
    if field.value is None:
        return None
    raw = field.value.raw if isinstance(field.value, Number) else field.value
    text = raw.strip().lower() if isinstance(raw, str) else ""
    if found := _MULTIHASH_SHA256.fullmatch(text):
        return found[1]
    if found := _BARE_SHA256.fullmatch(text):
        field.find(kinds.ChecksumNotMultihash, found=found[1])
        return found[1]
    field.find(kinds.ChecksumUnknown, found=described(field.value))
    return None


def _size(node: Node) -> int | None:
    if node.value is None:
        return None
    if isinstance(node.value, Number) and node.value.raw.isdigit() and int(node.value.raw) < 2**50:
        return int(node.value.raw)
    node.find(kinds.SizeUnreadable, found=described(node.value))
    return None
