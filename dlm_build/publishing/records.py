"""What was pushed, and how a file was found to be the one that was."""

from __future__ import annotations

from typing import Literal

from dlm_build.records import Record


class PushedPart(Record, frozen=True, kw_only=True):
    """One image or SIF at its registry."""

    kind: Literal["image", "sif"]
    reference: str
    """`registry/path:tag`."""
    digest: str
    """Of its manifest there, `sha256:…`, as the registry told when asked afterwards."""
    size: int
    """Bytes of its layers there; of a SIF, those of the file."""
    sha256: str | None = None
    """Of the SIF file: what `apptainer pull` leaves on a disk."""
    verdict: str
    """Of its sample: `matches on cpu`, …, or `not verified`."""
    signed_by: str | None = None
    """Fingerprint of the key that signed the SIF."""
    sent: int
    """Blobs that were sent."""
    present: int
    """Blobs that the registry had."""
    tagged: bool
    """Whether the tag had to be written; False where it led here already."""
    replaced: str | None = None
    """The digest that the tag led to before, with --replace."""
    pull: str
    """The command that fetches it."""

    @property
    def pinned(self) -> str:
        """`registry/path@sha256:…`."""
        return f"{self.reference.rpartition(':')[0]}@{self.digest}"


class Pushed(Record, frozen=True, kw_only=True):
    schema_version: Literal["1"] = "1"
    dlm_build: str
    item_id: str
    context_digest: str
    parts: tuple[PushedPart, ...]


class CheckedSif(Record, frozen=True, kw_only=True):
    """A SIF that is the one it should be."""

    schema_version: Literal["1"] = "1"
    path: str
    sha256: str
    size: int
    signed_by: tuple[str, ...] = ()
    """Fingerprints of known keys that signed all of it; empty where no signature was checked."""
    by: tuple[Literal["sha256", "signature"], ...]
    """What it was checked by."""
