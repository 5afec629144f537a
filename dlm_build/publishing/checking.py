"""Whether a SIF that came from somewhere is the one its publisher made."""

from __future__ import annotations

from pathlib import Path
from stat import S_ISREG

from dlm_build.config import Settings
from dlm_build.errors import HashMismatch, InfraError, UsageError, shown, spelled
from dlm_build.local_files import is_absent
from dlm_build.proc import Programs
from dlm_build.publishing.records import CheckedSif
from dlm_build.publishing.signing import Signer
from dlm_build.sif.sif_file import objects_of, reading
from dlm_build.sif.signed import signers
from dlm_build.store import sha256_of


def _demand_sif(path: Path) -> None:
    try:
        objects_of(path)
    except InfraError as problem:
        raise HashMismatch(problem.message, "get it again from where it was published") from problem


def _is_file(path: Path) -> bool:
    """Raises OSError where that cannot be told."""
    try:
        return S_ISREG(path.stat().st_mode)
    except OSError as problem:
        if is_absent(problem):
            return False
        raise


def check_sif(
    path: Path, programs: Programs, settings: Settings, *, sha256: str | None = None, key: str | None = None
) -> CheckedSif:
    """By its sha256, its signature, or both: what is given, and a signature wherever there is one and no sha256.

    Raises HashMismatch, for what is no whole SIF too, SignatureRefused, UsageError where there is nothing to check it
    by, InfraError where it cannot be read or Apptainer is missing.
    """
    with reading(path):
        if not _is_file(path):
            raise UsageError(f"{shown(str(path), 300)} is no file", "give the path of a SIF file")
        found = sha256_of(path)
    if sha256 is not None and found != sha256:
        raise HashMismatch(
            f"{shown(str(path), 300)} has sha256 {found}, not {sha256}",
            "it is cut short, was changed, or is another; get it again from where it was published",
        )
    _demand_sif(path)
    signed_by: tuple[str, ...] = ()
    if key is not None or (sha256 is None and signers(path)):
        signed_by = Signer(programs, settings).check(path.resolve(), key)
    if sha256 is None and not signed_by:
        raise UsageError(
            f"{shown(str(path), 300)} is not signed, and no sha256 was given to check it by",
            "add --sha256 with what its publisher tells (`dlm-build push` prints it)",
        )
    return CheckedSif(
        path=spelled(str(path)),
        sha256=found,
        size=path.stat().st_size,
        signed_by=signed_by,
        by=(*(("sha256",) if sha256 else ()), *(("signature",) if signed_by else ())),
    )
