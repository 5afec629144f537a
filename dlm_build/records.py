"""The nouns of the story. Every record is frozen, keyword-only, and refuses unknown fields when decoded.

    Item → Materials → Plan → Lock → Context → Image → Run → Verdict → Report

JSON in and out goes through `to_json` and `from_json`; digests are plain lower-case hex of sha256 except where a
field is named `*_digest`, which holds the OCI form `sha256:…`.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from typing import Annotated, Any, Literal, TypeVar

import msgspec
from msgspec.structs import replace


class Record(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of all records."""


# --- what the publisher declared -------------------------------------------------------------------------------

Severity = Literal["error", "warning", "info"]


class Finding(Record, frozen=True, kw_only=True):
    """One thing repaired, inferred, missing or contradictory in what was published."""

    code: str
    """kebab-case, stable; e.g. `assets-not-an-object`."""
    severity: Severity
    """`error` blocks the build; `warning` blocks verification, or lets the result change; `info` is hygiene."""
    pointer: str
    """JSON pointer into the item, e.g. `/properties/dlm:runtime/version`; "" for the whole document."""
    message: str
    """One sentence; values in it are already escaped for display."""
    hint: str = ""
    evidence: str = ""
    """What was found there, escaped; empty where the message says it all."""
    line: int | None = None
    column: int | None = None
    """Where in the document, both counted from 1; set by `check` alone, since finding it costs a walk."""


class Asset(Record, frozen=True, kw_only=True):
    """A STAC asset, its href resolved against the item's own place."""

    key: str
    href: str
    """The address to fetch: as published, or inferred from that."""
    published: str | None = None
    """What was published, where `href` was inferred from it."""
    pointer: str
    media_type: str | None = None
    title: str | None = None
    roles: tuple[str, ...] = ()
    """As published, spelling normalised to lower case with single spaces."""
    sha256: str | None = None
    """From `file:checksum` (multihash) or `checksum:multihash`; None where none is declared."""
    size: int | None = None
    declared: str | None = None
    """What its publisher says the model's file is, whatever its name: `onnx`, `torchscript`, …"""


class ArchiveEntry(Record, frozen=True, kw_only=True):
    """One row of `dlm:archive`: what a member of the archive is for."""

    name: str
    roles: tuple[str, ...] = ()


class DeclaredSample(Record, frozen=True, kw_only=True):
    """The test sample as declared: names inside the archive (or asset keys), not yet looked up."""

    input: str
    expected: str | None = None
    pointer: str
    atol: float | None = None
    rtol: float | None = None


class DeclaredDocker(Record, frozen=True, kw_only=True):
    """`dlm:runtime.docker`: evidence, and the command."""

    image_name: str | None = None
    tag: str | None = None
    docker_file: str | None = None
    gpu: bool | None = None
    working_dir: str | None = None
    run: str | None = None


class Runtime(Record, frozen=True, kw_only=True):
    """`dlm:runtime`, whatever its spelling was."""

    framework: str | None = None
    """As published, e.g. `PyTorch`."""
    version: str | None = None
    """Raw text as published: `1.5` stays `1.5`, `1.10` stays `1.10`."""
    handler: str | None = None
    source_url: str | None = None
    source_commit: str | None = None
    requirement_file: str | None = None
    docker: DeclaredDocker = DeclaredDocker()


class Inputs(Record, frozen=True, kw_only=True):
    """How a sample becomes the tensor the model takes."""

    name: str | None = None
    batch: int | None = None
    channels: int | None = None
    height: int | None = None
    width: int | None = None
    scaling_factor: float | None = None
    mean: tuple[float, ...] = ()
    std: tuple[float, ...] = ()
    selected_bands: tuple[int, ...] = ()
    """0-based indices into the file's bands, in the order the model takes them."""
    dtype: str | None = None
    axes: tuple[str, ...] = ()
    """Names of the tensor's axes in the model's order, where it is no picture's; a sample that is an array has them."""
    tensor_dtype: str | None = None
    """Of a tensor with such axes; `dtype` is that of the file's bands where the item says it."""
    number_of_bands: int | None = None
    nodata: float | None = None


class ClassName(Record, frozen=True, kw_only=True):
    index: int
    name: str


class Outputs(Record, frozen=True, kw_only=True):
    """What the model promises to give."""

    task: str | None = None
    """Lower case with single spaces, e.g. `semantic segmentation`."""
    number_of_classes: int | None = None
    dont_care_index: int | None = None
    final_layer_size: tuple[int, ...] = ()
    classes: tuple[ClassName, ...] = ()


