"""The hand-off files as their users have them: a real Slurm of one node, real Lmod and Lua, an ordinary user."""

from __future__ import annotations

import os
import pwd
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from dlm_build.building.handoff import write_handoff
from dlm_build.records import Sif
from tests.stack import slurm
from tests.stack.layout import open_state
from tests.unit.plans import tiny_plan

pytestmark = pytest.mark.engine
PROGRAM = "import os; name = os.path.basename(sample)[:-3]; open(f'{out}/{name}.txt', 'w').write(open(sample).name)"


class Desk(NamedTuple):
    """An ordinary user's folder with hand-off files and scenes, and how to work there."""

    folder: Path
    handoff: Path
    scenes: tuple[Path, ...]
    environment: dict[str, str]
    user: str

    def __call__(self, *argv: str | Path, status: int = 0, **more: str) -> str:
        done: subprocess.CompletedProcess[str] = subprocess.run(
            [str(word) for word in argv], cwd=self.folder, env={**self.environment, **more}, capture_output=True,
            text=True, timeout=180, check=False, **_as(self.user),
        )  # fmt: skip
        assert done.returncode == status, done.stdout + done.stderr
        return done.stdout + done.stderr


def _as(name: str) -> dict[str, Any]:
    user = pwd.getpwnam(name)
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []} if os.geteuid() == 0 else {}


@pytest.fixture
def desk(folder: Path, sif: Sif, stack: dict[str, Any]) -> Desk:
    """Names with blanks, commas and quotes, as people have them."""
    place = folder / "it's a, desk"
    place.mkdir()
    scenes = tuple(place / f"scene, {number}.py" for number in range(5))
    for scene in scenes:
        scene.write_text(PROGRAM)
    told = stack["apptainer"]
    user = pwd.getpwnam(told["user"])
    for path in (place, *scenes):
        os.chown(path, user.pw_uid, user.pw_gid)
    write_handoff(sif, tiny_plan(item_id="Land cover; $(touch pwned) `id`\n#SBATCH --x"), place / "hand-off")
    programs = f"{Path(told['program']).parent}:/usr/bin:/bin"
    environment = {"PATH": programs, "HOME": str(place), "TMPDIR": str(place)}
    return Desk(place, place / "hand-off", scenes, environment, told["user"])


def model_of(desk: Desk) -> Path:
    (program,) = (desk.handoff / "bin").iterdir()
    return program


def outputs(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_program_runs_the_model_on_scenes_and_leaves_nothing_else(desk: Desk) -> None:
    desk(model_of(desk), "predict", "--input", desk.scenes[0], desk.scenes[1].name, "--output", "out, 1",
         APPTAINER_BIND="/etc:/mnt", APPTAINERENV_LD_PRELOAD="/nowhere.so", SINGULARITYENV_X="1")  # fmt: skip
    assert outputs(desk.folder / "out, 1") == ["scene, 0.txt", "scene, 1.txt"]
    assert (desk.folder / "out, 1" / "scene, 1.txt").read_text() == "/dlm/in/1/scene, 1.py"
    assert not list(desk.folder.glob("dlm-*")) and not list(desk.folder.rglob("pwned"))
    assert "info" in desk(model_of(desk), "info") and "selftest" in desk(model_of(desk), "test")


def test_the_model_has_no_network_and_no_home_there(desk: Desk) -> None:
    look = "import os, socket; open(out + '/seen', 'w').write(repr((socket.if_nameindex(), os.listdir('/home'))))"
    desk.scenes[0].write_text(look)
    desk(model_of(desk), "predict", "--input", desk.scenes[0], "--output", "out")
    assert (desk.folder / "out/seen").read_text() == "([(1, 'lo')], [])"


@pytest.mark.parametrize("words", [(), ("predict",), ("predict", "--input", "x"), ("predict", "x"), ("rm",)])
def test_what_it_does_not_know_it_explains(desk: Desk, words: tuple[str, ...]) -> None:
    assert "usage:" in desk(model_of(desk), *words, status=64)


def test_a_scratch_folder_that_cannot_be_made_is_told_after_wrong_words(desk: Desk) -> None:
    assert "usage:" in desk(model_of(desk), "predict", TMPDIR="/nonexistent", status=64)
    assert "set TMPDIR to a folder you may write in" in desk(model_of(desk), "info", TMPDIR="/nonexistent", status=73)


def test_a_model_that_fails_fails(desk: Desk) -> None:
    desk.scenes[0].write_text("raise SystemExit(3)")
    desk(model_of(desk), "predict", "--input", desk.scenes[0], "--output", "out", status=3)


# --- Slurm ----------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cluster() -> Iterator[Path]:
    """Ended after the tests, unless it ran before them."""
    if os.geteuid() != 0:
        pytest.skip("starting Slurm needs root")
    state = open_state(None)
    ran = slurm.runs(state)
    yield slurm.start(state)
    if not ran:
        slurm.end(state)


def sbatch(desk: Desk, conf: Path, *words: str | Path, status: int = 0) -> str:
    (script,) = desk.handoff.glob("*.sbatch")
    asked = ("sbatch", "--wait", "--cpus-per-task=1", "--mem=500", f"--output={desk.folder}/log-%a", *words[:-1])
    return desk(*asked, script, *words[-1:], *desk.scenes, status=status, SLURM_CONF=str(conf))


def test_sbatch_runs_the_generated_script(desk: Desk, cluster: Path) -> None:
    sbatch(desk, cluster, "out, all")
    assert outputs(desk.folder / "out, all") == [f"scene, {number}.txt" for number in range(5)]


def test_the_tasks_of_an_array_share_the_scenes(desk: Desk, cluster: Path) -> None:
    sbatch(desk, cluster, "--array=3-9:3", "out")
    assert outputs(desk.folder / "out") == [f"scene, {number}.txt" for number in range(5)]
    assert len(list(desk.folder.glob("log-*"))) == 3


def test_a_task_that_fails_shows_no_results(desk: Desk, cluster: Path) -> None:
    desk.scenes[4].write_text("raise SystemExit(7)")
    sbatch(desk, cluster, "out", status=7)
    assert [name for name in outputs(desk.folder / "out") if not name.startswith(".part-")] == []


def test_an_array_that_cannot_be_shared_is_refused(desk: Desk, cluster: Path) -> None:
    sbatch(desk, cluster, "--array=1,3,4", "out", status=64)
    assert "plain range" in (desk.folder / "log-1").read_text()


# --- Lmod -----------------------------------------------------------------------------------------------------------


def test_lmod_loads_the_module_and_unloads_it(desk: Desk, cluster: Path) -> None:
    name = model_of(desk).name
    modules = str(desk.handoff / "modules")
    session = f"""
        module() {{ eval "$({slurm.LMOD} bash "$@")"; }}
        module load {name}; command -v {name}; echo "$DLM_LAND_COVER_TOUCH_PWNED_ID_SBATCH_X_SIF"
        module unload {name}; command -v {name} || echo gone
    """
    found = desk("bash", "-c", session, MODULEPATH=modules).splitlines()
    assert found[0] == str(model_of(desk)) and found[1].endswith("/model.sif") and found[-1] == "gone", found
    assert "a deep-learning model in a SIF file" in desk(slurm.LMOD, "bash", "whatis", name, MODULEPATH=modules)


def test_the_module_is_lua(desk: Desk, cluster: Path) -> None:
    (module,) = (desk.handoff / "modules").rglob("*.lua")
    desk("luac5.3" if Path("/usr/bin/luac5.3").exists() else "luac", "-p", module)
