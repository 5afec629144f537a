"""One framework build against one GPU: pure, from the table alone."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

from dlm_build.gpu.table import BuildRow, GpuTable
from dlm_build.records import Plan, Record

HINT = "run on another GPU, leave --gpu out to run on the CPU, or publish the model for a newer framework"
FOR_CUDA = (
    "leave --gpu out to run on the CPU, or lock it for a GPU (`dlm-build lock --gpu`); where the item's own "
    "environment names the build for the CPU, change that first"
)
NEWER_DRIVER = (
    "install a driver of at least {floor} (data-centre GPUs may use NVIDIA's cuda-compat libraries instead), or leave "
    "--gpu out to run on the CPU"
)

CUDA = re.compile(r"cuda|cudnn|nvidia|gpu|-cu\d")
"""In the text of a package that has to do with CUDA."""
BRING_CUDA = frozenset({"torch", "tensorflow"})
"""Wheels that have CUDA in them, or for it, without saying so."""
DISTRIBUTIONS = {
    "pytorch": frozenset({"pytorch", "pytorch-cpu", "torch"}),
    "tensorflow": frozenset({"tensorflow", "tensorflow-cpu"}),
    "onnxruntime": frozenset({"onnxruntime"}),
    "mxnet": frozenset({"mxnet", "mxnet-mkl"}),
}
"""What installs a framework where it is not for CUDA by name."""


class Gpu(Record, frozen=True, kw_only=True):
    """As its driver describes it."""

    name: str
    driver: str | None = None
    capability: str | None = None
    """Compute capability, e.g. `9.0`; None where the driver does not tell."""


class Build(Record, frozen=True, kw_only=True):
    """What a model's environment brings."""

    framework: str
    version: str | None
    cuda: str | None
    """`X.Y` of the CUDA it was built with; None: planned for the CPU."""
    own: bool
    """A build of the framework's own makers, the only ones the table tells of."""
    for_cpu: bool = False
    """Certain to have no CUDA in it."""
    wanted: bool = False
    """Planned for a GPU, though perhaps for an unknown CUDA."""


class Fit(Record, frozen=True, kw_only=True):
    """`fits` is False only where the table says so for certain; what it does not know is tried."""

    fits: bool
    reason: str
    hint: str = ""
    source: str = ""


def build_of(plan: Plan) -> Build:
    """What the plan installs: wheels and the `pytorch` channel are PyTorch's own, conda-forge's builds are not."""
    spec = plan.environment
    named = {_name(text) for text in spec.conda}
    by_conda = bool(named & {"pytorch", "pytorch-gpu", "torch"})
    return Build(
        framework=plan.framework,
        version=plan.framework_version,
        cuda=plan.cuda,
        own=not by_conda or spec.channels[:1] == ("pytorch",),
        for_cpu=plan.cuda is None and _without_cuda(plan),
        wanted=plan.gpu,
    )


def _without_cuda(plan: Plan) -> bool:
    """Of what was planned for the CPU: whether packages were asked for that have no CUDA in them.

    Some wheels bring it unasked (BRING_CUDA), and what a publisher's own lock holds is not looked at.
    """
    spec = plan.environment
    conda, pip = (tuple(text.lower() for text in texts) for texts in (spec.conda, spec.pip))
    if spec.lock_text is not None or any(CUDA.search(text) for text in (*conda, *pip)):
        return False
    wheels = {_name(text) for text in pip if "+cpu" not in text}
    named = {_name(text) for text in (*conda, *pip)}
    return bool(named & DISTRIBUTIONS.get(plan.framework, frozenset())) and not wheels & BRING_CUDA


def _name(text: str) -> str:
    """Of the package in a match spec or a requirement."""
    return re.split(r"[^a-z0-9_.-]", text.rpartition("::")[2].strip().lower())[0]


def fit(build: Build, gpu: Gpu, table: GpuTable) -> Fit:
    """Whether `build` runs on `gpu`; the first obstacle found, the driver before the GPU itself."""
    if build.for_cpu:
        reason = f"the environment holds {build.framework} {build.version or ''}".rstrip() + " without CUDA"
        return Fit(fits=False, reason=reason, hint=FOR_CUDA)
    if build.cuda is None:
        planned = "planned for a GPU" if build.wanted else "planned for the CPU"
        return Fit(fits=True, reason=f"{planned}; whether the build has CUDA is not known")
    return _driver(build.cuda, gpu, table) or _too_old(build.cuda, gpu, table) or _code(build, gpu, table)


def _driver(cuda: str, gpu: Gpu, table: GpuTable) -> Fit | None:
    floors = {row.cuda: row.floor for row in table.drivers}
    floor = floors.get(_minor(cuda)) or floors.get(cuda.split(".")[0])
    driver = _version(gpu.driver)
    if floor is None or driver is None or driver >= Version(floor):
        return None
    return Fit(
        fits=False,
        reason=f"CUDA {cuda} needs an NVIDIA driver of at least {floor}; this machine has {gpu.driver}",
        hint=NEWER_DRIVER.format(floor=floor),
        source=table.driver_sources[0],
    )


def _too_old(cuda: str, gpu: Gpu, table: GpuTable) -> Fit | None:
    capability, version = _version(gpu.capability), _version(cuda)
    if capability is None or version is None:
        return None
    for row in table.dropped:
        if capability < Version(row.below) and version >= Version(row.since_cuda):
            reason = f"CUDA {row.since_cuda} and later serve no {_named(gpu)}; the model's build uses CUDA {cuda}"
            return Fit(fits=False, reason=reason, hint=HINT, source=table.dropped_sources[0])
    return None


def _code(build: Build, gpu: Gpu, table: GpuTable) -> Fit:
    row = _row(build, table)
    if row is None or gpu.capability is None:
        return Fit(fits=True, reason="nothing is known that speaks against it")
    if runs(gpu.capability, row.sm, row.ptx):
        return Fit(fits=True, reason=f"the build has code for {_named(gpu)}", source=row.source)
    built_for = ", ".join(row.sm) + (f" and PTX for {row.ptx}" if row.ptx else ", without PTX")
    reason = (
        f"{build.framework} {build.version} for CUDA {build.cuda} has no code for {_named(gpu)}: built for {built_for}"
    )
    return Fit(fits=False, reason=reason, hint=HINT, source=row.source)


def runs(capability: str, sm: tuple[str, ...], ptx: str | None) -> bool:
    """The table's rule: same major version and no higher minor one, or PTX for no more than the GPU has."""
    own = Version(capability)
    native = any(Version(code).major == own.major and Version(code) <= own for code in sm)
    return native or (ptx is not None and Version(ptx) <= own)


def _row(build: Build, table: GpuTable) -> BuildRow | None:
    version = _version(build.version)
    if not build.own or version is None or build.cuda is None:
        return None
    for row in table.builds:
        in_range = Version(row.since) <= version and (row.before is None or version < Version(row.before))
        if row.framework == build.framework and _minor(build.cuda) in row.cuda and in_range:
            return row
    return None


def _named(gpu: Gpu) -> str:
    return f"{gpu.name} (compute capability {gpu.capability})"


def _minor(cuda: str) -> str:
    return ".".join(cuda.split(".")[:2])


def _version(text: str | None) -> Version | None:
    try:
        return Version(text) if text else None
    except InvalidVersion:
        return None