class Pointers(Record, frozen=True, kw_only=True):
    """Where this item's dialect keeps what decisions rest on, as JSON pointers: so that a message names the place."""

    framework: str = "/properties/dlm:runtime/framework"
    version: str = "/properties/dlm:runtime/version"
    handler: str = "/properties/dlm:runtime/model_handler"
    source: str = "/properties/dlm:runtime/model_src_url"
    requirements: str = "/properties/dlm:runtime/requirement_file"
    gpu: str = "/properties/dlm:runtime/docker/gpu"
    image: str = "/properties/dlm:runtime/docker/image_name"
    run: str = "/properties/dlm:runtime/docker/run"
    working_dir: str = "/properties/dlm:runtime/docker/working_dir"
    archive: str = "/properties/dlm:archive"
    sample: str = "/properties/dlm:data/test_file"
    task: str = "/properties/dlm:outputs/task"


class Item(Record, frozen=True, kw_only=True):
    """One model as its publisher declared it, normalised from any dialect. After it nobody knows a `dlm:` name."""

    id: str
    origin: str
    """The path, URL or `-` it was read from."""
    sha256: str
    """Of the canonical JSON of the document as read: what was built is of this very text, or of another."""
    dialect: str
    """e.g. `dlm/runtime`."""
    dialect_version: str | None = None
    """As far as the item tells, e.g. `1.4.0` of MLM."""
    dialect_reason: str = ""
    """By what it was recognised, e.g. `/properties/dlm:runtime`."""
    pointers: Pointers = Pointers()
    title: str | None = None
    description: str | None = None
    license: str | None = None
    date: str | None = None
    """ISO 8601 UTC: `created`, else `updated`, else `datetime`."""
    date_pointer: str | None = None
    runtime: Runtime
    assets: tuple[Asset, ...] = ()
    archive: tuple[ArchiveEntry, ...] = ()
    sample: DeclaredSample | None = None
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    findings: tuple[Finding, ...] = ()


# --- what lies behind its hrefs --------------------------------------------------------------------------------


ModelFormat = Literal["onnx", "torchscript", "exported", "torch-pickle", "keras", "hdf5", "safetensors", "tflite"]
"""Of a file of weights, as its own bytes tell."""


class Member(Record, frozen=True, kw_only=True, omit_defaults=True):
    """One regular file of an archive (or the single file that stands in for one), as stored."""

    path: str
    """Relative, `/`-separated, normalised; passed the name grammar."""
    size: int
    sha256: str
    asset: str | None = None
    """Key of the asset it came from, where it lies beside the archive and not in it."""
    format: ModelFormat | None = None
    """What its bytes are, where they were looked at and are a model's."""
    scores: bool = False
    """Whether it is a `.npy` or TIFF of real numbers with an axis besides height and width, as scores per class are, or
    a `.npz` of several arrays."""


class Archive(Record, frozen=True, kw_only=True):
    """The model archive: hashed, checked, and unpacked into the store by content."""

    href: str
    sha256: str
    size: int
    kind: Literal["zip", "tar", "file"]
    members: tuple[Member, ...]
    """Sorted by path."""

    def member(self, path: str) -> Member | None:
        return next((m for m in self.members if m.path == path), None)


class EnvironmentFile(Record, frozen=True, kw_only=True):
    """An environment declaration found in the archive, the source, or behind a link."""

    name: str
    """Where it was found, e.g. `archive:environment.yml`."""
    kind: Literal["conda-lock", "explicit", "conda", "pip", "python"]
    """`python` is no environment: it lies beside one for pip, and says which Python that is for."""
    text: str


class Source(Record, frozen=True, kw_only=True):
    """The model's code at one commit, unpacked into the store by content."""

    url: str
    commit: str
    pinned_by_item: bool
    tree_sha256: str
    """Digest over sorted (path, mode, sha256) of the files."""
    members: tuple[Member, ...] = ()

    @property
    def address(self) -> str:
        """Where anybody finds it; empty for a repository of this disk."""
        return "" if self.url.startswith("file:") else self.url


class Materials(Record, frozen=True, kw_only=True):
    """Everything behind the item's hrefs that decisions depend on; its bytes are in the store."""

    archive: Archive
    manifest: dict[str, Any] = {}
    """MAR-INF/MANIFEST.json where there is one."""
    environment_files: tuple[EnvironmentFile, ...] = ()
    source: Source | None = None
    findings: tuple[Finding, ...] = ()


