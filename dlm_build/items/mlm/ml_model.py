"""ML-Model, the dialect between DLM and MLM: version 1.0 and the drafts before. It says little of what runs a model."""

from __future__ import annotations

import re
from collections.abc import Iterator

from dlm_build.errors import ItemInvalid
from dlm_build.findings.mlm import FrameworkFromArtifact, GpuFromTraining
from dlm_build.findings.runtime import NoFramework, NoFrameworkVersion
from dlm_build.items.display import display_text, phrase
from dlm_build.items.document import digest
from dlm_build.items.identity import identity
from dlm_build.items.mlm.artifacts import framework_in
from dlm_build.items.mlm.code_places import CodePlace, code_of
from dlm_build.items.mlm.containers import ContainerImage, image_of_assets, image_of_links, read_image
from dlm_build.items.mlm.fields import Where, find
from dlm_build.items.mlm.leftovers import Leftovers, completed, read_leftovers
from dlm_build.items.mlm.roles import Entry, artifact_of, check_code, choose_model, read_entries, with_model
from dlm_build.items.mlm.sample_assets import environment_of, sample_of
from dlm_build.items.node import Node
from dlm_build.items.scalars import boolean
from dlm_build.records import DeclaredDocker, DeclaredSample, Item, Outputs, Pointers, Runtime

NAME = "ml-model"
PREFIX = "ml-model:"
_SCHEMA = re.compile(r"/ml-model/v([0-9][0-9A-Za-z.-]{0,20})/")
_AS_MLM = 'write the item as MLM, which has "mlm:framework" and "mlm:framework_version"'
_TREES = re.compile(r"forest|tree|boost|regress|bayes|svm|support.vector|neighbou?r|ensemble|means", re.IGNORECASE)
"""Words of architectures that are no networks."""
_DRAFT = ("ml-model:image", "ml-model:command", "ml-model:requires-gpu", "ml-model:input-volume")


def normalise(root: Node) -> Item:
    """Raises ItemInvalid or ItemHostile with the pointer of the first field that cannot be used."""
    sha256 = digest(root.value)
    who = identity(root, sha256)
    properties = root.get("properties")
    entries = read_entries(root)
    model = choose_model(entries)
    left = read_leftovers(properties)
    place = code_of(root, entries)
    image = image_of_assets(entries) or image_of_links(root) or _draft_image(properties)
    sample = sample_of(Where(root=root, properties=properties, model=model), entries, left.archive)
    version, reason = recognised(root)
    return Item(
        id=who.id,
        origin=root.log.document.origin,
        sha256=sha256,
        dialect=NAME,
        dialect_version=version,
        dialect_reason=reason,
        pointers=_pointers(place, image, sample, left, environment_of(entries)),
        title=who.title,
        description=who.description,
        license=who.license,
        date=who.date,
        date_pointer=who.date_pointer,
        runtime=_runtime(properties, entries, model, (place, image, left)),
        assets=with_model(entries, model, artifact_of(model) if model else None),
        archive=tuple(row.entry for row in left.archive),
        sample=sample,
        inputs=left.inputs,
        outputs=completed(Outputs(task=_task(properties.get("ml-model:prediction_type"))), left.outputs),
        findings=root.log.findings,
    )


def recognised(root: Node) -> tuple[str | None, str]:
    """The version of ML-Model as far as the item tells, and by what it was recognised."""
    for row in root.get("stac_extensions").rows():
        if isinstance(row.value, str) and (found := _SCHEMA.search(row.value)):
            return found[1], f"the schema of {found[1]} in {row.pointer}"
    properties = root.get("properties")
    names = [name for name, _ in properties.members() if name.startswith(PREFIX)]
    where = f"/properties/{names[0]}" if names else "fields that begin with ml-model: outside /properties"
    return ("a draft of 1.0" if any(properties.has(name) for name in _DRAFT) else None), where


