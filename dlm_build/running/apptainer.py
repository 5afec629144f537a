"""The command that runs a model's SIF as an ordinary user: pure functions, so that a test can read every restriction.

Written for Apptainer 1.1 and later and for SingularityCE, which share these options; what differs is in `Engine`.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from packaging.version import Version

from dlm_build.container_layout import INPUT, LAUNCHER, OUTPUT
from dlm_build.errors import InfraError, shown
from dlm_build.proc import Programs
from dlm_build.records import Record
from dlm_build.running.order import OPEN_FILES, Order, checked_working_dir

NAMES = ("apptainer", "singularity")
OLDEST = {"apptainer": Version("1.1"), "singularity": Version("3.8")}
BIND_PATHS = {"apptainer": Version("1.1"), "singularity": Version("3.11")}
"""From these on, a site's own binds can be kept out with one option."""
INSTALL = "install apptainer, or name the program in [apptainer] of the settings; `dlm-build doctor` says what it needs"
GATE = 'printf "%s %s\\n" "$0" "$$"; read -r go || exit 125; HOME=/tmp; export HOME; exec "$@" </dev/null'
"""Says that the container stands and which process waits in it, then waits until it may become the model."""
JOIN = 'for g in $1; do echo $$ > "$g/cgroup.procs" || exit 125; done; shift; exec "$@"'
"""Enters the control groups (paths of our own making, without blanks), then becomes the rest."""


class Engine(Record, frozen=True, kw_only=True):
    """The program, as it describes itself."""

    program: str
    kind: Literal["apptainer", "singularity"]
    version: str

    @property
    def prefix(self) -> str:
        """Of the environment variables it reads."""
        return self.kind.upper()

    @property
    def refuses_binds(self) -> bool:
        return Version(self.version) >= BIND_PATHS[self.kind]


class SifOrder(Order, frozen=True, kw_only=True):
    """One run of a SIF."""

    engine: Engine
    token: str
    """What the gate says, so that nothing said before it is taken for it."""
    sif: Path
    user: tuple[int, int] | None
    """User and group to become; None: who we are."""
    threads: int = 0
    """Threads the user has already; the kernel counts them too."""
    ceilings: dict[str, int] = {}
    """Hard limits that we are under ourselves, by prlimit's names: nobody can raise his own."""
    groups: tuple[Path, ...] = ()
    """Control groups to join first; they hold memory and processes, so that resource limits need not."""


def find_engine(program: str | None, programs: Programs) -> Engine:
    """The program the settings name, else the first of NAMES that answers. Raises InfraError."""
    for name in (program,) if program else NAMES:
        engine = _asked(name, programs)
        if engine:
            return engine
    told = f"{shown(program)} does not answer" if program else f"neither {' nor '.join(NAMES)} answers"
    raise InfraError(f"cannot run SIF files: {told} to --version", INSTALL)


def _asked(name: str, programs: Programs) -> Engine | None:
    try:
        told = programs.run((name, "--version"), timeout=30)
    except InfraError:
        return None
    found = re.search(r"(apptainer|singularity)\S*(?: version)? v?(\d+\.\d+(?:\.\d+)?)", told.stdout)
    if told.status or not found:
        return None
    kind: Literal["apptainer", "singularity"] = "apptainer" if found[1] == "apptainer" else "singularity"
    if Version(found[2]) < OLDEST[kind]:
        raise InfraError(f"{kind} {found[2]} is too old", f"install {kind} {OLDEST[kind]} or later")
    return Engine(program=name, kind=kind, version=found[2])


def launch_argv(order: SifOrder) -> tuple[str, ...]:
    """The whole command: control groups, resource limits, the user, the container, the gate, the model."""
    return (*_joining(order), *_limited(order), *_as_user(order), *exec_argv(order))


def exec_argv(order: SifOrder) -> tuple[str, ...]:
    """`apptainer exec …` with the model behind the gate. Raises ItemInvalid, or InfraError for an unusable path."""
    binds = ("--no-mount", "bind-paths") if order.engine.refuses_binds else ()
    return (
        order.engine.program, "exec",
        "--containall", "--no-home", "--cleanenv", "--no-privs", "--net", "--network", "none", "--hostname", "dlm",
        *binds,
        "--workdir", _plain(order.place / "scratch"),
        "--scratch", checked_working_dir(order.working_dir),
        "--pwd", "/tmp",  # noqa: S108
        "--mount", _mount(order.place / "in", INPUT, fixed=True),
        "--mount", _mount(order.place / "out", OUTPUT, fixed=False),
        *(("--nv",) if order.device.kind == "gpu" else ()),
        _plain(order.sif),
        "/bin/sh", "-c", GATE, order.token,
        LAUNCHER, "predict", "--input", f"{INPUT}/{order.sample}", "--output", OUTPUT,
    )  # fmt: skip


def _mount(source: Path, target: str, *, fixed: bool) -> str:
    """One row of comma-separated values: a path may hold commas, colons and blanks."""
    quoted = '"source=' + _plain(source).replace('"', '""') + '"'
    return f"type=bind,{quoted},destination={target}" + (",ro" if fixed else "")


def _plain(path: Path) -> str:
    text = str(path)
    if not text.isprintable() or not path.is_absolute():
        raise InfraError(f"cannot run from the folder {shown(text)}", "use --output with a path of plain characters")
    return text


def _joining(order: SifOrder) -> tuple[str, ...]:
    groups = " ".join(map(str, order.groups))
    return ("/bin/sh", "-c", JOIN, "sh", groups) if groups else ()


def _limited(order: SifOrder) -> tuple[str, ...]:
    """Resource limits; of memory and processes only where no control group holds them, being coarser."""
    limits = order.limits
    # One byte above, so that a file that reached it is over the limit for whoever looks.
    wanted = {"core": 0, "nofile": OPEN_FILES, "fsize": limits.output + 1}
    if not order.groups:
        wanted["nproc"] = order.threads + limits.pids
        wanted |= {} if order.device.kind == "gpu" else {"data": limits.memory}  # a GPU's driver maps far more
    held = {name: min(value, order.ceilings.get(name, value)) for name, value in wanted.items()}
    return ("prlimit", *(f"--{name}={value}" for name, value in held.items()), "--")


def _as_user(order: SifOrder) -> tuple[str, ...]:
    """Ends with us whatever happens to us; as another user where we are root."""
    become = ("--reuid", str(order.user[0]), "--regid", str(order.user[1]), "--clear-groups") if order.user else ()
    return ("setpriv", "--pdeathsig", "KILL", *become, "--")


def environment(order: SifOrder, base: Mapping[str, str]) -> dict[str, str]:
    """All the engine sees; of the host's `base` only where programs are and which GPUs are ours.

    What the model sees is named with the engine's prefix: nothing else gets in.
    """
    engine, private = order.engine.prefix, str(order.place / "engine")
    inner = order.variables
    chosen = base.get("CUDA_VISIBLE_DEVICES")
    if order.device.kind == "gpu" and chosen is not None:
        inner["CUDA_VISIBLE_DEVICES"] = chosen  # --nv shows every GPU; this is how a batch system names ours
    return {
        "PATH": f"{base.get('PATH', '')}:/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin".lstrip(":"),
        "HOME": private,
        "LC_ALL": "C.UTF-8",
        f"{engine}_CONFIGDIR": private,
        f"{engine}_CACHEDIR": private,
        f"{engine}_TMPDIR": private,
        **{f"{engine}ENV_{name}": value for name, value in inner.items()},
    }
