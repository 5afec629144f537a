"""The command that runs a SIF: every restriction, and nothing of the host's environment."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.errors import InfraError, ItemInvalid
from dlm_build.proc import Finished
from dlm_build.records import Limits
from dlm_build.running.apptainer import (
    Engine,
    SifOrder,
    environment,
    exec_argv,
    find_engine,
    launch_argv,
)
from dlm_build.running.gpu import Device
from dlm_build.running.sif_errors import explained

CPU, GPU = Device(kind="cpu", reason="because"), Device(kind="gpu", way="nv", reason="there")
ORDER = SifOrder(
    engine=Engine(program="apptainer", kind="apptainer", version="1.4.5"),
    token="dlm-build-1",
    sif=Path("/models/m.sif"),
    sample="scene.tif",
    place=Path('/runs/a, "b": c'),
    working_dir="/workspace",
    limits=Limits(memory=1 << 30, pids=77, output=1000),
    device=CPU,
    processors=2,
    mark="dlm-report-1",
    user=(1001, 1002),
    threads=10,
)


def words(order: SifOrder) -> list[str]:
    return list(exec_argv(order))


def following(argv: Sequence[str], option: str) -> list[str]:
    return [argv[place + 1] for place, word in enumerate(argv) if word == option]


def test_nothing_is_allowed_that_a_model_can_do_without() -> None:
    argv = words(ORDER)
    flags = argv[: argv.index("/models/m.sif")]
    for flag in ("--containall", "--no-home", "--cleanenv", "--no-privs", "--net"):
        assert flag in flags
    assert following(flags, "--network") == ["none"] and following(flags, "--no-mount") == ["bind-paths"]
    assert not {"--writable", "--writable-tmpfs", "--fakeroot", "--nv", "--bind"} & set(flags)


def test_folders_are_rows_that_hold_any_path() -> None:
    rows = [next(csv.reader([row])) for row in following(words(ORDER), "--mount")]
    assert rows == [
        ["type=bind", 'source=/runs/a, "b": c/in', "destination=/dlm/in", "ro"],
        ["type=bind", 'source=/runs/a, "b": c/out', "destination=/dlm/out"],
    ]


def test_the_model_stands_behind_the_gate() -> None:
    behind = words(ORDER)[words(ORDER).index("/models/m.sif") + 1 :]
    assert behind[:2] == ["/bin/sh", "-c"] and behind[3] == "dlm-build-1"
    assert behind[4:] == ["/opt/dlm/bin/model", "predict", "--input", "/dlm/in/scene.tif", "--output", "/dlm/out"]


def test_a_gpu_comes_by_the_hosts_driver() -> None:
    assert "--nv" in words(replace(ORDER, device=GPU))


@pytest.mark.parametrize(
    ("kind", "version", "there"), [("singularity", "3.8.0", False), ("singularity", "4.1.2", True)]
)
def test_older_singularity_cannot_be_told_to_leave_binds_out(kind: Any, version: str, there: bool) -> None:
    assert ("--no-mount" in words(replace(ORDER, engine=Engine(program=kind, kind=kind, version=version)))) == there


def test_resource_limits_hold_where_no_control_group_does() -> None:
    argv = launch_argv(ORDER)
    assert argv[: argv.index("setpriv")] == (
        "prlimit", "--core=0", "--nofile=4096", "--fsize=1001", "--nproc=87", f"--data={1 << 30}", "--"
    )  # fmt: skip
    held = launch_argv(replace(ORDER, groups=(Path("/sys/fs/cgroup/memory/x"), Path("/sys/fs/cgroup/pids/x"))))
    assert held[4] == "/sys/fs/cgroup/memory/x /sys/fs/cgroup/pids/x" and not any("--nproc" in word for word in held)


def test_a_gpus_driver_maps_more_than_any_limit() -> None:
    assert not any(word.startswith("--data") for word in launch_argv(replace(ORDER, device=GPU)))


def test_nobody_raises_his_own_limits() -> None:
    argv = launch_argv(replace(ORDER, ceilings={"nofile": 1024, "nproc": 50, "fsize": 1 << 40}))
    assert {"--nofile=1024", "--nproc=50", "--fsize=1001"} <= set(argv)


def test_who_runs_it() -> None:
    argv = launch_argv(ORDER)
    assert argv[argv.index("setpriv") :][:8] == (
        "setpriv", "--pdeathsig", "KILL", "--reuid", "1001", "--regid", "1002", "--clear-groups"
    )  # fmt: skip
    assert "--reuid" not in launch_argv(replace(ORDER, user=None))


@pytest.mark.parametrize("place", ["/runs/a\nb", "/runs/\x1b", "relative"])
def test_a_folder_no_command_can_name_is_refused(place: str) -> None:
    with pytest.raises(InfraError, match="cannot run from the folder"):
        exec_argv(replace(ORDER, place=Path(place)))


def test_a_working_folder_that_hides_the_model_is_refused() -> None:
    with pytest.raises(ItemInvalid):
        exec_argv(replace(ORDER, working_dir="/opt/dlm"))


def test_the_environment_is_ours_alone() -> None:
    base = {
        "PATH": "/opt/bin",
        "HOME": "/home/me",
        "APPTAINERENV_X": "1",
        "HTTP_PROXY": "p",
        "CUDA_VISIBLE_DEVICES": "1,2",
    }
    made = environment(ORDER, base)
    assert made["PATH"].startswith("/opt/bin:") and made["HOME"].startswith("/runs/")
    inner = {name.removeprefix("APPTAINERENV_") for name in made if name.startswith("APPTAINERENV_")}
    assert inner == {"DLM_DEVICE", "DLM_REPORT", "TMPDIR", "LC_ALL", "TZ", "OMP_NUM_THREADS", "PYTHONHASHSEED",
                     "PYTHONNOUSERSITE", "PYTHONDONTWRITEBYTECODE"}  # fmt: skip
    assert set(made) - {f"APPTAINERENV_{name}" for name in inner} == {
        "PATH", "HOME", "LC_ALL", "APPTAINER_CONFIGDIR", "APPTAINER_CACHEDIR", "APPTAINER_TMPDIR"
    }  # fmt: skip


def test_the_batch_systems_choice_of_gpus_goes_in_with_a_gpu_only() -> None:
    base = {"CUDA_VISIBLE_DEVICES": "1,2"}
    assert environment(replace(ORDER, device=GPU), base)["APPTAINERENV_CUDA_VISIBLE_DEVICES"] == "1,2"
    assert (
        environment(replace(ORDER, device=GPU), {"CUDA_VISIBLE_DEVICES": ""})["APPTAINERENV_CUDA_VISIBLE_DEVICES"] == ""
    )


def test_singularity_reads_its_own_names() -> None:
    singularity = Engine(program="singularity", kind="singularity", version="4.1.2")
    made = environment(replace(ORDER, engine=singularity), {})
    assert "SINGULARITYENV_DLM_DEVICE" in made and not any(name.startswith("APPTAINER") for name in made)


# --- which program --------------------------------------------------------------------------------------------------


class Versions:
    """Programs by what they say of themselves."""

    def __init__(self, **answers: str) -> None:
        self.answers = answers

    def run(self, argv: Sequence[str], **_options: Any) -> Finished:
        assert argv[1:] == ("--version",)
        if argv[0] not in self.answers:
            raise InfraError(f"cannot start {argv[0]}: No such file or directory")
        return Finished(argv=tuple(argv), status=0, stdout=self.answers[argv[0]], stderr="", seconds=0.0)


def test_apptainer_comes_before_singularity() -> None:
    both = Versions(apptainer="apptainer version 1.4.5\n", singularity="apptainer version 1.4.5\n")
    assert find_engine(None, both).program == "apptainer"
    only = Versions(singularity="singularity-ce version 4.1.2-jammy\n")
    assert find_engine(None, only) == Engine(program="singularity", kind="singularity", version="4.1.2")


def test_a_program_that_is_apptainer_by_another_name() -> None:
    assert find_engine("singularity", Versions(singularity="apptainer version 1.3.1-1.el9\n")).kind == "apptainer"


def test_none_and_odd_ones_are_refused() -> None:
    with pytest.raises(InfraError, match="neither apptainer nor singularity answers to --version"):
        find_engine(None, Versions())
    with pytest.raises(InfraError, match=r"^cannot run SIF files: gone does not answer to --version"):
        find_engine("gone", Versions())
    with pytest.raises(InfraError, match="odd"):
        find_engine("odd", Versions(odd="Docker version 1\n"))
    with pytest.raises(InfraError, match=r"2\.6\.1 is too old"):
        find_engine(None, Versions(singularity="singularity version 2.6.1\n"))


@pytest.mark.parametrize(
    ("said", "reason"),
    [
        ("INFO: x\n\x1b[91mERROR  : Requesting capability set 0x1 while permitted\n", "lacks a privilege"),
        ("FATAL:   container creation failed: mount hook: fuse: device not found\n", "FUSE does not serve"),
        ("FATAL: while unpacking: no space left on device\n", "disk of the work folder is full"),
        ("FATAL: could not open image /m.sif: image format not recognized\n", "the SIF file cannot be read"),
        ("", "it said nothing"),
        ("something else\n", "something else"),
    ],
)
def test_why_a_container_does_not_stand(said: str, reason: str) -> None:
    problem = explained(said, ORDER.engine)
    assert reason in problem.message and problem.hint and "\x1b" not in problem.message
