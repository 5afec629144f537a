"""A stranger's conda-lock file: read by conda-lock's models, believed in nothing."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

from dlm_build.config import Channels, Settings
from dlm_build.errors import DlmBuildError, ItemHostile, ItemInvalid, Unpinned
from dlm_build.locking.channels import home_url
from dlm_build.locking.published import read_published

HOME = home_url("conda-forge")
ROW = {
    "name": "python", "version": "3.11.9", "manager": "conda", "platform": "linux-64", "dependencies": {},
    "url": f"{HOME}linux-64/python-3.11.9-h1_0_cpython.conda", "hash": {"md5": "a" * 32, "sha256": "b" * 64},
    "category": "main", "optional": False,
}  # fmt: skip
WHEEL = {
    "name": "affine", "version": "2.4.0", "manager": "pip", "platform": "linux-64", "dependencies": {},
    "url": "https://index.example/affine-2.4.0-py3-none-any.whl", "hash": {"sha256": "c" * 64}, "category": "main",
    "optional": False,
}  # fmt: skip


def text(*rows: dict[str, Any], version: object = 1) -> str:
    metadata = {
        "content_hash": {"linux-64": "x"}, "channels": [{"url": "conda-forge", "used_env_vars": []}],
        "platforms": ["linux-64"], "sources": [],
    }  # fmt: skip
    apart = json.loads(json.dumps({"version": version, "metadata": metadata, "package": rows}))
    return str(yaml.safe_dump(apart))


def read(*rows: dict[str, Any], settings: Settings | None = None, version: object = 1) -> Any:
    return read_published(text(*rows, version=version), "archive:conda-lock.yml", settings or Settings())


def row(**changes: Any) -> dict[str, Any]:
    return {**ROW, **changes}


def test_the_main_packages_of_linux_are_taken() -> None:
    mac = row(platform="osx-64", url=f"{HOME}osx-64/python-3.11.9-h1_0_cpython.conda")
    dev = {**WHEEL, "name": "pytest", "category": "dev"}
    python, affine = read(ROW, mac, WHEEL, dev)
    assert (python.name, python.build, python.subdir, python.channel) == (
        "python",
        "h1_0_cpython",
        "linux-64",
        "conda-forge",
    )
    assert (python.url, python.sha256, python.md5) == (ROW["url"], "b" * 64, "a" * 32)
    assert (affine.manager, affine.url, affine.channel) == ("pip", WHEEL["url"], "")


def test_dependencies_come_first() -> None:
    tool = row(
        name="atool", version="1", dependencies={"python": ">=3.8", "__glibc": ">=2.17"},
        url=f"{HOME}noarch/atool-1-0.conda", hash={"md5": "a" * 32, "sha256": "d" * 64},
    )  # fmt: skip
    assert [package.name for package in read(tool, ROW)] == ["python", "atool"]


def test_the_sites_mirror_takes_the_channels_place() -> None:
    settings = Settings(channels=Channels(mirrors={"conda-forge": ("http://mirror.example/cf/",)}))
    for url in (ROW["url"], "http://mirror.example/cf/linux-64/python-3.11.9-h1_0_cpython.conda"):
        (python,) = read(row(url=url), settings=settings)
        assert python.url == "http://mirror.example/cf/linux-64/python-3.11.9-h1_0_cpython.conda"


@pytest.mark.parametrize(
    ("rows", "error", "says"),
    [
        ([row(hash={"md5": "a" * 32})], Unpinned, "python has no sha256"),
        ([{**WHEEL, "hash": {"md5": "a" * 32}}, ROW], Unpinned, "affine has no sha256"),
        (
            [row(url="https://evil.example/linux-64/python-3.11.9-h1_0_cpython.conda")],
            ItemInvalid,
            "no allowed channel",
        ),
        ([row(url=f"{HOME[:-1]}e/linux-64/python-3.11.9-h1_0_cpython.conda")], ItemInvalid, "no allowed channel"),
        ([row(url=f"{HOME}linux-64/../../x/python-3.11.9-h1_0_cpython.conda")], ItemInvalid, "no allowed channel"),
        ([row(url=f"{HOME}osx-64/python-3.11.9-h1_0_cpython.conda")], ItemInvalid, "osx-64"),
        ([row(name="ruby")], ItemHostile, "is not its name, version and build"),
        ([row(version="3.12")], ItemHostile, "is not its name, version and build"),
        ([row(hash={"md5": "a" * 32, "sha256": "b"})], ItemHostile, "sha256"),
        ([ROW, {**WHEEL, "url": "file:///etc/x.whl"}], ItemInvalid, "not an https"),
        ([ROW, {**WHEEL, "url": "http://127.0.0.1/x.whl"}], ItemInvalid, "not an https"),
        ([ROW, {**WHEEL, "url": "https://index.example/affine-2.4.0.tar.gz"}], DlmBuildError, "affine-2.4.0.tar.gz"),
        ([WHEEL], ItemInvalid, "locks no conda package for linux-64"),
        ([], ItemInvalid, "locks no conda package for linux-64"),
        ([row(hash={})], ItemInvalid, "MD5"),
        ([row(surprise=1)], ItemInvalid, "surprise"),
        ([row(name="x\n\x1b[31m")], DlmBuildError, r"x\\n"),
    ],
)
def test_what_is_refused(rows: list[dict[str, Any]], error: type[Exception], says: str) -> None:
    with pytest.raises(error, match=says) as caught:
        read(*rows)
    assert "archive:conda-lock.yml" in str(caught.value) and "\x1b" not in str(caught.value)


@pytest.mark.parametrize("garbage", ["", "[]", "a: [", "version: 1", "version: 3\npackage: []", "\x00", "!!python/x y"])
def test_not_a_lock_at_all(garbage: str) -> None:
    with pytest.raises(ItemInvalid, match=r"archive:conda-lock\.yml is not a conda-lock file"):
        read_published(garbage, "archive:conda-lock.yml", Settings())


def test_aliases_are_refused_before_they_grow() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{n}: &{n} [*{p},*{p}]\n" for p, n in zip("abcdefghijk", "bcdefghijkl", strict=True)
    )
    with pytest.raises(ItemHostile, match="aliases"):
        read_published(bomb, "archive:conda-lock.yml", Settings())
