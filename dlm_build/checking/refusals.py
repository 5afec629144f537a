"""What a build would refuse, or correct, before it fetches anything: told by the build's own rules. Pure.

refusals(item, …) -> by part     what stops it: a command, its folder, an address, a source, a version
doubts(item, …) -> findings      what it takes in another sense than it was written
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import lru_cache

from dlm_build.checking.recipes import tables
from dlm_build.checking.records import PartName
from dlm_build.errors import DlmBuildError, ItemInvalid
from dlm_build.fetching.urls import checked_url, is_beside, shown_url
from dlm_build.findings.completeness import ArchiveNotRead, NotInOneFile, WeightsOverHttp
from dlm_build.findings.hrefs import NamedFileIsNone
from dlm_build.findings.online import AddressNotAllowed
from dlm_build.findings.planning import ExpectedNotInArchive, UnknownVersion
from dlm_build.findings.runtime import HandlerRefused, RunNotPlain, SourceRefused, VersionUnreadable, WorkingDirRefused
from dlm_build.hrefs import read_href, without_query
from dlm_build.members import asset_beside
from dlm_build.model_asset import path_of
from dlm_build.planning.command import parse_command
from dlm_build.planning.comparison import hard_to_match
from dlm_build.planning.dates import in_the_future, parse_instant, settle_as_of
from dlm_build.planning.frameworks import table_of
from dlm_build.planning.runner import is_own_handler, parted_handler, working_dir
from dlm_build.planning.tables import Framework
from dlm_build.planning.versions import Picked, pick
from dlm_build.records import Asset, Finding, Item
from dlm_build.weight_files import FOREIGN_SUFFIXES, SINGLE_SUFFIXES, suffix_of
from dlm_build.words import words_of

_PLAIN = re.compile(r"https://(?:[a-z0-9]+(?:-+[a-z0-9]+)*\.)+[a-z]{2,}/[!-\[\]-~]*")
"""Addresses that surely may be asked, which is nearly all of them."""
_URL = re.compile(r"https?://", re.IGNORECASE)

Refusals = Mapping[PartName, tuple[Finding, ...]]


def refusals(item: Item, model: Asset | None, *, alone: bool) -> Refusals:
    """What a build refuses, by the part that lacks it; the reader did not say it. `alone` as in `_version`."""
    found: defaultdict[PartName, tuple[Finding, ...]] = defaultdict(tuple)
    if stopping := tuple(filter(None, (_command(item), _handler(item, model), _working_dir(item)))):
        found["code"] = stopping
    if item.runtime.source_url and (finding := _source(item, item.runtime.source_url)):
        found["code"] += (finding,)
    if model and (what := FOREIGN_SUFFIXES.get(suffix_of(model.href))):
        name = path_of(model.href).rpartition("/")[2]
        found["weights"] += (ArchiveNotRead.at(f"{model.pointer}/href", found=name, what=what),)
    for part, href, pointer in _named(item):
        if finding := _no_file(item, href, pointer):
            found[part] += (finding,)
    for part, url, pointer in _addresses(item, model):
        if not _PLAIN.fullmatch(url) and (finding := _address(item, url, pointer, is_model=part == "weights")):
            found[part] += (finding,)
    if finding := _version(item, alone=alone):
        found["environment"] += (finding,)
    for part, finding in _not_in_one_file(item, model):
        found[part] += (finding,)
    return found


def doubts(item: Item, *, alone: bool) -> tuple[Finding, ...]:
    """That the framework's version is not known, that the item is older than it, that its day has not come yet, or that
    what is expected is hard to match."""
    found = (in_the_future(item, tables().collected), *_of_version(item, alone=alone), _expected(item, alone=alone))
    return tuple(finding for finding in found if finding)


def _expected(item: Item, *, alone: bool) -> Finding | None:
    name = item.sample.expected if item.sample else None
    if name is None:
        return None
    href = next((asset.href for asset in item.assets if asset.key == name), name)
    return hard_to_match(item, without_query(href), alone=alone)


# --- command and code --------------------------------------------------------------------------------------------


def _command(item: Item) -> Finding | None:
    run, pointer = item.runtime.docker.run, item.pointers.run
    if run is None:
        return None
    try:
        parse_command(run, pointer=pointer)
    except ItemInvalid as problem:
        return RunNotPlain.at(pointer, found=run, why=problem.message.removeprefix(f"{pointer}: "), how=problem.hint)
    return None


def _handler(item: Item, model: Asset | None) -> Finding | None:
    """One that is no name, or a file where the model is one file by its name and no source is named."""
    named, pointer = (item.runtime.handler or "").strip(), item.pointers.handler
    if item.runtime.docker.run or not is_own_handler(named):
        return None
    try:
        file, _ = parted_handler(named, pointer)
    except ItemInvalid as problem:
        why = problem.message.removeprefix(f"{pointer}: ")
        return HandlerRefused.at(pointer, found=named, why=why, how=problem.hint)
    alone = _single_file(model)
    if not (alone and file.endswith(".py")) or item.runtime.source_url:
        return None
    why = f'"{file}" would be in the model\'s archive or in the source, but the model is one file, {alone}'
    how = f"pack it into one archive with the model, or {words_of(item).source}"
    return HandlerRefused.at(pointer, found=named, why=why, how=how)


def _working_dir(item: Item) -> Finding | None:
    declared, pointer = item.runtime.docker.working_dir, item.pointers.working_dir
    if declared is None:
        return None
    try:
        working_dir(item)
    except ItemInvalid as problem:
        why = problem.message.removeprefix(f"{pointer}: ")
        return WorkingDirRefused.at(pointer, found=declared, why=why, how=problem.hint)
    return None


def _source(item: Item, url: str) -> Finding | None:
    if _PLAIN.fullmatch(url) and read_href(url).repository:
        return None
    from dlm_build.gathering.sources import source_repository  # all of the room for one in a hundred items

    try:
        source_repository(item, ())
    except DlmBuildError as problem:
        found = {"found": shown_url(url), "why": problem.message, "how": problem.hint}
        return SourceRefused.at(item.pointers.source, **found)
    return None


# --- what is beside the model ------------------------------------------------------------------------------------


def _not_in_one_file(item: Item, model: Asset | None) -> Iterator[tuple[PartName, Finding]]:
    """What is named as if in the model's archive, where the model is one file by its name, and no asset is it."""
    file = _single_file(model)
    if model is None or not file:
        return
    sample, packages = item.sample, None if item.runtime.source_url else item.runtime.requirement_file
    if sample and _is_lost(item, model, sample.input, file):
        yield "sample", NotInOneFile.at(item.pointers.sample, found=sample.input, file=file)
    if sample and sample.expected and _is_lost(item, model, sample.expected, file):
        yield "expected", ExpectedNotInArchive.at(item.pointers.sample, found=sample.expected, near=NotInOneFile.fix)
    if packages and "://" not in packages and _is_lost(item, model, packages, file):
        yield "environment", NotInOneFile.at(item.pointers.requirements, found=packages, file=file)


