"""Every name a DLM field ever had, and the one it has since 2021.

Within a part, a prefix says nothing (`eo:dtype`, `dlm:dtype` and `dtype` are one), except `docker:`, `shape:` and
`task:`, which stand for an object of that kind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from dlm_build.findings.dialects import ContradictionPlaces, OutputSizeCompleted
from dlm_build.findings.reading import OtherSpelling
from dlm_build.items.document import Number
from dlm_build.items.node import Node, said
from dlm_build.items.overlay import as_object, overlaid

Names = Mapping[str, tuple[str, ...]]
"""Today's name of a field and its older ones, the newest first."""


class _Table(NamedTuple):
    older: Names
    today: Mapping[str, str]
    """Of every name in it."""

    old: frozenset[str]

    def all_today(self, names: tuple[str, ...]) -> bool:
        if not self.old.isdisjoint(names):
            return False
        return ":" not in "".join(names) or not any(name.startswith(_PREFIXES) for name in names)

    def name_of(self, spelling: str) -> str:
        bare = _without_prefix(spelling)
        return self.today.get(bare, bare)


def _table(older: Names) -> _Table:
    today = {name: today for today, names in older.items() for name in (today, *names)}
    return _Table(older, today, frozenset(today).difference(older))


RUNTIME = _table(
    {
        "framework": ("framework_name",),
        "version": ("framework_version",),
        "model_handler": ("handler",),
        "model_src_url": ("model_src", "src", "repo", "src_url"),
        "model_commit_hash": ("commit_hash", "commit"),
        "requirement_file": ("requirements_file", "requirements"),
    }
)
DOCKER = _table(
    {
        "docker_file": ("dockerfile", "file"),
        "image_name": ("imagename", "image"),
        "working_dir": ("workdir", "work_dir"),
    }
)
DATA = _table(
    {
        "dtype": ("data_type",),
        "nodata_value": ("nodata", "no_data"),
    }
)
INPUTS = _table(
    {
        "input_tensors": ("input_tensor",),
        "scaling_factor": ("scaling",),
        "normalization:mean": ("normalization_mean", "mean"),
        "normalization:std": ("normalization_std", "std"),
        "selected_bands": ("selected_band",),
        "dtype": ("data_type",),
    }
)
TENSOR = _table({"channels": ("dim",)})
OUTPUTS = _table(
    {
        "number_of_classes": ("noutputs",),
        "final_layer_size": ("final_layer_shape", "size"),
        "class_name_mapping": ("index_to_name",),
        "dont_care_index": ("ignore_index",),
    }
)
_PREFIXES = ("dlm:", "dml:", "model:", "eo:")


def spelled(part: str, node: Node, *, usual: bool) -> Node:
    """A part with its members under today's names, each in its own place.

    `usual`: older names are what this generation calls them, so they are not findings.
    """
    match part:
        case "runtime":
            return _runtime(node, usual=usual)
        case "data":
            return _data(node, usual=usual)
        case "inputs":
            return _inputs(node, usual=usual)
        case "outputs":
            return _outputs(node, usual=usual)
        case _:
            return _archive(node)


def _respelled(node: Node, table: _Table, *, usual: bool) -> Node:
    """An object with its members under today's names; anything else as it is."""
    if table.all_today(node.names()):
        return node
    names = {spelling: table.name_of(spelling) for spelling in node.names()}
    if all(node.has(name) for name in names.values()):
        return node
    found: dict[str, dict[str, Node]] = {}
    for spelling, name in names.items():
        found.setdefault(name, {})[spelling] = node.at(spelling)
    return node.made_of({name: _one_of(node, name, found[name], table, usual) for name in found})


def _without_prefix(name: str) -> str:
    return name.partition(":")[2] if name.startswith(_PREFIXES) else name


def _one_of(node: Node, name: str, members: dict[str, Node], table: _Table, usual: bool) -> Node:
    """The member under the newest of its spellings that says something."""
    order = (name, *table.older.get(name, ()))
    newest_first = sorted(members, key=lambda one: (order.index(_without_prefix(one)), one != _without_prefix(one)))
    ordered = {one: members[one] for one in newest_first}
    return node.chosen(name, ordered, usual=usual) or next(iter(ordered.values()))


