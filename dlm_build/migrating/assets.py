"""Assets with the roles that MLM knows; the code and the image, which DLM has as fields, become assets."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from dlm_build.hrefs import read_href
from dlm_build.hrefs.repositories import commit_address
from dlm_build.items.assets import href_of
from dlm_build.items.mlm.roles import asset_places
from dlm_build.items.node import Node
from dlm_build.migrating.core import as_reference, moved
from dlm_build.migrating.records import Notes, step
from dlm_build.migrating.source import Source, own_text, plain
from dlm_build.model_asset import candidates, says_another
from dlm_build.records import Asset, Runtime
from dlm_build.schemas import is_reference
from dlm_build.schemas.offline import mlm_fields
from dlm_build.weight_files import BY_SUFFIX, PACKED_SUFFIXES, suffix_of

FILE = "https://stac-extensions.github.io/file/v2.1.0/schema.json"
_READ = frozenset(("href", "url", "role", "roles", "type", "title", "checksum:multihash", "file:checksum", "file:size"))
_TEXTS = ("description",)
_MULTIHASH = re.compile(r"[0-9a-f]{8,512}")
_ARCHIVE = "archive"
_SUFFIX = re.compile(r"\.[a-z][a-z0-9]{0,11}")
IMAGE_TYPE = "application/vnd.oci.image.index.v1+json"


def assets(source: Source, place: str, notes: Notes, *, fields: bool = False) -> dict[str, dict[str, Any]]:
    """By key, in the item's order; what the item has no usable address for is left out with a note.

    `fields`: whether fields of extensions are carried as they stand.
    """
    item = source.item
    places = asset_places(source.root.at("assets"))
    models = _models(item.assets, notes)
    where = _Where(source, place, notes, fields)
    made = {asset.key: _asset(asset, places[asset.pointer], asset.key in models, where) for asset in item.assets}
    _note_lost(source, {asset.pointer for asset in item.assets}, notes)
    if not models:
        notes.dropped("/assets", "the item gives no address for its model; MLM allows no other assets without one")
    elif not fields:
        _add_runtime(made, item.runtime)
    if len(models) > 1:
        notes.assumed("/assets", f"each of {', '.join(sorted(models))} may be the model; the item does not say which")
    return made


def _models(found: Sequence[Asset], notes: Notes) -> set[str]:
    """Keys of what may be the model; one alone where all say that they are something else, as MLM asks for one."""
    models = candidates(found)
    if likely := {asset.key for asset in models if not says_another(asset)}:
        return likely
    for asset in models[:1]:
        notes.assumed(f"/assets/{step(asset.key)}/roles", "mlm:model: MLM asks for it; no asset says that it is one")
    return {asset.key for asset in models[:1]}


def _add_runtime(made: dict[str, dict[str, Any]], runtime: Runtime) -> None:
    for key, extra in (("source-code", code_asset(runtime)), ("container", image_asset(runtime))):
        if extra:
            made[_free(key, made)] = extra


class _Where:
    """What writing any asset takes."""

    def __init__(self, source: Source, place: str, notes: Notes, fields: bool) -> None:
        self.origin, self.place, self.notes, self.fields = source.item.origin, place, notes, fields


def _asset(asset: Asset, node: Node, is_model: bool, where: _Where) -> dict[str, Any]:
    _tell_moves(asset, node, where.notes)
    made: dict[str, Any] = {"href": _href(asset, node, where)}
    made |= {
        name: own_text(node.at(name)) for name, text in (("type", asset.media_type), ("title", asset.title)) if text
    }
    made |= _carried(asset, node, where)
    made["roles"] = _roles(node, is_model)
    if "mlm:model" in made["roles"] and not isinstance(made.get("mlm:artifact_type"), str):
        made["mlm:artifact_type"] = _artifact_type(asset, where.notes)
    return made | _of_its_file(asset, node)


def _href(asset: Asset, node: Node, where: _Where) -> str:
    """As it was published, where that is a URL; else as it leads there from the new item."""
    href = href_of(node).value
    assert isinstance(href, str)
    published = (asset.published or asset.href) if "://" in (asset.published or asset.href) else href.strip()
    return _reference(moved(published.replace("\\", "/"), where.origin, where.place), asset.key, where.notes)


def _carried(asset: Asset, node: Node, where: _Where) -> dict[str, Any]:
    """The fields that nobody reads, as they stand, but those that would say something else in the new item."""
    rest = {plain(name): plain(member.value) for name, member in node.members() if name not in _READ}
    if where.fields:
        rest = _with_colons(rest, asset, where.notes)
    made = {}
    for name, value in rest.items():
        if not where.fields and (name.startswith(("mlm:", "eo:", "file:")) or name in ("bands", "raster:bands")):
            where.notes.dropped(f"{asset.pointer}/{step(name)}", "it is told elsewhere, or not as its extension has it")
        elif value is not None and not (name in _TEXTS and not isinstance(value, str)):
            made[name] = value
    return made


def _of_its_file(asset: Asset, node: Node) -> dict[str, Any]:
    """Checksum and size, in the words of the file extension."""
    made: dict[str, Any] = {}
    if asset.sha256:
        made["file:checksum"] = f"1220{asset.sha256}"
    elif isinstance(other := plain(node.at("file:checksum").value), str) and _MULTIHASH.fullmatch(other):
        made["file:checksum"] = other
    if asset.size is not None:
        made["file:size"] = asset.size
    return made


def _with_colons(fields: dict[str, Any], asset: Asset, notes: Notes) -> dict[str, Any]:
    """Fields of MLM that are written with an underscore, as reading takes them, under their own names."""
    made = {}
    for name, value in fields.items():
        own = name.replace("_", ":", 1) if name.startswith("mlm_") else name
        if own != name and own in mlm_fields() and own not in fields:
            notes.moved(f"{asset.pointer}/{step(name)}", f"/assets/{step(asset.key)}/{step(own)}")
            made[own] = value
        else:
            made[name] = value
    return made


def _tell_moves(asset: Asset, node: Node, notes: Notes) -> None:
    """Where the account finds what gets another name or form."""
    place = f"/assets/{step(asset.key)}"
    notes.moved(asset.pointer, place)
    roles = node.get("roles", "role")
    notes.moved(roles.pointer, f"{place}/roles/0" if isinstance(roles.value, str) else f"{place}/roles")
    notes.reworded(node.get("href", "url").pointer)
    if asset.sha256:
        for name in ("file:checksum", "checksum:multihash"):
            if asset.sha256 in str(node.at(name).value).lower():
                notes.reworded(f"{asset.pointer}/{name}")


def _reference(href: str, key: str, notes: Notes) -> str:
    """With escapes for what STAC's schema finds no address in."""
    written = as_reference(href)
    if written != href:
        notes.assumed(f"/assets/{step(key)}/href", "what an address cannot have is written with % escapes")
    return written


