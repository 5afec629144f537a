"""rattler, the solver of conda's environments, in this process: what it is asked, and its answer."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from dlm_build.locking.channels import Served
from dlm_build.locking.specs import match_of, name_of
from dlm_build.records import Record

if TYPE_CHECKING:
    from rattler import Gateway, GenericVirtualPackage, MatchSpec, RepoDataRecord
    from rattler.channel import Channel

T = TypeVar("T")
PLATFORMS: tuple[Literal["linux-64", "noarch"], ...] = ("linux-64", "noarch")
SETTLE_SECONDS = 0.05


class Question(Record, frozen=True, kw_only=True):
    """What is asked of the solver."""

    origin: str
    specs: tuple[str, ...]
    homes: dict[str, str]
    """Package name → the channel its spec insists on."""
    virtual: dict[str, tuple[str, str]]
    """Virtual package → version and build."""
    as_of: datetime | None


class Indexes(NamedTuple):
    """Where it is asked: the channels' indexes, as one set of their mirrors serves them."""

    channels: Sequence[Served]
    bases: dict[str, str]
    """Channel → the URL that is asked."""
    cache: Path


def solved(question: Question, indexes: Indexes) -> list[RepoDataRecord]:
    """Every package of the environment. Raises rattler's SolverError and GatewayError."""
    return _at_rest(_solve(question, indexes))


def every_build(names: Sequence[str], bases: Iterable[str], cache: Path) -> list[RepoDataRecord]:
    """Of the packages of these names, whatever their date, at these URLs of channels. Raises rattler's GatewayError."""
    from rattler import Channel, Gateway

    sources = [Channel(base) for base in bases]
    return _at_rest(_queried(Gateway(cache_dir=cache), sources, PLATFORMS, names))


async def _queried(
    gateway: Gateway, sources: Sequence[Channel], platforms: Sequence[Any], names: Sequence[str]
) -> list[RepoDataRecord]:
    """Of these very packages, and not of what they depend on."""
    found = await gateway.query(
        list(sources), list(platforms), list(names), recursive=False, channel_relations="disabled"
    )
    return [record for group in found for record in group]


def _at_rest(asking: Coroutine[Any, Any, T]) -> T:
    """The answer, once the solver's own threads have come to rest.

    They let go of Python objects a moment after they answered; an interpreter that exits meanwhile, as after an
    unsolvable environment, crashes and loses its exit code.
    """

    async def settled() -> T:
        try:
            return await asking
        finally:
            await asyncio.sleep(SETTLE_SECONDS)

    return asyncio.run(settled())


async def _solve(question: Question, indexes: Indexes) -> list[RepoDataRecord]:
    from rattler import Channel, ChannelPriority, Gateway, solve

    gateway = Gateway(cache_dir=indexes.cache)
    sources: list[Any] = []
    for channel in indexes.channels:
        source = Channel(indexes.bases[channel.name])
        dated = question.as_of is not None and channel.mirrored
        sources.append(_BuildDates(gateway, source) if dated else source)
    return await solve(
        sources,
        [_asked(spec, question, indexes) for spec in question.specs],
        gateway=gateway,
        platforms=list(PLATFORMS),
        virtual_packages=_virtual_packages(question.virtual),
        channel_priority=ChannelPriority.Strict,
        exclude_newer=question.as_of,
        timestamp_policy="allow-missing",
        channel_relations="disabled",
    )


def _asked(spec: str, question: Question, indexes: Indexes) -> MatchSpec:
    """Bound to the channel it insists on, whose place among the channels then does not count, as in conda."""
    home = question.homes.get(name_of(spec))
    return match_of(f"{indexes.bases[home]}::{spec}" if home else spec, question.origin)


def _virtual_packages(known: dict[str, tuple[str, str]]) -> list[GenericVirtualPackage]:
    from rattler import GenericVirtualPackage, PackageName, Version
    from rattler.package import BuildString

    return [
        GenericVirtualPackage(PackageName(name), Version(version), BuildString(build))
        for name, (version, build) in known.items()
    ]


class _BuildDates:
    """A mirror as the solver's source, its packages dated by their build.

    The time at which a mirror indexed a package says when the mirror was made, not when the package came out.
    """

    def __init__(self, gateway: Gateway, channel: Channel) -> None:
        self._gateway = gateway
        self._channel = channel

    async def fetch_package_records(self, platform: Any, name: Any) -> list[RepoDataRecord]:
        records = await _queried(self._gateway, [self._channel], [platform], [name.normalized])
        for record in records:
            record.indexed_timestamp = None
        return records

    def package_names(self, _platform: Any) -> list[str]:
        return []


def ordered(records: list[RepoDataRecord]) -> list[RepoDataRecord]:
    """Dependencies first (python and pip need each other; rattler knows), the same whatever order they came in."""
    from rattler import PackageRecord

    by_name = {record.name.normalized: record for record in records}
    known: list[PackageRecord] = [by_name[name] for name in sorted(by_name)]
    return [by_name[record.name.normalized] for record in PackageRecord.sort_topologically(known)]
