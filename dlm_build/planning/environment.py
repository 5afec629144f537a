"""What to solve: the publisher's own environment as far as it goes, else one inferred from the framework."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Literal

from msgspec import UNSET
from msgspec.structs import replace
from packaging.requirements import Requirement

from dlm_build.config import Settings
from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings import environments as kinds
from dlm_build.planning.decided import Decided, decided, noticed
from dlm_build.planning.env_files import Conda, Declared
from dlm_build.planning.evidence import (
    CUDA_PACKAGES,
    bring_cuda,
    conda_framework,
    declared_cuda,
    is_framework,
    pip_framework,
    requirements,
    with_cudnn,
)  # fmt: skip
from dlm_build.planning.inferred import (
    LAST_WITHOUT_IMAGE,
    Facts,
    Parts,
    conda_cuda,
    framework_requirement,
    inferred_parts,
    lacks_libraries,
    needed,
)  # fmt: skip
from dlm_build.planning.others import NAMELESS
from dlm_build.planning.tables import Framework
from dlm_build.planning.versions import numbers
from dlm_build.records import EnvironmentFile, EnvironmentSpec, Finding

_CHANNEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*(/[A-Za-z0-9][A-Za-z0-9_.-]*)*")
"""Also with a label, as in `nvidia/label/cuda-11.8.0`."""
_SHELLS = frozenset({"bash", "sh", "env", "cp", "cat"})
_KINDS = {"conda-lock": 0, "explicit": 1, "conda": 2, "pip": 3}
_PLACES = {"archive": 1, "source": 2}
_BRING_NUMPY = frozenset({
    "rasterio", "pandas", "scipy", "scikit-learn", "scikit-image", "xarray", "tifffile", "onnxruntime", "tensorflow",
    "onnxruntime-gpu", "opencv", "opencv-python", "opencv-python-headless", "matplotlib", "geopandas", "torchvision",
})  # fmt: skip

_WITH_WINDOWS = ("opencv-python", "opencv-contrib-python")
_BRING_LIBGL = ("opencv", "py-opencv", "libopencv", "libgl", "mesalib")
"""Conda packages that bring libGL, or the very module instead."""

Libraries = Literal["brought", "wanted", "none"]
"""Of CUDA: in the environment, to come from the base image, or not needed."""


def choose_file(files: Sequence[EnvironmentFile]) -> EnvironmentFile | None:
    """A lock before a conda file before a pip one; among those the item's own, the archive's, the source's."""
    ranked = sorted(
        (file for file in files if file.kind in _KINDS),
        key=lambda file: (_KINDS[file.kind], _PLACES.get(file.name.partition(":")[0], 0)),
    )
    return ranked[0] if ranked else None


def unused_files(files: Sequence[EnvironmentFile], declared: Declared, pointer: str) -> list[Finding]:
    """A finding at `pointer` per file that was found and of which nothing was read."""
    return [
        kinds.EnvironmentNotUsed.at(pointer, found=file.name, used=declared.origin)
        for file in files
        if file.kind in _KINDS and file.name not in (declared.origin, *declared.included)
    ]


def decide_environment(facts: Facts, declared: Declared | None, settings: Settings) -> Decided[EnvironmentSpec]:
    """Raises ItemInvalid for a channel this site does not allow. The solver's glibc is set with the base."""
    if declared is None:
        return _inferred(facts, settings)
    if declared.lock_text is not None:
        spec = EnvironmentSpec(origin=declared.origin, channels=(), cuda=_virtual(facts), lock_text=declared.lock_text)
        outcome = decided("environment", spec, shown(declared.origin), "the publisher locked it")
        return noticed(outcome, *declared.findings, _not_installed(facts, declared))
    parts, notes = _completed(facts, declared, settings)
    spec = EnvironmentSpec(
        origin=declared.origin, channels=parts.channels, conda=parts.conda, pip=parts.pip,
        constraints=declared.constraints or UNSET, cuda=_virtual(facts),
    )  # fmt: skip
    outcome = decided("environment", spec, shown(declared.origin), _reason("declared by the publisher", parts, facts))
    return noticed(
        outcome, *declared.findings, *notes, None if facts.table.is_known else _not_installed(facts, declared)
    )


def _not_installed(facts: Facts, declared: Declared) -> Finding | None:
    """Where no package is the framework, or of one that no table knows has its name in its own."""
    table = facts.table
    if table.name == NAMELESS or conda_framework(declared, table) or pip_framework(declared, table):
        return None
    names = {line.name for line in declared.conda} | set(requirements(declared.pip))
    if not table.is_known and any(table.name in name for name in names):
        return None
    at = facts.pointers.requirements
    return kinds.FrameworkNotInstalled.at(at, found=declared.origin, framework=table.name)


