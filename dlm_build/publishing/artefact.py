"""A SIF as an OCI artefact, the way `apptainer pull oras://` wants it: one layer that is the file itself."""

from __future__ import annotations

import json
from pathlib import Path
from typing import NamedTuple

from dlm_build.context_layout import CONTEXT
from dlm_build.oci import BASE_DIGEST, content_digest
from dlm_build.records import Sif

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.sylabs.sif.config.v1+json"
LAYER_TYPE = "application/vnd.sylabs.sif.layer.v1.sif"
CONFIG = b"{}"


class Artefact(NamedTuple):
    manifest: bytes
    digest: str
    """Of the manifest."""


def artefact_of(sif: Sif) -> Artefact:
    """Equal SIFs give equal manifests: nothing in it tells of the hour, the place or the pusher."""
    layer = {
        "mediaType": LAYER_TYPE,
        "digest": f"sha256:{sif.sha256}",
        "size": sif.size,
        "annotations": {"org.opencontainers.image.title": Path(sif.path).name},
    }
    told = {
        CONTEXT: sif.context_digest,
        "dlm.rootfs": sif.rootfs_digest,
        BASE_DIGEST: sif.base_digest,
    }
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "config": {"mediaType": CONFIG_TYPE, "digest": content_digest(CONFIG), "size": len(CONFIG)},
        "layers": [layer],
        "annotations": told | ({"dlm.signed-by": sif.signed_by} if sif.signed_by else {}),
    }
    raw = json.dumps(manifest, sort_keys=True, separators=(",", ":")).encode()
    return Artefact(raw, content_digest(raw))
