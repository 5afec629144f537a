"""Is there a GPU that containers can have, which way, and what is it called."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Literal

from dlm_build.config import Settings
from dlm_build.docker_client import connected, doing
from dlm_build.errors import GpuIncompatible, InfraError
from dlm_build.gpu import Fit, Gpu, build_of, fit, load_gpu_table
from dlm_build.proc import Programs
from dlm_build.records import Plan, Record

CDI_KIND = "nvidia.com/gpu"
SPEC_SIZE = 1 << 20
ANSWER_SECONDS = 60
"""How long the engine may take for one answer while something is run."""
HINT = (
    "install the NVIDIA driver and container toolkit and run `nvidia-ctk cdi generate --output=/etc/cdi/nvidia.yaml`, "
    "or leave --gpu out to run on the CPU"
)

HOST_HINT = (
    "go where there is one (of Slurm: --gres=gpu:1), install the NVIDIA driver, or leave --gpu out to run on the CPU"
)


class Device(Record, frozen=True, kw_only=True):
    """What a run computes on."""

    kind: Literal["gpu", "cpu"]
    reason: str
    way: Literal["cdi", "runtime", "nv"] | None = None
    """By CDI device, by the nvidia runtime (`--gpus`), or by the host's driver bound into a SIF (`--nv`)."""
    device_id: str = ""
    """The CDI device, e.g. `nvidia.com/gpu=all`."""
    name: str | None = None
    driver: str | None = None

    @property
    def available(self) -> bool:
        return self.kind == "gpu"


def probe(settings: Settings, programs: Programs) -> Device:
    """The GPU that the settings' engine can hand to containers, else the CPU and why. Raises InfraError."""
    with connected(settings.environment, ANSWER_SECONDS) as engine, doing("ask the engine what it has"):
        return find_device(engine.info(), programs)


def find_device(info: Mapping[str, Any], programs: Programs) -> Device:
    """The GPU an engine with this `docker info` can hand to containers, else the CPU and why."""
    name, driver = _nvidia_smi(programs)
    device = _cdi_device(info)
    if device:
        return Device(kind="gpu", way="cdi", device_id=device, reason=f"CDI device {device}", name=name, driver=driver)
    if "nvidia" in (info.get("Runtimes") or {}):
        return Device(kind="gpu", way="runtime", reason="the nvidia runtime (--gpus all)", name=name, driver=driver)
    seen = f"this machine has {name}, but " if name else ""
    return Device(
        kind="cpu", reason=f"{seen}the engine offers no CDI device {CDI_KIND} and no nvidia runtime",
        name=name, driver=driver,
    )  # fmt: skip


def choose(wanted: bool | None, model_wants: bool, info: Mapping[str, Any], programs: Programs) -> Device:
    """The device of a run: `wanted` is --gpu (True), --no-gpu (False) or neither (None: as the model wants).

    Raises InfraError when a GPU is demanded and there is none.
    """
    return _unwanted(wanted, model_wants) or _as_wanted(find_device(info, programs), wanted, HINT)


def choose_at(wanted: bool | None, model_wants: bool, settings: Settings, programs: Programs) -> Device:
    """The same before there is a connection: the engine is asked only where a GPU is wanted. Raises InfraError."""
    return _unwanted(wanted, model_wants) or _as_wanted(probe(settings, programs), wanted, HINT)


def choose_host_gpu(wanted: bool | None, model_wants: bool, programs: Programs) -> Device:
    """The same for a SIF, which takes this machine's GPUs with `--nv`. Raises InfraError."""
    return _unwanted(wanted, model_wants) or _as_wanted(find_host_gpu(programs), wanted, HOST_HINT)


def find_host_gpu(programs: Programs) -> Device:
    """The GPU that the host's own driver serves, else the CPU and why."""
    name, driver = _nvidia_smi(programs)
    if name:
        return Device(kind="gpu", way="nv", reason="the host's driver (--nv)", name=name, driver=driver)
    return Device(kind="cpu", reason="nvidia-smi finds no GPU on this machine")


