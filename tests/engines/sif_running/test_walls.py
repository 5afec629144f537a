"""What a stranger's model tries in a SIF, and what becomes of it."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from dlm_build.config import Settings
from dlm_build.errors import InfraError
from dlm_build.running import sif_box
from dlm_build.running.cgroup import walls
from dlm_build.running.sif_sandbox import ESSENTIAL
from tests.engines.running.models import Model, names
from tests.engines.sif_running.conftest import survivors

pytestmark = pytest.mark.engine

LOOK = """
import json, os, socket
seen = {"user": os.getuid(), "links": [name for _, name in socket.if_nameindex()], "here": os.getcwd()}
seen["environment"] = dict(os.environ)
seen["homes"] = sorted(os.listdir("/home")) + sorted(os.listdir("/root")) if os.access("/root", 4) else []
seen["writable"] = []
for folder in ("/", "/dlm/in", "/opt/dlm", "/etc", "/tmp", "/workspace", "/dlm/out", "/dev/shm"):
    try:
        open(folder + "/try", "w").close()
        seen["writable"].append(folder)
    except OSError:
        pass
seen["processes"] = sorted(int(name) for name in os.listdir("/proc") if name.isdigit())
seen["capabilities"] = [line.split()[1] for line in open("/proc/self/status") if line.startswith("CapEff")]
json.dump(seen, open(out + "/seen.json", "w"))
"""


@pytest.fixture(params=["control group", "resource limits"])
def holding(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both ways memory and processes are held: as where groups may be made, and as where they may not."""
    if request.param == "resource limits":
        nowhere = Path("/nonexistent")
        monkeypatch.setattr(sif_box, "walls", lambda name, limits: walls(name, limits, nowhere))
    return str(request.param)


