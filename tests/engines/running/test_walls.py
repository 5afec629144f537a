"""What a model can reach, and what of its output comes home."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from tests.engines.running.models import LIMITS, Model, names

pytestmark = pytest.mark.engine


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
