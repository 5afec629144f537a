"""One framework build against one GPU: pure, from the table alone."""

from __future__ import annotations

import re

from packaging.version import InvalidVersion, Version

from dlm_build.gpu.table import BuildRow, GpuTable
from dlm_build.records import Plan, Record

HINT = "run on another GPU, leave --gpu out to run on the CPU, or publish the model for a newer framework"
NEWER_DRIVER = (
    "install a driver of at least {floor} (data-centre GPUs may use NVIDIA's cuda-compat libraries instead), or leave "
    "--gpu out to run on the CPU"
)


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
    """`X.Y` of the CUDA it was built with; None: a CPU build."""
    own: bool
    """A build of the framework's own makers, the only ones the table tells of."""


class Fit(Record, frozen=True, kw_only=True):
    """`fits` is False only where the table says so for certain; what it does not know is tried."""

    fits: bool
    reason: str
    hint: str = ""
    source: str = ""


def build_of(plan: Plan) -> Build:
    """What the plan installs: wheels and the `pytorch` channel are PyTorch's own, conda-forge's builds are not."""
    spec = plan.environment
    named = {re.split(r"[^a-z0-9_.-]", text.rpartition("::")[2].strip().lower())[0] for text in spec.conda}
    by_conda = bool(named & {"pytorch", "pytorch-gpu", "torch"})
    return Build(
        framework=plan.framework,
        version=plan.framework_version,
        cuda=plan.cuda,
        own=not by_conda or spec.channels[:1] == ("pytorch",),
    )


def fit(build: Build, gpu: Gpu, table: GpuTable) -> Fit:
    """Whether `build` runs on `gpu`; the first obstacle found, the driver before the GPU itself."""
    if build.cuda is None:
        return Fit(fits=True, reason="the framework's build uses no CUDA")
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
