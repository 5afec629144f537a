"""The conda solve against real channels on disk."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from dlm_build.config import Channels, Settings
from dlm_build.errors import (
    EnvironmentUnsolvable,
    InfraError,
    ItemHostile,
    ItemInvalid,
    PythonUnfit,
    Unpinned,
    UsageError,
)
from dlm_build.locking.channels import from_mirrors, served_channels
from dlm_build.locking.conda import solve_conda
from dlm_build.records import Package
from tests.unit.locking.worlds import asking, by_hand, conda_package, index, sha256, site


def versions(packages: tuple[Package, ...]) -> dict[str, str]:
    return {package.name: package.version for package in packages}


def test_a_solve_names_bytes(channel: Path, tmp_path: Path) -> None:
    tool = next(p for p in solve_conda(asking("tool"), site(channel), tmp_path) if p.name == "tool")
    raw = (channel / "noarch" / "tool-2.0-0.tar.bz2").read_bytes()
    assert (tool.manager, tool.version, tool.build, tool.subdir) == ("conda", "2.0", "0", "noarch")
    assert tool.url == f"file://{channel}/noarch/tool-2.0-0.tar.bz2"
    assert (tool.sha256, tool.size, tool.channel) == (sha256(raw), len(raw), "conda-forge")
    assert tool.depends == ("part >=2", "python >=3.8")


def test_dependencies_come_first(channel: Path, tmp_path: Path) -> None:
    order = [package.name for package in solve_conda(asking("tool"), site(channel), tmp_path)]
    assert sorted(order) == ["part", "python", "tool"]
    assert order[-1] == "tool"


def test_the_plans_python_is_asked_for_unless_the_environment_does(channel: Path, tmp_path: Path) -> None:
    assert "python" in versions(solve_conda(asking("part"), site(channel), tmp_path))
    with pytest.raises(EnvironmentUnsolvable, match="python"):
        solve_conda(asking("part", "python=3.7"), site(channel), tmp_path)


def test_the_date_counts_a_mirrors_packages_by_their_build(channel: Path, tmp_path: Path) -> None:
    then = solve_conda(asking("tool", as_of="2021-06-01"), site(channel), tmp_path)
    assert versions(then) == {"python": "3.11.2", "tool": "1.0", "part": "1.0"}


def test_the_date_is_given_as_the_reason_when_it_is_one(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable) as caught:
        solve_conda(asking("tool >=2", as_of="2021-06-01T12:00:00Z"), site(channel), tmp_path)
    assert "as of 2021-06-01T12:00:00+00:00; without that date it can be solved" in caught.value.message
    assert "tool 2.0" in caught.value.message
    assert "--as-of" in caught.value.hint


def test_the_date_is_not_blamed_for_another_conflict(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable) as caught:
        solve_conda(asking("tool >=9", as_of="2021-06-01"), site(channel), tmp_path)
    assert "nor without that date" in caught.value.message
    assert "--as-of" not in caught.value.hint


def test_a_conflict_names_both_sides(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable) as caught:
        solve_conda(asking("tool >=2", "old-fashioned"), site(channel), tmp_path)
    assert "inferred: no set of packages from conda-forge" in caught.value.message
    assert "part >=2" in caught.value.message and "part <2" in caught.value.message
    assert caught.value.exit_code == 6


@pytest.mark.parametrize(
    ("spec", "lacking", "wanting"),
    [("fast", {"cuda": None}, {"cuda": "12.4"}), ("modern", {"glibc": "2.31"}, {"glibc": "2.35"})],
)
def test_the_images_cuda_and_glibc_decide(
    spec: str, lacking: dict[str, Any], wanting: dict[str, Any], channel: Path, tmp_path: Path
) -> None:
    assert spec in versions(solve_conda(asking(spec, **wanting), site(channel), tmp_path))
    with pytest.raises(EnvironmentUnsolvable, match=r"__cuda|__glibc"):
        solve_conda(asking(spec, **lacking), site(channel), tmp_path)


def test_all_that_is_not_there_is_named_at_once(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable) as caught:
        solve_conda(asking("tool", "part >=9", "absent", "gone=1.0"), site(channel), tmp_path)
    assert all(name in caught.value.message for name in ("part >=9", "absent", "gone"))
    assert "tool" not in caught.value.message


def test_how_many_more_are_not_there_is_said(channel: Path, tmp_path: Path) -> None:
    absent = [f"gone{number}" for number in range(10, 30)]
    with pytest.raises(EnvironmentUnsolvable, match=r"answers these either: (gone\d\d, ){11}gone\d\d and 7 more\."):
        solve_conda(asking("tool", *absent), site(channel), tmp_path)


@pytest.mark.parametrize("spec", ["tool=2.0=0", "tool==2.0=0", "tool =2.0 0", "tool 2.0 0", "tool=2.0=*", "tool=2"])
def test_exact_builds_as_exports_write_them(spec: str, channel: Path, tmp_path: Path) -> None:
    assert versions(solve_conda(asking(spec), site(channel), tmp_path))["tool"] == "2.0"


def test_another_build_is_not_taken(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable, match="other_0"):
        solve_conda(asking("tool=2.0=other_0"), site(channel), tmp_path)


def test_an_unreachable_channel_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(InfraError) as caught:
        solve_conda(asking("tool"), site(tmp_path / "gone"), tmp_path)
    assert f"conda-forge at file://{tmp_path}/gone/" in caught.value.message
    assert "[channels.mirrors] conda-forge" in caught.value.hint
    assert caught.value.exit_code == 14


def test_a_full_store_is_not_taken_for_a_channel_out_of_reach() -> None:
    from rattler.exceptions import GatewayError

    def ask(bases: dict[str, str]) -> None:
        raise GatewayError("failed to write shard\nCaused by: No space left on device (os error 28)")

    served = served_channels(("conda-forge",), Settings(), "item.json")
    with pytest.raises(InfraError, match="cannot keep what conda channel conda-forge") as caught:
        from_mirrors(served, ask)
    assert "set `store` in the settings" in caught.value.hint


def test_the_next_mirror_serves_when_the_first_does_not(channel: Path, tmp_path: Path) -> None:
    packages = solve_conda(asking("part"), site(tmp_path / "gone", channel), tmp_path)
    assert all(package.url.startswith(f"file://{channel}/") for package in packages)


def test_the_first_channel_wins_but_for_a_requirement_that_names_its_own(channel: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    for name in ("part", "spare"):
        conda_package(other, name, "9.0")
    conda_package(channel, "spare", "1.0")
    index(other)
    index(channel)
    settings = site(channel, pytorch=(f"file://{other}",))

    def asked(*specs: str, first: str, last: str) -> dict[str, str]:
        packages = solve_conda(asking(*specs, channels=(first, last)), settings, tmp_path)
        return {p.name: p.channel for p in packages if p.name != "python"}

    assert asked("part", "spare", first="pytorch", last="conda-forge") == {"part": "pytorch", "spare": "pytorch"}
    named = asked("pytorch::part >=2", "spare", first="conda-forge", last="pytorch")
    assert named == {"part": "pytorch", "spare": "conda-forge"}
    with pytest.raises(EnvironmentUnsolvable, match="part"):
        asked("conda-forge::part=9.0", first="pytorch", last="conda-forge")


def test_a_label_of_a_channel_that_is_allowed(channel: Path, tmp_path: Path) -> None:
    label = "conda-forge/label/cuda-11.8.0"
    settings = Settings(channels=Channels(mirrors={label: (f"file://{channel}",)}))
    packages = solve_conda(asking(f"{label}::tool", channels=(label,)), settings, tmp_path)
    assert {package.channel for package in packages} == {label}


def test_only_allowed_channels(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="channel conda-forgee is not allowed here") as caught:
        solve_conda(asking("tool", channels=("conda-forgee",)), site(channel), tmp_path)
    assert "[channels] allowed" in caught.value.hint


@pytest.mark.parametrize(
    "spec",
    [
        "https://evil.example/noarch/x-1-0.conda", "file:///etc/x.conda", "x[url='file:///etc/passwd']", "x[md5=0]",
        "../x", "x\ny", "-x", "", "$(id)", "{{x}}", "https://evil.example/c::x",
    ],
)  # fmt: skip
def test_a_requirement_cannot_name_another_server(spec: str, channel: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match=r"inferred: .* is not a requirement") as caught:
        solve_conda(asking(spec), site(channel), tmp_path)
    assert "\n" not in caught.value.message


def test_an_unlisted_channel_of_a_requirement(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="names channel nvidia, which `channels` does not list"):
        solve_conda(asking("nvidia::tool"), site(channel), tmp_path)


def test_a_garbled_version_is_the_items_fault(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="cannot be read"):
        solve_conda(asking("tool ==="), site(channel), tmp_path)


@pytest.mark.parametrize("url", ["ftp://mirror.example/c", "https://user:pw@mirror.example/c", "mirror", "file://x y"])
def test_a_garbled_mirror_is_the_operators_fault(url: str, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"channels\.mirrors"):
        solve_conda(asking("tool"), site(**{"conda-forge": (url,)}), tmp_path)


ROW = {"name": "python", "version": "3.11.2", "build": "0", "build_number": 0, "depends": [], "subdir": "noarch",
       "noarch": "generic", "sha256": "a" * 64, "md5": "b" * 32, "timestamp": 1}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "filename", "error"),
    [
        ({"build": "../../../etc"}, "python-3.11.2-0.conda", (ItemHostile, InfraError)),
        ({"build": "1"}, "python-3.11.2-0.conda", (ItemHostile, InfraError)),
        ({"depends": ["__unix; rm -rf /"]}, "python-3.11.2-0.conda", (ItemHostile, EnvironmentUnsolvable)),
        ({"sha256": None}, "python-3.11.2-0.conda", (Unpinned,)),
    ],
)
def test_a_channel_cannot_smuggle_paths_or_unpinned_bytes(
    changes: dict[str, Any], filename: str, error: tuple[type[Exception], ...], tmp_path: Path
) -> None:
    row = {key: value for key, value in {**ROW, **changes}.items() if value is not None}
    by_hand(tmp_path / "c", {filename: row})
    with pytest.raises(error):
        solve_conda(asking(), site(tmp_path / "c"), tmp_path / "cache")


@pytest.mark.parametrize("text", ["2024-05-01", "2024-05-01T00:00:00Z", "2024-05-01T02:00:00+02:00"])
def test_instants_are_utc(text: str) -> None:
    instant = asking(as_of=text).instant
    assert instant is not None and instant.isoformat() == "2024-05-01T00:00:00+00:00"


# --- who is to blame


def test_a_python_that_the_channel_lacks_is_to_blame(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(PythonUnfit) as caught:
        solve_conda(asking("tool", "python=3.12"), site(channel), tmp_path)
    assert "has this Python" in caught.value.message
    assert "But for python=3.12 there is a solution, with python 3.11.2." in caught.value.message
    assert caught.value.hint == "ask for another, such as python=3.11" and caught.value.exit_code == 6


def test_a_package_that_needs_another_python_blames_it(tmp_path: Path) -> None:
    folder = tmp_path / "channel"
    for version in ("3.9.1", "3.10.1"):
        conda_package(folder, "python", version, subdir="linux-64", noarch=None)
    conda_package(folder, "net", "1.5.1", "python >=3.9,<3.10")
    index(folder)
    with pytest.raises(PythonUnfit, match=r"But for python=3\.10 .* with python 3\.9\.1"):
        solve_conda(asking("net=1.5.1", "python=3.10"), site(folder), tmp_path / "cache")


def test_a_version_that_is_not_there_is_to_blame_and_not_python(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(EnvironmentUnsolvable, match=r"But for tool=9 there is a solution, with tool 2\.0") as caught:
        solve_conda(asking("python=3.11", "part >=1", "tool=9"), site(channel), tmp_path)
    assert not isinstance(caught.value, PythonUnfit)
