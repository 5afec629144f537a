"""A lock in conda's explicit form: a list of addresses. What else is to be known of them, the channel's index says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import unquote

from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import HashMismatch, ItemInvalid, Unpinned, shown
from dlm_build.locking.channels import allowed_channels, from_mirrors
from dlm_build.locking.grammar import checked, well_formed
from dlm_build.locking.published import packages_of
from dlm_build.locking.solver import every_build, ordered
from dlm_build.locks import explicit_rows
from dlm_build.records import Package

if TYPE_CHECKING:
    from rattler import RepoDataRecord

_BY_LOCK = "publish the `conda-lock.yml` of the same environment instead"


def read_explicit(text: str, origin: str, settings: Settings, cache: Path) -> tuple[Package, ...]:
    """As `published.read_published`. The list has no dependencies, and often an md5 only: the index of the channel
    that this site trusts has both, and must agree with what the list has.

    Raises HashMismatch where it does not, Unpinned for an address without a digest, InfraError where the channel
    cannot be reached.
    """
    packages = packages_of(explicit_rows(text, origin), origin, settings)
    wheels = [checked(package, origin) for package in packages if package.manager == "pip"]
    conda = {package.name: package for package in packages if package.manager == "conda"}
    if len(conda) + len(wheels) < len(packages):
        raise ItemInvalid(f"{origin} lists a package twice", "remove one of the two lines")
    for package in conda.values():
        _refuse_undigested(well_formed(package, origin), origin)
    names = {package.channel for package in conda.values()}
    channels = [channel for channel in allowed_channels(settings) if channel.name in names]
    records = from_mirrors(channels, lambda bases: _indexed(list(conda.values()), bases, cache, origin))
    return (*(_completed(conda[record.name.normalized], record, origin) for record in ordered(records)), *wheels)


def _refuse_undigested(package: Package, origin: str) -> None:
    if not (package.sha256 or package.md5):
        raise Unpinned(
            f"{origin}: package {shown(package.name)} has no digest",
            "write the list with `conda list --explicit --md5`, or publish a conda-lock.yml",
        )


def _indexed(packages: Sequence[Package], bases: Mapping[str, str], cache: Path, origin: str) -> list[RepoDataRecord]:
    """The index's record of each. Raises ItemInvalid for one that its channel does not have."""
    names = sorted({package.name for package in packages})
    known = {unquote(record.url): record for record in every_build(names, bases.values(), cache)}
    urls = [(package, unquote(f"{bases[package.channel]}{package.subdir}/{package.filename}")) for package in packages]
    for package, url in urls:
        if url not in known:
            raise ItemInvalid(f"{origin}: channel {package.channel} has no {package.filename}", _BY_LOCK)
    return [known[url] for _, url in urls]


def _completed(package: Package, record: RepoDataRecord, origin: str) -> Package:
    sha256, md5 = (digest.hex() if digest else "" for digest in (record.sha256, record.md5))
    for listed, known in ((package.sha256, sha256), (package.md5, md5)):
        if listed and known and listed != known:
            raise HashMismatch(
                f"{origin}: {package.filename} is listed as {listed}, channel {package.channel} has {known}", _BY_LOCK
            )
    return checked(
        replace(
            package, sha256=package.sha256 or (sha256 if package.md5 == md5 else ""), md5=md5 or package.md5,
            size=record.size, depends=tuple(sorted(record.depends)),
        ),
        origin,
    )  # fmt: skip
