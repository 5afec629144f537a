"""DLM in all its generations: found, read as that of 2021, and turned into the one `Item`."""

from __future__ import annotations

import re
from itertools import islice
from typing import NamedTuple

from msgspec.structs import replace

from dlm_build.errors import shown
from dlm_build.hrefs import read_href
from dlm_build.items.assets import ENVIRONMENT, read_assets
from dlm_build.items.contradictions import Declared, Places, contradictions
from dlm_build.items.display import display_text
from dlm_build.items.dlm.generation import Generation
from dlm_build.items.dlm.parts import CURRENT, Parts, read_parts, spoken
from dlm_build.items.document import digest
from dlm_build.items.identity import identity
from dlm_build.items.node import Node
from dlm_build.items.runtimes import read_runtime
from dlm_build.items.samples import read_archive, read_sample
from dlm_build.items.tensors import read_inputs, read_outputs, useful_bands
from dlm_build.records import Asset, Inputs, Item, Outputs, Pointers, Runtime

_DATA_EXAMPLE = '"dlm:data": {"dtype": "uint16", "number_of_bands": 4, "test_file": {"filename": "sample.tif"}}'
_SCHEMA = re.compile(r"(?:^|/)(?:dl-model|dlm|dlm-extension)(?:/|$)")
_VERSION = re.compile(r"/v?([0-9]+\.[0-9]+\.[0-9]+[0-9A-Za-z.-]{0,20})(?:/|$)")
_DRAFT_VERSION = re.compile(r"v?([0-9]+\.[0-9][0-9A-Za-z.-]{0,20})")
_CORE = ("title", "name", "description", "license", "created", "updated", "datetime")


def normalise(root: Node) -> Item:
    """Raises ItemInvalid or ItemHostile with the pointer of the first field that cannot be used."""
    properties = root.at("properties")
    places = (properties, root)
    generations = spoken(places)
    generation = generations[0] if generations else CURRENT
    sha256 = digest(root.log.document.value)
    who = identity(_with_core(root, generation), sha256)
    parts = read_parts(places, generations)
    runtime = read_runtime(parts.runtime)
    data = parts.data.object(_DATA_EXAMPLE)
    archive = read_archive(parts.archive)
    sample = read_sample(data.get("test_file"), archive)
    inputs = read_inputs(parts.inputs, data)
    outputs = read_outputs(parts.outputs)
    assets = read_assets(root)
    _compare(properties, parts, inputs, outputs)
    known = recognised(root, generation)
    return Item(
        id=who.id,
        origin=root.log.document.origin,
        sha256=sha256,
        dialect=generation.name,
        dialect_version=known.version,
        dialect_reason=known.reason,
        pointers=_pointers(parts),
        title=who.title,
        description=who.description,
        license=who.license,
        date=who.date,
        date_pointer=who.date_pointer,
        runtime=_with_environment(runtime, assets),
        assets=assets,
        archive=tuple(row.entry for row in archive),
        sample=sample,
        inputs=inputs,
        outputs=outputs,
        findings=root.log.findings,
    )


def _with_environment(runtime: Runtime, assets: tuple[Asset, ...]) -> Runtime:
    """With the one asset that is the environment by its role, where no file is named."""
    if runtime.requirement_file:
        return runtime
    found = [asset for asset in assets if not ENVIRONMENT.isdisjoint(asset.roles)]
    files = [asset.key for asset in found if not read_href(asset.href).is_no_file]
    return replace(runtime, requirement_file=files[0]) if len(files) == 1 else runtime


def _with_core(root: Node, generation: Generation) -> Node:
    """The document with title and dates in its properties, where the drafts kept some of them beside."""
    if generation == CURRENT:
        return root
    properties = root.at("properties")
    core = dict(properties.members())
    titled = not (properties.at("title").absent and properties.at("name").absent)
    for name in _CORE:
        if properties.at(name).absent and not root.at(name).absent and not (titled and name in ("title", "name")):
            core[name] = root.at(name)
    if "title" not in core and "name" in core:
        core["title"] = core.pop("name")
    return root.made_of({**dict(root.members()), "properties": properties.made_of(core)})


class Recognised(NamedTuple):
    version: str | None
    reason: str


def recognised(root: Node, generation: Generation) -> Recognised:
    """The version as far as the item tells, and by what it was known."""
    places = (root.at("properties"), root)
    named = dict.fromkeys((place, name) for place in places for name in generation.marks.found(place.value))
    reasons = [place.at(name).pointer for place, name in islice(named, 3)]
    for row in root.at("stac_extensions").rows():
        if isinstance(row.value, str) and _SCHEMA.search(row.value):
            found = _VERSION.search(row.value)
            return Recognised(found[1] if found else None, _reason([*reasons, f"{shown(row.value)} at {row.pointer}"]))
    if generation == CURRENT:
        return Recognised(None, _reason(reasons))
    for name in ("schema:version", "item:version", *(("version",) if generation.name == "dlm/model" else ())):
        found = _DRAFT_VERSION.fullmatch(display_text(root.at(name)) or "")
        if found:
            return Recognised(found[1], _reason([*reasons, root.at(name).pointer]))
    return Recognised(None, _reason(reasons))


def _reason(parts: list[str]) -> str:
    return " and ".join((", ".join(parts[:-1]), parts[-1])) if len(parts) > 1 else "".join(parts)


def _pointers(parts: Parts) -> Pointers:
    runtime, docker = parts.runtime, parts.runtime.at("docker")
    return Pointers(
        framework=runtime.at("framework").pointer,
        version=runtime.at("version").pointer,
        handler=runtime.at("model_handler").pointer,
        source=runtime.at("model_src_url").pointer,
        requirements=runtime.at("requirement_file").pointer,
        gpu=docker.at("gpu").pointer,
        image=docker.at("image_name").pointer,
        run=docker.at("run").pointer,
        working_dir=docker.at("working_dir").pointer,
        archive=parts.archive.pointer,
        sample=parts.data.at("test_file").pointer,
        task=parts.outputs.at("task").pointer,
    )


def _compare(properties: Node, parts: Parts, inputs: Inputs, outputs: Outputs) -> None:
    eo_bands = properties.at("eo:bands")
    declared = Declared(
        inputs=inputs,
        outputs=outputs,
        useful_bands=useful_bands(parts.data),
        eo_bands=len(eo_bands.rows()) if isinstance(eo_bands.value, list) and eo_bands.rows() else None,
    )
    shape = parts.inputs.at("input_tensors") if parts.inputs.has("input_tensors") else parts.inputs
    places = Places(inputs=parts.inputs, outputs=parts.outputs, data=parts.data, shape=shape)
    for finding in contradictions(declared, places):
        properties.log.add(finding)