def _roles(node: Node, is_model: bool) -> list[str]:
    field = node.get("roles", "role")
    rows = field.rows() or ([field] if isinstance(field.value, str) else [])
    texts = [plain(row.value.strip()) for row in rows if isinstance(row.value, str)]
    return list(dict.fromkeys([*(["mlm:model"] if is_model else []), *texts]))


def _artifact_type(asset: Asset, notes: Notes) -> str:
    """By the suffix; one that is not known stands for itself, since MLM takes any text."""
    suffix = suffix_of(asset.href)
    named = BY_SUFFIX.get(suffix)
    written_by = named.written_by if named else None
    is_kind = _SUFFIX.fullmatch(suffix) and suffix not in PACKED_SUFFIXES
    own = written_by or (suffix.removeprefix(".") if is_kind else _ARCHIVE)
    why = "the item does not say what kind of file it is" if own == _ARCHIVE else f"by the suffix {suffix}"
    notes.assumed(f"/assets/{step(asset.key)}/mlm:artifact_type", why)
    return own


def _note_lost(source: Source, carried: set[str], notes: Notes) -> None:
    node = source.root.at("assets")
    rows = [pair for row in node.rows() for pair in ([("", row)] if row.has("href") else row.members())]
    for _, place in [*node.members(), *rows]:
        if place.pointer not in carried:
            notes.dropped(place.pointer, "it has no href that can be read")


def code_asset(runtime: Runtime) -> dict[str, Any] | None:
    """The repository, at its commit where an address can say so; with the function to call."""
    url, commit = runtime.source_url, runtime.source_commit
    if url is None or not url.startswith(("https://", "http://")) or not is_reference(url):
        return None
    at_commit = commit_address(url, commit or "")
    known = commit is not None and read_href(url).repository is not None and read_href(at_commit).commit == commit
    made: dict[str, Any] = {
        "href": at_commit if known else url,
        "type": "text/html",
        "title": "Source code",
        "roles": ["mlm:source_code", "code"],
    }
    if runtime.handler:
        made["mlm:entrypoint"] = runtime.handler
    return made


def image_asset(runtime: Runtime) -> dict[str, Any] | None:
    """The image, where its name says at which registry it is."""
    name, tag = runtime.docker.image_name, runtime.docker.tag
    registry = (name or "").partition("/")[0]
    if name is None or "/" not in name or not ("." in registry or ":" in registry):
        return None
    reference = name if tag is None or "@" in name else f"{name}:{tag}"
    return {"href": f"oci://{reference}", "type": IMAGE_TYPE, "title": "Container image", "roles": ["mlm:container"]}


def _free(key: str, taken: dict[str, Any]) -> str:
    while key in taken:
        key = f"{key}-2"
    return key