# --- every decision --------------------------------------------------------------------------------------------


class Decision(Record, frozen=True, kw_only=True):
    """One choice and why."""

    name: str
    """`framework`, `cuda`, `python`, `base`, `environment`, `runner`, `sample`, `comparison`, `as-of`, …"""
    value: str
    reason: str
    source: str = ""
    """The table row, URL or pointer the reason rests on."""


class BaseImage(Record, frozen=True, kw_only=True):
    """An image pinned by digest. At least one of the digests is set; the lock has both."""

    repository: str
    """With registry, e.g. `docker.io/nvidia/cuda`."""
    tag: str
    index_digest: str | None = None
    platform_digest: str | None = None
    cuda: str | None = None
    os: str = ""
    """e.g. `ubuntu22.04`; decides the glibc the solver may count on."""
    trust: str = ""

    @property
    def digest(self) -> str:
        """The digest to build on: the platform manifest's where known, else the index's."""
        chosen = self.platform_digest or self.index_digest
        assert chosen is not None
        return chosen

    @property
    def reference(self) -> str:
        return f"{self.repository}@{self.digest}"


class EnvironmentSpec(Record, frozen=True, kw_only=True):
    """What to solve. `lock_text` is set where the publisher already locked it."""

    origin: str
    """`inferred`, or the EnvironmentFile's name."""
    channels: tuple[str, ...] = ("conda-forge",)
    conda: tuple[str, ...] = ()
    """Match specs."""
    pip: tuple[str, ...] = ()
    """PEP 508 requirements by name and version only."""
    constraints: tuple[str, ...] | msgspec.UnsetType = msgspec.UNSET
    """Of the same form: versions of what pip installs for another reason. Absent where there are none, so that digests
    of such environments stay what they were."""
    cuda: str | None = None
    """Value of the solver's __cuda virtual package."""
    glibc: str = "2.28"
    lock_text: str | None = None


RunnerKind = Literal["command", "handler", "onnx", "torchscript"]


class Runner(Record, frozen=True, kw_only=True):
    """How the container turns an input file into output files."""

    kind: RunnerKind
    argv: tuple[str, ...] = ()
    """For `command`."""
    shell: bool = False
    """True only with the operator's consent; then argv is one shell line."""
    handler: str | None = None
    """For `handler`: `file.py:name` or `package.module:name`, relative to the model folder or importable."""
    weights: str | None = None
    """Member path of the weights, where the runner loads them itself or hands them to the handler."""
    working_dir: str = "/workspace"


class SampleSpec(Record, frozen=True, kw_only=True):
    """The packaged sample, looked up: member paths of the archive."""

    input: Member
    expected: Member | None = None


class ComparisonPolicy(Record, frozen=True, kw_only=True):
    """How the output is judged. Limits are those of the as-shipped run."""

    task: Literal["labels", "probabilities", "float", "class-scores", "exact"]
    atol: float | None = None
    rtol: float | None = None
    relaxed: bool = False
    """True where the item loosened the default limits (up to the ceiling)."""
    dont_care: int | None = None
    number_of_classes: int | None = None


class Plan(Record, frozen=True, kw_only=True):
    """Every decision, with its reason. After it nobody decides."""

    item_id: str
    item_sha256: str
    title: str | None = None
    license: str | None = None
    platform: Literal["linux/amd64"] = "linux/amd64"
    as_of: str | None = None
    """ISO 8601 UTC instant; packages newer than it are excluded. None: no limit."""
    framework: str
    """Canonical: `pytorch`, `tensorflow`, `mxnet`, `onnxruntime`, …"""
    framework_version: str | None = None
    cuda: str | None = None
    python: str
    """`X.Y`."""
    gpu: bool
    """Whether the model wants a GPU."""
    base: BaseImage
    installer_base: BaseImage
    """The python-slim image whose stage installs the environment."""
    environment: EnvironmentSpec
    runner: Runner
    inputs: Inputs = Inputs()
    outputs: Outputs = Outputs()
    sample: SampleSpec | None = None
    comparison: ComparisonPolicy | None = None
    archive: Archive
    source: Source | None = None
    dead_pythons: tuple[str, ...] = ()
    """Versions `X.Y` for which no set of packages was found; never chosen."""
    dead_bases: tuple[str, ...] = ()
    """Digests of pins that would have been chosen and that their registry no longer has."""
    decisions: tuple[Decision, ...] = ()
    findings: tuple[Finding, ...] = ()

    @property
    def instant(self) -> datetime | None:
        """`as_of` as a time; without an offset it is UTC."""
        if self.as_of is None:
            return None
        parsed = datetime.fromisoformat(self.as_of)
        return parsed.replace(tzinfo=UTC) if parsed.tzinfo is None else parsed.astimezone(UTC)

    def fix_of(self, code: str) -> str:
        """What is to be done about a finding, in the words of the item's dialect; empty where there is none."""
        return next((finding.hint for finding in self.findings if finding.code == code), "")


