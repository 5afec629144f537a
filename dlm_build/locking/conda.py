"""The conda part of an environment: solved in this process by rattler, as of the plan's date."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import EnvironmentUnsolvable, InfraError, PythonUnfit, shown
from dlm_build.locking.channels import Served, served_channels
from dlm_build.locking.grammar import checked
from dlm_build.locking.specs import match_of, name_of, parsed_spec
from dlm_build.locking.talk import trimmed
from dlm_build.records import EnvironmentSpec, Package, Plan, Record

if TYPE_CHECKING:
    from rattler import Gateway, GenericVirtualPackage, RepoDataRecord
    from rattler.channel import Channel

T = TypeVar("T")

KERNEL = "5.10"
"""Value of __linux: the oldest kernel still supported by its makers that a host may run."""
SETTLE_SECONDS = 0.05
_TRIALS = 6
"""Requirements that are left out in turn to find the one to blame."""


class _Question(Record, frozen=True, kw_only=True):
    """What is asked of the solver."""

    origin: str
    specs: tuple[str, ...]
    homes: dict[str, str]
    """Package name → the channel its spec insists on."""
    virtual: dict[str, tuple[str, str]]
    """Virtual package → version and build."""
    as_of: datetime | None


def solve_conda(plan: Plan, settings: Settings, cache: Path) -> tuple[Package, ...]:
    """Packages for linux-64, in install order. `cache` keeps the channels' indexes.

    Raises EnvironmentUnsolvable with the conflict, ItemInvalid for a requirement or channel that cannot be used,
    InfraError when a channel cannot be reached.
    """
    spec = plan.environment
    channels = served_channels(spec.channels, settings, spec.origin)
    question = _question(plan)
    packages = _answered(question, channels, cache)
    for package in packages:
        wanted = question.homes.get(package.name, package.channel)
        if wanted != package.channel:
            raise EnvironmentUnsolvable(
                f"{spec.origin}: {package.name} is asked for from channel {wanted}, but {package.channel} comes first",
                f"put {wanted} first in `channels`, or drop `{wanted}::`",
            )
    return packages


def _question(plan: Plan) -> _Question:
    spec = plan.environment
    parsed = [parsed_spec(text, spec) for text in spec.conda]
    specs = [rest for _, rest in parsed]
    if not any(name_of(text) == "python" for text in specs):
        specs.append(f"python {plan.python}.*")
    return _Question(
        origin=spec.origin,
        specs=tuple(specs),
        homes={name_of(rest): channel for channel, rest in parsed if channel},
        virtual=_virtual(spec),
        as_of=instant(plan.as_of) if plan.as_of else None,
    )


def instant(text: str) -> datetime:
    """An ISO 8601 date or instant; without an offset it is UTC."""
    parsed = datetime.fromisoformat(text)
    return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)


def _virtual(spec: EnvironmentSpec) -> dict[str, tuple[str, str]]:
    known = {
        "__unix": ("0", "0"),
        "__linux": (KERNEL, "0"),
        "__glibc": (spec.glibc, "0"),
        "__archspec": ("1", "x86_64"),
    }
    if spec.cuda:
        known["__cuda"] = (spec.cuda, "0")
    return known


def _answered(question: _Question, channels: Sequence[Served], cache: Path) -> tuple[Package, ...]:
    return from_mirrors(channels, lambda bases: _solved(question, channels, bases, cache))


def from_mirrors(channels: Sequence[Served], ask: Callable[[dict[str, str]], T]) -> T:
    """Ask the first mirrors; where one does not answer, ask again with the next ones.

    `ask` is told the base URL of each channel. Raises InfraError where none answers.
    """
    from rattler.exceptions import GatewayError

    attempts = max((len(channel.urls) for channel in channels), default=1)
    for attempt in range(attempts):
        bases = {channel.name: channel.urls[min(attempt, len(channel.urls) - 1)] for channel in channels}
        try:
            return ask(bases)
        except GatewayError as problem:
            if attempt + 1 == attempts:
                raise _unreachable(str(problem), bases) from problem
    raise AssertionError("unreachable: at least one attempt is made")


def _solved(question: _Question, channels: Sequence[Served], bases: dict[str, str], cache: Path) -> tuple[Package, ...]:
    from rattler.exceptions import SolverError

    try:
        records = at_rest(_solve(question, channels, bases, cache))
    except SolverError as problem:
        raise _unsolvable(question, channels, bases, cache, str(problem)) from problem
    return tuple(_package(record, bases, question.origin) for record in ordered(records))


def at_rest(asking: Coroutine[Any, Any, T]) -> T:
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


async def _solve(
    question: _Question, channels: Sequence[Served], bases: dict[str, str], cache: Path
) -> list[RepoDataRecord]:
    from rattler import Channel, ChannelPriority, Gateway, solve

    gateway = Gateway(cache_dir=cache)
    sources: list[Any] = []
    for channel in channels:
        source = Channel(bases[channel.name])
        dated = question.as_of is not None and channel.mirrored
        sources.append(_BuildDates(gateway, source) if dated else source)
    return await solve(
        sources,
        [match_of(spec, question.origin) for spec in question.specs],
        gateway=gateway,
        platforms=["linux-64", "noarch"],
        virtual_packages=_virtual_packages(question.virtual),
        channel_priority=ChannelPriority.Strict,
        exclude_newer=question.as_of,
        timestamp_policy="allow-missing",
        channel_relations="disabled",
    )


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
        found = await self._gateway.query(
            [self._channel], [platform], [name.normalized], recursive=False, channel_relations="disabled"
        )
        records = [record for group in found for record in group]
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


def _package(record: RepoDataRecord, bases: dict[str, str], origin: str) -> Package:
    channel = next((name for name, base in bases.items() if record.url.startswith(base)), "")
    package = Package(
        manager="conda",
        name=record.name.normalized,
        version=str(record.version),
        build=str(record.build),
        subdir=record.subdir,
        channel=channel,
        filename=record.file_name,
        url=record.url,
        sha256=record.sha256.hex() if record.sha256 else "",
        md5=record.md5.hex() if record.md5 else None,
        size=record.size,
        depends=tuple(sorted(record.depends)),
    )
    return checked(package, f"channel {channel} (for {origin})")


def _unsolvable(
    question: _Question, channels: Sequence[Served], bases: dict[str, str], cache: Path, talk: str
) -> EnvironmentUnsolvable:
    reason = trimmed(talk.removeprefix("Cannot solve the request because of: "))
    reason += _also_absent(talk, at_rest(_absent(question, channels, bases, cache)))
    names = ", ".join(channel.name for channel in channels)
    spec, other = _culprit(question, channels, bases, cache)
    if spec:
        reason += f"\n  But for {shown(spec)} there is a solution, with {name_of(spec)} {other}."
    if name_of(spec) == "python":
        head = f"{question.origin}: no set of packages from {names} has this Python:"
        return PythonUnfit(f"{head}\n{reason}", f"ask for another, such as python={_minor(other)}")
    if question.as_of is None:
        return EnvironmentUnsolvable(
            f"{question.origin}: no set of packages from {names} satisfies the environment:\n{reason}",
            "change one of the requirements named above",
        )
    date = question.as_of.isoformat()
    head = f"{question.origin}: no set of packages from {names} satisfies the environment as of {date}"
    if _versions(replace(question, as_of=None), channels, bases, cache) is not None:
        return EnvironmentUnsolvable(
            f"{head}; without that date it can be solved:\n{reason}",
            "lock with a later date (--as-of DATE or --as-of now), or ask for versions that existed then",
        )
    return EnvironmentUnsolvable(
        f"{head}, nor without that date:\n{reason}", "change one of the requirements named above"
    )


def _culprit(question: _Question, channels: Sequence[Served], bases: dict[str, str], cache: Path) -> tuple[str, str]:
    """The one requirement that may have any version but the one it asks for, and which; Python is tried first.

    Empty where no single one is to blame.
    """
    pinned = sorted((spec for spec in question.specs if spec != name_of(spec)), key=lambda s: name_of(s) != "python")
    for spec in pinned[:_TRIALS]:
        rest = tuple(name_of(one) if one == spec else one for one in question.specs)
        found = _versions(replace(question, specs=rest), channels, bases, cache)
        if found is not None:
            return spec, found.get(name_of(spec), "")
    return "", ""


def _minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


def _also_absent(talk: str, absent: list[str]) -> str:
    """The solver stops at the first requirement that no package answers; people want to mend them all at once."""
    untold = [spec for spec in absent if name_of(spec) not in talk]
    return f"\n  No package answers these either: {', '.join(shown(spec) for spec in untold[:12])}." if untold else ""


async def _absent(question: _Question, channels: Sequence[Served], bases: dict[str, str], cache: Path) -> list[str]:
    """The requirements that no package of the channels answers, whatever its date."""
    from rattler import Channel, Gateway

    gateway = Gateway(cache_dir=cache)
    sources = [Channel(bases[channel.name]) for channel in channels]
    wanted = {spec: match_of(spec, question.origin) for spec in question.specs}
    names = sorted({name_of(spec) for spec in wanted})
    found = await gateway.query(sources, ["linux-64", "noarch"], names, recursive=False, channel_relations="disabled")
    records = [record for group in found for record in group]
    return [spec for spec, match in wanted.items() if not any(match.matches(record) for record in records)]


def _versions(
    question: _Question, channels: Sequence[Served], bases: dict[str, str], cache: Path
) -> dict[str, str] | None:
    """Of the solution by package; None where there is none."""
    from rattler.exceptions import SolverError

    try:
        records = at_rest(_solve(question, channels, bases, cache))
    except SolverError:
        return None
    return {record.name.normalized: str(record.version) for record in records}


def _unreachable(talk: str, bases: dict[str, str]) -> InfraError:
    blamed = {name: base for name, base in bases.items() if base in talk} or bases
    named = ", ".join(f"{name} at {base}" for name, base in blamed.items())
    key = f"[channels.mirrors] {next(iter(blamed), 'conda-forge')}"
    return InfraError(
        f"cannot read conda channel {named}:\n{trimmed(talk, lines=4)}",
        f'check the network, or set `{key} = ["URL"]` in the settings',
    )
