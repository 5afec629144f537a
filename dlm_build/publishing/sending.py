"""An image and a SIF on their way: sent by digest, the tag last, and asked for again."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from dlm_build.doors import Doors
from dlm_build.errors import HashMismatch, InfraError
from dlm_build.fetching.sending import Part
from dlm_build.oci import content_digest
from dlm_build.progress import Event
from dlm_build.publishing.artefact import CONFIG, MANIFEST_TYPE, Artefact
from dlm_build.publishing.manifests import config_of, decoded, size_of
from dlm_build.publishing.records import PushedPart
from dlm_build.publishing.refusals import engine_refused
from dlm_build.publishing.remote import Blob
from dlm_build.publishing.tags import Place
from dlm_build.publishing.target import Target
from dlm_build.records import Image, Sif


def push_image(image: Image, verdict: str, before: str | None, place: Place, doors: Doors) -> PushedPart:
    target = place.target
    known = place.access.credentials  # a registry may let anybody read, and ask only who writes
    place.notify(Event(step="push", text=f"pushing {image.reference} to {target.repository}:{target.tag}"))
    told = doors.engine.push(image, target.repository, target.tag, known.for_engine() if known else {}, place.notify)
    if told.problem:
        raise engine_refused(target, told.problem, known=known is not None)
    if told.digest is None:
        raise InfraError("the Docker engine does not tell what it pushed", "see `dlm-build doctor`")
    manifest = decoded(_asked_back(place, target.tag, told.digest))
    _refuse_another(image, told.digest, manifest, target)
    return PushedPart(
        kind="image",
        reference=f"{target.repository}:{target.tag}",
        digest=told.digest,
        size=size_of(manifest),
        verdict=verdict,
        sent=told.sent,
        present=told.present,
        tagged=before != told.digest,
        replaced=before if before != told.digest else None,
        pull=f"docker pull {target.repository}@{told.digest}",
    )


def _refuse_another(image: Image, digest: str, manifest: dict[str, Any], target: Target) -> None:
    """Raises HashMismatch where the registry now has another image than the one that the verdict is of.

    Its manifest tells, or its configuration where the engine knows no more of it.
    """
    config = image.config_digest or image.digest
    if digest == image.digest or (config == image.digest and config_of(manifest) == config):
        return
    raise HashMismatch(
        f"{target.repository}:{target.tag} is {digest} after the push, and not the image {image.digest} that was built",
        "take that tag back at the registry; then build again, and let no other process tag or push images meanwhile",
    )


def push_sif(sif: Sif, artefact: Artefact, verdict: str, before: str | None, place: Place) -> PushedPart:
    target, remote, tag = place.target, place.remote, place.target.sif_tag()
    layer = Blob(f"sha256:{sif.sha256}", Part(Path(sif.path), 0, sif.size))
    sent = [remote.put_blob(blob, place.notify) for blob in (Blob(content_digest(CONFIG), CONFIG), layer)]
    if remote.tagged(artefact.digest) is None:
        remote.put_manifest(artefact.manifest, MANIFEST_TYPE, artefact.digest)
    if before != artefact.digest:
        remote.put_manifest(artefact.manifest, MANIFEST_TYPE, tag)
    _asked_back(place, tag, artefact.digest)
    http = "--no-https " if target.plain_http else ""
    return PushedPart(
        kind="sif",
        reference=f"{target.repository}:{tag}",
        digest=artefact.digest,
        size=sif.size,
        sha256=sif.sha256,
        verdict=verdict,
        signed_by=sif.signed_by,
        sent=sum(sent),
        present=len(sent) - sum(sent),
        tagged=before != artefact.digest,
        replaced=before if before != artefact.digest else None,
        pull=f"apptainer pull {http}{Path(sif.path).name} oras://{target.repository}@{artefact.digest}",
    )


def _asked_back(place: Place, tag: str, digest: str) -> bytes:
    """The manifest as the registry gives it for the digest, to which the tag leads. Raises HashMismatch."""
    there, manifest = place.remote.tagged(tag), place.remote.manifest(digest)
    if there != digest or content_digest(manifest) != digest:
        raise HashMismatch(
            f"{place.target.repository}:{tag} is {there} after the push, not {digest}",
            "somebody else pushes to this tag, or the registry changes manifests; use another tag or registry",
        )
    return manifest