# --- names turned into bytes -----------------------------------------------------------------------------------


class Package(Record, frozen=True, kw_only=True):
    """A conda package or a wheel, by content. The same record for both, so that one loop fetches them."""

    manager: Literal["conda", "pip"]
    name: str
    version: str
    build: str = ""
    subdir: str = ""
    channel: str = ""
    filename: str
    url: str
    sha256: str
    md5: str | None = None
    """Written into conda-lock's format, which asks for it; nothing is ever checked by it."""
    size: int | None = None
    depends: tuple[str, ...] = ()


class Lock(Record, frozen=True, kw_only=True):
    """Every name turned into bytes. After it nobody looks up a name or needs the network."""

    plan: Plan
    base: BaseImage
    installer_base: BaseImage
    packages: tuple[Package, ...]
    """The environment, in install order (conda topologically, then pip by name)."""
    installer: tuple[Package, ...]
    """The wheels of the environment installer itself."""
    created_by: str
    """dlm-build version and solver versions."""

    @property
    def digest(self) -> str:
        """sha256 of the canonical JSON of what decides bytes.

        Why something was chosen, and where archive and code lay, is told beside it and differs between machines.
        """
        archive, source = replace(self.plan.archive, href=""), self.plan.source
        source = source and replace(source, url=source.address)
        plan = replace(self.plan, archive=archive, source=source, decisions=(), findings=())
        return digest_of(replace(self, plan=plan))


# --- the folder that builds ------------------------------------------------------------------------------------


class ContextFile(Record, frozen=True, kw_only=True):
    """One row of a context. Small files carry their text; large ones name a store object."""

    path: str
    mode: int
    sha256: str
    size: int
    text: str | None = None
    """None: the bytes are the store object `sha256`."""


class Context(Record, frozen=True, kw_only=True):
    """The rendered folder as rows sorted by path; nothing here depends on where or when it is written."""

    lock_digest: str
    files: tuple[ContextFile, ...]

    @property
    def digest(self) -> str:
        """sha256 over path, mode and sha256 of every row but `build.args`, which carries this digest as a label."""
        rows = "".join(f"{f.path}\0{f.mode:o}\0{f.sha256}\n" for f in self.files if f.path != "build.args")
        return hashlib.sha256(rows.encode()).hexdigest()

    def text_of(self, path: str) -> str:
        """Of one of the files that every context has."""
        text = next(row.text for row in self.files if row.path == path)
        assert text is not None
        return text


class Image(Record, frozen=True, kw_only=True):
    """An image in the engine."""

    reference: str
    """`name:tag`."""
    digest: str
    """Of the manifest, `sha256:…`."""
    config_digest: str = ""
    size: int
    """Bytes of its layers as the engine reports them, unpacked."""
    base_digest: str
    context_digest: str
    layers: tuple[str, ...] = ()
    """diff ids."""
    seconds: float = 0.0

    @property
    def digests(self) -> tuple[str, ...]:
        """What an engine may know it by, whatever it is tagged: the classic store knows the configuration's alone."""
        return tuple(filter(None, (self.digest, self.config_digest)))


class Sif(Record, frozen=True, kw_only=True):
    """One SIF file on this disk."""

    path: str
    sha256: str
    size: int
    rootfs_digest: str
    """`blake3:…` over sorted path, mode, type, content and link target of the root file system, without what only a
    SIF has; equal for the image and for every SIF of one lock."""
    context_digest: str
    base_digest: str
    made_from: Literal["image", "packages"]
    """`image`: the layers of the Docker image; `packages`: base layers from the registry and the store, no Docker."""
    compression: str
    """e.g. `zstd:4`, `gzip`."""
    packed_by: str
    """e.g. `mksquashfs 4.5.1`: it decides the bytes."""
    signed_by: str | None = None
    """Fingerprint of the key, where it was signed."""
    seconds: float = 0.0


# --- what happened ---------------------------------------------------------------------------------------------


