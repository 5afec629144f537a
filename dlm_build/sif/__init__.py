"""From a Lock to a Sif: from the image Docker built, or with no Docker anywhere; both give the same bytes."""

from __future__ import annotations

from dlm_build.sif.from_image import image_rootfs_digest, sif_from_image
from dlm_build.sif.from_packages import Sources, sif_from_packages
from dlm_build.sif.make import Request, is_still_there, labelled, refuse_unable

__all__ = [
    "Request", "Sources", "image_rootfs_digest", "is_still_there", "labelled", "refuse_unable",
    "sif_from_image", "sif_from_packages",
]  # fmt: skip