def _inferred(facts: Facts, settings: Settings) -> Decided[EnvironmentSpec]:
    parts = inferred_parts(facts, settings)
    spec = EnvironmentSpec(
        origin="inferred", channels=parts.channels, conda=parts.conda, pip=parts.pip, cuda=_virtual(facts)
    )
    base = f"none is declared; {facts.table.name} {facts.picked.version} and what its runner needs"
    outcome = decided("environment", spec, "inferred", _reason(base, parts, facts))
    what = ", ".join((*parts.conda, *parts.pip))
    note = kinds.EnvironmentInferred.at(facts.pointers.requirements, found=what, environment=facts.words.environment)
    return noticed(outcome, note, _unknown_program(facts))


def _unknown_program(facts: Facts) -> Finding | None:
    """A command whose program no inferred package is known to bring."""
    program = facts.runner.argv[0].split()[0] if facts.runner.argv else ""
    if not program or "/" in program or program in _SHELLS or program.startswith("python"):
        return None
    return kinds.ProgramUnknown.at(facts.pointers.run, found=program)


def _reason(reason: str, parts: Parts, facts: Facts) -> str:
    toolkit = [spec for spec in parts.conda if spec.startswith(("cudatoolkit", "cudnn", "pytorch-cuda"))]
    if toolkit and facts.cuda:
        return f"{reason}; CUDA {facts.cuda} libraries from conda ({', '.join(toolkit)})"
    return reason


def _virtual(facts: Facts) -> str | None:
    """The solver's __cuda: what a driver for this CUDA says it can do."""
    if facts.cuda is None:
        return None
    return facts.cuda if "." in facts.cuda else f"{facts.cuda}.0"


def _completed(facts: Facts, declared: Declared, settings: Settings) -> tuple[Parts, list[Finding]]:
    """The declared environment with what it left out, each addition a finding."""
    notes: list[Finding] = []
    channels = _channels(declared, settings, notes, facts.pointers.requirements)
    conda = [_pinned(line, facts, notes) for line in declared.conda]
    pip = [_pinned_pip(text, facts, notes) for text in declared.pip]
    if not _pins_python(declared, facts):
        conda.append(f"python={facts.python}")
    installed = conda_framework(declared, facts.table) or pip_framework(declared, facts.table)
    if facts.table.is_known and not installed:
        _add_framework(facts, declared, pip, notes)
    _add_cuda(facts, declared, conda, notes)
    _add_needs(facts, declared, conda, pip, notes)
    notes.extend(_without_libgl(facts, declared))
    return Parts(channels=channels, conda=tuple(conda), pip=tuple(pip)), notes


def _channels(declared: Declared, settings: Settings, notes: list[Finding], pointer: str) -> tuple[str, ...]:
    named = tuple(dict.fromkeys((*declared.channels, *(line.channel for line in declared.conda if line.channel))))
    for name in named:
        if not _CHANNEL.fullmatch(name) or name not in {*settings.channels.allowed, *settings.channels.mirrors}:
            raise ItemInvalid(
                f"{shown(declared.origin)}: channel {shown(name)} is not allowed at this site",
                f"use one of {', '.join(settings.channels.allowed)}, or set `[channels] allowed` or `mirrors`",
            )
    if not named and declared.conda:
        notes.append(kinds.NoChannel.at(pointer, found=declared.origin))
    return named or ("conda-forge",)


def _pinned(line: Conda, facts: Facts, notes: list[Finding]) -> str:
    """A framework without a version gets the item's."""
    if line.rest or not facts.version_declared or not is_framework(line.name, facts.table):
        return line.spec
    notes.append(_tightened(line.place, line.name, facts))
    return f"{line.spec}={facts.picked.version}"


def _pinned_pip(text: str, facts: Facts, notes: list[Finding]) -> str:
    parsed = Requirement(text)
    if parsed.specifier or not facts.version_declared or not is_framework(parsed.name.lower(), facts.table):
        return text
    notes.append(_tightened(facts.table.name, parsed.name, facts))
    parsed.specifier &= Requirement(framework_requirement(facts)).specifier
    return str(parsed)


def _tightened(place: str, name: str, facts: Facts) -> Finding:
    used = facts.picked.version
    return kinds.FrameworkPinned.at(facts.pointers.requirements, place=place, found=name, used=used)


def _pins_python(declared: Declared, facts: Facts) -> bool:
    line = declared.conda_named("python")
    return bool(line and line.version and numbers(line.version)[:2] == numbers(facts.python))


