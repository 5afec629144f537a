"""Where it goes, and whether the tag there is free, or leads to the very same already."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

from msgspec.structs import replace

from dlm_build.errors import UsageError
from dlm_build.kept import wants_label
from dlm_build.progress import Notify
from dlm_build.publishing.access import Access
from dlm_build.publishing.admitting import Ready
from dlm_build.publishing.artefact import artefact_of
from dlm_build.publishing.manifests import config_of, decoded
from dlm_build.publishing.remote import Remote
from dlm_build.publishing.signing import Signing
from dlm_build.publishing.target import Target
from dlm_build.records import Image, Sif
from dlm_build.sif.signed import signers
from dlm_build.workfolder import WorkFolder


class Place(NamedTuple):
    """Where it goes."""

    target: Target
    access: Access
    remote: Remote
    notify: Notify
    replace: bool


def refuse_taken(folder: WorkFolder, ready: Ready, signing: Signing | None, place: Place) -> None:
    """A tag in use, as far as it can be told before the SIF has its last bytes. Raises UsageError."""
    if ready.image:
        tag_before(place, place.target.tag, image_there(place, ready.image))
    if ready.sif and not place.replace:
        tag = place.target.sif_tag()
        there = place.remote.tagged(tag)
        unlabelled = ready.label is not None and wants_label(folder, ready.sif, ready.label)
        if there and not _may_become(there, ready.sif, unlabelled, signing, place):
            raise _in_use(place, tag, there, "what would be pushed")


def _may_become(there: str, sif: Sif, unlabelled: bool, signing: Signing | None, place: Place) -> bool:
    """Whether the SIF, once it is labelled and signed, may be the artefact `there`: a new signature tells the hour."""
    if signing and signing.key.fingerprint not in signers(Path(sif.path)):
        return False
    artefact = artefact_of(replace(sif, signed_by=signing.key.fingerprint) if signing else sif)
    if unlabelled:
        return _notes(place.remote.manifest(there)) == _notes(artefact.manifest)
    return artefact.digest == there


def _notes(manifest: bytes) -> object:
    """What an artefact says of itself, whatever the label in its file is."""
    return decoded(manifest).get("annotations")


def tag_before(place: Place, tag: str, digest: str) -> str | None:
    """The digest that the tag leads to, which is ours or may be replaced. Raises UsageError."""
    there = place.remote.tagged(tag)
    if there is not None and there != digest and not place.replace:
        raise _in_use(place, tag, there, digest)
    return there


def _in_use(place: Place, tag: str, there: str, ours: str) -> UsageError:
    return UsageError(
        f"{place.target.repository}:{tag} is {there} already, not {ours}",
        "push under another tag, so that who pulled this one can pull it again; or move the tag with --replace",
    )


def image_there(place: Place, image: Image) -> str:
    """The digest the image has, or will have, at the registry.

    An engine without the containerd store knows only the configuration's; then the tag's own is taken where its image
    has that configuration.
    """
    if image.digest != image.config_digest or (there := place.remote.tagged(place.target.tag)) is None:
        return image.digest
    return there if config_of(decoded(place.remote.manifest(there))) == image.config_digest else image.digest