def fitting(device: Device, plan: Plan, demanded: bool, programs: Programs) -> Device:
    """`device` where the model's framework can run on it, else the CPU and why.

    Raises GpuIncompatible where the operator demanded the GPU. A GPU that does not describe itself is tried.
    """
    if device.kind == "cpu":
        return device
    gpu = described(programs) or Gpu(name="the GPU")
    found = fit(build_of(plan), gpu, load_gpu_table())
    if found.fits:
        return device
    if demanded:
        raise GpuIncompatible(found.reason, found.hint)
    return _fallen_back(found, device)


def _fallen_back(found: Fit, device: Device) -> Device:
    reason = f"the GPU cannot run it, so the CPU does: {found.reason}"
    return Device(kind="cpu", reason=reason, name=device.name, driver=device.driver)


def described(programs: Programs) -> Gpu | None:
    """The first GPU as nvidia-smi describes it; None without the program or a GPU, or where it tells too little."""
    fields = _first_gpu("name,driver_version,compute_cap", programs)
    if len(fields) != 3:
        return None
    return Gpu(name=fields[0], driver=fields[1], capability=fields[2] if fields[2][:1].isdigit() else None)


def _unwanted(wanted: bool | None, model_wants: bool) -> Device | None:
    if wanted is False:
        return Device(kind="cpu", reason="asked for with --no-gpu")
    if wanted is None and not model_wants:
        return Device(kind="cpu", reason="the model does not ask for a GPU")
    return None


def _as_wanted(found: Device, wanted: bool | None, hint: str) -> Device:
    return _demanded(found, hint) if wanted else found


def demand(settings: Settings, programs: Programs) -> Device:
    """The GPU that --gpu asks for, looked for before anything long begins. Raises InfraError where there is none."""
    return _demanded(probe(settings, programs), HINT)


def demand_on_host(programs: Programs) -> Device:
    """The same for a SIF."""
    return _demanded(find_host_gpu(programs), HOST_HINT)


def _demanded(found: Device, hint: str) -> Device:
    if not found.available:
        raise InfraError(f"--gpu: {found.reason}", hint)
    return found


def _cdi_device(info: Mapping[str, Any]) -> str | None:
    """All GPUs as one device where the specification offers that, else the first."""
    discovered = info.get("DiscoveredDevices")
    if discovered is None:
        return f"{CDI_KIND}=all" if _in_spec_files(info.get("CDISpecDirs") or ()) else None
    names = [str(entry.get("ID", "")) for entry in discovered if entry.get("Source") == "cdi"]
    gpus = sorted(name for name in names if name.startswith(f"{CDI_KIND}="))
    return f"{CDI_KIND}=all" if f"{CDI_KIND}=all" in gpus else next(iter(gpus), None)


def _in_spec_files(folders: Any) -> bool:
    """Engines before 28.2 do not list devices, only where the specifications lie; they are on this machine."""
    for folder in folders:
        with suppress(OSError):
            for path in Path(str(folder)).iterdir():
                if path.suffix in (".json", ".yaml", ".yml"):
                    with path.open("rb") as stream:
                        if CDI_KIND.encode() in stream.read(SPEC_SIZE):
                            return True
    return False


def _nvidia_smi(programs: Programs) -> tuple[str | None, str | None]:
    """Name and driver version of the first GPU; (None, None) without the program or a GPU."""
    name, driver, *_ = (*_first_gpu("name,driver_version", programs), "", "")
    return (name, driver or None) if name else (None, None)


def _first_gpu(wanted: str, programs: Programs) -> list[str]:
    """The fields `wanted` of the first GPU; empty without the program or a GPU."""
    query = ("nvidia-smi", f"--query-gpu={wanted}", "--format=csv,noheader")
    try:
        told = programs.run(query, timeout=20)
    except InfraError:
        return []
    return [field.strip() for field in told.stdout.partition("\n")[0].split(",")] if told.status == 0 else []
