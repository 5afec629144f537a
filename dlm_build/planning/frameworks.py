"""Framework, version, device and CUDA."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime
from pathlib import PurePosixPath

from msgspec.structs import replace

from dlm_build.errors import shown
from dlm_build.findings import planning as kinds
from dlm_build.findings.runtime import NoFrameworkVersion
from dlm_build.planning.decided import Decided, decided, invalid, noticed
from dlm_build.planning.env_files import Declared
from dlm_build.planning.evidence import asks_for_gpu, declared_cuda, for_cpu, framework_of, pinned_version
from dlm_build.planning.others import NAMELESS, made_for
from dlm_build.planning.tables import Framework, FrameworkRow
from dlm_build.planning.versions import Picked, numbers, pick
from dlm_build.records import Finding, Item, Member, ModelFormat
from dlm_build.weight_files import BY_SUFFIX, WEIGHT_SUFFIXES
from dlm_build.words import words_of

_BY_FORMAT: dict[ModelFormat, str] = {
    "onnx": "onnxruntime", "torchscript": "pytorch", "exported": "pytorch", "torch-pickle": "pytorch",
    "keras": "tensorflow", "hdf5": "tensorflow", "tflite": "tensorflow",
}  # fmt: skip


def decide_framework(
    item: Item, weights: Member | None, declared: Declared | None, tables: Sequence[Framework]
) -> Decided[Framework]:
    """One that the tables know, else one made for the item, whose own environment then says what is installed.

    Raises ItemInvalid where it declares none.
    """
    named = item.runtime.framework
    if named and named.strip():
        return noticed(_named(named, item, declared, tables), _keras(named, item))
    installed = framework_of(declared, tables) if declared else None
    if installed and declared:
        return _inferred(item, installed, f"its environment installs it ({shown(declared.origin)})")
    if weights and (told := _told_by(weights)):
        name, reason = told
        return _inferred(item, next(table for table in tables if table.name == name), reason)
    if declared:
        reason = f"its environment ({shown(declared.origin)}) says what is installed, and no framework that is known"
        return _inferred(item, made_for(NAMELESS), reason)
    message = "the item names no framework, and nothing else tells"
    raise invalid(item.pointers.framework, message, _without_table(item, tables))


def decide_framework_alone(item: Item, alone: str | None, tables: Sequence[Framework]) -> Decided[Framework] | None:
    """`alone`, which runs the weights by themselves, where the item declares another framework or none.

    None where it declares this one, or where the weights need code.
    """
    if alone is None:
        return None
    table = next(table for table in tables if table.name == alone)
    named = (item.runtime.framework or "").strip()
    if not named:
        return _inferred(item, table, f"the weights are of {alone}, and no code runs them")
    if _is(named, table):
        return None
    form = "ONNX" if alone == "onnxruntime" else "TorchScript"
    reason = f"{shown(named)} is declared, but the weights are {form}, which nothing but {alone} is asked to run"
    note = kinds.FrameworkOfWeights.at(item.pointers.framework, found=named, form=form, framework=alone)
    return noticed(decided("framework", table, table.name, reason, item.pointers.framework), note)


def _told_by(weights: Member) -> tuple[str, str] | None:
    """The framework that the weights are of, and why: by their bytes, else by their name."""
    if weights.format in _BY_FORMAT:
        return _BY_FORMAT[weights.format], f"the weights are {weights.format}, as their bytes tell"
    suffix = PurePosixPath(weights.path).suffix.lower()
    named = BY_SUFFIX[suffix].framework if suffix in WEIGHT_SUFFIXES else None
    return (named.lower(), f"the weights are a {suffix} file") if named else None


def _by_reader(item: Item) -> str:
    """How the framework was read, where it is not the word that the item has; empty where it is."""
    told = (f for f in item.findings if f.code in ("framework-of-artifact", "framework-from-artifact"))
    return next((finding.message for finding in told), "")


def _named(named: str, item: Item, declared: Declared | None, tables: Sequence[Framework]) -> Decided[Framework]:
    pointer, reason = item.pointers.framework, _by_reader(item) or f"{shown(named)} is declared"
    if table := table_of(named, tables):
        return decided("framework", table, table.name, reason, pointer)
    if declared is None:
        message = f"dlm-build has no recipe for {shown(named)}, and no environment says what to install"
        raise invalid(pointer, message, _without_table(item, tables))
    made, installed = made_for(named), framework_of(declared, tables)
    if installed and framework_of(declared, [made]) is None:
        reason = f"{reason}, of which there is no table; its environment installs {installed.name}"
        note = kinds.FrameworkOfEnvironment.at(pointer, found=named, file=declared.origin, framework=installed.name)
        return noticed(decided("framework", installed, installed.name, reason, pointer), note)
    reason = f"{reason}; {shown(declared.origin)} says what is installed"
    return decided("framework", made, made.name, reason, pointer)


def is_another(item: Item, table: Framework) -> bool:
    """Whether a version that the item gives is not that of `table`, since it names another framework, or Python alone
    runs the model."""
    named = (item.runtime.framework or "").strip()
    return table.is_known and not _is(named, table) if named else not table.is_known


def _without_table(item: Item, tables: Sequence[Framework]) -> str:
    return f"{words_of(item).packages}, or name one of {_known(tables)}"


def table_of(named: str, tables: Sequence[Framework]) -> Framework | None:
    """The framework of that name, in any of its spellings; None where it is none that the tables know."""
    return next((table for table in tables if _is(named, table)), None)


def _is(named: str, table: Framework) -> bool:
    plain = re.fullmatch(r"[A-Za-z0-9 ._-]{1,100}", named.strip())
    spelled = re.sub(r"[^a-z0-9]", "", plain.group().lower()) if plain else ""
    return not {spelled, spelled.rstrip("0123456789")}.isdisjoint(table.aliases)


def _keras(named: str, item: Item) -> Finding | None:
    """The reader has left out a version of Keras that cannot be TensorFlow's."""
    if "keras" not in named.lower() or item.runtime.version is None:
        return None
    return kinds.KerasVersion.at(item.pointers.framework)


