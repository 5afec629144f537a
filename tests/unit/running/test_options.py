from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest

from dlm_build.errors import ItemInvalid
from dlm_build.records import Limits
from dlm_build.running.gpu import Device
from dlm_build.running.options import DockerOrder, container_options

LIMITS = Limits(seconds=5, memory=1 << 30, pids=77, output=1000, output_files=3)
ORDER = DockerOrder(
    name="dlm-build-x",
    image="sha256:" + "a" * 64,
    sample="scene.tif",
    place=Path("/runs/one"),
    working_dir="/workspace",
    limits=LIMITS,
    device=Device(kind="cpu", reason="because"),
    processors=2,
    owner="boot/ns/1/2",
    mark="dlm-report-1",
)


def options(**changed: Any) -> dict[str, Any]:
    return container_options(msgspec.structs.replace(ORDER, **changed))


def test_nothing_is_allowed_that_a_model_can_do_without() -> None:
    made = options()
    expected = {
        "network_mode": "none", "ipc_mode": "private", "read_only": True, "cap_drop": ["ALL"],
        "security_opt": ["no-new-privileges:true"], "user": "65534:65534", "pids_limit": 77, "mem_limit": 1 << 30,
        "memswap_limit": 1 << 30, "use_config_proxy": False, "init": True, "tty": False,
        "stdin_open": False, "healthcheck": {"test": ["NONE"]},
    }  # fmt: skip
    assert {name: made[name] for name in expected} == expected
    assert "privileged" not in made
    assert "cap_add" not in made
    assert made["log_config"].type == "none"


def test_the_command_is_the_containers_contract() -> None:
    made = options()
    assert made["entrypoint"] == ["/opt/dlm/bin/model"]
    assert made["command"] == ["predict", "--input", "/dlm/in/scene.tif", "--output", "/dlm/out"]


def test_two_folders_are_all_of_the_host_it_sees() -> None:
    seen = [(m["Type"], m["Source"], m["Target"], m["ReadOnly"]) for m in options()["mounts"]]
    assert seen == [("bind", "/runs/one/in", "/dlm/in", True), ("bind", "/runs/one/out", "/dlm/out", False)]
    assert {mount["BindOptions"]["Propagation"] for mount in options()["mounts"]} == {"rprivate"}


def test_files_are_limited_one_byte_past_the_output() -> None:
    limits = {limit.name: (limit.soft, limit.hard) for limit in options()["ulimits"]}
    assert (limits["core"], limits["fsize"]) == ((0, 0), (1001, 1001))


def test_scratch_is_sized_and_without_devices_or_suid() -> None:
    scratch = options()["tmpfs"]
    assert set(scratch) == {"/tmp", "/workspace"}
    for path in scratch:
        assert {"nosuid", "nodev", f"size={1 << 29}"} <= set(scratch[path].split(","))
    assert {"mode=0700", "uid=65534"} <= set(scratch["/workspace"].split(","))


def test_a_working_folder_in_tmp_itself_stays_open_to_all() -> None:
    assert "mode=1777" in options(working_dir="/tmp")["tmpfs"]["/tmp"]


def test_nothing_of_the_hosts_environment_goes_in(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://me:secret@proxy")
    text = str(options()["environment"])
    assert "proxy" not in text.lower()
    assert "secret" not in text


def test_devices_follow_the_way_the_engine_has() -> None:
    assert options()["device_requests"] == []
    assert options()["environment"]["NVIDIA_VISIBLE_DEVICES"] == "void"
    by_cdi = Device(kind="gpu", way="cdi", device_id="nvidia.com/gpu=all", reason="r")
    (request,) = options(device=by_cdi)["device_requests"]
    assert (request["Driver"], request["DeviceIDs"]) == ("cdi", ["nvidia.com/gpu=all"])
    (request,) = options(device=Device(kind="gpu", way="runtime", reason="r"))["device_requests"]
    assert (request["Count"], request["Capabilities"]) == (-1, [["gpu"]])
    environment = options(device=by_cdi)["environment"]
    assert environment["DLM_DEVICE"] == "gpu"
    assert environment["NVIDIA_DRIVER_CAPABILITIES"] == "compute,utility"
    assert "NVIDIA_VISIBLE_DEVICES" not in environment


@pytest.mark.parametrize("path", ["/workspace", "/home/model", "/usr/src/app", "/data/x/y", "/opt/model", "/var/model"])
def test_a_working_folder_of_its_own_is_fine(path: str) -> None:
    assert path in options(working_dir=path)["tmpfs"]


@pytest.mark.parametrize(
    "path",
    ["/", "/opt", "/opt/dlm", "/opt/dlm/model", "/dlm", "/dlm/out", "/usr", "/usr/lib", "/etc", "/etc/x", "/proc/1",
     "/dev", "/sys/fs", "/bin", "/lib", "workspace", "", "/here/../etc"],
)  # fmt: skip
def test_a_working_folder_that_hides_something_is_refused(path: str) -> None:
    with pytest.raises(ItemInvalid, match="would hide files that the container needs") as caught:
        options(working_dir=path)
    assert "docker.working_dir" in caught.value.hint
