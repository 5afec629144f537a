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
from dlm_build.items.mlm.artifacts import Artifact, framework_in, mlm_name
from dlm_build.items.mlm.code_places import code_of
from dlm_build.items.mlm.containers import ContainerImage, image_of_assets, image_of_links, read_image
from dlm_build.items.mlm.fields import Where, find
from dlm_build.items.mlm.item import SCHEMA as NEWER_SCHEMA
from dlm_build.items.mlm.item import where_told
from dlm_build.items.mlm.leftovers import Leftovers, completed, read_leftovers
from dlm_build.items.mlm.roles import Entry, artifact_of, check_code, choose_model, read_entries, with_model
from dlm_build.items.mlm.runtime import ADD_FRAMEWORK, Found, entrypoint_of, framework_apart, framework_of, version_of
from dlm_build.items.mlm.sample_assets import environment_of, environment_place, sample_of
from dlm_build.items.node import Node
from dlm_build.items.scalars import boolean
from dlm_build.records import DeclaredDocker, Item, Outputs, Runtime
from dlm_build.words import MLM

NAME = "ml-model"
PREFIX = "ml-model:"
SCHEMA = re.compile(r"/ml-model/")
_TODAY = "https://stac-extensions.github.io/ml-model/v1.0.0/schema.json"
_VERSION = re.compile(r"/ml-model/v([0-9][0-9A-Za-z.-]{0,20})/")
MLM_FIELDS = frozenset(("mlm:framework", "mlm:framework_version", "mlm:entrypoint", "mlm:artifact_type"))
"""Of MLM, read here too: ML-Model has no words for what they say."""
_OF_FRAMEWORKS = ("mlm:framework", "mlm:framework_version")
_OF_MLM = "which MLM has for it"
_TREES = re.compile(r"forest|tree|boost|regress|bayes|svm|support.vector|neighbou?r|ensemble|means", re.IGNORECASE)
"""Words of architectures that are no networks."""
_DRAFT = ("ml-model:image", "ml-model:command", "ml-model:requires-gpu", "ml-model:input-volume")


def normalise(root: Node) -> Item:
    """Raises ItemInvalid or ItemHostile with the pointer of the first field that cannot be used."""
    sha256 = digest(root.value)
    who = identity(root, sha256)
    properties = root.get("properties")
    entries = read_entries(root)
    where = Where(root=root, properties=properties, model=choose_model(root, entries))
    left = read_leftovers(properties)
    found = _found(where, entries, left)
    sample = sample_of(where, entries, left.archive)
    version, reason = recognised(root)
    return Item(
        id=who.id,
        origin=root.log.document.origin,
        sha256=sha256,
        dialect=NAME,
        dialect_version=version,
        dialect_reason=reason,
        pointers=found.pointers(sample, left, "/properties/ml-model:prediction_type"),
        title=who.title,
        description=who.description,
        license=who.license,
        date=who.date,
        date_pointer=who.date_pointer,
        runtime=found.runtime,
        assets=with_model(entries, where.model, found.artifact),
        archive=tuple(row.entry for row in left.archive),
        sample=sample,
        inputs=left.inputs,
        outputs=completed(Outputs(task=_task(properties.get("ml-model:prediction_type"))), left.outputs),
        findings=root.log.findings,
    )


def recognised(root: Node) -> tuple[str | None, str]:
    """The version of ML-Model as far as the item tells, and by what it was recognised."""
    for row in root.get("stac_extensions").rows():
        if isinstance(row.value, str) and (found := _VERSION.search(row.value)):
            return found[1], f"the schema of {found[1]} in {row.pointer}"
    properties = root.get("properties")
    where = where_told(root, PREFIX, "MLM", NEWER_SCHEMA, _TODAY)
    return ("a draft of 1.0" if any(properties.has(name) for name in _DRAFT) else None), where


def _found(where: Where, entries: tuple[Entry, ...], left: Leftovers) -> Found:
    """What runs the model. The fields of MLM for it are read too, since ML-Model has none of its own."""
    model = where.model
    artifact = artifact_of(model) if model else None
    entry, called = entrypoint_of(where, entries, artifact)
    called = left.handler or called
    place, file = code_of(where.root, entries), environment_of(entries)
    image = image_of_assets(entries) or image_of_links(where.root) or _draft_image(where.properties)
    framework, number, named, release = _framework(where, artifact)
    check_code(model, artifact, framework, has_code=bool(called or left.run))
    runtime = Runtime(
        framework=framework,
        version=number,
        handler=called,
        source_url=place.url if place else None,
        source_commit=place.ref if place else None,
        requirement_file=left.requirement_file or (file.asset.key if file else None),
        docker=DeclaredDocker(
            image_name=image.name if image else None,
            tag=image.tag if image else None,
            gpu=_gpu(where.properties),
            working_dir=left.working_dir,
            run=left.run,
        ),
    )
    return Found(
        runtime=runtime,
        artifact=artifact,
        framework=named.pointer,
        version=release.pointer,
        handler=left.handler_pointer if left.handler else entry.pointer,
        source=place.pointer if place else "/assets",
        requirements=left.requirement_pointer if left.requirement_file else environment_place(file),
        gpu="/properties/ml-model:training-processor-type",
        image=image.pointer if image else "/links",
    )


def _framework(where: Where, artifact: Artifact | None) -> tuple[str | None, str | None, Node, Node]:
    """Name and version, and where each stands or would stand.

    No field of ML-Model says them. Where none of MLM does either, the name is inferred, with a finding that says from
    what; None where nothing tells.
    """
    named, release = framework_apart(*map(where.asset_field, _OF_FRAMEWORKS))
    if named.value is not None:
        return *framework_of(named, release, artifact, where.properties), named, release
    told = next(_tellings(where.properties, where.model), None)
    if told is None:
        find(named, NoFramework, f"{ADD_FRAMEWORK}, {_OF_MLM}")
        return None, version_of(None, release), named, release
    framework, evidence = told
    named.find(FrameworkFromArtifact, found=evidence, framework=framework, name=mlm_name(framework))
    number = version_of(framework, release)
    if number is None and release.absent:
        find(release, NoFrameworkVersion, f"{MLM.version_of(framework)}; the field is MLM's")
    return framework, number, named, release


def _tellings(properties: Node, model: Entry | None) -> Iterator[tuple[str, str]]:
    """Frameworks and what tells them, the surest first. A checkpoint is by definition PyTorch, but for trees."""
    architecture = display_text(properties.get("ml-model:architecture")) or ""
    own = display_text(properties.at("framework")) or ""
    texts = ((f"the architecture {architecture}", architecture), (f"the field framework, {own}", own))
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
    if "ml model:checkpoint" in model.asset.roles and not own and not _TREES.search(architecture):
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
