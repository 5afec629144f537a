"""Each line of the SIF preflight, well and not, on machines made of files and of answers told beforehand."""

from __future__ import annotations

import gzip
import pwd
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.config import Apptainer, Settings
from dlm_build.errors import InfraError
from dlm_build.gpu import load_gpu_table
from dlm_build.preflight import Line, Look, packing, sif_lines
from dlm_build.preflight.driver import needed_glibc, newest_cuda
from dlm_build.preflight.packing import file_system
from dlm_build.preflight.processor import LEVELS, level_of, missing_for
from dlm_build.proc import Finished

SMI = "nvidia-smi --query-gpu=name,driver_version,compute_cap --format=csv,noheader"
FLAGS = " ".join(flag for level in ("x86-64", "x86-64-v2", "x86-64-v3") for flag in LEVELS[level])
NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = f"setpriv --reuid={NOBODY.pw_uid} --regid={NOBODY.pw_gid} --clear-groups -- "


class Machine:
    """Programs that answer as told; every other one is not installed."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.answers: dict[str, tuple[int, str]] = {
            "apptainer --version": (0, "apptainer version 1.4.5\n"),
            "apptainer buildcfg": (0, "APPTAINER_SUID_INSTALL=0\n"),
            "unshare --user true": (0, ""),
            f"test -r {root}/dev/fuse -a -w {root}/dev/fuse": (0, ""),
            f"ldd {root}/bin/squashfuse_ll": (
                0,
                "\tlibz.so.1 => /lib/libz.so.1\n\tlibzstd.so.1 => /lib/libzstd.so.1\n",
            ),
            "mksquashfs -version": (0, "mksquashfs version 4.5.1 (2022/03/17)\n"),
            "mksquashfs -help": (1, "\tgzip (default)\n\t  -Xcompression-level\n\tzstd\n"),
        }
        (root / "bin").mkdir()
        self.install("squashfuse_ll")
        for name, text in (
            ("cpuinfo", f"flags\t\t: {FLAGS}\n"),
            ("self/mountinfo", f"1 0 8:1 / {root} rw - ext4 d rw\n"),
        ):
            (root / "proc" / name).parent.mkdir(parents=True, exist_ok=True)
            (root / "proc" / name).write_text(text)
        (root / "tmp").mkdir()
        environment = {"PATH": str(root / "bin"), "TMPDIR": str(root / "tmp")}
        self.settings = Settings(store=str(root / "store"), environment=environment)
        self.user = 1000

    def install(self, name: str) -> None:
        (self.root / "bin" / name).write_text("#!/bin/sh\n")
        (self.root / "bin" / name).chmod(0o755)

    def run(self, argv: Sequence[str], **_options: Any) -> Finished:
        line = " ".join(argv)
        if line not in self.answers:
            raise InfraError(f"cannot start {argv[0]}: No such file or directory", "install it")
        status, said = self.answers[line]
        return Finished(argv=tuple(argv), status=status, stdout=said, stderr="", seconds=0.0)

    def lines(self) -> dict[str, Line]:
        return {line.name: line for line in sif_lines(Look(self.settings, self, self.user, self.root))}


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machine:
    for name in ("TREE", "FILE", "ARRAYS"):
        monkeypatch.setattr(packing, name, 1)
    monkeypatch.chdir(tmp_path)
    return Machine(tmp_path)


def test_a_machine_that_is_well(machine: Machine) -> None:
    lines = machine.lines()
    assert {line.state for line in lines.values()} == {"ok"}, lines
    assert list(lines) == [
        "SIF engine", "SIF user", "user namespaces", "FUSE", "SIF reader", "mksquashfs", "SIF tree", "SIF output",
        "TMPDIR", "processor",
    ]  # fmt: skip
    assert "1.4.5" in lines["SIF engine"].detail and "zstd" in lines["mksquashfs"].detail
    assert lines["processor"].detail == "x86-64-v3" and "ext4" in lines["TMPDIR"].detail
    assert lines["SIF tree"].detail.startswith(f"{machine.root}/store/scratch: ")
    assert lines["SIF output"].detail.startswith(f"{machine.root}/dlm-out: ")


@pytest.mark.parametrize(
    ("said", "kind"),
    [("singularity-ce version 4.1.2\n", "singularity 4.1.2"), ("singularity version 3.11.4-1\n", "singularity 3.11.4")],
)
def test_singularity_does_as_well(machine: Machine, said: str, kind: str) -> None:
    del machine.answers["apptainer --version"]
    machine.answers["singularity --version"] = (0, said)
    assert kind in machine.lines()["SIF engine"].detail


def test_without_an_engine_nothing_is_asked_of_it(machine: Machine) -> None:
    del machine.answers["apptainer --version"]
    lines = machine.lines()
    assert lines["SIF engine"].state == "warn" and "install apptainer" in lines["SIF engine"].fix
    assert "FUSE" not in lines and "mksquashfs" in lines


def test_an_engine_too_old_is_said(machine: Machine) -> None:
    machine.answers["apptainer --version"] = (0, "apptainer version 1.0.3\n")
    assert machine.lines()["SIF engine"].detail == "apptainer 1.0.3 is too old"


def test_root_needs_an_ordinary_user(machine: Machine) -> None:
    machine.user = 0
    lines = machine.lines()
    assert lines["SIF user"].state == "warn" and "[apptainer] user" in lines["SIF user"].fix
    machine.settings = replace(machine.settings, apptainer=Apptainer(user="nobody"))
    machine.answers = {(f"{AS_NOBODY}{line}" if line.split()[0] in ("unshare", "test") else line): answer
                       for line, answer in machine.answers.items()}  # fmt: skip
    lines = machine.lines()
    assert [lines[name].state for name in ("SIF user", "user namespaces", "FUSE")] == ["ok", "ok", "ok"]
    assert "nobody" in lines["SIF user"].detail


def test_namespaces_or_setuid(machine: Machine) -> None:
    machine.answers["unshare --user true"] = (1, "unshare: unshare failed: Operation not permitted")
    line = machine.lines()["user namespaces"]
    assert line.state == "warn" and "not permitted" in line.detail and "userns" in line.fix
    machine.answers["apptainer buildcfg"] = (0, "APPTAINER_SUID_INSTALL=1\n")
    assert machine.lines()["user namespaces"].state == "ok"


def test_fuse_wants_its_program_and_its_device(machine: Machine) -> None:
    machine.answers[f"test -r {machine.root}/dev/fuse -a -w {machine.root}/dev/fuse"] = (1, "")
    assert "chmod 666" in machine.lines()["FUSE"].fix
    assert machine.lines()["FUSE"].state == "warn"


def test_no_squashfuse(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dlm_build.preflight.engine.MOUNTERS", ("squashfuse_of_nobody",))
    line = machine.lines()["FUSE"]
    assert line.state == "warn" and line.fix == "install squashfuse"


def test_a_packer_without_zstd_is_slow(machine: Machine) -> None:
    machine.answers["mksquashfs -help"] = (1, "\tgzip (default)\n")
    assert machine.lines()["mksquashfs"].state == "warn"
    del machine.answers["mksquashfs -version"]
    assert "cannot start mksquashfs" in machine.lines()["mksquashfs"].detail


@pytest.mark.parametrize(
    ("name", "way"), [("SIF tree", "set `store`"), ("SIF output", "use --output in"), ("TMPDIR", "set TMPDIR to")]
)
def test_each_folder_may_be_too_small_or_closed(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, name: str, way: str
) -> None:
    for need in ("TREE", "FILE", "ARRAYS"):
        monkeypatch.setattr(packing, need, 1 << 60)
    line = machine.lines()[name]
    assert line.state == "warn" and line.fix.startswith(way) and "on a disk with" in line.fix
    monkeypatch.setattr("dlm_build.preflight.packing.os.access", lambda _path, _mode: False)
    line = machine.lines()[name]
    assert line.state == "warn" and "closed to this user" in line.detail and "may write in" in line.fix


def test_large_things_do_not_belong_in_memory(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    (machine.root / "proc/self/mountinfo").write_text(f"1 0 0:1 / {machine.root} rw - tmpfs d rw\n")
    monkeypatch.setattr(packing, "TREE", 3)
    monkeypatch.setattr(packing, "FILE", 2)
    lines = machine.lines()
    assert [lines[name].state for name in ("SIF tree", "SIF output", "TMPDIR")] == ["warn", "warn", "ok"]
    assert "on tmpfs, which is memory" in lines["SIF tree"].detail
    machine.answers[f"test -r {machine.root}/dev/fuse -a -w {machine.root}/dev/fuse"] = (1, "")
    assert machine.lines()["TMPDIR"].state == "warn", "a SIF that cannot be mounted is unpacked there"


def test_where_a_sif_is_unpacked_for_its_run_there_is_to_be_room_for_that(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "TREE", 1 << 60)
    assert machine.lines()["SIF output"].state == "ok"
    machine.answers[f"test -r {machine.root}/dev/fuse -a -w {machine.root}/dev/fuse"] = (1, "")
    assert machine.lines()["SIF output"].state == "warn"


def test_a_temporary_folder_that_is_not_there_yet(machine: Machine) -> None:
    machine.settings = replace(machine.settings, environment={"TMPDIR": str(machine.root / "absent")})
    line = machine.lines()["TMPDIR"]
    assert line.state == "warn" and line.detail == f"{machine.root}/absent: there is no such folder"


# --- who reads a SIF -------------------------------------------------------------------------------------------------

KERNEL = "CONFIG_SQUASHFS=y\nCONFIG_SQUASHFS_ZLIB=y\n{}\n"
WITHOUT = "# CONFIG_SQUASHFS_ZSTD is not set"


def reader(machine: Machine) -> tuple[str, str]:
    line = machine.lines()["SIF reader"]
    assert ("--compression gzip" in line.fix) == (line.state == "warn")
    return line.state, line.detail


def test_squashfuse_reads_what_its_libraries_read(machine: Machine) -> None:
    mounter = machine.root / "bin/squashfuse_ll"
    assert reader(machine) == ("ok", f"{mounter} reads zstd")
    machine.answers[f"ldd {mounter}"] = (0, "\tlibz.so.1 => /lib/libz.so.1\n")
    assert reader(machine) == ("warn", f"{mounter} was built without zstd")
    machine.answers[f"ldd {mounter}"] = (1, "\tnot a dynamic executable\n")
    assert reader(machine) == ("warn", f"nothing tells whether {mounter} reads zstd")
    del machine.answers[f"ldd {mounter}"]
    assert reader(machine)[0] == "warn"


def test_the_squashfuse_that_comes_with_the_engine_goes_first(machine: Machine) -> None:
    folder = machine.root / "libexec/apptainer/bin"
    folder.mkdir(parents=True)
    (folder / "squashfuse_ll").write_text("#!/bin/sh\n")
    (folder / "squashfuse_ll").chmod(0o755)
    machine.answers["apptainer buildcfg"] = (0, f"LIBEXECDIR={machine.root}/libexec\nAPPTAINER_SUID_INSTALL=0\n")
    machine.answers[f"ldd {folder}/squashfuse_ll"] = (0, "\tlibzstd.so.1 => /lib/libzstd.so.1\n")
    assert reader(machine) == ("ok", f"{folder}/squashfuse_ll reads zstd")


@pytest.mark.parametrize(("option", "state"), [("CONFIG_SQUASHFS_ZSTD=y", "ok"), (WITHOUT, "warn"), (None, "warn")])
@pytest.mark.parametrize("place", ["proc/config.gz", "boot/config-6.1.0"])
def test_with_the_setuid_starter_the_kernel_reads(machine: Machine, place: str, option: str | None, state: str) -> None:
    machine.answers["apptainer buildcfg"] = (0, "APPTAINER_SUID_INSTALL=1\n")
    (machine.root / "proc/sys/kernel").mkdir(parents=True)
    (machine.root / "proc/sys/kernel/osrelease").write_text("6.1.0\n")
    if option:
        text = KERNEL.format(option).encode()
        (machine.root / "boot").mkdir()
        (machine.root / place).write_bytes(gzip.compress(text) if place.endswith(".gz") else text)
    said = {"CONFIG_SQUASHFS_ZSTD=y": "the kernel reads zstd", WITHOUT: "the kernel was built without zstd"}
    assert reader(machine) == (state, said.get(option or "", "nothing tells whether the kernel reads zstd"))
    assert machine.lines()["FUSE"].detail.startswith("not needed")


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Decompressors available:\n\tgzip\n\tzstd\n", "ok"),
        ("Decompressors available:\n\tgzip\n", "warn"),
        ("", "warn"),
    ],
)
def test_without_squashfuse_it_is_unpacked(
    machine: Machine, monkeypatch: pytest.MonkeyPatch, said: str, state: str
) -> None:
    monkeypatch.setattr("dlm_build.preflight.engine.MOUNTERS", ("squashfuse_of_nobody",))
    machine.answers["unsquashfs -help"] = (1, said)
    assert reader(machine)[0] == state


def test_the_file_system_of_a_folder_is_that_of_its_nearest_mount() -> None:
    table = "1 0 8:1 / / rw shared:1 - ext4 /dev/a rw\n2 1 0:5 / /my\\040tmp rw - tmpfs none rw\n"
    assert file_system(Path("/my tmp/deep"), table) == "tmpfs" and file_system(Path("/my"), table) == "ext4"
    assert file_system(Path("/x"), "") is None


def test_an_old_processor_is_said(machine: Machine) -> None:
    (machine.root / "proc/cpuinfo").write_text("flags : cx8 fxsr sse sse2 popcnt\n")
    line = machine.lines()["processor"]
    assert line.state == "warn" and "lacks cx16" in line.detail
    (machine.root / "proc/cpuinfo").unlink()
    assert machine.lines()["processor"].state == "warn"


def test_levels_build_on_each_other() -> None:
    flags = set(FLAGS.split())
    assert level_of(flags) == "x86-64-v3" and missing_for("x86-64-v3", flags) == ()
    assert level_of(flags - {"ssse3"}) == "x86-64" and level_of([]) is None
    assert missing_for("x86-64-v4", flags) == LEVELS["x86-64-v4"]


# --- with a GPU ------------------------------------------------------------------------------------------------------


@pytest.fixture
def with_gpu(machine: Machine) -> Machine:
    library = machine.root / "libcuda.so.1"
    library.write_bytes(b"\x7fELF\0GLIBC_2.2.5\0GLIBC_2.17\0GLIBC_2.3.4\0GLIBC_PRIVATE\0")
    machine.answers[SMI] = (0, "NVIDIA H200, 580.95.05, 9.0\n")
    machine.answers["/sbin/ldconfig -p"] = (0, f"2 libs found\n\tlibcuda.so.1 (libc6,x86-64) => {library}\n"
                                               "\tlibcuda.so.1 (libc6) => /lib/i386/libcuda.so.1\n")  # fmt: skip
    return machine


def test_a_driver_that_serves_all(with_gpu: Machine) -> None:
    lines = with_gpu.lines()
    assert lines["NVIDIA driver"].state == "ok" and "CUDA up to 13" in lines["NVIDIA driver"].detail
    assert lines["driver libraries"].state == "ok" and "glibc 2.17" in lines["driver libraries"].detail


def test_an_older_driver_says_what_it_leaves_out(with_gpu: Machine) -> None:
    with_gpu.answers[SMI] = (0, "NVIDIA H200, 535.54.03, 9.0\n")
    line = with_gpu.lines()["NVIDIA driver"]
    assert line.state == "warn" and "CUDA up to 12" in line.detail and "at least 580" in line.fix


def test_libraries_newer_than_old_images_and_none(with_gpu: Machine) -> None:
    (with_gpu.root / "libcuda.so.1").write_bytes(b"\0GLIBC_2.34\0")
    assert with_gpu.lines()["driver libraries"].state == "warn"
    with_gpu.answers["/sbin/ldconfig -p"] = (0, "")
    assert "no libcuda" in with_gpu.lines()["driver libraries"].detail


def test_what_a_driver_and_a_library_tell() -> None:
    table = load_gpu_table()
    assert [newest_cuda(driver, table) for driver in ("610.1", "526.1", "455.1", "440.33", "1.0", "N/A", None)] == [
        "13", "12", "11", "10.2", None, None, None
    ]  # fmt: skip
    assert needed_glibc(b"\0GLIBC_2.9\0GLIBC_2.10\0") == "2.10" and needed_glibc(b"") == "2.0"