def _inferred(item: Item, table: Framework, reason: str) -> Decided[Framework]:
    outcome = decided("framework", table, table.name, f"not declared; {reason}")
    return noticed(outcome, kinds.FrameworkInferred.at(item.pointers.framework, found=table.name, reason=reason))


def _known(tables: Sequence[Framework]) -> str:
    return ", ".join(sorted(table.name for table in tables))


def decide_version(item: Item, declared: Declared | None, table: Framework, as_of: datetime | None) -> Decided[Picked]:
    """A pin in the environment wins over the item, which often knows no patch level."""
    raw, pointer = item.runtime.version, item.pointers.version
    said = pick(table, raw, as_of, pointer) if raw else None
    pinned = pinned_version(declared, table) if declared else None
    if pinned is None:
        picked = said or pick(table, None, as_of, pointer)
        outcome = _version(picked, picked.reason, table)
        return noticed(outcome, _missing(item, picked), _unknown(picked, pointer))
    text, place = pinned
    installed = pick(table, text, as_of, place)
    reason = f"{text} is what the environment installs ({shown(place)})"
    outcome = _version(installed, reason, table)
    return noticed(outcome, _unknown(installed, place), _contradiction(raw, text, pointer))


def _version(picked: Picked, reason: str, table: Framework) -> Decided[Picked]:
    if not table.is_known:
        return decided("framework-version", picked, picked.version or "not known", reason)
    return decided("framework-version", picked, picked.version, reason, f"row {table.name} {picked.row.version}")


def _missing(item: Item, picked: Picked) -> Finding | None:
    if (item.runtime.version or "").strip() or not picked.row.is_known:
        return None
    fix = words_of(item).version.format(version=picked.version)
    return replace(NoFrameworkVersion.at(item.pointers.version), hint=fix)


def _unknown(picked: Picked, pointer: str) -> Finding | None:
    if picked.exists:
        return None
    return kinds.UnknownVersion.at(pointer, found=picked.reason, other=picked.row.version)


