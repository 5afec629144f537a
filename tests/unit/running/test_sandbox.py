from __future__ import annotations

from typing import Any

import pytest

from dlm_build.errors import InfraError
from dlm_build.running.sandbox import ESSENTIAL, check, restrictions

INFO = {"SecurityOptions": ["name=seccomp,profile=builtin", "name=cgroupns"]}
HOST: dict[str, Any] = {
    "NetworkMode": "none", "ReadonlyRootfs": True, "CapDrop": ["ALL"], "CapAdd": None, "Privileged": False,
    "SecurityOpt": ["no-new-privileges:true"], "IpcMode": "private", "PidsLimit": 64, "Memory": 100, "MemorySwap": 100,
    "NanoCpus": 2_000_000_000, "ShmSize": 50, "Ulimits": [{"Name": "core", "Soft": 0, "Hard": 0}],
    "Tmpfs": {"/tmp": "rw,size=50"},
}  # fmt: skip


def told(info: dict[str, Any] | None = None, user: str = "65534:65534", **host: Any) -> tuple[str, ...]:
    mounts = [{"Destination": "/dlm/in", "RW": False}, {"Destination": "/dlm/out", "RW": True}]
    inspected = {"HostConfig": {**HOST, **host}, "Config": {"User": user}, "Mounts": mounts}
    return restrictions(inspected, INFO if info is None else info)


def test_everything_in_force_is_told() -> None:
    assert told() == (
        "no network", "read-only root", "no capabilities", "no new privileges", "user 65534:65534", "private IPC",
        "input read-only", "seccomp builtin", "processes <= 64", "memory <= 100 bytes, no swap", "processors <= 2",
        "shared memory <= 50 bytes", "core <= 0", "scratch /tmp (rw,size=50)",
    )  # fmt: skip
    check(told())


@pytest.mark.parametrize(
    ("changed", "lost"),
    [
        ({"NetworkMode": "bridge"}, "no network"), ({"ReadonlyRootfs": False}, "read-only root"),
        ({"CapDrop": None}, "no capabilities"), ({"CapAdd": ["SYS_ADMIN"]}, "no capabilities"),
        ({"SecurityOpt": None}, "no new privileges"), ({"user": ""}, "user 65534:65534"),
        ({"user": "0"}, "user 65534:65534"),
    ],
)  # fmt: skip
def test_without_an_essential_one_nothing_is_started(changed: dict[str, Any], lost: str) -> None:
    with pytest.raises(InfraError) as caught:
        check(told(**changed))
    assert caught.value.message == f"the engine does not apply: {lost}"


def test_a_privileged_container_has_no_restrictions() -> None:
    assert not set(ESSENTIAL) & set(told(Privileged=True))


@pytest.mark.parametrize("options", [[], ["name=seccomp,profile=unconfined"]])
def test_an_engine_without_seccomp_is_not_said_to_have_it(options: list[str]) -> None:
    assert not [name for name in told(info={"SecurityOptions": options}) if name.startswith("seccomp")]


def test_a_profile_switched_off_for_the_container_is_not_told() -> None:
    assert "seccomp builtin" not in told(SecurityOpt=["no-new-privileges", "seccomp=unconfined"])


def test_swap_is_only_ruled_out_where_it_is() -> None:
    assert "memory <= 100 bytes" in told(MemorySwap=-1)


def test_more_walls_are_told_where_the_engine_has_them() -> None:
    more = told(info={"SecurityOptions": ["name=rootless", "name=userns", "name=apparmor"]})
    assert {"rootless engine", "user namespace", "AppArmor"} <= set(more)
