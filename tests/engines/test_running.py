"""Runs of hostile and clumsy models on the real engine. The sample of each is the program that its model runs."""

from __future__ import annotations

import gc
import hashlib
import json
import os
import shutil
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

import dlm_build.harness
from dlm_build.config import Settings
from dlm_build.errors import InfraError
from dlm_build.progress import silent
from dlm_build.records import Archive, BaseImage, EnvironmentSpec, Image, Limits, Member, Plan, Run, Runner, SampleSpec
from dlm_build.running import run_sample
from dlm_build.running.orphans import LABEL, owner
from dlm_build.store import Store
from tests.engines.breakable import Breakable
from tests.stack import cdi
from tests.stack.layout import open_state

pytestmark = pytest.mark.engine

MODEL = """\
#!/usr/bin/env python3
import os, sys
sample, out = sys.argv[3], sys.argv[5]
assert sys.argv[1:5:2] == ["predict", sample] and sys.argv[4] == "--output", sys.argv
exec(compile(open(sample).read(), "model", "exec"), {"out": out, "sample": sample})
"""
DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY --chmod=0555 model /opt/dlm/bin/model
"""
BASE = BaseImage(repository="docker.io/nvidia/cuda", tag="none", platform_digest="sha256:" + "0" * 64)
HARNESS = Path(dlm_build.harness.__file__).parent
LIMITS = Limits(seconds=60, memory=256 << 20, pids=64, output=8 << 20, output_files=100, log=64 << 10)

Model = Callable[..., Run]

forgotten_sockets = pytest.mark.filterwarnings("ignore:unclosed <socket:ResourceWarning")
"""The SDK does not close a socket that it could not connect; such a test ends with a collection of its own."""


@pytest.fixture(scope="session")
def image(stack: dict[str, Any], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Image]:
    """A container that runs its sample as Python."""
    folder = tmp_path_factory.mktemp("model-image")
    (folder / "Dockerfile").write_text(DOCKERFILE)
    (folder / "model").write_text(MODEL)
    with built(stack, folder, "model") as image:
        yield image


@contextmanager
def built(stack: dict[str, Any], folder: Path, name: str) -> Iterator[Image]:
    """The image of the Dockerfile in `folder`, for a while."""
    tag = f"dlm-build-test-running-{name}:{os.getpid()}"
    docker = ["docker", "-H", stack["docker_host"]]
    subprocess.run([*docker, "build", "--quiet", "--provenance=false", "-t", tag, str(folder)], check=True, timeout=300)
    asked = subprocess.run(
        [*docker, "image", "inspect", "--format", "{{.Id}}", tag],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    yield Image(reference=tag, digest=asked.stdout.strip(), size=0, base_digest="", context_digest="")
    subprocess.run([*docker, "image", "rm", "-f", tag], check=True, timeout=60, capture_output=True)


@pytest.fixture
def model(image: Image, settings: Settings, tmp_path: Path) -> Model:
    """Runs a program as a model; its limits can be changed by name."""
    store = Store(tmp_path / "store")

    def run(program: str, *, gpu: bool | None = None, wants_gpu: bool = False, **limits: Any) -> Run:
        stored = store.add_bytes(program.encode())
        plan = plan_of(Member(path="test/program.py", size=stored.size, sha256=stored.sha256), wants_gpu)
        allowed = msgspec.structs.replace(LIMITS, **limits)
        return run_sample(image, plan, store, tmp_path / "run", allowed, gpu, settings, silent)

    return run


def plan_of(sample: Member, wants_gpu: bool) -> Plan:
    return Plan(
        item_id="hostile",
        item_sha256="0" * 64,
        framework="none",
        python="3.11",
        gpu=wants_gpu,
        base=BASE,
        installer_base=BASE,
        environment=EnvironmentSpec(origin="inferred"),
        runner=Runner(kind="command", argv=("true",), working_dir="/workspace"),
        sample=SampleSpec(input=sample),
        archive=Archive(href="x", sha256="0" * 64, size=0, kind="zip", members=(sample,)),
    )


@pytest.fixture
def engine(stack: dict[str, Any]) -> Iterator[Any]:
    import docker

    client = docker.DockerClient(base_url=stack["docker_host"], timeout=60)
    yield client
    client.close()


@pytest.fixture(autouse=True)
def nothing_survives(engine: Any, tmp_path: Path) -> Iterator[None]:
    """After every test: no container of this process, no scratch folder."""
    yield
    left = engine.containers.list(all=True, filters={"label": f"{LABEL}={owner()}"})
    assert [container.name for container in left] == []
    assert list(tmp_path.glob("run/.sandbox-*")) == []


def await_container(engine: Any) -> Any:
    """The running container of this process, as soon as there is one."""
    for _ in range(200):
        for container in engine.containers.list(filters={"label": f"{LABEL}={owner()}"}):
            return container
        time.sleep(0.05)
    raise AssertionError("no container was started")


def names(run: Run) -> list[str]:
    return [file.path for file in run.outputs]


def test_a_good_model_ends_well_and_its_outputs_come_home(model: Model, tmp_path: Path) -> None:
    run = model(
        """
        import os, sys
        os.makedirs(out + "/deep")
        open(out + "/deep/result.txt", "w").write("forty-two")
        print("to stdout")
        print("to stderr", file=sys.stderr)
        """.replace("\n        ", "\n")
    )
    assert (run.end, run.exit_status, run.device) == ("finished", 0, "cpu"), run
    assert run.device_reason == "the model does not ask for a GPU"
    assert names(run) == ["deep/result.txt"]
    assert run.outputs[0].sha256 == hashlib.sha256(b"forty-two").hexdigest()
    assert Path(run.output_folder, "deep/result.txt").read_text() == "forty-two"
    assert "to stdout\n" in run.log_tail
    assert "to stderr\n" in run.log_tail
    assert (tmp_path / "run" / "run.log").read_text() == run.log_tail
    assert run.peak_memory is not None
    assert 1 << 20 < run.peak_memory < LIMITS.memory


def test_the_restrictions_are_those_the_engine_reports(model: Model) -> None:
    run = model("")
    always = "no network, read-only root, no capabilities, no new privileges, user 65534:65534, private IPC"
    amounts = f"processes <= 64, core <= 0, fsize <= {LIMITS.output + 1}"
    for expected in f"{always}, input read-only, seccomp builtin, {amounts}".split(", "):
        assert expected in run.sandbox
    assert f"memory <= {LIMITS.memory} bytes, no swap" in run.sandbox


INSIDE = """
import json, os, socket
told = {"env": dict(os.environ), "ids": os.getresuid() + os.getresgid(), "groups": os.getgroups()}
told["interfaces"] = sorted(name for _, name in socket.if_nameindex())
told["status"] = dict(line.rstrip().split(":\\t", 1) for line in open("/proc/self/status") if ":\\t" in line)
told["written"] = []
tried = "/x /opt/dlm/x /dlm/in/x /etc/x /dev/x /var/tmp/x /workspace/x /tmp/x /dev/shm/x"
for path in (sample, *tried.split()):
    try:
        open(path, "a").write("x")
        told["written"].append(path)
    except OSError:
        pass
