"""The plan: one decider after another, each with its reason. Pure: nothing is looked up, nothing is asked."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple, TypeVar

from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import ItemInvalid
from dlm_build.findings.planning import BasePinDied, PythonBeside, PythonWithoutPackages
from dlm_build.planning.base_image import Wanted, decide_base, decide_installer, glibc_of
from dlm_build.planning.comparison import decide_comparison
from dlm_build.planning.dates import decide_as_of, in_the_future, iso, settle_as_of
from dlm_build.planning.decided import Decided, decided, noticed
from dlm_build.planning.env_files import Declared, read_environment
from dlm_build.planning.environment import choose_file, decide_environment, decide_libraries, unused_files, with_glibc
from dlm_build.planning.evidence import declared_python
from dlm_build.planning.frameworks import (
    decide_cuda,
    decide_framework,
    decide_framework_alone,
    decide_gpu,
    decide_version,
    is_another,
)
from dlm_build.planning.inferred import Facts, cudnn_of
from dlm_build.planning.members import decide_weights
from dlm_build.planning.others import said_python
from dlm_build.planning.python_files import said_beside
from dlm_build.planning.pythons import decide_python, supported_pythons
from dlm_build.planning.runner import decide_runner, framework_alone
from dlm_build.planning.sample import decide_sample, sample_member
from dlm_build.planning.tables import FrameworkRow, Tables
from dlm_build.records import BaseImage, Decision, EnvironmentSpec, Finding, Item, Materials, Plan, Record
from dlm_build.words import words_of

__all__ = ["Choices", "Tables", "make_plan"]

T = TypeVar("T")


class Choices(Record, frozen=True, kw_only=True):
    """What the operator decided."""

    base: str | None = None
    """`repository@sha256:…`, from --base."""
    as_of: str = "item"
    """`item`, or an ISO date or instant (`now` already turned into one)."""
    gpu: bool | None = None
    """None: as the item says."""
    allow_shell: bool = False
    dead_pythons: tuple[str, ...] = ()
    """For which no set of packages was found; not chosen where there is another."""
    dead_bases: tuple[str, ...] = ()
    """Digests that a registry was found to have no more; never chosen."""


class _Given(NamedTuple):
    """All that a plan is made from."""

    item: Item
    materials: Materials
    choices: Choices
    tables: Tables
    settings: Settings


class _Log:
    """Decisions and findings in the order they were made."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.findings: list[Finding] = []

    def keep(self, outcome: Decided[T]) -> T:
        self.decisions.append(outcome.decision)
        self.findings.extend(outcome.findings)
        return outcome.value

    def replace(self, outcome: Decided[T]) -> T:
        """A decision made anew, in the place of the old one."""
        names = [decision.name for decision in self.decisions]
        self.decisions[names.index(outcome.decision.name)] = outcome.decision
        self.findings.extend(outcome.findings)
        return outcome.value


def make_plan(item: Item, materials: Materials, choices: Choices, tables: Tables, settings: Settings) -> Plan:
    """Decides everything. Raises ItemInvalid where the item lacks or garbles something, UsageError for the options."""
    log = _Log()
    tables = replace(tables, bases=tuple(row for row in tables.bases if row.digest not in choices.dead_bases))
    log.findings.extend(BasePinDied.at("", found=digest) for digest in choices.dead_bases)
    declared = _declared(item, materials, log)
    given = _Given(item, materials, choices, tables, settings)
    facts, as_of = _decide_model(given, declared, log)
    environment, base = _decide_images(facts, as_of, declared, given, log)
    installer = log.keep(decide_installer(tables, settings))
    sample = log.keep(decide_sample(item, materials.archive))
    comparison = log.keep(decide_comparison(item, sample, facts.runner))
    return Plan(
        item_id=item.id, item_sha256=item.sha256, title=item.title, license=item.license,
        as_of=iso(as_of) if as_of else None,
        framework=facts.table.name, framework_version=facts.picked.version or None, cuda=facts.cuda,
        python=facts.python, gpu=facts.gpu, base=base, installer_base=installer, environment=environment,
        runner=facts.runner, inputs=item.inputs, outputs=item.outputs, sample=sample, comparison=comparison,
        archive=materials.archive, source=materials.source, dead_bases=choices.dead_bases,
        dead_pythons=choices.dead_pythons, decisions=tuple(log.decisions), findings=_all_findings(item, materials, log),
    )  # fmt: skip


