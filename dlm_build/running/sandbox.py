"""The restrictions really in force: read back from the engine, never from what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from dlm_build.container_layout import INPUT, USER
from dlm_build.errors import InfraError

ESSENTIAL = ("no network", "read-only root", "no capabilities", "no new privileges", f"user {USER}")
"""Without each of these a stranger's model is not started."""


def restrictions(inspected: Mapping[str, Any], info: Mapping[str, Any]) -> tuple[str, ...]:
    """Of a created container, as `docker inspect` and `docker info` tell them."""
    host, config = inspected["HostConfig"], inspected["Config"]
    options = host.get("SecurityOpt") or ()
    unlocked = any(str(option).startswith("seccomp") for option in options)
    held = {
        "no network": host.get("NetworkMode") == "none",
        "read-only root": bool(host.get("ReadonlyRootfs")),
        "no capabilities": "ALL" in (host.get("CapDrop") or ()) and not host.get("CapAdd"),
        "no new privileges": any(str(option).startswith("no-new-privileges") for option in options),
        f"user {config.get('User')}": bool(config.get("User")),
        "private IPC": host.get("IpcMode") == "private",
        "input read-only": _read_only(inspected, INPUT),
        f"seccomp {_seccomp(info)}": bool(_seccomp(info)) and not unlocked,
        "rootless engine": "name=rootless" in (info.get("SecurityOptions") or ()),
        "user namespace": "name=userns" in (info.get("SecurityOptions") or ()) and not host.get("UsernsMode"),
        "AppArmor": "name=apparmor" in (info.get("SecurityOptions") or ()),
    }
    privileged = host.get("Privileged")
    return tuple(name for name, holds in held.items() if holds and not privileged) + _amounts(host)


def _read_only(inspected: Mapping[str, Any], target: str) -> bool:
    mounts = [mount for mount in inspected.get("Mounts") or () if mount.get("Destination") == target]
    return bool(mounts) and not any(mount.get("RW") for mount in mounts)


def _seccomp(info: Mapping[str, Any]) -> str:
    """The profile's name; "" where the engine has none or runs without."""
    for option in info.get("SecurityOptions") or ():
        parts = dict(part.partition("=")[::2] for part in str(option).split(","))
        if parts.get("name") == "seccomp" and parts.get("profile") != "unconfined":
            return parts.get("profile", "default")
    return ""


def _amounts(host: Mapping[str, Any]) -> tuple[str, ...]:
    memory, swap = host.get("Memory") or 0, host.get("MemorySwap") or 0
    amounts = [
        (host.get("PidsLimit"), f"processes <= {host.get('PidsLimit')}"),
        (memory, f"memory <= {memory} bytes" + (", no swap" if memory and swap == memory else "")),
        (host.get("NanoCpus"), f"processors <= {(host.get('NanoCpus') or 0) / 1e9:g}"),
        (host.get("ShmSize"), f"shared memory <= {host.get('ShmSize')} bytes"),
    ]
    texts = [text for value, text in amounts if value and value > 0]
    texts += [f"{limit['Name']} <= {limit['Hard']}" for limit in host.get("Ulimits") or ()]
    texts += [f"scratch {path} ({options})" for path, options in sorted((host.get("Tmpfs") or {}).items())]
    return tuple(texts)


def check(sandbox: tuple[str, ...]) -> None:
    """Raises InfraError when the engine left out a restriction that a stranger's model may not run without."""
    missing = [name for name in ESSENTIAL if name not in sandbox]
    if missing:
        raise InfraError(
            f"the engine does not apply: {', '.join(missing)}",
            "use a Docker engine that honours these options; dlm-build runs no model without them",
        )
