"""MLM, the dialect that followed DLM and ML-Model: versions 1.0 to 1.5, and the drafts before."""

from __future__ import annotations

import re

from dlm_build.findings.dialects import SchemaOfAnother
from dlm_build.findings.mlm_tensors import InputNotDescribed, OutputNotDescribed
from dlm_build.findings.reading import ContradictionSpellings, OtherSpelling
from dlm_build.items.contradictions import Declared, Places, contradictions
from dlm_build.items.display import display_text
from dlm_build.items.document import described, digest
from dlm_build.items.identity import identity
from dlm_build.items.mlm.bands import find_listing
from dlm_build.items.mlm.fields import Where, entries_of, says_nothing
from dlm_build.items.mlm.leftovers import completed, read_leftovers
from dlm_build.items.mlm.roles import choose_model, read_entries, with_model
from dlm_build.items.mlm.runtime import read_mlm_runtime
from dlm_build.items.mlm.sample_assets import form_of, sample_of
from dlm_build.items.mlm.shapes import dimensions, has_sides, is_map_of_labels
from dlm_build.items.mlm.tensors import (
    INPUT_EXAMPLE,
    INPUT_FIELDS,
    OUTPUT_EXAMPLE,
    OUTPUT_FIELDS,
    read_mlm_inputs,
    read_mlm_outputs,
    result_of,
)
from dlm_build.items.node import Node
from dlm_build.records import Inputs, Item, Outputs

NAME = "mlm"
PREFIX = "mlm:"
SCHEMA = re.compile(r"/(?:mlm|mlm-extension)/|/dlm-extension/v1\.0\.0/")
"""Of any version, in an address. The extension was the DLM extension when it got its name."""
_VERSION = re.compile(r"/(?:mlm|mlm-extension|dlm-extension)/v([0-9][0-9A-Za-z.-]{0,20})/")
_OLDER_SCHEMA = re.compile(r"/ml-model/")
_TODAY = "https://stac-extensions.github.io/mlm/v1.5.2/schema.json"
_BY_FIELDS = (
    ("norm_type", "1.0 to 1.3"),
    ("norm_by_channel", "1.0 to 1.3"),
    ("statistics", "1.0 to 1.3"),
    ("input_array", "a draft of 1.0"),
    ("variables", "1.5 or later"),
    ("value_scaling", "1.4 or later"),
)
"""Fields of an input that only some versions have; the last that is there decides."""


def normalise(root: Node) -> Item:
    """Raises ItemInvalid or ItemHostile with the pointer of the first field that cannot be used."""
    sha256 = digest(root.value)
    root = respelled(root)
    who = identity(root, sha256)
    entries = read_entries(root)
    where = Where(root=root, properties=root.get("properties"), model=choose_model(root, entries))
    inputs_node, outputs_node = where.item_field("mlm:input"), where.item_field("mlm:output")
    ins = entries_of(inputs_node, INPUT_FIELDS, INPUT_EXAMPLE)
    outs = entries_of(outputs_node, OUTPUT_FIELDS, OUTPUT_EXAMPLE)
    first_in, first_out = (ins or [inputs_node])[0], (outs or [outputs_node])[0]
    version, reason = recognised(root, first_in)
    left = read_leftovers(where.properties)
    runtime = read_mlm_runtime(where, entries, left)
    sample = sample_of(where, entries, left.archive)
    listing = find_listing(where, entries)
    form = form_of(sample, entries)
    inputs = read_mlm_inputs(inputs_node, ins, listing, left.inputs.selected_bands, form=form)
    inputs = completed(inputs, left.inputs)
    _tell_if_not_described(where.properties, inputs_node, outputs_node)
    tasks = where.item_field("mlm:tasks", "mlm:task")
    outputs = completed(read_mlm_outputs(outputs_node, outs, tasks), left.outputs)
    _compare(first_in, first_out, inputs, outputs)
    task = f"{first_out.pointer}/tasks" if first_out.has("tasks") else "/properties/mlm:tasks"
    return Item(
        id=who.id,
        origin=root.log.document.origin,
        sha256=sha256,
        dialect=NAME,
        dialect_version=version,
        dialect_reason=reason,
        pointers=runtime.pointers(sample, left, task),
        title=who.title or display_text(where.item_field("mlm:name")),
        description=who.description,
        license=who.license,
        date=who.date,
        date_pointer=who.date_pointer,
        runtime=runtime.runtime,
        assets=with_model(entries, where.model, runtime.artifact),
        archive=tuple(row.entry for row in left.archive),
        sample=sample,
        inputs=inputs,
        outputs=outputs,
        findings=root.log.findings,
    )


