"""The container image that an MLM or ML-Model item names: an asset, a link, or a field. Evidence; never built on."""

from __future__ import annotations

import re

from dlm_build.findings.mlm_assets import (
    ImageFloats,
    ImageFromLink,
    ImageUnreadable,
    RuntimeIsInstructions,
    SeveralImages,
)
from dlm_build.hrefs import read_href, without_query
from dlm_build.items.assets import ENVIRONMENT
from dlm_build.items.mlm.code_places import relation
from dlm_build.items.mlm.roles import MODEL, RUNTIME, Entry, having
from dlm_build.items.node import Node
from dlm_build.oci import parse_reference
from dlm_build.records import Record

_INSTRUCTIONS = re.compile(r"\.(?:ya?ml|cwl|json|wdl|txt|toml|ipynb|py|sh|md)\Z|dockerfile\Z", re.IGNORECASE)
_IMAGE_TYPE = re.compile(r"docker|vnd\.oci|x-oci|singularity", re.IGNORECASE)
_MOVING = re.compile(r"latest|main|master|dev|edge|nightly|stable")
"""How tags begin that are moved to each new image."""
_LINKS = frozenset((
    "ml-model:inferencing-image", "ml-model:inference-image", "mlm:inferencing-image", "mlm:inference-runtime",
    "mlm:container", "mlm:inference", "container", "docker",
))  # fmt: skip


class ContainerImage(Record, frozen=True, kw_only=True):
    """With its registry, name and tag apart; one with a digest stays whole."""

    name: str
    tag: str | None
    pointer: str


def image_of_assets(entries: tuple[Entry, ...]) -> ContainerImage | None:
    found = [entry for entry in having(entries, RUNTIME) if not entry.trains and not entry.has(MODEL)]
    images = [image for entry in found if (image := _of_asset(entry))]
    if len(images) > 1:
        found[0].node.find(SeveralImages, count=len(images), found=", ".join(image.name for image in images))
    return images[0] if images else None


def _of_asset(entry: Entry) -> ContainerImage | None:
    plain = without_query(entry.href)
    is_image = _IMAGE_TYPE.search(entry.asset.media_type or "") is not None
    if not is_image and (entry.has(ENVIRONMENT) or entry.lists_packages):
        return None
    if not is_image and _INSTRUCTIONS.search(plain):
        entry.place.find(RuntimeIsInstructions, found=entry.asset.media_type or plain.rpartition("/")[2])
        return None
    return read_image(entry.place, entry.href, said=is_image or entry.has(("container", "docker", "container image")))


def image_of_links(root: Node) -> ContainerImage | None:
    """The first link that names an image to run; images for training are not looked at."""
    for row in root.get("links").rows():
        named, place = relation(row), row.get("href")
        if named not in _LINKS or not isinstance(place.value, str):
            continue
        if image := read_image(place, place.value.strip(), said=True):
            place.find(ImageFromLink, found=str(row.at("rel").value).strip())
            return image
    return None


def read_image(place: Node, text: str, *, said: bool) -> ContainerImage | None:
    """None, with a finding, where it is no image. `said`: whether something besides the text says that it is one."""
    meaning = read_href(text, image=said and text.lower() != "local")
    reference = parse_reference(meaning.image or "")
    if reference is None:
        place.find(ImageUnreadable, found=text)
        return None
    name, tag, digest = reference["repository"], reference["tag"], reference["digest"]
    if digest:
        return ContainerImage(name=reference[0], tag=None, pointer=place.pointer)
    if tag is None or _MOVING.match(tag):
        place.find(ImageFloats, found=reference[0])
    return ContainerImage(name=name, tag=tag, pointer=place.pointer)