def _runtime(
    properties: Node,
    entries: tuple[Entry, ...],
    model: Entry | None,
    found: tuple[CodePlace | None, ContainerImage | None, Leftovers],
) -> Runtime:
    place, image, left = found
    artifact = artifact_of(model) if model else None
    check_code(model, artifact, has_code=bool(left.handler or left.run))
    file = environment_of(entries)
    return Runtime(
        framework=_framework(properties, model),
        handler=left.handler,
        source_url=place.url if place else None,
        source_commit=place.ref if place else None,
        requirement_file=left.requirement_file or (file.asset.key if file else None),
        docker=DeclaredDocker(
            image_name=image.name if image else None,
            tag=image.tag if image else None,
            gpu=_gpu(properties),
            working_dir=left.working_dir,
            run=left.run,
        ),
    )


def _framework(properties: Node, model: Entry | None) -> str | None:
    """No field of ML-Model says it, so it is inferred, with a finding that says from what; None where nothing tells."""
    place = properties.get("ml-model:architecture")
    told = next(_tellings(properties, model), None)
    if told is None:
        find(place, NoFramework, _AS_MLM)
        return None
    framework, evidence = told
    place.find(FrameworkFromArtifact, found=evidence, framework=framework)
    find(place, NoFrameworkVersion, _AS_MLM)
    return framework


def _tellings(properties: Node, model: Entry | None) -> Iterator[tuple[str, str]]:
    """Frameworks and what tells them, the surest first. A checkpoint is by definition PyTorch, but for trees."""
    architecture = display_text(properties.at("ml-model:architecture")) or ""
    texts = [(f"the architecture {architecture}", architecture)]
    for name in ("mlm:framework", "framework"):  # of MLM, or a publisher's own
        value = display_text(properties.at(name)) or ""
        texts.append((f"the field {name}, {value}", value))
    for evidence, text in texts:
        if framework := framework_in(text):
            yield framework, evidence
    if model is None:
        return
    artifact = artifact_of(model)
    if artifact.framework:
        yield artifact.framework, artifact.evidence
    for name in ("title", "description"):
        if framework := framework_in(display_text(model.node.at(name)) or ""):
            yield framework, f"the {name} of the asset {model.asset.key}"
    if "ml model:checkpoint" in model.asset.roles and not _TREES.search(architecture):
        yield "PyTorch", "the role ml-model:checkpoint, which is for checkpoints of PyTorch"


def _gpu(properties: Node) -> bool | None:
    """What the drafts required, else no GPU where there was none in training."""
    try:
        wanted = boolean(properties.get("ml-model:requires-gpu"))
    except ItemInvalid:
        wanted = None
    trained = properties.get("ml-model:training-processor-type")
    if wanted is None and trained.value == "cpu":
        trained.find(GpuFromTraining)
        return False
    return wanted


def _task(node: Node) -> str | None:
    name = display_text(node)
    return phrase(name) if name else None


def _draft_image(properties: Node) -> ContainerImage | None:
    node = properties.get("ml-model:image")
    return read_image(node, node.value.strip(), said=True) if isinstance(node.value, str) else None


def _pointers(
    place: CodePlace | None,
    image: ContainerImage | None,
    sample: DeclaredSample | None,
    left: Leftovers,
    file: Entry | None,
) -> Pointers:
    return Pointers(
        framework="/properties/ml-model:architecture",
        version="/properties/ml-model:architecture",
        handler=left.handler_pointer,
        source=place.pointer if place else "/assets",
        requirements=file.asset.pointer if file and not left.requirement_file else left.requirement_pointer,
        gpu="/properties/ml-model:training-processor-type",
        image=image.pointer if image else "/links",
        run=left.run_pointer,
        working_dir=left.working_dir_pointer,
        archive=left.archive_pointer if left.archive else "/assets",
        sample=sample.pointer if sample else "/assets",
        task="/properties/ml-model:prediction_type",
    )
