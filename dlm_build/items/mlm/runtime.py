"""What runs an MLM model: framework and version of the model that was chosen, entry point, source, image, device."""

from __future__ import annotations

from dlm_build.errors import ItemInvalid
from dlm_build.findings.mlm import (
    AcceleratorUnsupported,
    EntrypointIsArchitecture,
    EntrypointNotCalled,
    EntrypointTrains,
    EntrypointUnreadable,
    FrameworkApart,
    FrameworkFromArtifact,
    FrameworkFromModule,
    FrameworkInWords,
    FrameworkOfArtifact,
)
from dlm_build.findings.reading import OtherSpelling
from dlm_build.findings.runtime import NoFramework, NoFrameworkVersion
from dlm_build.items.display import display_text, text_of
from dlm_build.items.document import described
from dlm_build.items.mlm.artifacts import (
    Artifact,
    counts_for_itself,
    framework_in,
    framework_of_module,
    frameworks_in,
    mlm_name,
    title_of,
)
from dlm_build.items.mlm.code_places import CodePlace, code_of
from dlm_build.items.mlm.containers import ContainerImage, image_of_assets, image_of_links
from dlm_build.items.mlm.fields import Where, find, first_of, lenient, said
from dlm_build.items.mlm.leftovers import Leftovers, kept_runtime
from dlm_build.items.mlm.roles import CODE, Entry, artifact_of, check_code
from dlm_build.items.mlm.sample_assets import environment_of, environment_place
from dlm_build.items.names import FRAMEWORK, framework_version, handler, machine_name
from dlm_build.items.node import Node
from dlm_build.items.runtimes import docker_file, image_and_tag, read_source
from dlm_build.items.scalars import boolean
from dlm_build.records import DeclaredDocker, DeclaredSample, Pointers, Record, Runtime
from dlm_build.words import MLM

ADD_FRAMEWORK = 'add "mlm:framework", the name of what the model was made with, and "mlm:framework_version"'
_ENTRYPOINT = "mlm:entrypoint"
_GPU = frozenset(("cuda", "gpu", "nvidia", "nvidia-gpu"))
_CPU = frozenset(("amd64", "cpu", "intel-ipex-cpu", "x86_64", "x86-64"))
_OF_MLM = frozenset(("cuda", "amd64", "intel-ipex-cpu"))
"""Of these, the words that MLM has."""
_TRAINING = frozenset(("train", "training", "trainer", "retrain", "fit", "finetune", "finetuning", "tune"))
_ANY_FUNCTION = frozenset(("main", "run", "cli", "start", "execute"))
"""Names that say nothing; then the file's or module's counts."""


class Found(Record, frozen=True, kw_only=True):
    """The runtime, and where each part of it stands."""

    runtime: Runtime
    artifact: Artifact | None
    """What kind of file the model is."""
    framework: str
    version: str
    handler: str
    source: str
    requirements: str
    gpu: str
    image: str

    def pointers(self, sample: DeclaredSample | None, left: Leftovers, task: str) -> Pointers:
        """Of all that decisions rest on, with those of the other parts."""
        return Pointers(
            framework=self.framework,
            version=self.version,
            handler=self.handler,
            source=self.source,
            requirements=self.requirements,
            gpu=self.gpu,
            image=self.image,
            run=left.run_pointer,
            working_dir=left.working_dir_pointer,
            archive=left.archive_pointer if left.archive else "/assets",
            sample=sample.pointer if sample else "/assets",
            task=task,
        )


