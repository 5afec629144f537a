"""A Slurm cluster of one node, Debian's packages, with a munge of its own: started for the tests that need it."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from tests.stack import apt
from tests.stack.layout import State, read_json, write_json, write_text
from tests.stack.processes import Program, ensure_running, running_pid, stop
from tests.stack.shell import StackError, run, step, succeeds

PACKAGES = {"slurmctld": "slurm-wlm", "munged": "munge", "lua5.3": "lua5.3"}
LMOD = Path("/usr/share/lmod/lmod/libexec/lmod")
STOP_ORDER = ("slurmd", "slurmctld", "munged")
NODE = "dlm"


def start(state: State) -> Path:
    """Bring the cluster up; returns its slurm.conf, for SLURM_CONF."""
    _ensure_packages()
    folder = state.path("slurm")
    for name in ("controller", "node", "munge"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    conf = folder / "slurm.conf"
    write_text(conf, _conf(state, folder))
    _start_munge(state, folder / "munge")
    asked: list[str | Path] = ["env", f"SLURM_CONF={conf}"]
    controller: list[str | Path] = [apt.find_program("slurmctld"), "-D", "-f", conf]
    ensure_running(state, Program("slurmctld", controller, lambda: succeeds([*asked, "scontrol", "ping"])))
    node: list[str | Path] = [apt.find_program("slurmd"), "-D", "-f", conf, "-N", NODE]
    ensure_running(state, Program("slurmd", node, lambda: _is_up(conf)))
    return conf


def end(state: State) -> None:
    """End the cluster, if it runs."""
    for name in STOP_ORDER:
        stop(state, name)


def runs(state: State) -> bool:
    """Whether this stack's cluster is up."""
    return running_pid(state, "slurmctld") is not None


def _ensure_packages() -> None:
    wanted = [package for program, package in PACKAGES.items() if not apt.has_program(program)]
    if not LMOD.exists():
        wanted.append("lmod")
    if wanted:
        with step(f"installing {' '.join(wanted)}"):
            apt.install(wanted)


def _is_up(conf: Path) -> bool:
    try:
        told = run(["env", f"SLURM_CONF={conf}", "sinfo", "-h", "-o", "%T"], timeout_s=20)
    except StackError:
        return False
    return told.strip() in ("idle", "mixed", "allocated", "completing")


def _start_munge(state: State, folder: Path) -> None:
    key, door = folder / "key", folder / "socket"
    folder.chmod(0o755)
    if not key.exists():
        key.touch(mode=0o400)
        key.write_bytes(os.urandom(128))
    argv: list[str | Path] = [apt.find_program("munged"), "--foreground", "--num-threads", "2"]
    places = {"key-file": key, "socket": door, "pid-file": folder / "pid", "log-file": folder / "log"}
    for name, path in {**places, "seed-file": folder / "seed"}.items():
        argv += [f"--{name}", path]
    ensure_running(state, Program("munged", argv, lambda: succeeds(["munge", "-S", door, "-n"])))


def _conf(state: State, folder: Path) -> str:
    ports = _ports(state)
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2 >> 20
    return f"""\
ClusterName=dlm
SlurmctldHost={socket.gethostname()}(127.0.0.1)
SlurmUser=root
SlurmctldPort={ports[0]}
SlurmdPort={ports[1]}
AuthType=auth/munge
AuthInfo=socket={folder / "munge/socket"}
CryptoType=crypto/munge
StateSaveLocation={folder / "controller"}
SlurmdSpoolDir={folder / "node"}
SlurmctldPidFile={folder / "slurmctld.pid"}
SlurmdPidFile={folder / "slurmd.pid"}
SlurmctldLogFile={folder / "slurmctld.log"}
SlurmdLogFile={folder / "slurmd.log"}
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
MpiDefault=none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core
ReturnToService=2
NodeName={NODE} NodeHostname={socket.gethostname()} NodeAddr=127.0.0.1 CPUs={os.cpu_count()} RealMemory={memory}
PartitionName=all Nodes={NODE} Default=YES MaxTime=60 State=UP
"""


def _ports(state: State) -> tuple[int, int]:
    """Two loopback ports, settled once."""
    note = state.path("slurm.json")
    known = read_json(note)
    if not known:
        with socket.socket() as one, socket.socket() as two:
            one.bind(("127.0.0.1", 0))
            two.bind(("127.0.0.1", 0))
            known = {"ports": [one.getsockname()[1], two.getsockname()[1]]}
        write_json(note, known)
    ports = known["ports"]
    assert isinstance(ports, list)
    return int(ports[0]), int(ports[1])
