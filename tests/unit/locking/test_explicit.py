"""A stranger's explicit list, read against a real channel on disk."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from dlm_build.errors import DlmBuildError, HashMismatch, ItemHostile, ItemInvalid, Unpinned
from dlm_build.locking.channels import home_url
from dlm_build.locking.conda import solve_conda
from dlm_build.locking.explicit import read_explicit
from dlm_build.records import Package
from tests.unit.locking.worlds import asking, site

HOME = home_url("conda-forge")
NAMES = ("noarch/tool-2.0-0.tar.bz2", "noarch/part-2.0-0.tar.bz2", "linux-64/python-3.11.2-h0_cpython.tar.bz2")
"""Not in the order of installation."""
WHEEL = f"# pip affine @ https://index.example/affine-2.4.0-py3-none-any.whl#sha256={'c' * 64}"


def digest(channel: Path, name: str, kind: str) -> str:
    return hashlib.new(kind, (channel / name).read_bytes()).hexdigest()


def lines(channel: Path, kind: str = "md5", base: str = HOME) -> list[str]:
    mark = "" if kind == "md5" else f"{kind}:"
    return [f"{base}{name}#{mark}{digest(channel, name, kind)}" for name in NAMES]


def read(channel: Path, cache: Path, *rows: str) -> tuple[Package, ...]:
    text = "\n".join(("# platform: linux-64", "@EXPLICIT", *rows)) + "\n"
    return read_explicit(text, "archive:explicit.txt", site(channel), cache)


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_it_gives_what_a_solve_gives(channel: Path, tmp_path: Path, kind: str) -> None:
    solved = solve_conda(asking("tool"), site(channel), tmp_path)
    assert read(channel, tmp_path, *lines(channel, kind)) == solved
    assert all(package.url.startswith(f"file://{channel}/") for package in solved)
    assert read(channel, tmp_path, *lines(channel, kind, f"file://{channel}/")) == solved


def test_conda_s_own_default_channel_is_known_by_its_address(channel: Path, tmp_path: Path) -> None:
    home = home_url("defaults")
    assert home.endswith("/pkgs/main/")
    settings = site(channel, defaults=(f"file://{channel}",))
    text = "\n".join(("@EXPLICIT", *lines(channel, base=home)))
    packages = read_explicit(text, "archive:explicit.txt", settings, tmp_path)
    assert {package.channel for package in packages} == {"defaults"}


def test_wheels_stand_in_its_comments(channel: Path, tmp_path: Path) -> None:
    wheel = read(channel, tmp_path, *lines(channel), "# a remark", WHEEL)[-1]
    assert (wheel.manager, wheel.name, wheel.version, wheel.sha256) == ("pip", "affine", "2.4.0", "c" * 64)
    assert (wheel.url, wheel.channel) == ("https://index.example/affine-2.4.0-py3-none-any.whl", "")


@pytest.mark.parametrize(
    ("row", "error", "says"),
    [
        (f"{HOME}noarch/part-1.0-0.tar.bz2", Unpinned, "part has no digest"),
        (f"{HOME}noarch/part-1.0-0.tar.bz2#{'0' * 32}", HashMismatch, "part-1.0-0.tar.bz2 is listed as 0000"),
        (f"{HOME}noarch/part-1.0-0.tar.bz2#sha256:{'0' * 64}", HashMismatch, "part-1.0-0.tar.bz2 is listed as 0000"),
        (f"{HOME}noarch/part-1.0-0.tar.bz2#beef", ItemInvalid, r"explicit\.txt:3: beef is neither"),
        (f"{HOME}noarch/part-9.0-0.tar.bz2#{'0' * 32}", ItemInvalid, "conda-forge has no part-9.0-0.tar.bz2"),
        (f"{HOME}osx-64/part-1.0-0.tar.bz2#{'0' * 32}", ItemInvalid, "osx-64"),
        (f"https://evil.example/noarch/part-1.0-0.tar.bz2#{'0' * 32}", ItemInvalid, "no allowed channel"),
        (f"{HOME}noarch/p art-1.0-0.tar.bz2#{'0' * 32}", ItemHostile, "is not one"),
        (f"{HOME}noarch/\x1b[31m-1.0-0.conda#{'0' * 32}", DlmBuildError, "x1b"),
        (f"https://[/noarch/part-1.0-0.tar.bz2#{'0' * 32}", ItemInvalid, "no allowed channel"),
        ("./part-1.0-0.exe", ItemInvalid, r"explicit\.txt:3: .* is not the address of a conda package"),
        ("# nothing else", ItemInvalid, "locks no conda package"),
        (WHEEL, ItemInvalid, "locks no conda package"),
    ],
)
def test_what_is_refused(channel: Path, tmp_path: Path, row: str, error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        read(channel, tmp_path, row)
    assert "archive:explicit.txt" in str(caught.value) and "\x1b" not in str(caught.value)


def test_a_package_stands_in_it_once(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match="twice"):
        read(channel, tmp_path, *lines(channel), lines(channel)[0])


def test_a_wheel_at_no_address_is_refused(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(ItemInvalid, match=r"https://\[/.* is not an https:// URL"):
        read(channel, tmp_path, *lines(channel), WHEEL.replace("index.example", "["))


def test_a_wheel_without_a_digest_is_not_pinned(channel: Path, tmp_path: Path) -> None:
    with pytest.raises(Unpinned, match="affine has no sha256"):
        read(channel, tmp_path, *lines(channel), WHEEL.partition("#sha256")[0])
