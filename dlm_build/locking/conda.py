"""The conda part of an environment: solved in this process by rattler, as of the plan's date."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from dlm_build.config import Settings
from dlm_build.locking.channels import from_mirrors, served_channels
from dlm_build.locking.grammar import checked
from dlm_build.locking.solver import Indexes, Question, ordered, solved
from dlm_build.locking.specs import name_of, parsed_spec
from dlm_build.locking.unsolvable import unsolvable
from dlm_build.records import EnvironmentSpec, Package, Plan

if TYPE_CHECKING:
    from rattler import RepoDataRecord

KERNEL = "5.10"
"""Value of __linux: the oldest kernel still supported by its makers that a host may run."""


def solve_conda(plan: Plan, settings: Settings, cache: Path) -> tuple[Package, ...]:
    """Packages for linux-64, in install order. `cache` keeps the channels' indexes.

    Raises EnvironmentUnsolvable with the conflict, ItemInvalid for a requirement or channel that cannot be used,
    InfraError when a channel cannot be reached.
    """
    spec = plan.environment
    channels = served_channels(spec.channels, settings, spec.origin)
    question = _question(plan)
    return from_mirrors(channels, lambda bases: _packages(question, Indexes(channels, bases, cache)))


def _question(plan: Plan) -> Question:
    spec = plan.environment
    parsed = [parsed_spec(text, spec) for text in spec.conda]
    specs = [rest for _, rest in parsed]
    if not any(name_of(text) == "python" for text in specs):
        specs.append(f"python {plan.python}.*")
    return Question(
        origin=spec.origin,
        specs=tuple(specs),
        homes={name_of(rest): channel for channel, rest in parsed if channel},
        virtual=_virtual(spec),
        as_of=plan.instant,
    )


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


def _packages(question: Question, indexes: Indexes) -> tuple[Package, ...]:
    from rattler.exceptions import SolverError

    try:
        records = solved(question, indexes)
    except SolverError as problem:
        raise unsolvable(question, indexes, str(problem)) from problem
    return tuple(_package(record, indexes.bases, question.origin) for record in ordered(records))


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