class OutputFile(Record, frozen=True, kw_only=True):
    path: str
    size: int
    sha256: str


Seconds = Annotated[float, msgspec.Meta(gt=0)]
Count = Annotated[int, msgspec.Meta(ge=1)]


class Limits(Record, frozen=True, kw_only=True):
    """Of one run. None can be 0: then no model could be run, and it would be called the model's fault."""

    seconds: Seconds = 600.0
    memory: Count = 8 << 30
    pids: Count = 1024
    output: Count = 4 << 30
    output_files: Count = 10_000
    log: Count = 16 << 20


RunEnd = Literal["finished", "model-error", "timeout", "resource", "infra"]


class Run(Record, frozen=True, kw_only=True):
    """One run of the sample in the sandbox."""

    end: RunEnd
    exit_status: int | None
    detail: str
    """One sentence on why it ended so."""
    device: Literal["gpu", "cpu"]
    """What it computed on, where `device_known`; else what it was given."""
    device_reason: str
    device_known: bool = True
    """False: it was given a GPU, and nothing tells whether it used it."""
    gpu_name: str | None = None
    seconds: float
    peak_memory: int | None = None
    """Bytes; None where nothing tells."""
    peak_sampled: bool = False
    """True: the least it was, since nobody but the kernel sees what lies between two looks."""
    sandbox: tuple[str, ...] = ()
    """The restrictions really in force, as the engine reports them."""
    processor: str | None = None
    """Highest level of the processor it ran on, e.g. `x86-64-v3`; None where that is another machine's, or unknown."""
    outputs: tuple[OutputFile, ...] = ()
    output_folder: str = ""
    log_tail: str = ""


class Check(Record, frozen=True, kw_only=True):
    """One comparison: passed when error <= limit (or, for agreements, value >= limit)."""

    name: str
    passed: bool
    measured: float | str | None = None
    limit: float | str | None = None
    ratio: float | None = None
    """measured / limit, below 1 is inside; None where it makes no sense."""
    detail: str = ""


class Verdict(Record, frozen=True, kw_only=True):
    outcome: str
    """One of `errors.Outcome`."""
    device: Literal["gpu", "cpu"] | None = None
    """None where nothing was run, or nothing tells what a model made of the GPU it was given."""
    relaxed: bool = False
    summary: str
    """One line for people."""
    hint: str = ""
    checks: tuple[Check, ...] = ()


class EngineEnd(Record, frozen=True, kw_only=True):
    """How one engine's image or SIF did."""

    engine: Literal["docker", "sif"]
    run: Run | None = None
    """None where nothing was run."""
    verdict: Verdict


class Step(Record, frozen=True, kw_only=True):
    """How long one step took, and whether it had been done already."""

    name: str
    seconds: float
    reused: bool = False


class Report(Record, frozen=True, kw_only=True):
    """All of it, for machines. `schema_version` changes when a field changes meaning."""

    schema_version: Literal["1"] = "1"
    dlm_build: str
    item: Item | None = None
    plan: Plan | None = None
    lock_digest: str | None = None
    context_digest: str | None = None
    image: Image | None = None
    sif: Sif | None = None
    handoff: tuple[str, ...] = ()
    """Paths of the files that run the SIF, where they were asked for."""
    run: Run | None = None
    """The one that `verdict` is about."""
    verdict: Verdict
    """The first of `engines` that is no match, else the first."""
    engines: tuple[EngineEnd, ...] = ()
    """One for each engine that was asked for."""
    steps: tuple[Step, ...] = ()


R = TypeVar("R", bound=Record)


def to_json(record: Record) -> bytes:
    """Canonical: sorted keys, two-space indent, a final newline. Equal records give equal bytes."""
    raw = msgspec.json.encode(record, order="sorted")
    return msgspec.json.format(raw, indent=2) + b"\n"


def from_json(kind: type[R], raw: bytes) -> R:
    """Raises msgspec.ValidationError or msgspec.DecodeError on anything that is not a `kind`."""
    return msgspec.json.decode(raw, type=kind)


def json_schema(kind: type[Record], name: str) -> dict[str, Any]:
    """JSON Schema (2020-12) of version 1 of what dlm-build writes as `name`, made from the record itself."""
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": f"dlm-build {name}, version 1",
        **msgspec.json.schema(kind),
    }


def digest_of(record: Record) -> str:
    """sha256 hex of the record's canonical JSON."""
    return hashlib.sha256(msgspec.json.encode(record, order="sorted")).hexdigest()
