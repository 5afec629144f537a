"""What the container is allowed: one pure function, so that a test can read every restriction."""

from __future__ import annotations

from typing import Any

from dlm_build.container_layout import INPUT, LAUNCHER, OUTPUT, USER, USER_ID
from dlm_build.running.gpu import Device
from dlm_build.running.order import OPEN_FILES, SCRATCH_FILES, Order, checked_working_dir


class DockerOrder(Order, frozen=True, kw_only=True):
    """One run on Docker."""

    name: str
    image: str
    """Id or digest, never a tag that may have moved."""
    owner: str
    """Who removes the container if this process cannot; see orphans.py."""


def container_options(order: DockerOrder) -> dict[str, Any]:
    """Arguments of the SDK's `containers.create`. Raises ItemInvalid for a working folder that hides other files."""
    from docker.types import LogConfig

    from dlm_build.running.orphans import LABEL

    return {
        "name": order.name,
        "image": order.image,
        "entrypoint": [LAUNCHER],
        "command": ["predict", "--input", f"{INPUT}/{order.sample}", "--output", OUTPUT],
        "user": USER,
        "hostname": "dlm",
        "labels": {LABEL: order.owner},
        "environment": _environment(order),
        "use_config_proxy": False,
        "network_mode": "none",
        "ipc_mode": "private",
        "read_only": True,
        "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"],
        "init": True,
        "stdin_open": False,
        "tty": False,
        "healthcheck": {"test": ["NONE"]},
        "log_config": LogConfig(type="none"),
        "tmpfs": _scratch(order),
        "mounts": _mounts(order),
        "device_requests": _devices(order.device),
        **_amounts(order),
    }


def _amounts(order: DockerOrder) -> dict[str, Any]:
    from docker.types import Ulimit

    limits = order.limits
    return {
        "pids_limit": limits.pids,
        "mem_limit": limits.memory,
        "memswap_limit": limits.memory,  # equal: no swap
        "shm_size": limits.memory // 2,
        "ulimits": [
            Ulimit(name="core", soft=0, hard=0),
            Ulimit(name="nofile", soft=OPEN_FILES, hard=OPEN_FILES),
            # One byte above, so that a file that reached it is over the limit for whoever looks.
            Ulimit(name="fsize", soft=limits.output + 1, hard=limits.output + 1),
        ],
    }


def _environment(order: DockerOrder) -> dict[str, str]:
    """All that is added to the image's own environment; nothing of the host's."""
    gpu = order.device.kind == "gpu"
    return {
        **order.variables,
        "DLM_UMASK": "0",
        "HOME": "/tmp",  # noqa: S108
        # CUDA images ask for every GPU by themselves; an engine whose default runtime listens would give them.
        **({"NVIDIA_DRIVER_CAPABILITIES": "compute,utility"} if gpu else {"NVIDIA_VISIBLE_DEVICES": "void"}),
    }


def _scratch(order: DockerOrder) -> dict[str, str]:
    """Both scratch file systems count against the memory limit. `exec`: models compile and load kernels there."""
    size = order.limits.memory // 2
    options = f"rw,exec,nosuid,nodev,size={size},nr_inodes={SCRATCH_FILES}"
    owned = f"{options},mode=0700,uid={USER_ID},gid={USER_ID}"
    scratch = {checked_working_dir(order.working_dir): owned}
    scratch["/tmp"] = f"{options},mode=1777"  # noqa: S108
    return scratch


def _mounts(order: DockerOrder) -> list[Any]:
    from docker.types import Mount

    places = ((INPUT, order.place / "in", True), (OUTPUT, order.place / "out", False))
    return [
        Mount(target=target, source=str(source), type="bind", read_only=fixed, propagation="rprivate")
        for target, source, fixed in places
    ]


def _devices(device: Device) -> list[Any]:
    from docker.types import DeviceRequest

    if device.way == "cdi":
        return [DeviceRequest(driver="cdi", device_ids=[device.device_id])]
    if device.way == "runtime":
        return [DeviceRequest(count=-1, capabilities=[["gpu"]])]
    return []
