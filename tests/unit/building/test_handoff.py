"""The hand-off files as text: what is quoted, what is asked for, and that no text of an item gets in."""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlm_build.building.handoff import HandoffFile, handoff_files, lua_text, write_handoff
from dlm_build.errors import UsageError
from dlm_build.records import Limits, Runner, Sif
from tests.unit.plans import DIGEST, tiny_plan

SIF = Sif(
    path="/runs/it's; $(x)/m.sif", sha256="f" * 64, size=1, rootfs_digest=DIGEST, context_digest="c" * 64,
    base_digest=DIGEST, made_from="packages", compression="zstd:4", packed_by="mksquashfs 4.5.1",
)  # fmt: skip
HOSTILE = tiny_plan(item_id='"]]os.execute("id")--\n#SBATCH --uid=0', title="$(title)", license="`license`")
FOLDER = Path("/hand off")


def files(gpu: bool = False, **changes: str) -> dict[str, HandoffFile]:
    made = handoff_files(replace(SIF, **changes), HOSTILE, FOLDER, ("slurm", "lmod"), gpu, Limits())
    return {file.path: file for file in made}


def test_names_are_letters_digits_and_dashes() -> None:
    name = "dlm-os-execute-id-sbatch-uid-0"
    assert list(files()) == [f"bin/{name}", f"{name}.sbatch", f"modules/{name}/{'f' * 12}.lua"]
    assert [file.mode for file in files().values()] == [0o755, 0o755, 0o644]


def test_no_text_of_the_item_and_every_path_quoted() -> None:
    program, batch, module = (file.text for file in files().values())
    for text in (program, batch, module):
        assert not any(word in text for word in ("os.execute", "--uid", "title)", "license`", "execute(")), text
    assert f"sif={shlex.quote(SIF.path)}\n" in program
    assert "model='/hand off/bin/dlm-os-execute-id-sbatch-uid-0'\n" in batch
    assert lua_text(SIF.path) in module and "$(x)" not in module


def test_safe_flags_are_always_there() -> None:
    program = next(iter(files().values())).text
    for flag in ("--containall", "--no-home", "--cleanenv", "--no-privs", "--net --network none", ",ro"):
        assert flag in program
    assert 'unset "${!APPTAINER@}" "${!SINGULARITY@}"' in program


@pytest.mark.parametrize("gpu", [True, False])
def test_a_gpu_is_asked_for_where_one_is_wanted(gpu: bool) -> None:
    program, batch, _ = (file.text for file in files(gpu).values())
    assert (f"gpu={int(gpu)}\n" in program) and ("#SBATCH --gres=gpu:1\n" in batch) == gpu


@pytest.mark.parametrize(
    ("limits", "memory", "time"),
    [
        (Limits(), "--mem=8192M", "--time=60"),
        (Limits(memory=(3 << 30) + 1, seconds=3 * 3600 + 1), "--mem=3073M", "--time=181"),
    ],
)
def test_a_job_asks_for_what_the_site_allows_a_run(limits: Limits, memory: str, time: str) -> None:
    batch = handoff_files(SIF, HOSTILE, FOLDER, ("slurm",), False, limits)[1].text
    assert f"#SBATCH {memory}\n" in batch and f"#SBATCH {time}\n" in batch


def test_directives_come_before_the_first_command() -> None:
    lines = files(True)["dlm-os-execute-id-sbatch-uid-0.sbatch"].text.splitlines()
    first = next(number for number, line in enumerate(lines) if line and not line.startswith("#"))
    assert all(number < first for number, line in enumerate(lines) if line.startswith("#SBATCH"))
    assert lines[0] == "#!/bin/bash"


def test_lua_text_is_plain_or_numbers() -> None:
    assert lua_text('/a "b"\\\n]]é') == '"/a\\032\\034b\\034\\092\\010\\093\\093\\195\\169"'


@pytest.mark.parametrize("path", ["/runs/a:b/m.sif", "/runs/a\nb/m.sif", "/runs/\u202e/m.sif"])
def test_a_path_no_script_can_name_is_refused(path: str) -> None:
    with pytest.raises(UsageError, match="a script cannot name"):
        files(path=path)


def test_a_working_folder_is_never_taken_on_trust() -> None:
    plan = tiny_plan(runner=Runner(kind="onnx", working_dir="/w; id"))
    with pytest.raises(AssertionError):
        handoff_files(SIF, plan, FOLDER, ("slurm",), False, Limits())