told["mounts"] = [line.split()[:4] for line in open("/proc/mounts")]
told["processes"] = sum(name.isdigit() for name in os.listdir("/proc"))
json.dump(told, open(out + "/told.json", "w"))
"""


def test_from_inside_there_is_nothing_to_reach(model: Model) -> None:
    run = model(INSIDE)
    assert run.end == "finished", run
    told = msgspec.json.decode(Path(run.output_folder, "told.json").read_bytes())
    assert told["ids"] == [65534] * 6
    assert told["groups"] == [] or told["groups"] == [65534]
    assert told["interfaces"] == ["lo"]
    assert told["status"]["NoNewPrivs"] == "1"
    assert {told["status"][name] for name in ("CapEff", "CapPrm", "CapBnd", "CapInh")} == {"0" * 16}
    assert told["status"]["Seccomp"] == "2"
    assert told["written"] == ["/workspace/x", "/tmp/x", "/dev/shm/x"]
    assert told["processes"] <= 2
    assert (told["env"]["DLM_DEVICE"], told["env"]["NVIDIA_VISIBLE_DEVICES"]) == ("cpu", "void")
    assert not [name for name in told["env"] if "proxy" in name.lower() or "TOKEN" in name or "DOCKER" in name]
    flags = {mount[1]: mount[3].split(",") for mount in told["mounts"]}
    assert {"ro"} <= set(flags["/"])
    assert {"ro"} <= set(flags["/dlm/in"])
    assert {"nosuid", "nodev"} <= set(flags["/tmp"])
    assert {"nosuid", "nodev"} <= set(flags["/workspace"])


@pytest.mark.parametrize(
    ("program", "status"),
    [("raise SystemExit(3)", 3), ("1/0", 1), ("import os; os.kill(os.getpid(), 11)", 139)],
)
def test_a_failing_model_is_a_model_error_with_its_status(model: Model, program: str, status: int) -> None:
    run = model(program)
    assert (run.end, run.exit_status) == ("model-error", status), run
    assert run.detail.startswith(f"the model ended with status {status}")


def test_a_models_traceback_is_kept_without_control_characters(model: Model) -> None:
    run = model("raise ValueError('\\x1b]0;owned\\x07 \\x1b[31mred')")
    assert "ValueError: \N{REPLACEMENT CHARACTER}]0;owned" in run.log_tail
    assert "\x1b" not in run.log_tail


@pytest.mark.parametrize(
    "program",
    [
        "import time\nwhile True: time.sleep(1)",
        "import signal, time\nfor n in (1, 2, 15): signal.signal(n, signal.SIG_IGN)\nwhile True: time.sleep(1)",
        "import os, time\nif os.fork() == 0:\n  os.setsid()\n  os.fork()\nwhile True: time.sleep(1)",
    ],
    ids=["hangs", "ignores signals", "daemonizes"],
)
def test_a_model_that_hangs_is_ended_on_time(model: Model, program: str) -> None:
    started = time.monotonic()
    run = model(program, seconds=1.5)
    assert (run.end, run.exit_status) == ("timeout", None), run
    assert run.detail == "the model was still running after 1.5 s; it was ended"
    assert 1.5 <= run.seconds < 10
    assert time.monotonic() - started < 30


def test_what_a_model_leaves_running_does_not_outlive_it(model: Model) -> None:
    run = model("import os, time\nif os.fork() == 0:\n  os.setsid()\n  time.sleep(300)")
    assert run.end == "finished"


@pytest.mark.parametrize(
    "program",
    [
        "x = []\nwhile True: x.append(bytearray(b'x' * (8 << 20)))",
        "for path in ('/dev/shm/x', '/tmp/x', '/workspace/x'): open(path, 'wb').write(b'x' * (40 << 20))",
        "import os, sys\nif os.fork() == 0: x = bytearray(b'x' * (1 << 30))\nelse: sys.exit(os.wait()[1] and 9)",
    ],
    ids=["heap", "scratch files", "child"],
)
def test_a_model_that_eats_memory_is_a_resource_matter(model: Model, program: str) -> None:
    run = model(program, memory=96 << 20, output=1 << 30)
    assert run.end == "resource", run
    assert run.detail == f"the model used more than {96 << 20} bytes of memory"


def test_a_fork_bomb_is_a_resource_matter(model: Model) -> None:
    run = model(
        "import os, time\nwhile True:\n  try:\n    os.fork()\n  except OSError:\n    time.sleep(0.05)", seconds=30
    )
    assert run.end == "resource", run
    assert run.detail == "the model filled its limit of 64 processes and threads; it was ended"
    assert run.seconds < 15


@pytest.mark.parametrize(
    ("program", "detail"),
    [
        ("f = open(out + '/x', 'wb')\nwhile True: f.write(b'x' * 65536)", f"wrote more than {8 << 20} bytes of output"),
        (
            "n = 0\nwhile True:\n  n += 1\n  open(out + '/%d' % n, 'wb').write(b'x' * 1000000)",
            f"wrote more than {8 << 20} bytes of output",
        ),
        ("n = 0\nwhile True:\n  n += 1\n  open(out + '/%d' % n, 'w').close()", "made more than 100 output files"),
        (
            "import os\nos.chdir(out)\nwhile True:\n  os.mkdir('d')\n  os.chdir('d')",
            "nested its output folders deeper than 32",
        ),
    ],
    ids=["one file", "many files", "empty files", "nested"],
)
def test_a_model_that_fills_the_disk_is_a_resource_matter(model: Model, program: str, detail: str) -> None:
    run = model(program)
    assert run.end == "resource", run
    assert detail in run.detail
    assert run.outputs == ()


def test_a_huge_sparse_file_never_reaches_the_disk(model: Model) -> None:
    run = model("import os\nos.truncate(os.open(out + '/x', os.O_CREAT | os.O_WRONLY), 10 << 40)")
    assert run.end in ("model-error", "resource"), run
    assert sum(file.size for file in run.outputs) <= LIMITS.output


def test_a_flood_of_talk_is_cut_with_both_ends_kept(model: Model, tmp_path: Path) -> None:
    program = "import sys\nprint('FIRST')\nfor n in range(40): sys.stdout.write('x' * 999999 + '\\n')\nprint('LAST')"
    run = model(program)
    assert run.end == "finished", run
    kept = (tmp_path / "run" / "run.log").read_bytes()
    assert kept.startswith(b"FIRST")
    assert kept.endswith(b"LAST\n")
    assert b"bytes cut" in kept
    assert len(kept) < (64 << 10) + 100
    assert len(run.log_tail) <= 16_384


def test_endless_talk_ends_with_the_time(model: Model) -> None:
    run = model("import sys\nwhile True: sys.stdout.write('x' * 65536)", seconds=3)
    assert run.end == "timeout", run


@pytest.mark.parametrize(
    "program",
    [
        "import socket\nsocket.create_connection(('1.1.1.1', 53), 3)",
        "import socket\nsocket.getaddrinfo('example.org', 80)",
        "import socket\nsocket.create_connection(('::1', 2375), 3)",
    ],
    ids=["address", "name", "loopback"],
)
def test_the_network_is_not_there(model: Model, program: str) -> None:
    run = model(program)
    assert run.end == "model-error", run
    assert "error" in run.log_tail.lower()


TRICKS = """
import os, socket
os.chdir(out)
open("good.txt", "w").write("good")
os.symlink("/etc/shadow", "link.tif")
os.symlink("/", "linked")
os.link("good.txt", "twin.txt")
open("alone.txt", "w").write("alone")
os.mkfifo("pipe")
socket.socket(socket.AF_UNIX).bind("sock")
open("new\\nline", "w").close()
open(b"\\xff\\xfe", "w").close()
open("setuid", "w").close()
os.chmod("setuid", 0o4777)
"""


def test_only_plain_files_of_one_name_come_home(model: Model) -> None:
    run = model(TRICKS)
    assert run.end == "finished", run
    assert names(run) == ["alone.txt", "setuid"]
    assert sorted(path.name for path in Path(run.output_folder).iterdir()) == ["alone.txt", "setuid"]
    assert Path(run.output_folder, "setuid").stat().st_mode & 0o7777 in (0o644, 0o600, 0o640)
    for expected in ("good.txt (hard link)", "link.tif (symbolic link)", "linked (symbolic link)"):
        assert expected in run.detail
    assert run.detail.endswith("and 3 more")
    msgspec.json.encode(run)


def test_an_earlier_runs_outputs_never_pass_for_this_ones(model: Model) -> None:
    assert names(model("open(out + '/a', 'w').write('a')")) == ["a"]
    failed = model("raise SystemExit(1)")
    assert (failed.outputs, list(Path(failed.output_folder).iterdir())) == ((), [])


def test_nothing_written_is_finished_with_no_outputs(model: Model) -> None:
    run = model("")
    assert (run.end, run.outputs) == ("finished", ())


@pytest.fixture
def no_gpu() -> Iterator[None]:
    with cdi.held(open_state(None), on=False):
        yield


@pytest.fixture
def fake_gpu() -> Iterator[None]:
    """A CDI device that is only a mark in the environment and two harmless device nodes."""
    with cdi.held(open_state(None), on=True):
        yield


def test_a_gpu_that_is_demanded_and_absent_stops_before_anything_runs(model: Model, no_gpu: None) -> None:
    with pytest.raises(InfraError, match=r"--gpu: .*the engine offers no CDI device nvidia\.com/gpu") as caught:
        model("", gpu=True)
    assert "nvidia-ctk cdi generate" in caught.value.hint


def test_a_gpu_that_is_only_wanted_falls_back_and_says_so(model: Model, no_gpu: None) -> None:
    run = model("", wants_gpu=True)
    assert (run.end, run.device) == ("finished", "cpu")
    assert "no CDI device nvidia.com/gpu" in run.device_reason


SEEN = "import os, json\njson.dump([os.environ.get(n) for n in ('DLM_DEVICE', 'DLM_STACK_FAKE_GPU')] "
SEEN += "+ [os.path.exists('/dev/nvidia0')], open(out + '/seen.json', 'w'))"


@pytest.mark.parametrize(
    ("asked", "device", "seen"),
    [
        ({"wants_gpu": True}, "gpu", ["gpu", "1", True]),
        ({"gpu": True}, "gpu", ["gpu", "1", True]),
        ({"wants_gpu": True, "gpu": False}, "cpu", ["cpu", None, False]),
        ({}, "cpu", ["cpu", None, False]),
    ],
    ids=["wanted by the model", "demanded", "forbidden", "neither"],
)
def test_the_gpu_is_handed_over_by_cdi(
    model: Model, fake_gpu: None, asked: dict[str, Any], device: str, seen: list[Any]
) -> None:
    run = model(SEEN, **asked)
    assert (run.end, run.device) == ("finished", device), run
    assert msgspec.json.decode(Path(run.output_folder, "seen.json").read_bytes()) == seen
    if device == "gpu":
        assert run.device_reason == "CDI device nvidia.com/gpu=all"


@pytest.fixture
def broken_gpu(no_gpu: None, engine: Any) -> Iterator[None]:
    """A device the engine lists but cannot hand over."""
    edits = {"deviceNodes": [{"path": "/dev/nvidia9", "hostPath": "/dev/no-such-device"}]}
    spec = open_state(None).cdi / "broken.json"
    devices = [{"name": "all", "containerEdits": edits}]
    spec.write_text(json.dumps({"cdiVersion": "0.6.0", "kind": "nvidia.com/gpu", "devices": devices}))
    try:
        deadline = time.monotonic() + 10
        while "nvidia.com/gpu=all" not in [entry["ID"] for entry in engine.info().get("DiscoveredDevices") or ()]:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        yield
    finally:
        spec.unlink()


def test_a_gpu_that_cannot_be_handed_over_is_said(model: Model, broken_gpu: None) -> None:
    run = model(SEEN, wants_gpu=True)
    assert (run.end, run.device) == ("finished", "cpu"), run
    assert run.device_reason.startswith("the engine could not hand over the GPU by CDI device nvidia.com/gpu=all: ")
    with pytest.raises(InfraError, match="cannot start the container"):
        model("", gpu=True)


def test_an_image_that_is_gone_is_said(model: Model, image: Image, settings: Settings, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"")
    gone = msgspec.structs.replace(image, digest="sha256:" + "1" * 64)
    plan = plan_of(Member(path="p.py", size=0, sha256=stored.sha256), False)
    with pytest.raises(InfraError, match="the engine no longer has the image dlm-build-test-running"):
        run_sample(gone, plan, store, tmp_path / "run", LIMITS, None, settings, silent)


@forgotten_sockets
def test_no_engine_is_said_with_what_to_do(settings: Settings, image: Image, tmp_path: Path) -> None:
    store = Store(tmp_path / "store")
    plan = plan_of(Member(path="p.py", size=0, sha256=store.add_bytes(b"").sha256), False)
    away = {**settings.environment, "DOCKER_HOST": f"unix://{tmp_path}/no.sock"}
    elsewhere = msgspec.structs.replace(settings, environment=away)
    with pytest.raises(InfraError) as caught:
        run_sample(image, plan, store, tmp_path / "run", LIMITS, None, elsewhere, silent)
    assert caught.value.message == f"no Docker engine answers at unix://{tmp_path}/no.sock: No such file or directory"
    assert caught.value.hint.startswith("start Docker, or set docker.host")
    del caught
    gc.collect()


def test_a_container_removed_by_others_is_the_engines_matter(model: Model, engine: Any) -> None:
    def remove() -> None:
        await_container(engine).remove(force=True)

    thread = threading.Thread(target=remove)
    thread.start()
    run = model("import time\ntime.sleep(60)")
    thread.join()
    assert run.end in ("infra", "model-error"), run


@pytest.fixture
def breakable(stack: dict[str, Any], tmp_path: Path) -> Iterator[Breakable]:
    made = Breakable(tmp_path / "engine.sock", Path(stack["docker_host"].removeprefix("unix://")))
    yield made
    made.cut()


@forgotten_sockets
def test_an_engine_lost_in_the_middle_is_never_the_models_fault(
    breakable: Breakable, image: Image, settings: Settings, tmp_path: Path, engine: Any
) -> None:
    """It comes back after a while, and the container is removed then."""
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"import time\nprint('here', flush=True)\ntime.sleep(60)")
    plan = plan_of(Member(path="p.py", size=stored.size, sha256=stored.sha256), False)
    through = {**settings.environment, "DOCKER_HOST": f"unix://{breakable.path}"}

    def lose() -> None:
        await_container(engine)
        time.sleep(0.5)
        breakable.cut()
        time.sleep(1.5)
        breakable.mend()

    thread = threading.Thread(target=lose)
    thread.start()
    lost = msgspec.structs.replace(settings, environment=through)
    run = run_sample(image, plan, store, tmp_path / "run", LIMITS, None, lost, silent)
    thread.join()
    assert (run.end, run.exit_status) == ("infra", None), run
    assert run.detail.startswith("the engine was lost during the run: cannot look at the container")
    assert run.log_tail.startswith("here\n")
    gc.collect()


def test_the_container_of_a_killed_run_is_removed_by_the_next(model: Model, image: Image, engine: Any) -> None:
    ended = subprocess.Popen(["true"])
    label = owner(ended.pid)
    ended.wait()
    boot = owner().split("/")[0]
    orphan = engine.containers.create(image.digest, entrypoint=["sleep"], command=["300"], labels={LABEL: label})
    orphan.start()
    other = engine.containers.create(image.digest, entrypoint=["true"], labels={LABEL: f"{boot}/1/1/1"})
    try:
        assert model("").end == "finished"
        left = [container.id for container in engine.containers.list(all=True, filters={"label": LABEL})]
        assert orphan.id not in left
    finally:
        other.remove(force=True)


def test_ctrl_c_leaves_nothing_behind(image: Image, settings: Settings, tmp_path: Path, engine: Any) -> None:
    import _thread

    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"import time\ntime.sleep(60)")
    plan = plan_of(Member(path="p.py", size=stored.size, sha256=stored.sha256), False)

    def interrupt() -> None:
        await_container(engine)
        _thread.interrupt_main()

    thread = threading.Thread(target=interrupt)
    thread.start()
    with pytest.raises(KeyboardInterrupt):
        run_sample(image, plan, store, tmp_path / "run", LIMITS, None, settings, silent)
    thread.join()


HARNESS_DOCKERFILE = """\
FROM python:3.11-slim-bookworm
COPY dlm /opt/dlm
"""
LAUNCHER = """\
#!/usr/bin/env -S python3 -IBu
import runpy; runpy.run_path("/opt/dlm/harness/__main__.py", run_name="__main__")
"""
PROGRAM = """\
import os, sys, tempfile
from pathlib import Path
import helper
handle, name = tempfile.mkstemp(dir=".")
inputs = Path(sys.argv[1]).read_text() + " " + Path("test/program.py").read_text()
os.write(handle, f"{helper.word} {inputs} {os.getcwd()}".encode())
os.rename(name, "result.txt")
"""
HANDLER = """\
import os
from ts.torch_handler.base_handler import BaseHandler
class Handler(BaseHandler):
    def initialize(self, context): self.device = os.environ["DLM_DEVICE"]
    def preprocess(self, data): return bytes(data[0]["body"]).decode()
    def inference(self, data): return data.upper()
    def postprocess(self, data): return [{"said": data, "device": self.device, "seed": os.environ["PYTHONHASHSEED"]}]