def test_the_model_sees_its_own_folders_and_nothing_else(model: Model, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("APPTAINERENV_LEAK", "SINGULARITYENV_LEAK", "LEAK", "APPTAINER_BIND", "APPTAINERENV_LD_PRELOAD"):
        monkeypatch.setenv(name, "/etc")
    run = model(LOOK)
    assert run.end == "finished", run.log_tail
    seen: dict[str, Any] = json.loads((Path(run.output_folder) / "seen.json").read_text())
    assert seen["user"] != 0 and seen["links"] == ["lo"] and seen["homes"] == []
    assert seen["writable"] == ["/tmp", "/workspace", "/dlm/out", "/dev/shm"]
    assert len(seen["processes"]) <= 4 and seen["capabilities"] == ["0" * 16]
    assert seen["environment"]["HOME"] == "/tmp" and seen["environment"]["DLM_DEVICE"] == "cpu"
    assert not {"LEAK", "LD_PRELOAD", "DOCKER_HOST", "DLM_BUILD_CONFIG"} & set(seen["environment"])
    assert set(ESSENTIAL) <= set(run.sandbox)


def test_the_report_says_what_holds_memory_and_processes(model: Model, holding: str) -> None:
    sandbox = model("pass", memory=300 << 20, pids=50).sandbox
    watched = f"memory <= {300 << 20} bytes, watched"
    assert (watched in sandbox) == (holding == "resource limits")
    assert (f"memory <= {300 << 20} bytes" in sandbox) == (holding == "control group")


def test_a_model_that_eats_memory(model: Model, holding: str) -> None:
    run = model("hog = []\nwhile True: hog.append(bytearray(8 << 20))", memory=256 << 20)
    assert run.end == "resource" and "memory" in run.detail, (run, run.log_tail)


def test_a_model_that_eats_memory_in_many_processes(model: Model, holding: str) -> None:
    program = "import os, time\nfor _ in range(6): os.fork()\nhog = bytearray(b'x' * (20 << 20)); time.sleep(60)"
    run = model(program, memory=256 << 20, pids=200)
    assert run.end in ("resource", "model-error") and "memory" in run.detail, run


def test_a_model_that_fills_shared_memory(model: Model, holding: str) -> None:
    program = "f = open('/dev/shm/x', 'wb')\nimport time\nfor _ in range(40): f.write(bytes(16 << 20))\ntime.sleep(30)"
    run = model(program, memory=256 << 20, output=1 << 30)
    assert run.end == "resource" and "memory" in run.detail, (run, run.log_tail)


def test_a_fork_bomb(model: Model, holding: str, folder: Path) -> None:
    run = model("import os\nwhile True:\n  os.fork()", pids=40, seconds=20)
    assert run.end == "resource", (run, run.log_tail)
    assert survivors(str(folder)) == []


def test_a_daemon_does_not_outlive_the_model(model: Model) -> None:
    program = (
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  if os.fork() == 0:\n"
        "    open(out + '/daemon', 'w').close(); os.execvp('sleep', ['sleep', '4242.4242'])\n  os._exit(0)\n"
        "while not os.path.exists(out + '/daemon'): time.sleep(0.05)"
    )
    run = model(program)
    assert run.end == "finished" and survivors("4242.4242") == []


def test_a_model_that_writes_without_end(model: Model) -> None:
    run = model("f = open(out + '/x', 'wb')\nwhile True: f.write(bytes(1 << 20))", output=4 << 20)
    assert run.end in ("resource", "model-error") and names(run) == []
    assert "output" in run.detail


def test_a_model_that_fills_its_scratch(model: Model) -> None:
    program = "for n in range(600):\n  open(f'/workspace/{n}', 'wb').write(bytes(1 << 20))\nimport time; time.sleep(30)"
    run = model(program, memory=256 << 20)
    assert run.end == "resource" and run.seconds < 30, run


def test_a_link_is_left_behind(model: Model) -> None:
    run = model("import os; os.symlink('/etc/passwd', out + '/a'); open(out + '/b', 'w').write('x')")
    assert names(run) == ["b"] and "symbolic link" in run.detail


def test_long_talk_is_cut(model: Model) -> None:
    run = model("print('begin'); print('x' * (4 << 20)); print('end')")
    assert run.end == "finished" and run.log_tail.endswith("end\n")
    log = Path(run.output_folder).parent / "run.log"
    assert log.stat().st_size < 80 << 10 and log.read_bytes().startswith(b"")


# --- what cannot be started -----------------------------------------------------------------------------------------


def test_root_names_an_ordinary_user(model: Model, site: Settings) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root is refused")
    nobody = replace(site, apptainer=replace(site.apptainer, user=None))
    with pytest.raises(InfraError, match="ordinary user") as caught:
        model("pass", settings=nobody)
    assert "[apptainer] user" in caught.value.hint


def test_a_damaged_file_is_infra_and_says_so(model: Model, sif: Any, folder: Path) -> None:
    broken = folder / "broken.sif"
    broken.write_bytes(Path(sif.path).read_bytes()[: 1 << 20])
    with pytest.raises(InfraError, match="SIF"):
        model("pass", image=replace(sif, path=str(broken)))


def test_a_folder_closed_to_the_user_is_named(model: Model, sif: Any, folder: Path) -> None:
    (folder / "closed").mkdir(mode=0o700)
    (folder / "closed" / "m.sif").write_bytes(b"x")
    with pytest.raises(InfraError, match="closed is closed to him"):
        model("pass", image=replace(sif, path=str(folder / "closed" / "m.sif")))
    (folder / "closed" / "m.sif").unlink()


def test_a_run_whose_dlm_build_was_killed_leaves_nothing_after_the_next(model: Model, folder: Path) -> None:
    """A copy of this process starts a run and is killed in the middle of it."""
    child = os.fork()
    if child == 0:
        with contextlib.suppress(BaseException):
            model("open(out + '/on', 'w').close()\nimport time; time.sleep(600)")
        os._exit(1)
    while not list(folder.glob("run/.sandbox-*/out/on")):
        time.sleep(0.05)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    assert model("pass").end == "finished"
    assert list(folder.glob("run/.sandbox-*")) == []
    assert [line for line in survivors("squashfuse") if "-f -o" in line] == []


def test_walls_are_taken_away(model: Model) -> None:
    model("pass")
    assert [path for path in Path("/sys/fs/cgroup").rglob("dlm-build-*") if path.is_dir()] == []
