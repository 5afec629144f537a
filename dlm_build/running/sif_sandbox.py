"""The restrictions really in force around a SIF's process: read from the kernel before the model starts."""

from __future__ import annotations

import os
from pathlib import Path

from dlm_build.container_layout import INPUT, MOUNTS
from dlm_build.errors import InfraError
from dlm_build.running.processes import PROC, status

ESSENTIAL = (
    "no network", "read-only root", "no capabilities", "no new privileges", "ordinary user", "own processes",
    "input read-only", "nothing else of the host",
)  # fmt: skip
"""Without each of these a stranger's model is not started."""
OWN_SYSTEMS = ("overlay", "tmpfs", "proc", "sysfs", "devtmpfs", "devpts", "mqueue", "squashfs",
               "fuse.squashfuse", "fuse.squashfuse_ll", "cgroup", "cgroup2")  # fmt: skip
"""Kinds of file systems that hold no files of the host's disks."""
ENGINES_OWN = ("/dev", "/sys", "/proc", "/.singularity.d", "/etc/resolv.conf", "/etc/hosts", "/etc/localtime",
               "/etc/passwd", "/etc/group", "/etc/hostname")  # fmt: skip
"""Where the engine itself puts single files of the host, or of its own making."""
DRIVER = ("/usr/bin/nvidia-", "/run/nvidia", "/var/run/nvidia", "/usr/share/", "/etc/OpenCL")
"""Where --nv puts the programs and data of the host's driver."""
SIZES = {
    "Max core file size": "core", "Max open files": "nofile", "Max file size": "fsize", "Max processes": "nproc",
    "Max data size": "data",
}  # fmt: skip


def restrictions(pid: int, scratch: tuple[str, ...], gpu: bool, proc: Path = PROC) -> tuple[str, ...]:
    """Of the process `pid`, waiting inside the container; `scratch` are the folders given to it to write in.

    Raises InfraError where the kernel does not tell.
    """
    folder = proc / str(pid)
    rows, own = status(pid, proc), proc / "self"
    try:
        mounts = _mounts((folder / "mountinfo").read_text())
        other = {name: (folder / "ns" / name).readlink() != (own / "ns" / name).readlink()
                 for name in ("net", "pid", "ipc", "user", "mnt", "uts")}  # fmt: skip
        links = [line.partition(":")[0].strip() for line in (folder / "net/dev").read_text().splitlines()[2:]]
    except OSError as problem:
        raise InfraError(f"cannot read back what holds the container: {problem}", "is /proc mounted?") from problem
    user = rows.get("Uid", "0").split()[0]
    held = {
        "no network": other["net"] and set(links) <= {"lo"},
        "read-only root": "ro" in mounts.get("/", ("", ()))[1],
        "no capabilities": all(int(rows.get(f"Cap{kind}", "f"), 16) == 0 for kind in ("Prm", "Eff", "Inh", "Amb")),
        "no new privileges": rows.get("NoNewPrivs") == "1",
        "ordinary user": user != "0",
        f"user {user}": True,
        "own processes": other["pid"],
        "private IPC": other["ipc"],
        "user namespace": other["user"],
        "input read-only": "ro" in mounts.get(INPUT, ("", ()))[1],
        "nothing else of the host": not _foreign(mounts, scratch, gpu),
        "seccomp": rows.get("Seccomp") == "2",
    }
    return tuple(name for name, holds in held.items() if holds) + _sizes(folder / "limits")


def check(sandbox: tuple[str, ...]) -> None:
    """Raises InfraError when the engine left out a restriction that a stranger's model may not run without."""
    missing = [name for name in ESSENTIAL if name not in sandbox]
    if missing:
        raise InfraError(
            f"the engine does not apply: {', '.join(missing)}",
            "dlm-build runs no model without them; look at what this site's apptainer.conf adds to every container",
        )


Mounts = dict[str, tuple[str, tuple[str, ...]]]


def _mounts(text: str) -> Mounts:
    """Mount point → kind of file system, options of the mount and of what is mounted; the last at a point counts."""
    found: Mounts = {}
    for line in text.splitlines():
        fields = line.split()
        after = fields.index("-")
        point = fields[4].encode().decode("unicode_escape")
        found[point] = (fields[after + 1], (*fields[5].split(","), *fields[after + 3].split(",")))
    return found


def _foreign(mounts: Mounts, scratch: tuple[str, ...], gpu: bool) -> list[str]:
    allowed = (MOUNTS, *scratch, *ENGINES_OWN)
    return [
        point
        for point, (kind, _) in mounts.items()
        if point != "/"
        and kind not in OWN_SYSTEMS
        and not any(point == place or point.startswith(f"{place}/") for place in allowed)
        and not (gpu and point.startswith(DRIVER))
    ]


def _sizes(path: Path) -> tuple[str, ...]:
    """Resource limits of the process that are set."""
    found = []
    for line in path.read_text().splitlines() if os.access(path, os.R_OK) else ():
        name, rest = line[:26].strip(), line[26:].split()
        if name in SIZES and rest[0] != "unlimited":
            found.append(f"{SIZES[name]} <= {rest[0]}")
    return tuple(found)
