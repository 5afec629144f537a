"""What an MLM or ML-Model item keeps under `dlm:` because its own dialect has no place for it.

Nothing here is required, and nothing of it is asked for.

    dlm:data      test_file (the sample, its expected output, tolerances), number_of_bands, nodata
    dlm:archive   what the members of an archive are for
    dlm:inputs    selected_bands
    dlm:runtime   model_handler, requirement_file, docker: run, working_dir
"""

from __future__ import annotations

from dlm_build.errors import shown
from dlm_build.items.names import command_line, handler, member_name, working_dir
from dlm_build.items.node import Node
from dlm_build.items.samples import EXPECTED_ROLES, INPUT_ROLES, ArchiveRow, read_archive
from dlm_build.items.scalars import integer, integers, real, text
from dlm_build.items.tensors import MAX_BANDS
from dlm_build.records import Record

_NAMES = ("filename", "file", "name", "path", "input")


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
    selected_bands: tuple[int, ...]
    number_of_bands: int | None
    nodata: float | None


def read_leftovers(properties: Node) -> Leftovers:
    """Raises ItemInvalid or ItemHostile as for a DLM item."""
    runtime = _object(properties.get("dlm:runtime"))
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
        selected_bands=integers(
            _object(properties.get("dlm:inputs")).get("selected_bands"), 0, MAX_BANDS, '"selected_bands": [0, 1]'
        ),
        number_of_bands=integer(data.get("number_of_bands"), 1, MAX_BANDS),
        nodata=_nodata(data.get("nodata_value", "nodata")),
    )


def sample_data(properties: Node) -> Node:
    return _object(properties.get("dlm:data"))


def names_a_sample(properties: Node, archive: tuple[ArchiveRow, ...]) -> bool:
    """Whether `dlm:data.test_file` or the roles of `dlm:archive` name one."""
    test_file = sample_data(properties).get("test_file")
    named = isinstance(test_file.value, str) or any(not test_file.at(name).absent for name in _NAMES)
    return named or any((INPUT_ROLES | EXPECTED_ROLES).intersection(row.entry.roles) for row in archive)


def _object(node: Node) -> Node:
    return node.object("{ }")


def _requirement_file(node: Node) -> str | None:
    value = text(node, "environment.yml")
    return value if value is None or "://" in value else member_name(node, value)


def _nodata(node: Node) -> float | None:
    if isinstance(node.value, str) and node.value.strip().lower() in ("nan", "inf", "-inf", "none"):
        return None
    return real(node, -1.8e308, 1.8e308, shown("0"))
