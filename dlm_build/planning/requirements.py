"""Requirement lines of pip, reduced to names, versions, extras and markers: all that survives into a lock."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from msgspec.structs import replace
from packaging.requirements import InvalidRequirement, Requirement
from packaging.specifiers import Specifier, SpecifierSet
from packaging.utils import canonicalize_name

from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings import Kind
from dlm_build.findings import environments as kinds
from dlm_build.records import EnvironmentFile, Finding, Record

IMPORT_NAMES = {
    "sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv-python", "pil": "pillow", "yaml": "pyyaml",
    "osgeo": "gdal", "gdal-python": "gdal", "bs4": "beautifulsoup4", "dateutil": "python-dateutil", "pytorch": "torch",
}  # fmt: skip
"""What people write for what the package is called."""
LONGEST_TEXT = 1 << 20
LONGEST_LINE = 2000
DEEPEST = 3
_INCLUDE = re.compile(r"(-r|--requirement)[\s=]*(?P<file>.+)")
_CONSTRAIN = re.compile(r"(-c|--constraint)[\s=]*(?P<file>.+)")
_EDITABLE = re.compile(r"(-e|--editable)[\s=]*(?P<what>.*)")
_OPTION = re.compile(
    r"(-i|--index-url|--extra-index-url|-f|--find-links|--trusted-host|--no-index|--pre|--no-binary|--only-binary"
    r"|--prefer-binary|--require-hashes|--use-feature|--no-deps|--no-cache-dir|--upgrade|-U|--no-build-isolation)([\s=]|\Z)"
)
_PER_REQUIREMENT = re.compile(r"\s--(hash|global-option|install-option|config-settings?)\b.*")
_OF_CONDA = re.compile(r"[A-Za-z0-9_][\w.-]*=[^=\s]+=[^=\s]+")
"""A line of `conda list --export`, which many keep as requirements.txt."""
_STARRED = re.compile(r"((?:>=|<)\s*\d+(?:\.\d+)*)\.\*(?=\s*(?:[,;)]|\Z))")
"""As pip took it before 2024, and conda does: `>=1.16.*`."""
_TREE = re.compile(r"(?P<path>[./]+)(\[[A-Za-z0-9, _-]*\])?")


class Siblings(NamedTuple):
    """Where what `file` includes is looked for: in the same place, by a path relative to `file`."""

    file: EnvironmentFile
    others: Sequence[EnvironmentFile]

    def find(self, name: str) -> EnvironmentFile | None:
        place, _, path = self.file.name.rpartition(":")
        wanted = f"{place}:{posixpath.normpath(posixpath.join(posixpath.dirname(path), name))}"
        return next((other for other in self.others if other.name == wanted and other.kind == "pip"), None)

    def of(self, file: EnvironmentFile) -> Siblings:
        return self._replace(file=file)


class Pip(Record, frozen=True, kw_only=True):
    """What a list of requirement lines comes to."""

    requirements: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    """What holds for a package that is installed for another reason."""
    findings: tuple[Finding, ...] = ()
    local_cuda: str | None = None
    """CUDA that a dropped local version named: `+cu117` gives `11.7`."""
    local_cpu: bool = False
    """Whether one named a build for CPUs: `+cpu`."""
    included: tuple[str, ...] = ()
    """Names of the files whose lines are among these."""


class Line(Record, frozen=True, kw_only=True):
    """A logical line and where it begins."""

    text: str
    place: str
    """`file:line`."""


def read_requirements(file: EnvironmentFile, siblings: Siblings) -> Pip:
    """All of a requirements file and what it includes. Raises ItemInvalid with file and line."""
    return read_lines(list(logical_lines(file.text, file.name)), siblings)


def read_lines(lines: list[Line], siblings: Siblings) -> Pip:
    """Where a constraint is of a package that is asked for, the requirement says it too, as evidence of its version."""
    part = _read_lines(lines, siblings, 0)
    bounds = [one for one in map(Requirement, part.constraints) if one.marker is None]
    return replace(part, requirements=tuple(_within(text, bounds) for text in part.requirements))


def _within(text: str, bounds: list[Requirement]) -> str:
    parsed = Requirement(text)
    own = [bound for bound in bounds if canonicalize_name(bound.name) == canonicalize_name(parsed.name)]
    for bound in own:
        parsed.specifier &= bound.specifier
    return str(parsed) if own else text


def _read_lines(lines: list[Line], siblings: Siblings, depth: int) -> Pip:
    kept: list[str] = []
    constraints: list[str] = []
    findings: list[Finding] = []
    included: list[str] = []
    cuda, cpu = None, False
    for line in lines:
        part = _read_line(line, siblings, depth)
        kept.extend(part.requirements)
        constraints.extend(part.constraints)
        findings.extend(part.findings)
        included.extend(part.included)
        cuda, cpu = cuda or part.local_cuda, cpu or part.local_cpu
    return Pip(
        requirements=tuple(dict.fromkeys(kept)), constraints=tuple(dict.fromkeys(constraints)),
        findings=tuple(dict.fromkeys(findings)), local_cuda=cuda, local_cpu=cpu, included=tuple(included),
    )  # fmt: skip


def logical_lines(text: str, name: str) -> Iterator[Line]:
    """Continuations joined, comments and empty lines left out."""
    if len(text) > LONGEST_TEXT:
        raise ItemInvalid(f"{shown(name)} has {len(text)} characters", "an environment file is a few kilobytes")
    gathered, start = "", 0
    for number, raw in enumerate(text.split("\n"), 1):
        start = start if gathered else number
        stripped = re.sub(r"(^|\s)#.*", "", raw.rstrip("\r"))
        if stripped.endswith("\\"):
            gathered += stripped[:-1] + " "
            continue
        whole, gathered = (gathered + stripped).strip(), ""
        if whole:
            yield Line(text=whole, place=f"{name}:{start}")
    if gathered.strip():
        yield Line(text=gathered.strip(), place=f"{name}:{start}")


def _read_line(line: Line, siblings: Siblings, depth: int) -> Pip:
    text = _PER_REQUIREMENT.sub("", line.text).strip()
    if "--hash" in line.text and text != line.text:
        part = _read_line(Line(text=text, place=line.place), siblings, depth)
        return replace(part, findings=(*part.findings, _hashes(line)))
    if include := _INCLUDE.fullmatch(text):
        return _included(include["file"].strip(), line, siblings, depth)
    if editable := _EDITABLE.fullmatch(text):
        text = editable["what"].strip()
        if not _is_own_tree(text, siblings.file):
            raise _refused(line, "an editable install of something else")
    if _is_own_tree(text, siblings.file):
        return _dropped(line, kinds.OwnTree)
    if constrained := _CONSTRAIN.fullmatch(text):
        return _constrained(constrained["file"], line, siblings, depth)
    if _OPTION.match(text):
        return _dropped(line, kinds.PipOption)
    if text.startswith("-"):
        raise _refused(line, "an option dlm-build does not know")
    return _requirement(text, line)


def _is_own_tree(text: str, file: EnvironmentFile) -> bool:
    """From the top, where pip is started, or from the folder of `file`, where conda starts it."""
    found = _TREE.fullmatch(text)
    folder = posixpath.dirname(file.name.rpartition(":")[2])
    return found is not None and any(
        posixpath.normpath(posixpath.join(start, found["path"])) == "." for start in ("", folder)
    )


def _hashes(line: Line) -> Finding:
    return kinds.HashesUnused.at("", found=line.place.rpartition(":")[0])


def _requirement(text: str, line: Line) -> Pip:
    if len(text) > LONGEST_LINE:
        raise _refused(line, f"a line of {len(text)} characters")
    plain = _STARRED.sub(r"\1", text)
    try:
        parsed = Requirement(plain)
    except InvalidRequirement:
        if _OF_CONDA.fullmatch(text):
            why = f"{shown(line.place)}: {shown(text)}: a package of conda, in a list for pip"
            raise ItemInvalid(why, "publish an environment.yml instead, as `conda env export` writes it") from None
        raise _refused(line, "not a name with a version") from None
    if parsed.url:
        raise _refused(line, "a link instead of a version")
    findings = []
    if plain != text:
        findings.append(kinds.StarBehindOrder.at("", place=line.place, found=text, wanted=plain))
    if wanted := IMPORT_NAMES.get(canonicalize_name(parsed.name)):
        findings.append(kinds.ImportName.at("", place=line.place, found=parsed.name, wanted=wanted))
        parsed.name = wanted
        if all(one.version.startswith("0.0") for one in parsed.specifier):
            parsed.specifier = SpecifierSet()  # of the empty package that holds the name, as in `sklearn==0.0`
    parsed.specifier, local = without_local(parsed.specifier)
    if local:
        findings.append(kinds.LocalVersion.at("", place=line.place, found=local))
    cuda = cuda_of_tag(local)
    return Pip(requirements=(str(parsed),), findings=tuple(findings), local_cuda=cuda, local_cpu=local == "cpu")


def without_local(specifiers: SpecifierSet) -> tuple[SpecifierSet, str]:
    """`==2.4.0+cu121` → `==2.4.0` and `cu121`."""
    kept, local = [], ""
    for one in specifiers:
        version, _, tag = one.version.partition("+")
        local = local or tag
        kept.append(str(Specifier(f"{one.operator}{version}")) if tag else str(one))
    return SpecifierSet(",".join(kept)), local


def cuda_of_tag(tag: str) -> str | None:
    """`cu117` → `11.7`, `cu92` → `9.2`; None for anything else."""
    found = re.fullmatch(r"cu(\d{1,2})(\d)", tag)
    return f"{found[1]}.{found[2]}" if found else None


def _included(name: str, line: Line, siblings: Siblings, depth: int) -> Pip:
    if depth >= DEEPEST:
        raise _refused(line, "files that include each other")
    found = siblings.find(name.strip("'\""))
    if found is None:
        why = f"{shown(line.place)}: {shown(line.text)}: {shown(name)} is not beside it"
        raise ItemInvalid(why, f"put {shown(name)} into the archive beside it, or write its lines here")
    part = _read_lines(list(logical_lines(found.text, found.name)), siblings.of(found), depth + 1)
    return replace(part, included=(found.name, *part.included))


def _constrained(name: str, line: Line, siblings: Siblings, depth: int) -> Pip:
    """A line that cannot be read costs its own bound only: most constraints are of what is not even installed.

    That is why they are no evidence of a CUDA either.
    """
    found = siblings.find(name.strip("'\""))
    if found is None or depth >= DEEPEST:
        return _dropped(line, kinds.ConstraintLost)
    parts = [_constraint(each, siblings.of(found), depth + 1) for each in logical_lines(found.text, found.name)]
    return Pip(
        constraints=tuple(text for part in parts for text in (*_bounds(part.requirements), *part.constraints)),
        findings=tuple(finding for part in parts for finding in part.findings),
        included=(found.name, *(name for part in parts for name in part.included)),
    )


def _constraint(line: Line, siblings: Siblings, depth: int) -> Pip:
    try:
        return _read_line(line, siblings, depth)
    except ItemInvalid:
        return _dropped(line, kinds.ConstraintLost)


def _bounds(requirements: Sequence[str]) -> Iterator[str]:
    """As constraints: without extras, which pip refuses there, and none that bounds nothing."""
    for parsed in map(Requirement, requirements):
        parsed.extras = set()
        if parsed.specifier:
            yield str(parsed)


def _dropped(line: Line, kind: type[Kind]) -> Pip:
    return Pip(findings=(kind.at("", place=line.place, found=shown(line.text)),))


def _refused(line: Line, why: str) -> ItemInvalid:
    hint = "write names with versions only, such as rasterio==1.3.9"
    return ItemInvalid(f"{shown(line.place)}: {shown(line.text)}: {why}", hint)