def test_a_module_of_bytes_that_are_no_more_does_not_stay(tmp_path: Path) -> None:
    write_handoff(SIF, HOSTILE, tmp_path)
    *_, module = write_handoff(replace(SIF, sha256="e" * 64), HOSTILE, tmp_path)
    assert list(tmp_path.rglob("*.lua")) == [module] and module.stem == "e" * 12
    write_handoff(replace(SIF, sha256="e" * 64), HOSTILE, tmp_path, ("slurm",))
    assert module.is_file()
    write_handoff(SIF, HOSTILE, tmp_path, ("slurm",))
    assert not list(tmp_path.rglob("*.lua"))


def test_files_are_written_whole_and_again(tmp_path: Path) -> None:
    for _ in range(2):
        written = write_handoff(SIF, HOSTILE, tmp_path / "hand", ("slurm",))
        assert [path.parent.name for path in written] == ["bin", "hand"]
        assert all(path.is_file() and path.stat().st_mode & 0o111 for path in written)
    assert not list(tmp_path.rglob("*.new"))


# --- the batch script, by bash, with a model that copies its scenes ---------------------------------------------------

COPIES = """#!/bin/bash
out=${@: -1}
mkdir -p "$out/more"
for scene in "${@:3:$#-4}"; do cp "$scene" "$out/"; cp "$scene" "$out/more/"; done
"""
Batch = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def batch(tmp_path: Path) -> Batch:
    """Runs the script in `tmp_path`, as task `own` of two where one is named."""
    program, script = write_handoff(SIF, HOSTILE, tmp_path / "hand", ("slurm",))
    program.write_text(COPIES)

    def run(*words: str, own: int | None = None) -> subprocess.CompletedProcess[str]:
        for scene in words[1:]:
            (tmp_path / scene).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / scene).write_text(scene)
        task = {} if own is None else {"ID": str(own), "MIN": "0", "MAX": "1", "COUNT": "2"}
        told = {"PATH": os.environ["PATH"], **{f"SLURM_ARRAY_TASK_{name}": text for name, text in task.items()}}
        argv = ["bash", str(script), *words]
        return subprocess.run(argv, cwd=tmp_path, env=told, capture_output=True, text=True, check=False)

    return run


@pytest.mark.programs
@pytest.mark.parametrize("own", [0, 1, None])
@pytest.mark.parametrize(
    ("scenes", "name"),
    [
        (("scenes/a.tif", "scenes/b/a.tif"), "a"),
        (("x/it's ]a.1.tif", "y/b.tif", "it's ]a.1.png"), "it's ]a.1"),
        (("x/.tif", "y/.tif"), ".tif"),
    ],
)
def test_scenes_of_one_name_are_refused_in_every_task(
    batch: Batch, tmp_path: Path, scenes: tuple[str, ...], name: str, own: int | None
) -> None:
    ended = batch("out", *scenes, own=own)
    said = f"two inputs are named '{name}'; their results would share a name\n"
    assert (ended.returncode, ended.stdout, ended.stderr) == (64, "", said)
    assert not (tmp_path / "out").exists()


@pytest.mark.programs
def test_tasks_with_other_names_share_a_folder(batch: Batch, tmp_path: Path) -> None:
    for own in (0, 1):
        ended = batch("-out", "$(x) [a.tif", "a.tif", 'x/"b.tif', "a.b.tif", own=own)
        assert (ended.returncode, ended.stderr) == (0, "")
    for folder in (tmp_path / "-out", tmp_path / "-out" / "more"):
        names = sorted(path.name for path in folder.iterdir() if path.is_file())
        assert names == ['"b.tif', "$(x) [a.tif", "a.b.tif", "a.tif"]


@pytest.mark.programs
def test_the_output_folder_keeps_its_mode_and_its_own_files(batch: Batch, tmp_path: Path) -> None:
    out, more = tmp_path / "out", tmp_path / "out" / "more"
    more.mkdir(parents=True)
    (out / "old.tif").write_text("old")
    for folder in (out, more):
        folder.chmod(0o2775)
    ended = batch("out", ".a.tif")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert [path.stat().st_mode & 0o7777 for path in (out, more)] == [0o2775, 0o2775]
    assert sorted(path.name for path in out.iterdir()) == [".a.tif", "more", "old.tif"]
