"""The packaged sample: which member goes in, which should come out, and how close is close enough."""

from __future__ import annotations

from dlm_build.errors import shown
from dlm_build.findings import Kind
from dlm_build.findings import samples as kinds
from dlm_build.items.assets import read_roles
from dlm_build.items.document import described
from dlm_build.items.names import member_name
from dlm_build.items.node import Node
from dlm_build.items.scalars import real, text
from dlm_build.records import ArchiveEntry, DeclaredSample, Record

INPUT_ROLES = frozenset(
    ("test", "test set", "test file", "test data", "test image", "test input", "test sample", "sample", "sample input")
)
EXPECTED_ROLES = frozenset(("expected output", "test output", "reference output", "sample output"))
_ROWS_EXAMPLE = '"dlm:archive": [{"name": "model.onnx", "roles": ["model weight"]}]'
_SAMPLE_EXAMPLE = '"test_file": {"filename": "sample.tif", "output": "expected.tif"}'
FILENAME = ("filename", "file", "name", "path", "input")
"""Names of the field that holds the sample, today's first."""
_OUTPUT = ("output", "expected_output", "expected")


class ArchiveRow(Record, frozen=True, kw_only=True):
    """An entry and where it stands."""

    entry: ArchiveEntry
    pointer: str


def read_archive(node: Node) -> tuple[ArchiveRow, ...]:
    """Rows of `dlm:archive`: objects with a name; names alone, or an object of name → roles, with a finding."""
    if isinstance(node.value, dict) and isinstance(node.value.get("content"), list):
        node = node.get("content")
    if isinstance(node.value, dict):
        node.find(kinds.ArchiveNotAList)
        pairs = [(row, member_name(row, key)) for key, row in node.members()]
        return tuple(_entry(row, name, ()) for row, name in pairs)
    if not node.absent and not isinstance(node.value, list):
        raise node.invalid(f"must be a list, but is {described(node.value)}", f"write {_ROWS_EXAMPLE}")
    rows = [_row(row) for row in node.rows() if not row.absent]
    found = tuple(row for row in rows if row is not None)
    seen: set[str] = set()
    for row in found:
        if row.entry.name in seen:
            place = Node(node.log, row.pointer, None)
            place.find(kinds.ArchiveNameRepeated, found=row.entry.name)
        seen.add(row.entry.name)
    return found


def _row(node: Node) -> ArchiveRow | None:
    if isinstance(node.value, str):
        node.find(kinds.ArchiveRowNotAnObject, found=node.value)
        return _entry(node, member_name(node, node.value.strip()), ())
    node.object('{"name": "model.onnx", "roles": ["model weight"]}')
    field = node.get("name", "filename", "path")
    name = text(field, "model.onnx")
    if name is None:
        field.find(kinds.ArchiveRowWithoutName)
        return None
    return _entry(node, member_name(field, name), read_roles(node))


def _entry(node: Node, name: str, roles: tuple[str, ...]) -> ArchiveRow:
    return ArchiveRow(entry=ArchiveEntry(name=name, roles=roles), pointer=node.pointer)


def read_sample(node: Node, archive: tuple[ArchiveRow, ...]) -> DeclaredSample | None:
    """From `test_file`, completed by the roles of `dlm:archive`; None, with a finding, where neither says.

    A bare name that equals the base name of exactly one listed path stands for that path.
    """
    node = _first(node)
    fields = node.object(_SAMPLE_EXAMPLE) if not isinstance(node.value, str) else node
    is_text = isinstance(node.value, str)
    source = node if is_text else fields.get(*FILENAME) if not node.absent else node
    given = _path(source, archive)
    expected = None if is_text or node.absent else _path(fields.get(*_OUTPUT), archive)
    sample_in = given or _by_role(node, archive, INPUT_ROLES, kinds.SampleFromRoles)
    if sample_in is None:
        node.find(kinds.NoSample)
        return None
    _same_file(source, given, archive)
    expected = expected or _by_role(node, archive, EXPECTED_ROLES, kinds.ExpectedFromRoles)
    if expected is None:
        node.find(kinds.NoExpectedOutput)
    elif expected == sample_in:
        raise node.invalid(f'the sample and its expected output are one file, "{shown(sample_in)}"', _SAMPLE_EXAMPLE)
    return DeclaredSample(
        input=sample_in,
        expected=expected,
        pointer=node.pointer,
        atol=None if is_text else real(fields.get("atol"), 0.0, 1e9, "1e-5"),
        rtol=None if is_text else real(fields.get("rtol"), 0.0, 1e9, "1e-4"),
    )


def _first(node: Node) -> Node:
    """Of a list of samples, the first."""
    rows = [row for row in node.rows() if not row.absent]
    if not isinstance(node.value, list):
        return node
    node.find(kinds.SeveralSamples, found=len(rows))
    return rows[0] if rows else Node(node.log, node.pointer, None)


def _path(node: Node, archive: tuple[ArchiveRow, ...]) -> str | None:
    """A name as the archive spells it."""
    value = text(node, "sample.tif")
    if value is None:
        return None
    if "://" in value:
        node.find(kinds.SampleIsAUrl, found=shown(value))
        return None
    name = member_name(node, value.strip())
    names = {row.entry.name for row in archive}
    twins = sorted(other for other in names if other.rpartition("/")[2] == name)
    if name in names or "/" in name or len(twins) != 1:
        return name
    node.find(kinds.SamplePathInferred, found=name, path=twins[0])
    return twins[0]


def _by_role(node: Node, archive: tuple[ArchiveRow, ...], roles: frozenset[str], kind: type[Kind]) -> str | None:
    rows = [row for row in archive if roles.intersection(row.entry.roles)]
    if not rows:
        return None
    first = rows[0]
    others = f"; {len(rows) - 1} more rows have such a role" if len(rows) > 1 else ""
    role = sorted(roles.intersection(first.entry.roles))[0]
    node.find(kind, found=first.entry.name, other=first.pointer, role=role, others=others)
    return first.entry.name


def _same_file(node: Node, given: str | None, archive: tuple[ArchiveRow, ...]) -> None:
    """A sample named in both places should be one file, under one path."""
    if given is None or given in {row.entry.name for row in archive if INPUT_ROLES.intersection(row.entry.roles)}:
        return
    others = [row for row in archive if INPUT_ROLES.intersection(row.entry.roles)] or _twins(given, archive)
    if others:
        node.find(kinds.ContradictionSample, found=given, other=others[0].pointer, path=others[0].entry.name)


def _twins(given: str, archive: tuple[ArchiveRow, ...]) -> list[ArchiveRow]:
    """Rows with the base name of `given`, where it is not itself among them."""
    if any(row.entry.name == given for row in archive):
        return []
    return [row for row in archive if row.entry.name.rpartition("/")[2] == given.rpartition("/")[2]]
