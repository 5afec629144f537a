"""What a locked package may look like. Channels, indexes and strangers' lock files are all checked by it."""

from __future__ import annotations

import re
from urllib.parse import unquote

from dlm_build.errors import ItemHostile, ItemInvalid, Unpinned, shown
from dlm_build.fetching.urls import url_parts
from dlm_build.records import Package

_NAME = re.compile(r"[a-z0-9_][a-z0-9._-]{0,127}")
_VERSION = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._!+*-]{0,127}")
_BUILD = re.compile(r"[A-Za-z0-9_.+]{1,127}")
_FILENAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._!+-]{0,254}\.(conda|tar\.bz2|whl)")
_SHA256 = re.compile(r"[0-9a-f]{64}")
_MD5 = re.compile(r"[0-9a-f]{32}")
_URL = re.compile(r"(https?://[A-Za-z0-9.:\[\]-]+|file://)/[A-Za-z0-9._~!+%=@,:/-]*")
_DEPENDS = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.<>=!~*|, +()\[\]'\"-]{0,511}")
SUBDIRS = ("linux-64", "noarch")


def checked(package: Package, origin: str) -> Package:
    """`package`, every field of it within the grammar.

    Raises Unpinned where there is no sha256, ItemHostile for what no honest channel holds.
    """
    label = f"{origin}: package {shown(package.name)}"
    if not package.sha256:
        raise Unpinned(
            f"{label} has no sha256",
            "lock again with a tool that writes sha256 (conda-lock 1 and later do); md5 alone is not a pin",
        )
    _match(label, "sha256", _SHA256, package.sha256)
    return well_formed(package, origin)


def well_formed(package: Package, origin: str) -> Package:
    """As `checked`, of a package whose sha256 is still to be found out."""
    label = f"{origin}: package {shown(package.name)}"
    _match(label, "name", _NAME, package.name)
    _match(label, "version", _VERSION, package.version)
    _match(label, "file name", _FILENAME, package.filename)
    _match(label, "URL", _URL, package.url)
    if package.md5 is not None:
        _match(label, "md5", _MD5, package.md5)
    for depends in package.depends:
        _match(label, "dependency", _DEPENDS, depends)
    _check_url(label, package)
    if package.manager == "conda":
        _check_conda(label, package)
    elif not package.filename.endswith(".whl"):
        raise ItemInvalid(
            f"{label}: {shown(package.filename)} is not a wheel", "only wheels are installed; lock a wheel"
        )
    return package


def _match(label: str, field: str, grammar: re.Pattern[str], value: str) -> None:
    if not grammar.fullmatch(value) or ".." in value.split("/"):
        raise ItemHostile(f"{label}: {field} {shown(value)} is not one", "correct it where the package was published")


def _check_url(label: str, package: Package) -> None:
    last = unquote(url_parts(package.url).path).rpartition("/")[2]
    if last != package.filename:
        raise ItemHostile(
            f"{label}: URL {shown(package.url)} does not name {shown(package.filename)}",
            "correct it where the package was published",
        )


def _check_conda(label: str, package: Package) -> None:
    _match(label, "build", _BUILD, package.build)
    stem = package.filename.removesuffix(".conda").removesuffix(".tar.bz2")
    if stem != f"{package.name}-{package.version}-{package.build}" or package.filename.endswith(".whl"):
        raise ItemHostile(
            f"{label}: file name {shown(package.filename)} is not its name, version and build",
            "correct it where the package was published",
        )
    if package.subdir not in SUBDIRS or f"/{package.subdir}/" not in package.url:
        raise ItemInvalid(
            f"{label}: platform {shown(package.subdir)} is not one of {', '.join(SUBDIRS)}", "lock for linux-64"
        )