def _single_file(model: Asset | None) -> str:
    """The name of the model where that is one file by it; empty where it may be an archive."""
    file = without_query(model.href).rpartition("/")[2] if model else ""
    return file if file.lower().endswith(SINGLE_SUFFIXES) else ""


def _is_lost(item: Item, model: Asset, name: str, file: str) -> bool:
    return name != file and asset_beside(name, item, model.href) is None


# --- addresses ---------------------------------------------------------------------------------------------------


def _addresses(item: Item, model: Asset | None) -> Iterator[tuple[PartName, str, str]]:
    """Every URL that a build would ask for, with its place."""
    if model and _URL.match(model.href):
        yield "weights", model.href, f"{model.pointer}/href"
    for part, href, pointer in _named(item):
        if _URL.match(href):
            yield part, href, pointer


def _named(item: Item) -> Iterator[tuple[PartName, str, str]]:
    """The hrefs of what the item names besides the model: by its address, or by the key of its asset."""
    sample = item.sample
    named: tuple[tuple[PartName, str | None, str], ...] = (
        ("environment", item.runtime.requirement_file, item.pointers.requirements),
        ("sample", sample.input if sample else None, item.pointers.sample),
        ("expected", sample.expected if sample else None, item.pointers.sample),
    )
    for part, name, pointer in named:
        if name is None:
            continue
        if _URL.match(name):
            yield part, name, pointer
        for asset in item.assets:
            if asset.key == name:
                yield part, asset.href, f"{asset.pointer}/href"


def _no_file(item: Item, href: str, pointer: str) -> Finding | None:
    """Words are no file, and a name in a program is none of an item from elsewhere; beside one here it may be."""
    meaning = read_href(href)
    is_said = meaning.kind == "text" or (meaning.kind == "symbol" and "://" in item.origin)
    if not (meaning.is_no_file or (is_said and meaning.url is None)):
        return None
    instead = meaning.instead or "give the address of the file"
    return NamedFileIsNone.at(pointer, found=shown_url(href), what=meaning.reason, instead=instead)


def _address(item: Item, url: str, pointer: str, *, is_model: bool) -> Finding | None:
    try:
        checked_url(url, trusted=False)
    except DlmBuildError as problem:
        if is_beside(item.origin, url):
            return None
        if is_model and isinstance(problem, ItemInvalid) and url.lower().startswith("http://"):
            return WeightsOverHttp.at(pointer, found=shown_url(url))
        return AddressNotAllowed.at(pointer, found=shown_url(url), why=problem.message, how=problem.hint)
    return None


# --- the framework's version -------------------------------------------------------------------------------------


def _version(item: Item, *, alone: bool) -> Finding | None:
    """`alone`: whether the weights are ONNX and run by nothing else, so that only onnxruntime's version counts."""
    table = _table(item, alone=alone)
    if table is None:
        return None
    try:
        _picked(table.name, item.runtime.version or "")
    except ItemInvalid as problem:
        return VersionUnreadable.at(item.pointers.version, found=item.runtime.version, how=problem.hint)
    return None


def _of_version(item: Item, *, alone: bool) -> Iterator[Finding]:
    table = _table(item, alone=alone)
    try:
        picked = _picked(table.name, item.runtime.version or "") if table else None
    except ItemInvalid:
        return
    if table is None or picked is None:
        return
    if not picked.exists:
        yield UnknownVersion.at(item.pointers.version, found=picked.reason, other=picked.row.version)
        return
    released, made = picked.row.released, parse_instant(item.date) if item.date else None
    if made is None or released is None or (item.date or "")[:10] >= released:
        return
    row = pick(table, item.runtime.version, made, item.pointers.version).row  # of several, what a build would take
    settled = settle_as_of(made, row, from_item=True, pointer=item.date_pointer)
    yield from settled.findings if settled else ()


def _table(item: Item, *, alone: bool) -> Framework | None:
    """None where no version is given, or none that counts."""
    if not (item.runtime.framework and item.runtime.version):
        return None
    table = _known(item.runtime.framework)
    return None if table is None or (alone and table.name != "onnxruntime") else table


@lru_cache(maxsize=256)
def _known(framework: str) -> Framework | None:
    return table_of(framework, tables().frameworks)


@lru_cache(maxsize=256)
def _picked(table: str, version: str) -> Picked:
    return pick(tables().framework(table), version, None, "")