def _contradiction(raw: str | None, installed: str, pointer: str) -> Finding | None:
    said = numbers(raw or "")
    if not said or numbers(installed)[: len(said)] == said:
        return None
    return kinds.VersionContradiction.at(pointer, found=raw, used=installed)


def decide_gpu(item: Item, declared: Declared | None, table: Framework, choice: bool | None) -> Decided[bool]:
    """Whether the model is planned for a GPU."""
    place = for_cpu(declared, table) if declared else None
    said = item.runtime.docker.gpu
    if choice is not None and not (choice and place):
        return decided("gpu", choice, _yes(choice), "asked for with --gpu or --no-gpu")
    if place:
        outcome = decided("gpu", False, "no", f"the environment installs {table.name} without CUDA", shown(place))
        note = kinds.NoCudaBuild.at(item.pointers.gpu, found=place, framework=table.name)
        return noticed(outcome, note if said or choice else None)
    if said is not None:
        return decided("gpu", said, _yes(said), "declared", item.pointers.gpu)
    if declared and declared.local_cpu and declared_cuda(declared, wheels=True) is None:
        reason = "the item does not say, and its environment was made with a build for CPUs"
        return decided("gpu", False, "no", reason, shown(declared.origin))
    if not table.is_known:
        asked = asks_for_gpu(declared) if declared else None
        if asked is None:
            return decided("gpu", False, "no", "the item does not say, and its environment asks for no CUDA")
        reason = "the item does not say, and its environment installs what is built for GPUs"
        return decided("gpu", True, "yes", reason, shown(asked))
    reason = "the item does not say; a build for GPUs also runs without one, and --no-gpu makes a smaller one"
    return decided("gpu", True, "yes", reason)


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def decide_cuda(item: Item, declared: Declared | None, row: FrameworkRow, gpu: bool) -> Decided[str | None]:
    """`X.Y`, or `X` where any minor version will do; None where the model runs on the CPU."""
    if not gpu:
        return decided("cuda", None, "none", "the model is planned for the CPU")
    evidence = declared_cuda(declared, wheels=not row.is_known) if declared else None
    if evidence:
        cuda, place = evidence
        outcome: Decided[str | None] = decided("cuda", cuda, cuda, "the environment asks for it", shown(place))
        return noticed(outcome, _untested(cuda, row, place))
    if not row.is_known:
        unknown: Decided[str | None] = decided("cuda", None, "not known", "no package of the environment tells it")
        return noticed(unknown, kinds.CudaUnknown.at(item.pointers.gpu))
    reason = f"what {row.version} brings by default" + (f" ({row.cuda_source})" if row.cuda_source else "")
    chosen = row.cuda_default
    if row.conda_style and (hinted := _hinted(item)) in row.cuda:
        chosen, reason = hinted, "named by the item's image, and there is a build for it"
    outcome = decided("cuda", chosen, chosen, reason, f"row {row.version}: CUDA {', '.join(row.cuda)}")
    return noticed(outcome, _other_wheel(declared, chosen))


def _hinted(item: Item) -> str:
    docker = item.runtime.docker
    text = " ".join(part for part in (docker.image_name, docker.tag) if part)[:400].lower()
    found = re.search(r"(?:cuda|cu)[:_-]?(\d{1,2}\.\d)", text)
    return found[1] if found else ""


def _untested(cuda: str, row: FrameworkRow, place: str) -> Finding | None:
    known = {numbers(one)[:2] for one in row.cuda} | {numbers(one)[:1] for one in row.cuda if "." not in one}
    if not row.is_known or numbers(cuda)[:2] in known or numbers(cuda)[:1] in known:
        return None
    return kinds.CudaUnsupported.at(place, found=cuda, framework=row.version, other=", ".join(row.cuda))


def _other_wheel(declared: Declared | None, chosen: str) -> Finding | None:
    wanted = declared.local_cuda if declared else None
    if wanted is None or wanted == chosen:
        return None
    return kinds.CudaOfWheel.at("", found=wanted, used=chosen)