def _declared(item: Item, materials: Materials, log: _Log) -> Declared | None:
    file = choose_file(materials.environment_files)
    if file is None:
        return None
    declared = read_environment(file, materials.environment_files)
    log.findings.extend(unused_files(materials.environment_files, declared, item.pointers.requirements))
    return declared


def _decide_model(given: _Given, declared: Declared | None, log: _Log) -> tuple[Facts, datetime | None]:
    item, materials, choices, tables, _ = given
    as_of = log.keep(noticed(decide_as_of(item, choices.as_of), in_the_future(item, tables.collected)))
    log.keep(decided("platform", "linux/amd64", "linux/amd64", "what the base images and the packages are made for"))
    weights = log.keep(decide_weights(item, materials))
    alone = decide_framework_alone(item, framework_alone(item, materials, weights), tables.frameworks)
    table = log.keep(alone or decide_framework(item, weights, declared, tables.frameworks))
    if alone or is_another(item, table):  # the version that is declared is of another framework, or of none
        item = replace(item, runtime=replace(item.runtime, version=None))
    picked = log.keep(decide_version(item, declared, table, as_of))
    if settled := settle_as_of(as_of, picked.row, from_item=choices.as_of == "item", pointer=item.date_pointer):
        as_of = log.replace(settled)
    gpu = log.keep(decide_gpu(item, declared, table, choices.gpu))
    cuda = log.keep(decide_cuda(item, declared, picked.row, gpu))
    asked = (declared_python(declared) if declared else None) or said_python(table, picked, item.pointers.version)
    asked = asked or _python_beside(declared, picked.row, given, log)
    python = log.keep(_python(asked, picked.row, as_of, given))
    runner = log.keep(decide_runner(item, materials, weights, table.name, choices.allow_shell))
    sample = sample_member(item, materials.archive, item.sample.input) if item.sample else None
    facts = Facts(
        table=table, picked=picked, version_declared=bool(item.runtime.version and picked.version), gpu=gpu,
        cuda=cuda, python=python, runner=runner, sample=sample.path if sample else None, pointers=item.pointers,
        words=words_of(item),
    )  # fmt: skip
    return facts, as_of


def _python_beside(declared: Declared | None, row: FrameworkRow, given: _Given, log: _Log) -> tuple[str, str] | None:
    """Never one that the framework does not support, or that was tried: it is only a hint of what was used."""
    if declared is None or declared.kind != "pip":
        return None
    left = [
        one for one in supported_pythons(row, given.tables.python_releases) if one not in given.choices.dead_pythons
    ]
    found = said_beside(declared.origin, given.materials.environment_files, left)
    if found is None:
        return None
    said, file = found
    log.findings.append(PythonBeside.at(given.item.pointers.requirements, place=file.name, found=said))
    return said, file.name


def _python(asked: tuple[str, str] | None, row: FrameworkRow, as_of: datetime | None, given: _Given) -> Decided[str]:
    """The best there is without those that were tried; the best of all where nothing else is left."""
    releases, dead, pointer = given.tables.python_releases, given.choices.dead_pythons, given.item.pointers.requirements
    first = decide_python(asked, row, as_of, releases, pointer)
    if not dead:
        return first
    left = {python: day for python, day in releases.items() if python not in dead}
    try:
        outcome = decide_python(asked, row, as_of, left, pointer) if len(left) > 1 else first
    except ItemInvalid:
        return first
    if outcome is first or (row.python and asked is None and outcome.value not in row.python):
        return first
    notes = [PythonWithoutPackages.at(pointer, found=tried, used=outcome.value) for tried in dead]
    return noticed(outcome, *notes)


def _decide_images(
    facts: Facts, as_of: datetime | None, declared: Declared | None, given: _Given, log: _Log
) -> tuple[EnvironmentSpec, BaseImage]:
    """The environment, then the base that has what the environment lacks, then the glibc the solver may count on."""
    spec = log.keep(decide_environment(facts, declared, given.settings))
    libraries, why = decide_libraries(facts, spec, declared)
    wanted = Wanted(cuda=facts.cuda, gpu=facts.gpu, cudnn=cudnn_of(facts), libraries=libraries, why=why, as_of=as_of)
    base = log.keep(decide_base(wanted, given.tables, given.choices.base, given.settings))
    return with_glibc(spec, glibc_of(base)), base


def _all_findings(item: Item, materials: Materials, log: _Log) -> tuple[Finding, ...]:
    """The reader's and the gatherer's first; what they said is not said again."""
    known = {finding.code for finding in (*item.findings, *materials.findings)}
    new = [finding for finding in log.findings if finding.code not in known]
    return (*item.findings, *materials.findings, *dict.fromkeys(new))