def respelled(root: Node) -> Node:
    """With those fields under their own names that the properties have as `mlm_name`, as `name` in one `mlm`, or in
    capitals.
    """
    properties = root.at("properties")
    names = properties.names()
    together = " ".join(names)
    if "mlm" not in names and "mlm_" not in together and together.islower():  # told fast: most items have none of it
        return root
    nested = properties.at("mlm")
    members, others = {}, [(PREFIX + name.removeprefix(PREFIX), node) for name, node in nested.members()]
    for name, node in properties.members():
        lower = name.lower()
        if lower.startswith("mlm_") or (lower.startswith(PREFIX) and lower != name):
            others.append((PREFIX + lower[4:], node))
        elif name != "mlm" or not isinstance(nested.value, dict):
            members[name] = node
    for name, node in others:
        own = members.get(name)
        if own is None or own.absent:
            node.find(OtherSpelling, wanted=name)
            members[name] = node
        elif not node.absent and own.value != node.value:
            said = {"found": described(node.value), "used": described(own.value)}
            node.find(ContradictionSpellings, **said, other=own.pointer)
    return root.made_of({**dict(root.members()), "properties": properties.made_of(members)})


def recognised(root: Node, first_input: Node) -> tuple[str | None, str]:
    """The version of MLM as far as the item tells, and by what it was recognised."""
    for row in root.get("stac_extensions").rows():
        if isinstance(row.value, str) and (found := _VERSION.search(row.value)):
            return found[1], f"the schema of {found[1]} in {row.pointer}"
    where = where_told(root, PREFIX, "ML-Model", _OLDER_SCHEMA, _TODAY)
    by_fields = [version for name, version in _BY_FIELDS if first_input.has(name)]
    told = f", and by `{PREFIX}input`, which is written as in {by_fields[-1]}" if by_fields else ""
    return (by_fields[-1] if by_fields else None), where + told


def where_told(root: Node, prefix: str, other: str, others: re.Pattern[str], own: str) -> str:
    """By what a dialect was recognised whose schema is not named; that the one of another is, is noted."""
    for row in root.get("stac_extensions").rows():
        if isinstance(row.value, str) and others.search(row.value):
            row.find(SchemaOfAnother, title=other, found=row.value, prefix=prefix, schema=own)
    if name := next((name for name in root.get("properties").names() if name.startswith(prefix)), ""):
        return f"/properties/{name}"
    return f"its schema, or fields and roles that begin with {prefix} outside /properties"


def _tell_if_not_described(properties: Node, inputs: Node, outputs: Node) -> None:
    """What is kept of a DLM item says it too."""
    if says_nothing(inputs) and not properties.at("dlm:inputs").value:
        inputs.find(InputNotDescribed, example=INPUT_EXAMPLE)
    if says_nothing(outputs) and not properties.at("dlm:outputs").value:
        outputs.find(OutputNotDescribed, example=OUTPUT_EXAMPLE)


def _compare(first_in: Node, first_out: Node, inputs: Inputs, outputs: Outputs) -> None:
    structure, result = first_in.at("input"), result_of(first_out)
    names = dimensions(result)
    places = Places(
        inputs=first_in,
        outputs=first_out,
        data=first_in,
        shape=structure,
        renamed={
            "channels": (structure, "shape"),
            "selected_bands": (first_in, "bands"),
            "number_of_classes": (first_out, "classification:classes"),
            "final_layer_size": (result, "shape"),
        },
    )
    declared = Declared(
        inputs=inputs,
        outputs=outputs,
        one_label_a_pixel=is_map_of_labels(names),
        layer_has_sides=bool(outputs.final_layer_size) and has_sides(names, result.at("shape").values()),
    )
    for finding in contradictions(declared, places):
        first_in.log.add(finding)