def _runtime(node: Node, *, usual: bool) -> Node:
    """`docker:image` and its like move into `docker`; a framework that is an object gives its name and version."""
    node = _gathered(as_object(node), "docker", ("docker:",), usual=usual)
    node = _respelled(_named(node), RUNTIME, usual=usual)
    node = node.changed("docker", lambda docker: _respelled(as_object(docker), DOCKER, usual=usual))
    inner = _respelled(_named(node.at("framework")), RUNTIME, usual=usual)
    if not inner.has("framework"):
        return node
    rest = {name: member for name, member in node.members() if name != "framework"}
    return overlaid(node.made_of(rest), inner, ContradictionPlaces)


def _data(node: Node, *, usual: bool) -> Node:
    """`bands` with indices are today's `useful_bands`."""
    node = _respelled(as_object(node), DATA, usual=usual)
    bands = node.at("bands")
    if node.has("useful_bands") or not any(isinstance(row.value, dict) and row.has("index") for row in bands.rows()):
        return node
    return node.made_of({"useful_bands" if name == "bands" else name: member for name, member in node.members()})


def _inputs(node: Node, *, usual: bool) -> Node:
    """`shape:*` move into `input_tensors`, a `normalization` object is opened."""
    node = _opened(as_object(node), "normalization", usual=usual)
    node = _gathered(node, "input_tensors", ("shape:", "input_tensors:"), usual=usual)
    node = _respelled(node, INPUTS, usual=usual)
    return node.changed("input_tensors", lambda tensor: _respelled(as_object(tensor), TENSOR, usual=usual))


def _outputs(node: Node, *, usual: bool) -> Node:
    """`task:NAME: {…}` gives a task and what stands below it."""
    node = as_object(node)
    for spelling in node.names():
        if spelling.startswith("task:") and not node.has("task"):
            member = node.at(spelling)
            task = Node(node.log, member.pointer, said(spelling.removeprefix("task:")))
            rest = {name: other for name, other in node.members() if name != spelling}
            node = node.made_of({"task": task, **dict(member.members()), **rest})
    return _respelled(node, OUTPUTS, usual=usual)


def _archive(node: Node) -> Node:
    """Its rows, which the drafts kept in its `content`."""
    rows = node.at("content")
    return rows if isinstance(rows.value, list) or (node.has("content") and len(node.members()) == 1) else node


def completed_size(outputs_node: Node, inputs_node: Node) -> Node:
    """`size: [height, width]` of the drafts as the shape of the whole tensor; -1 where a side is not said."""

    def complete(layer: Node) -> Node:
        rows = layer.value if isinstance(layer.value, list) else []
        if len(rows) != 2 or not layer.pointer.endswith("/size") or not all(isinstance(row, Number) for row in rows):
            return layer
        batch = inputs_node.at("input_tensors").at("batch").value
        classes = outputs_node.at("number_of_classes").value
        first = [side if isinstance(side, Number) else Number("-1") for side in (batch, classes)]
        value = [*first, *rows]
        read = ", ".join(row.raw for row in value if isinstance(row, Number))
        layer.find(OutputSizeCompleted, read=f"[{read}]")
        return Node(layer.log, layer.pointer, value)

    return outputs_node.changed("final_layer_size", complete)


def _named(runtime_node: Node) -> Node:
    """The engine's `name` is its framework, where no other field is."""
    if not runtime_node.has("name") or any(runtime_node.has(one) for one in ("framework", *RUNTIME.older["framework"])):
        return runtime_node
    return runtime_node.made_of(
        {"framework_name" if key == "name" else key: member for key, member in runtime_node.members()}
    )


def _gathered(node: Node, name: str, prefixes: tuple[str, ...], *, usual: bool) -> Node:
    """Members whose names begin with a prefix, put into the member `name` without it."""
    loose = {key: node.at(key) for key in node.names() if key.startswith(prefixes)}
    if not loose:
        return node
    inner = {key.partition(":")[2]: member for key, member in loose.items()}
    if not usual:
        for key, member in inner.items():
            member.find(OtherSpelling, wanted=f"{name}.{key}")
    rest = {key: member for key, member in node.members() if key not in loose}
    whole = overlaid(as_object(node.at(name)), node.at(name).made_of(inner), ContradictionPlaces)
    return node.made_of({**rest, name: whole})


def _opened(node: Node, name: str, *, usual: bool) -> Node:
    """The members of the object `name` as `name:member` beside it, unless such stand there already."""
    inner = as_object(node.at(name))
    if not isinstance(inner.value, dict) or any(key.startswith((f"{name}:", f"{name}_")) for key in node.names()):
        return node
    opened = {f"{name}:{key}": member for key, member in inner.members()}
    if not usual:
        for key, member in opened.items():
            member.find(OtherSpelling, wanted=key)
    return node.made_of({**opened, **{key: member for key, member in node.members() if key != name}})
