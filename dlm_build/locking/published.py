"""A lock the publisher made: conda-lock's own models read it, then every line is checked as a stranger's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from dlm_build.config import Settings
from dlm_build.errors import ItemHostile, ItemInvalid, shown
from dlm_build.fetching.urls import url_parts
from dlm_build.locking.channels import Served, allowed_channels, home_url
from dlm_build.locking.grammar import checked
from dlm_build.locks import LockedRow
from dlm_build.records import Package

if TYPE_CHECKING:
    from dlm_build.locking.condalock import Row

PLATFORM = "linux-64"
CATEGORY = "main"


def read_published(text: str, origin: str, settings: Settings) -> tuple[Package, ...]:
    """The packages for linux-64, in install order; conda's with the URLs this site has for their channel.

    Raises ItemInvalid for what is not a conda-lock file or names a channel that is not allowed, Unpinned where a line
    has no sha256, ItemHostile for what no honest lock holds.
    """
    rows = [_plain(row) for row in _rows(text, origin) if row.platform == PLATFORM and CATEGORY in row.categories]
    rows = [row for row in rows if not row.name.startswith("__")]
    return tuple(checked(package, origin) for package in packages_of(rows, origin, settings))


def packages_of(rows: Sequence[LockedRow], origin: str, settings: Settings) -> tuple[Package, ...]:
    """As `read_published`, of rows that were read already; they are not checked yet."""
    if not any(row.manager == "conda" for row in rows):
        raise ItemInvalid(f"{origin} locks no conda package for {PLATFORM}", f"lock it for {PLATFORM}")
    homes = _homes(settings)
    return tuple(_conda(row, homes, origin) if row.manager == "conda" else _wheel(row, origin) for row in rows)


def _plain(row: Row) -> LockedRow:
    return LockedRow(
        manager=row.manager, name=row.name, version=row.version, url=row.url, sha256=row.hash.sha256 or "",
        md5=row.hash.md5, depends=tuple(sorted(f"{name} {spec}".strip() for name, spec in row.dependencies.items())),
    )  # fmt: skip


def _rows(text: str, origin: str) -> list[Row]:
    from pydantic import ValidationError

    from dlm_build.locking.condalock import Lockfile, LockfileV1, lockfile_v1_to_v2

    content = _content(text, origin)
    version = content.pop("version", None)
    try:
        if version == 1:
            lockfile = lockfile_v1_to_v2(LockfileV1.model_validate(content))
        elif version == 2:
            lockfile = Lockfile.model_validate(content)
        else:
            raise _not_a_lock(origin, f"version {shown(version)} is not 1 or 2")
        lockfile.toposort_inplace()
    except (ValidationError, AssertionError, ValueError) as problem:
        raise _not_a_lock(origin, _first_problem(problem)) from problem
    rows: list[Row] = lockfile.package
    return rows


def _content(text: str, origin: str) -> dict[str, Any]:
    import yaml  # type: ignore[import-untyped]

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        if any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(text, Loader=loader)):
            raise ItemHostile(f"{origin} uses YAML aliases; no conda-lock file does", "lock again with conda-lock")
        content = yaml.load(text, Loader=loader)  # noqa: S506 - a safe loader either way
    except (yaml.YAMLError, ValueError, RecursionError) as problem:
        raise _not_a_lock(origin, str(problem).splitlines()[0]) from problem
    if not isinstance(content, dict):
        raise _not_a_lock(origin, "it is not a mapping")
    return content


def _not_a_lock(origin: str, why: str) -> ItemInvalid:
    return ItemInvalid(f"{origin} is not a conda-lock file: {shown(why, 300)}", "lock again with conda-lock 1 or later")


def _first_problem(problem: Exception) -> str:
    errors = getattr(problem, "errors", None)
    if errors is None:
        return str(problem)
    first = errors(include_url=False, include_input=False, include_context=False)[0]
    return f"{'/'.join(map(str, first['loc']))}: {first['msg']}"


def _homes(settings: Settings) -> dict[str, Served]:
    """Base URL → channel, for each place an allowed channel may have been locked from."""
    homes: dict[str, Served] = {}
    for channel in allowed_channels(settings):
        homes |= dict.fromkeys((home_url(channel.name), *channel.urls), channel)
    return homes


def _conda(row: LockedRow, homes: dict[str, Served], origin: str) -> Package:
    base, _, rest = row.url.rpartition("/")
    base, _, subdir = base.rpartition("/")
    channel = homes.get(f"{base}/")
    if channel is None:
        raise ItemInvalid(
            f"{origin}: package {shown(row.name)} comes from {shown(base)}, which is no allowed channel",
            "lock from allowed channels only, or add the channel to `[channels] allowed` in the settings",
        )
    filename = unquote(rest)
    stem = filename.removesuffix(".conda").removesuffix(".tar.bz2")
    return Package(
        manager="conda",
        name=row.name,
        version=row.version,
        build=stem.rpartition("-")[2],
        subdir=subdir,
        channel=channel.name,
        filename=filename,
        url=f"{channel.urls[0]}{subdir}/{rest}",
        sha256=row.sha256,
        md5=row.md5,
        depends=row.depends,
    )


def _wheel(row: LockedRow, origin: str) -> Package:
    parts = url_parts(row.url)
    if parts.scheme != "https":
        raise ItemInvalid(f"{origin}: {shown(row.url)} is not an https:// URL", "lock wheels from an https index")
    return Package(
        manager="pip",
        name=row.name.lower(),
        version=row.version,
        filename=unquote(parts.path).rpartition("/")[2],
        url=row.url.partition("#")[0],
        sha256=row.sha256,
        depends=row.depends,
    )