def read_mlm_runtime(where: Where, entries: tuple[Entry, ...], left: Leftovers) -> Found:
    """Raises ItemInvalid where a field cannot be what it says it is. What is only missing is a finding."""
    artifact = artifact_of(where.model) if where.model else None
    kept = kept_runtime(where.properties)
    given, docker = kept.at("framework"), kept.at("docker")
    named = _first(given, where.asset_field("mlm:framework"))
    release = _first(kept.at("version"), where.asset_field("mlm:framework_version"))
    named, release = framework_apart(named, release)
    framework, number = framework_of(named, release, artifact if given.absent else None, where.properties)
    entry, called = entrypoint_of(where, entries, artifact)
    url, commit = read_source(kept)
    alone = artifact is not None and artifact.alone and not (left.handler or left.run)
    place = _kept_source(kept, url, commit) or code_of(where.root, entries, needed=not alone)
    name, tag = image_and_tag(docker.at("image_name"), docker.at("tag")) if docker.value else (None, None)
    image = _kept_image(docker, name, tag) or image_of_assets(entries) or image_of_links(where.root)
    device, file = where.asset_field("mlm:accelerator"), environment_of(entries)
    called = left.handler or called
    check_code(where.model, artifact, framework, has_code=bool(called or left.run))
    runtime = Runtime(
        framework=framework,
        version=number,
        handler=called,
        source_url=place.url if place else None,
        source_commit=place.ref if place else commit,
        requirement_file=left.requirement_file or (file.asset.key if file else None),
        docker=DeclaredDocker(
            image_name=image.name if image else None,
            tag=image.tag if image else tag,
            docker_file=docker_file(docker.at("docker_file")) if docker.value else None,
            gpu=_gpu(device) if (gpu := boolean(docker.at("gpu"))) is None else gpu,
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
        gpu=device.pointer,
        image=image.pointer if image else "/assets",
    )


# --- kept from DLM -----------------------------------------------------------------------------------------------


def _first(kept: Node, own: Node) -> Node:
    return own if kept.absent else kept


def _kept_source(kept: Node, url: str | None, commit: str | None) -> CodePlace | None:
    return CodePlace(url=url, ref=commit, pointer=kept.at("model_src_url").pointer) if url else None


def _kept_image(docker: Node, name: str | None, tag: str | None) -> ContainerImage | None:
    return ContainerImage(name=name, tag=tag, pointer=docker.at("image_name").pointer) if name else None


# --- framework ---------------------------------------------------------------------------------------------------


def framework_of(
    named: Node, release: Node, artifact: Artifact | None, properties: Node
) -> tuple[str | None, str | None]:
    """Name and version of what runs the model; either is None, with a finding, where it is not known."""
    declared, package = _declared(named)
    number = version_of(declared, release, package)
    told = artifact.framework if artifact else None
    if declared is None and artifact and told:
        named.find(FrameworkFromArtifact, found=artifact.evidence, framework=told, name=mlm_name(told))
        declared = told
    if declared is None:
        likely = framework_in(text_of(properties, "mlm:architecture") or "")
        find(named, NoFramework, f'add "mlm:framework": "{mlm_name(likely)}"' if likely else ADD_FRAMEWORK)
    elif artifact and told and _is_of_another(artifact, declared):
        title = title_of(artifact)
        named.find(FrameworkOfArtifact, found=declared, artifact=title, framework=told, name=mlm_name(told))
        return told, None
    if number is None and release.absent:
        find(release, NoFrameworkVersion, MLM.version_of(declared or "the framework"))
    return declared, number


def _declared(named: Node) -> tuple[str | None, str | None]:
    """The name that is given; of one that no framework has, the one framework in its words.

    With the package in whose place it stands, where that counts its versions for itself.
    """
    declared = lenient(named, _framework_name, None)
    if declared and (inferred := framework_of_module(declared)):
        framework, package = inferred
        named.find(FrameworkFromModule, found=declared, framework=framework, package=package)
        return framework, package if counts_for_itself(package) else None
    return declared, None


def _framework_name(named: Node) -> str | None:
    try:
        return machine_name(named, FRAMEWORK)
    except ItemInvalid:
        words = frameworks_in(named.value) if isinstance(named.value, str) else ()
        if len(words) != 1:
            raise
        named.find(FrameworkInWords, found=named.value, framework=words[0], name=mlm_name(words[0]))
        return words[0]


def version_of(framework: str | None, release: Node, package: str | None = None) -> str | None:
    """None, with a finding, where it is not one exact version of the framework; without any where there is none."""
    return lenient(release, lambda node: framework_version(framework, node, package), None)


def _is_of_another(artifact: Artifact, declared: str) -> bool:
    """Whether the model is of another framework than the one declared, as far as that is known."""
    names = frameworks_in(declared)
    if artifact.kind == "onnx":
        return names[:1] != ("onnxruntime",)
    return bool(names) and artifact.framework_is_said and artifact.framework not in names


def framework_apart(named: Node, release: Node) -> tuple[Node, Node]:
    """Name and version, where they are an object, or the first of a list."""
    row = first_of(named)
    if row is not named:
        named.find(FrameworkApart, found=described(named.value))
    if not isinstance(row.value, dict):
        return row, release
    if row is named:
        named.find(FrameworkApart, found=described(named.value))
    return said(row, "name", "framework", "title"), release if row.at("version").absent else row.at("version")


# --- device ------------------------------------------------------------------------------------------------------


def _gpu(node: Node) -> bool | None:
    """None where the item does not say, or says `null`: any will do."""
    word = display_text(node)
    lower = word.lower() if word else "none"
    if lower in _GPU or lower in _CPU:
        if lower not in _OF_MLM:
            node.find(OtherSpelling, wanted="cuda" if lower in _GPU else "amd64")
        return lower in _GPU
    if lower not in ("none", "null"):
        node.find(AcceleratorUnsupported, found=word)
    return None


# --- entry point -------------------------------------------------------------------------------------------------


def entrypoint_of(where: Where, entries: tuple[Entry, ...], artifact: Artifact | None) -> tuple[Node, str | None]:
    """Where it stands, and the function to call; None where there is none that can be."""
    code = sorted(entries, key=lambda entry: (entry.trains, not entry.has(CODE)))
    nodes = (*[entry.node for entry in code], where.properties, where.root)
    named = [node for node in nodes if node.has(_ENTRYPOINT) or node.has("mlm_entrypoint")]
    places = [at for node in named if (at := node.get(_ENTRYPOINT, "mlm_entrypoint")).value is not None]
    architecture = text_of(where.properties, "mlm:architecture")
    first = places[0] if places else where.root.get("assets")
    for node in places:
        if name := _callable(node, architecture):
            if artifact and artifact.alone:
                node.find(EntrypointNotCalled, found=name, artifact=title_of(artifact))
                return node, None
            return node, name
    return first, None


def _callable(node: Node, architecture: str | None) -> str | None:
    try:
        name = handler(node)
    except ItemInvalid:
        node.find(EntrypointUnreadable, found=display_text(node) or "")
        return None
    if name is None:
        return None
    if trains(name):
        node.find(EntrypointTrains, found=name)
        return None
    if name == architecture:
        node.find(EntrypointIsArchitecture, found=name)
        return None
    return name


def trains(name: str) -> bool:
    """Whether an entry point, by its own words, trains the model."""
    place, _, function = name.lower().rpartition(":")
    last = (place or function).removesuffix(".py").replace("/", ".").rpartition(".")[2]
    word = last if not place or function in _ANY_FUNCTION else function.rpartition(".")[2]
    return not _TRAINING.isdisjoint(word.replace("-", "_").split("_"))
