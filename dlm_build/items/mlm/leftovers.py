"""What an MLM or ML-Model item keeps under `dlm:` because its own dialect has no place for it.

Nothing here is required, and nothing of it is asked for.

    dlm:archive   what the members of an archive are for
    dlm:data      test_file (the sample, its expected output, tolerances), and with
    dlm:inputs    and dlm:outputs, all that a DLM item says there
    dlm:runtime   model_handler, requirement_file, docker: run, working_dir; with MLM also framework, version, source,
                  image, gpu

`dlm-build migrate` writes them. They win over what the item's own dialect says of the same thing.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TypeVar

from msgspec.structs import replace

from dlm_build.items.document import Document
from dlm_build.items.names import command_line, handler, member_name, working_dir
from dlm_build.items.node import Log, Node
from dlm_build.items.samples import EXPECTED_ROLES, FILENAME, INPUT_ROLES, ArchiveRow, read_archive
from dlm_build.items.scalars import text
from dlm_build.items.tensors import read_inputs, read_outputs
from dlm_build.records import Inputs, Outputs, Record

Tensors = TypeVar("Tensors", Inputs, Outputs)

_FIELDS = frozenset(("dlm:archive", "dlm:data", "dlm:inputs", "dlm:outputs", "dlm:runtime"))
_SCALING = ("scaling_factor", "mean", "std")


class Leftovers(Record, frozen=True, kw_only=True):
    """Places are pointers; empty where nothing stands there."""

    handler: str | None
    handler_pointer: str
    requirement_file: str | None
    requirement_pointer: str
    run: str | None
    run_pointer: str
    working_dir: str | None
    working_dir_pointer: str
    archive: tuple[ArchiveRow, ...]
    archive_pointer: str
    inputs: Inputs
    outputs: Outputs


def read_leftovers(properties: Node) -> Leftovers:
    """Raises ItemInvalid or ItemHostile as for a DLM item."""
    return _read(properties) if has_leftovers(properties) else _nothing(properties.pointer)


def has_leftovers(properties: Node) -> bool:
    return isinstance(properties.value, dict) and not _FIELDS.isdisjoint(properties.value)


@lru_cache(maxsize=8)
def _nothing(pointer: str) -> Leftovers:
    """What most items keep, worked out once."""
    document = Document(origin="-", value={}, places=dict)
    return _read(Node(Log(document), pointer, document.value))


def _read(properties: Node) -> Leftovers:
    runtime = kept_runtime(properties)
    docker, data = _object(runtime.get("docker")), sample_data(properties)
    called, required = runtime.get("model_handler"), runtime.get("requirement_file")
    archive = properties.get("dlm:archive")
    return Leftovers(
        handler=handler(called),
        handler_pointer=called.pointer,
        requirement_file=_requirement_file(required),
        requirement_pointer=required.pointer,
        run=command_line(docker.get("run")),
        run_pointer=docker.get("run").pointer,
        working_dir=working_dir(docker.get("working_dir")),
        working_dir_pointer=docker.get("working_dir").pointer,
        archive=read_archive(archive),
        archive_pointer=archive.pointer,
        inputs=read_inputs(properties.get("dlm:inputs"), _without(data, "useful_bands")),
        outputs=read_outputs(properties.get("dlm:outputs")),
    )


def kept_runtime(properties: Node) -> Node:
    return _object(properties.get("dlm:runtime"))


def sample_data(properties: Node) -> Node:
    return _object(properties.get("dlm:data"))


def names_a_sample(test_file: Node, archive: tuple[ArchiveRow, ...]) -> bool:
    """Whether `dlm:data.test_file` or the roles of `dlm:archive` name one."""
    if test_file.value is not None and (
        isinstance(test_file.value, str) or any(test_file.at(name).value is not None for name in FILENAME)
    ):
        return True
    return any((INPUT_ROLES | EXPECTED_ROLES).intersection(row.entry.roles) for row in archive)


def _object(node: Node) -> Node:
    return node.object("{ }")


def _requirement_file(node: Node) -> str | None:
    value = text(node, "environment.yml")
    return value if value is None or "://" in value else member_name(node, value)


def _without(node: Node, name: str) -> Node:
    return node.made_of({key: member for key, member in node.members() if key != name}) if node.has(name) else node


def completed(said: Tensors, kept: Tensors) -> Tensors:
    """What the item's dialect says, and over it what is kept. A scaling is kept whole, or not at all."""
    if kept == type(kept)():
        return said
    fields = {name: value for name in kept.__struct_fields__ if (value := getattr(kept, name)) not in (None, ())}
    if not fields.keys().isdisjoint(_SCALING):
        fields |= {name: getattr(kept, name) for name in _SCALING}
    return replace(said, **fields)
