"""The SIF in the hands of its users: the real Apptainer, an ordinary user, and nothing but the file."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlm_build.building import write_context
from dlm_build.building.folder import package_folder
from dlm_build.records import Sif
from tests.engines.sif.conftest import Works
from tests.servers.quiet import serving_files

pytestmark = pytest.mark.engine
SAFE = ("--containall", "--no-home", "--net", "--network", "none")


@pytest.fixture
def sif(from_packages: Sif) -> Sif:
    return from_packages


def test_header_and_list_are_what_apptainer_expects(works: Works, sif: Sif) -> None:
    header = works.as_user("sif", "header", sif.path).stdout
    assert "Primary Architecture: amd64" in header
    assert "1970-01-01 00:00:00" in header
    assert "ID: " not in header or "00000000-0000" in header
    rows = [line.split("|") for line in works.as_user("sif", "list", sif.path).stdout.splitlines() if "|" in line]
    assert [row[-1].strip() for row in rows[1:]] == ["Def.FILE", "FS (Squashfs/*System/amd64)", "JSON.Generic"]


def test_inspect_shows_labels_scripts_and_definition(works: Works, sif: Sif) -> None:
    told = json.loads(works.as_user("inspect", "--all", sif.path).stdout)["data"]["attributes"]
    assert told["labels"]["dlm.item.id"] == works.lock.plan.item_id
    assert told["labels"]["dlm.context"] == works.context.digest
    assert told["deffile"].startswith("# Made by dlm-build")
    assert "selftest" in told["test"]
    assert "/opt/dlm/bin/model" in works.as_user("inspect", "--runscript", sif.path).stdout


def test_run_help_is_help(works: Works, sif: Sif) -> None:
    told = works.as_user("run-help", sif.path)
    assert "apptainer run --nv --containall --no-home --net --network none" in told.stdout
    assert "predict" in told.stdout


@pytest.mark.parametrize("flags", [(), SAFE, ("--cleanenv",), ("--nv",)])
def test_run_without_words_tells_what_it_is(flags: tuple[str, ...], works: Works, sif: Sif) -> None:
    ended = works.as_user("run", *flags, sif.path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout)["lock"] == works.lock.digest


def test_the_environment_is_the_images_own(works: Works, sif: Sif) -> None:
    ended = works.as_user("exec", *SAFE, sif.path, "env")
    seen = dict(line.split("=", 1) for line in ended.stdout.splitlines() if "=" in line)
    assert seen["PATH"].startswith("/opt/dlm/bin:/opt/dlm/env/bin:")
    assert seen["CONDA_PREFIX"] == "/opt/dlm/env"
    assert seen["CUDA_VERSION"] == "12.4.1"
    assert seen["LD_LIBRARY_PATH"].endswith(":/.singularity.d/libs"), "where --nv puts the driver's libraries"
    assert seen["HOME"] == "/tmp", "no home"
    assert works.as_user("exec", sif.path, "sh", "-c", "echo $HOME").stdout.strip() == f"/home/{works.user}"


def test_packages_work_and_see_no_home_nor_root(works: Works, sif: Sif) -> None:
    code = "import filelock, typeguard, sys, os; print(sys.prefix, os.getuid() != 0, typeguard.__name__)"
    ended = works.as_user("exec", *SAFE, sif.path, "python", "-c", code)
    assert ended.stdout.split() == ["/opt/dlm/env", "True", "typeguard"]
    ended = works.as_user("exec", *SAFE, sif.path, "sh", "-c", "touch /opt/dlm/x")
    assert ended.returncode != 0


def test_the_paths_that_runs_mount_are_there(works: Works, sif: Sif) -> None:
    folder = works.folder / "mounted"
    folder.mkdir()
    (folder / "scene").write_text("x")
    bind = ("--bind", f"{folder}:/dlm/in:ro", "--bind", f"{folder}:/dlm/out")
    ended = works.as_user("exec", *SAFE, *bind, sif.path, "ls", "/dlm/in", "/dlm/out")
    assert ended.stdout.split() == ["/dlm/in:", "scene", "/dlm/out:", "scene"]


@pytest.fixture
def served(works: Works) -> Iterator[str]:
    """The lock's packages on loopback, as their channels and indexes would have them."""
    folder = package_folder(works.lock.packages + works.lock.installer, works.store)
    with serving_files(folder) as address:
        yield address


def test_the_definition_builds_alone_where_there_is_a_network(works: Works, served: str, sif: Sif) -> None:
    """Plain `apptainer build` in the context's folder by an ordinary user. Apptainer 1.4 knows no mirrors, so the bases
    are called by the stand-in registry's own name, and the packages' addresses are those of a server on loopback."""
    work = works.folder / "plain"
    context = work / "context"
    write_context(works.context, works.store, context)
    lock = json.loads((context / "environment/lock.json").read_text())
    for row in lock["packages"] + lock["installer"]:
        row["url"] = f"{served}/{row['filename']}"
    (context / "environment/lock.json").write_text(json.dumps(lock))
    mirror = works.settings.registries["docker.io"].mirrors[0].removeprefix("http://")
    definition = (context / "Apptainer.def").read_text()
    (context / "Apptainer.def").write_text(definition.replace("From: docker.io/", f"From: {mirror}/"))
    subprocess.run(["chown", "-R", f"{works.user}:", work], check=True)
    fast = '--mksquashfs-args "-comp zstd -Xcompression-level 1"'
    build = f"cd {context} && exec {works.program} build --notest {fast} ../plain.sif Apptainer.def"
    ended = subprocess.run(
        ["runuser", "-u", works.user, "--", "unshare", "--user", "--map-root-user", "--mount", "sh", "-c",
         f"mount -t tmpfs none /tmp && {build}"],  # some machines' /tmp is not for everybody
        env={"HOME": str(work), "PATH": os.environ["PATH"], "APPTAINER_TMPDIR": str(work)},
        capture_output=True, text=True, check=False, timeout=600,
    )  # fmt: skip
    assert ended.returncode == 0, (ended.stdout + ended.stderr)[-3000:]
    plain = work / "plain.sif"
    for words in (("run-help",), ("inspect", "--runscript"), ("inspect", "--test")):
        ours, theirs = (works.as_user(*words, path).stdout.split() for path in (sif.path, plain))
        assert ours == theirs
    assert json.loads(works.as_user("run", *SAFE, plain).stdout)["lock"] == works.lock.digest
    labels = [
        json.loads(works.as_user("inspect", "--json", path).stdout)["data"]["attributes"]["labels"]
        for path in (sif.path, plain)
    ]
    assert {**labels[1], **labels[0]} == labels[1] | {"dlm.context": works.context.digest}
    code = "import filelock, typeguard, sys; print(sys.prefix)"
    assert works.as_user("exec", *SAFE, plain, "python", "-c", code).stdout.strip() == "/opt/dlm/env"


def test_nothing_is_left_of_the_making(sif: Sif) -> None:
    assert list(Path(sif.path).parent.iterdir()) == [Path(sif.path)]
