"""The current DLM generation (2021 on): `dlm:runtime`, `dlm:archive`, `dlm:data`, `dlm:inputs`, `dlm:outputs`."""

from __future__ import annotations

from dlm_build.findings.reading import NotAnObject
from dlm_build.items.assets import read_assets
from dlm_build.items.contradictions import Declared, Pointers, contradictions
from dlm_build.items.document import described, digest
from dlm_build.items.identity import identity
from dlm_build.items.node import Node
from dlm_build.items.runtimes import RUNTIME_EXAMPLE, read_runtime
from dlm_build.items.samples import read_archive, read_sample
from dlm_build.items.tensors import read_inputs, read_outputs, useful_bands
from dlm_build.records import Inputs, Item, Outputs

NAME = "dlm/runtime"
FIELD = "dlm:runtime"


def normalise(root: Node) -> Item:
    """Raises ItemInvalid or ItemHostile with the pointer of the first field that cannot be used."""
    sha256 = digest(root.value)
    who = identity(root, sha256)
    properties = root.get("properties")
    runtime_node = properties.get(FIELD)
    if runtime_node.absent:
        raise runtime_node.invalid("is empty", f"write {RUNTIME_EXAMPLE}")
    runtime = read_runtime(runtime_node)
    data = properties.get("dlm:data")
    data = data if not isinstance(data.value, list) else _only(data)
    data.object('"dlm:data": {"dtype": "uint16", "number_of_bands": 4, "test_file": {"filename": "sample.tif"}}')
    archive = read_archive(properties.get("dlm:archive"))
    sample = read_sample(data.get("test_file"), archive)
    inputs = read_inputs(properties.get("dlm:inputs"), data)
    outputs = read_outputs(properties.get("dlm:outputs"))
    assets = read_assets(root)
    _compare(properties, data, inputs, outputs)
    return Item(
        id=who.id,
        origin=root.log.document.origin,
        sha256=sha256,
        dialect=NAME,
        title=who.title,
        description=who.description,
        license=who.license,
        date=who.date,
        date_pointer=who.date_pointer,
        runtime=runtime,
        assets=assets,
        archive=tuple(row.entry for row in archive),
        sample=sample,
        inputs=inputs,
        outputs=outputs,
        findings=root.log.findings,
    )


def _only(node: Node) -> Node:
    """A list of one object stands for the object."""
    rows = node.rows()
    if len(rows) != 1:
        raise node.invalid(f"must be an object, but is {described(node.value)}", "keep one object")
    node.find(NotAnObject)
    return rows[0]


def _compare(properties: Node, data: Node, inputs: Inputs, outputs: Outputs) -> None:
    eo_bands = properties.get("eo:bands")
    given = properties.get("dlm:inputs")
    declared = Declared(
        inputs=inputs,
        outputs=outputs,
        useful_bands=useful_bands(data),
        eo_bands=len(eo_bands.rows()) if isinstance(eo_bands.value, list) and eo_bands.rows() else None,
    )
    pointers = Pointers(
        inputs=given.pointer,
        outputs=properties.get("dlm:outputs").pointer,
        data=data.pointer,
        shape=f"{given.pointer}/input_tensors" if given.has("input_tensors") else given.pointer,
    )
    for finding in contradictions(declared, pointers):
        properties.log.add(finding)
