"""Environment files of every kind, read into one record. Nothing is decided here; odd lines are findings."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Sequence

from packaging.requirements import InvalidRequirement, Requirement
from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from dlm_build.errors import ItemInvalid, shown
from dlm_build.findings import environments as kinds
from dlm_build.locks import LockedRow, build_of, explicit_rows, is_foreign
from dlm_build.planning.match_specs import channel_name, spec_of
from dlm_build.planning.requirements import LONGEST_TEXT, Line, Pip, Siblings, read_lines, read_requirements
from dlm_build.records import EnvironmentFile, Finding, Record

CONDA_NAMES = {
    "sklearn": "scikit-learn", "skimage": "scikit-image", "cv2": "opencv", "pil": "pillow", "osgeo": "gdal",
    "torch": "pytorch",
}  # fmt: skip
_BUILD = re.compile(r"={1,2}(?P<version>[^=<>!~,| ]+)(?:=(?P<build>[^=<>!~,| ]+))?")
_SELECTOR = re.compile(r"#\s*\[(?P<expression>[^\]]*)\]")
_HERE = frozenset({"linux", "linux64", "linux-64", "unix", "x86_64", "x86"})
_ELSEWHERE = frozenset({
    "win", "win32", "win64", "win-64", "osx", "osx64", "osx-64", "osx-arm64", "arm64", "aarch64", "linux-aarch64",
    "ppc64le", "linux-ppc64le", "linux32", "emscripten",
})  # fmt: skip
DEEPEST_BRACKETS = 64
_KNOWN_KEYS = frozenset({"name", "channels", "dependencies", "prefix", "platforms", "category", "pip-repositories"})
_ROW = re.compile(r"^(?=- )", re.MULTILINE)
_FIELD = re.compile(r"^(?:- |  )(name|version|manager|platform|category|url): +(\S+) *$", re.MULTILINE)
_INSTALLED = {"platform": "linux-64", "category": "main"}
"""What a row of a conda-lock.yml says of a package that gets into the image."""


class Conda(Record, frozen=True, kw_only=True):
    """One line of a conda environment."""

    name: str
    channel: str = ""
    rest: str = ""
    """Everything behind the name, spaces around operators left out."""
    place: str = ""

    @property
    def spec(self) -> str:
        return (f"{self.channel}::" if self.channel else "") + self.name + self.rest

    @property
    def version(self) -> str | None:
        """The one version asked for, without its build; None where there is none or a range."""
        found = _BUILD.fullmatch(self.rest)
        return found["version"].rstrip(".*") or None if found else None

    @property
    def build(self) -> str:
        found = _BUILD.fullmatch(self.rest)
        return (found["build"] or "") if found else ""


class Declared(Record, frozen=True, kw_only=True):
    """An environment as its publisher wrote it."""

    origin: str
    kind: str
    channels: tuple[str, ...] = ()
    conda: tuple[Conda, ...] = ()
    pip: tuple[str, ...] = ()
    constraints: tuple[str, ...] = ()
    """Of what pip installs."""
    local_cuda: str | None = None
    local_cpu: bool = False
    lock_text: str | None = None
    findings: tuple[Finding, ...] = ()
    included: tuple[str, ...] = ()
    """Names of the other files that were read as part of it."""

    def conda_named(self, *names: str) -> Conda | None:
        return next((line for line in self.conda if line.name in names), None)


def read_environment(file: EnvironmentFile, others: Sequence[EnvironmentFile]) -> Declared:
    """Raises ItemInvalid with file and line."""
    siblings = Siblings(file, others)
    if file.kind in ("conda-lock", "explicit"):
        return _locked(file)
    _refuse_foreign(file)
    if file.kind == "pip":
        return _declared(file, read_requirements(file, siblings))
    return _conda(file, siblings)


def _refuse_foreign(file: EnvironmentFile) -> None:
    if is_foreign(posixpath.basename(file.name.partition(":")[2])):
        raise ItemInvalid(
            f"{shown(file.name)}: a file of this kind is not read as an environment",
            "publish a conda-lock.yml, or a requirements.txt with versions, and name that instead",
        )


def _declared(file: EnvironmentFile, pip: Pip) -> Declared:
    return Declared(
        origin=file.name, kind=file.kind, pip=pip.requirements, constraints=pip.constraints,
        local_cuda=pip.local_cuda, local_cpu=pip.local_cpu, findings=pip.findings, included=pip.included,
    )  # fmt: skip


def _locked(file: EnvironmentFile) -> Declared:
    """What a lock already decided; whether it holds together is for the locking step to say."""
    if len(file.text) > 32 * LONGEST_TEXT:
        raise ItemInvalid(f"{shown(file.name)} has {len(file.text)} characters", "a lock is a few megabytes")
    rows = explicit_rows(file.text, file.name) if file.kind == "explicit" else _conda_lock(file)
    if not rows:
        raise ItemInvalid(f"{shown(file.name)}: no package is locked in it for linux-64", "lock it with conda-lock")
    conda = [_locked_conda(row, file) for row in rows if row.manager == "conda"]
    pip = [_locked_pip(row, file) for row in rows if row.manager == "pip"]
    return Declared(
        origin=file.name, kind=file.kind, conda=tuple(dict.fromkeys(conda)), pip=tuple(dict.fromkeys(pip)),
        lock_text=file.text,
    )  # fmt: skip


def _locked_conda(row: LockedRow, file: EnvironmentFile) -> Conda:
    """Its build tells a framework for the CPU from one for CUDA."""
    build = build_of(row.url)
    return Conda(name=row.name.lower(), rest=f"={row.version}" + (f"={build}" if build else ""), place=file.name)


def _locked_pip(row: LockedRow, file: EnvironmentFile) -> str:
    try:
        return str(Requirement(f"{row.name}=={row.version}"))
    except InvalidRequirement:
        found = shown(f"{row.name} {row.version}")
        raise ItemInvalid(f"{shown(file.name)}: {found} is no package of Python", "lock it with conda-lock") from None


def _conda_lock(file: EnvironmentFile) -> list[LockedRow]:
    """Each package that gets into the image; older versions of conda-lock wrote the fields in another order."""
    rows = [_fields(row) for row in _ROW.split(file.text.replace("\r\n", "\n"))]
    return [
        LockedRow(
            manager="conda" if row["manager"] == "conda" else "pip", name=row["name"].lower(), version=row["version"],
            url=row.get("url", ""),
        )
        for row in rows
        if _is_installed(row)
    ]  # fmt: skip


def _fields(row: str) -> dict[str, str]:
    return {key: value.strip("'\"") for key, value in _FIELD.findall(row)}


def _is_installed(row: dict[str, str]) -> bool:
    is_package = row.keys() >= {"name", "version"} and row.get("manager") in ("conda", "pip")
    return is_package and all(row.get(key, wanted) == wanted for key, wanted in _INSTALLED.items())


def _conda(file: EnvironmentFile, siblings: Siblings) -> Declared:
    table = _table(_composed(file), file)
    conda: list[Conda] = []
    pip: list[Line] = []
    findings = [_unknown_key(key, file) for key in table if key not in _KNOWN_KEYS]
    lines = file.text.split("\n")
    if "dependencies" not in table:
        raise ItemInvalid(f"{shown(file.name)}: there are no `dependencies`", "list the packages under that key")
    for of_pip, node in _entries(table["dependencies"], file):
        if left_out := _selected_away(node, lines, file):
            findings.append(left_out)
        elif of_pip:
            pip.extend(_pip_line(node, file))
        else:
            line, note = _conda_line(node, file)
            conda.append(line)
            findings.extend(note)
    part = read_lines(pip, siblings)
    return Declared(
        origin=file.name, kind=file.kind, channels=_channels(table.get("channels"), file), conda=tuple(conda),
        pip=part.requirements, constraints=part.constraints, local_cuda=part.local_cuda,
        local_cpu=part.local_cpu, findings=(*findings, *part.findings), included=part.included,
    )  # fmt: skip


def _composed(file: EnvironmentFile) -> Node | None:
    """The document as a graph of scalars with positions: no tag is resolved, so `3.10` stays `3.10`."""
    if len(file.text) > LONGEST_TEXT:
        raise ItemInvalid(f"{shown(file.name)} has {len(file.text)} characters", "a few kilobytes are usual")
    if _brackets(file.text) > DEEPEST_BRACKETS:
        raise ItemInvalid(f"{shown(file.name)}: brackets nested too deep", "write one package per line")
    try:
        composed: Node | None = YAML(typ="safe", pure=True).compose(file.text)
        return composed
    except YAMLError as problem:
        mark = getattr(problem, "problem_mark", None)
        where = f":{mark.line + 1}" if mark else ""
        what = getattr(problem, "problem", None) or "not YAML"
        raise ItemInvalid(f"{shown(file.name)}{where}: {shown(what)}", "correct that line") from None
    except (RecursionError, ValueError, AssertionError) as problem:
        raise ItemInvalid(f"{shown(file.name)}: not YAML: {shown(str(problem))}", "write it anew") from None


def _brackets(text: str) -> int:
    """How many are open at once at most, quotes and comments not regarded: a bound, found before parsing."""
    depth = deepest = 0
    for character in re.findall(r"[\[\]{}]", text):
        depth = depth + 1 if character in "[{" else max(depth - 1, 0)
        deepest = max(deepest, depth)
    return deepest


def _table(node: Node | None, file: EnvironmentFile) -> dict[str, Node]:
    if not isinstance(node, MappingNode):
        raise ItemInvalid(f"{shown(file.name)} is not a conda environment", "it needs a `dependencies` list")
    return {str(key.value): value for key, value in node.value if isinstance(key, ScalarNode)}


def _items(node: Node | None, file: EnvironmentFile, what: str) -> Iterator[Node]:
    if isinstance(node, SequenceNode):
        yield from node.value
    elif node is not None and not (isinstance(node, ScalarNode) and node.value in ("", "null", "~")):
        raise ItemInvalid(f"{_place(node, file)}: `{what}` is not a list", "write one `- name` per line")


def _entries(dependencies: Node, file: EnvironmentFile) -> Iterator[tuple[bool, Node]]:
    """Every dependency, and whether it stands below `pip:`."""
    for node in _items(dependencies, file, "dependencies"):
        if not isinstance(node, MappingNode):
            yield False, node
            continue
        for key, value in node.value:
            if not (isinstance(key, ScalarNode) and key.value == "pip"):
                raise ItemInvalid(f"{_place(key, file)}: {shown(str(key.value))} is not `pip`", "write `- pip:`")
            yield from ((True, item) for item in _items(value, file, "pip"))


def _pip_line(node: Node, file: EnvironmentFile) -> Iterator[Line]:
    """None for an entry that is empty."""
    if not isinstance(node, ScalarNode):
        raise ItemInvalid(f"{_place(node, file)}: not a requirement", "write one requirement per line")
    if "\n" in node.value:
        raise ItemInvalid(f"{_place(node, file)}: several lines in one", "write one requirement per line")
    if text := re.sub(r"(^|\s)#.*", "", node.value).strip():
        yield Line(text=text, place=_place(node, file))


def _conda_line(node: Node, file: EnvironmentFile) -> tuple[Conda, list[Finding]]:
    place = _place(node, file)
    text = str(node.value) if isinstance(node, ScalarNode) else ""
    spec = spec_of(text)
    if spec is None:
        raise ItemInvalid(f"{place}: {shown(text)} is not a conda package", "write name=version")
    findings = [kinds.HashesUnused.at("", found=shown(file.name))] if spec.hashes else []
    if wanted := CONDA_NAMES.get(spec.name):
        findings.append(kinds.ImportName.at("", place=place, found=spec.name, wanted=wanted))
    return Conda(name=wanted or spec.name, channel=spec.channel, rest=spec.rest, place=place), findings


def _selected_away(node: Node, lines: list[str], file: EnvironmentFile) -> Finding | None:
    """A line that a selector keeps for another system, such as `# [win]`."""
    found = _SELECTOR.search(lines[node.start_mark.line]) if node.start_mark.line < len(lines) else None
    if not found:
        return None
    if any(all(map(_holds, part.split(" and "))) for part in found["expression"].split(" or ")):
        return None
    return kinds.Selector.at("", found=f"{_place(node, file)}: {shown(str(node.value))}")


def _holds(term: str) -> bool:
    """On linux-64. What names no system is a remark, such as `# [see below]`: conda itself heeds none of them."""
    name = term.strip()
    negated, name = name.startswith("not "), name.removeprefix("not ").strip()
    return name not in (_HERE if negated else _ELSEWHERE)


def _channels(node: Node | None, file: EnvironmentFile) -> tuple[str, ...]:
    names = [str(item.value).strip() for item in _items(node, file, "channels") if isinstance(item, ScalarNode)]
    return tuple(dict.fromkeys(channel_name(name) for name in names if name and name != "nodefaults"))


def _unknown_key(key: str, file: EnvironmentFile) -> Finding:
    kind = kinds.EnvironmentVariables if key == "variables" else kinds.EnvironmentKey
    return kind.at("", file=file.name, found=shown(key))


def _place(node: Node, file: EnvironmentFile) -> str:
    return f"{shown(file.name)}:{node.start_mark.line + 1}"