"""


@pytest.mark.parametrize(
    ("runner", "expected"),
    [
        (
            {"kind": "command", "argv": ["python3", "run.py", "{input}"], "working_dir": "/workspace"},
            {"result.txt": "hello pixels pixels /workspace"},
        ),
        (
            {"kind": "handler", "handler": "handler.py", "working_dir": "/workspace"},
            {"program.json": '{\n "device": "cpu",\n "said": "PIXELS",\n "seed": "0"\n}\n'},
        ),
    ],
    ids=["command", "handler"],
)
def test_the_harness_works_under_all_restrictions(
    stack: dict[str, Any], settings: Settings, tmp_path: Path, runner: dict[str, Any], expected: dict[str, str]
) -> None:
    context = tmp_path / "context"
    shutil.copytree(HARNESS, context / "dlm/harness", ignore=shutil.ignore_patterns("__pycache__"))
    described = {"runner": runner, "sample": {"input": {"path": "test/program.py"}}}
    files = {
        "Dockerfile": HARNESS_DOCKERFILE, "dlm/bin/model": LAUNCHER, "dlm/dlm.json": json.dumps(described),
        "dlm/model/run.py": PROGRAM, "dlm/model/handler.py": HANDLER, "dlm/source/helper.py": "word = 'hello'",
    }  # fmt: skip
    for name, text in files.items():
        (context / name).parent.mkdir(parents=True, exist_ok=True)
        (context / name).write_text(text)
    (context / "dlm/bin/model").chmod(0o755)
    store = Store(tmp_path / "store")
    stored = store.add_bytes(b"pixels")
    plan = plan_of(Member(path="test/program.py", size=stored.size, sha256=stored.sha256), False)
    with built(stack, context, "harness") as image:
        run = run_sample(image, plan, store, tmp_path / "run", LIMITS, None, settings, silent)
    assert run.end == "finished", run
    assert {file.path: Path(run.output_folder, file.path).read_text() for file in run.outputs} == expected