def _add_framework(facts: Facts, declared: Declared, pip: list[str], notes: list[Finding]) -> None:
    requirement = framework_requirement(facts)
    pip.append(requirement)
    said = {"found": declared.origin, "framework": facts.table.name, "used": requirement}
    notes.append(kinds.FrameworkAdded.at(facts.pointers.requirements, **said))


def _add_cuda(facts: Facts, declared: Declared, conda: list[str], notes: list[Finding]) -> None:
    """No image has CUDA this old: where the framework does not bring it, conda does."""
    if not facts.gpu or facts.cuda is None or declared_cuda_packages(declared):
        return
    old = numbers(facts.cuda)[:2] <= LAST_WITHOUT_IMAGE
    from_conda = facts.table.name == "pytorch" and conda_framework(declared, facts.table) is not None
    if not (lacks_libraries(facts) or (old and from_conda)):
        return
    added = conda_cuda(facts)
    conda.extend(added)
    notes.append(kinds.CudaAdded.at(facts.pointers.requirements, found=" and ".join(added), cuda=facts.cuda))


def declared_cuda_packages(declared: Declared) -> bool:
    return any(declared.conda_named(name) for name in CUDA_PACKAGES)


def _add_needs(facts: Facts, declared: Declared, conda: list[str], pip: list[str], notes: list[Finding]) -> None:
    """Only the runners that are ours need anything, and only numpy and a reader of pictures."""
    if facts.runner.kind not in ("onnx", "torchscript"):
        return
    there = {line.name for line in declared.conda} | set(requirements(declared.pip))
    for name in needed(facts, reader="tifffile"):
        if name in there or (name == "numpy" and there & _BRING_NUMPY) or (name == "tifffile" and "rasterio" in there):
            continue
        (conda if declared.conda else pip).append(name)
        said = {"found": declared.origin, "used": name, "runner": facts.runner.kind}
        notes.append(kinds.RunnerNeeds.at(facts.pointers.requirements, **said))


def _without_libgl(facts: Facts, declared: Declared) -> list[Finding]:
    """Of OpenCV's wheels with windows; where a headless one is installed too, its files come later and stay."""
    installed = set(requirements(declared.pip))
    if declared.conda_named(*_BRING_LIBGL) or any(f"{name}-headless" in installed for name in _WITH_WINDOWS):
        return []
    named = [name for name in _WITH_WINDOWS if name in installed]
    said = facts.pointers.requirements
    return [kinds.NeedsLibGl.at(said, found=name, wanted=f"{name}-headless") for name in named]


def decide_libraries(facts: Facts, spec: EnvironmentSpec, declared: Declared | None) -> tuple[Libraries, str]:
    """Where the CUDA libraries come from, and why one may think so."""
    if facts.cuda is None:
        return "none", "nothing tells the CUDA" if facts.gpu else "nothing needs CUDA"
    if any(line.startswith(CUDA_PACKAGES) or "::cudatoolkit" in line for line in spec.conda):
        return "brought", "conda brings the CUDA libraries"
    if spec.lock_text is not None and declared is not None:
        return _libraries_of_lock(facts, declared)
    if any(_conda_framework(line, facts.table) for line in spec.conda):
        return "brought", f"conda's {facts.table.name} depends on the CUDA libraries"
    return _libraries_of_pip(facts, spec.pip)


def _conda_framework(line: str, table: Framework) -> bool:
    name = re.split(r"[=<>!~ ]", line.rpartition("::")[2])[0]
    return is_framework(name, table)


def _libraries_of_lock(facts: Facts, declared: Declared) -> tuple[Libraries, str]:
    if declared_cuda(declared) or conda_framework(declared, facts.table):
        return "brought", "the lock has the CUDA libraries"
    return _libraries_of_pip(facts, declared.pip)


def _libraries_of_pip(facts: Facts, pip: Sequence[str]) -> tuple[Libraries, str]:
    if facts.table.name == "pytorch":
        return "brought", "PyTorch's wheels bring the CUDA libraries"
    installed = [each for name, each in requirements(pip).items() if is_framework(name, facts.table)]
    if bring_cuda(extra for each in installed for extra in each.extras) or with_cudnn(pip):
        return "brought", "the wheels bring the CUDA libraries"
    return "wanted", f"the wheels of {facts.table.name} {facts.picked.version}".rstrip() + " bring no CUDA libraries"


def with_glibc(spec: EnvironmentSpec, glibc: str) -> EnvironmentSpec:
    return replace(spec, glibc=glibc)
