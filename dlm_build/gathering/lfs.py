"""A Git LFS pointer in place of the model: the object it names by digest, where its host has an address for that."""

from __future__ import annotations

from dlm_build.errors import HashMismatch, shown
from dlm_build.fetch import Fetcher
from dlm_build.fetching.pages import StoodIn, object_url
from dlm_build.findings.gathering import LfsPointerFollowed
from dlm_build.progress import Notify
from dlm_build.records import Asset, Finding
from dlm_build.store import Store, Stored


def behind_pointer(
    problem: StoodIn, asset: Asset, fetch: Fetcher, store: Store, notify: Notify
) -> tuple[Stored, tuple[Finding, ...]]:
    """The object, which has the digest that the pointer names, and the item too where it names one.

    Raises `problem` itself where it is no pointer, or its host has no address of the object.
    """
    found, url = problem.found, object_url(asset.href)
    if found.what != "lfs-pointer" or found.sha256 is None or url is None:
        raise problem
    if asset.sha256 not in (None, found.sha256):
        raise HashMismatch(
            f"{asset.pointer}: {shown(asset.href)} is a Git LFS pointer to sha256 {found.sha256}, "
            f"the item promises {asset.sha256}",
            "correct `file:checksum`: it must be of the file itself, and never of the pointer",
        ) from problem
    stored = fetch.download(url, store, expect=found.sha256, size=found.size, notify=notify)
    return stored, (LfsPointerFollowed.at(f"{asset.pointer}/href", found=asset.href, url=url),)
