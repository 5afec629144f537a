"""conda-lock's own tools read what is written, and it never changes by itself."""

from __future__ import annotations

import random
from pathlib import Path

from msgspec.structs import replace

from dlm_build.config import Channels, Settings
from dlm_build.locking import conda_lock_yaml, explicit_text
from dlm_build.locking.channels import home_url
from dlm_build.locking.published import read_published
from dlm_build.records import BaseImage, Lock, Package
from tests.unit.locking.worlds import a_package, a_wheel, asking

BASE = BaseImage(repository="docker.io/nvidia/cuda", tag="x", index_digest="sha256:" + "a" * 64)
PYTHON = a_package(
    name="python", version="3.11.9", build="h1_0_cpython", depends=(), filename="python-3.11.9-h1_0_cpython.conda",
    url="https://channel.example/x/linux-64/python-3.11.9-h1_0_cpython.conda", sha256="1" * 64, md5="2" * 32,
)  # fmt: skip
YES = a_package(
    name="yes", version="1.10", build="0", depends=("python",), filename="yes-1.10-0.conda", subdir="noarch",
    url="https://channel.example/x/noarch/yes-1.10-0.conda", sha256="3" * 64, md5="4" * 32,
)  # fmt: skip


HOME = home_url("conda-forge")


def at_home(package: Package) -> str:
    return f"{HOME}{package.subdir}/{package.filename}"


def a_lock() -> Lock:
    return Lock(
        plan=asking("numpy"), base=BASE, installer_base=BASE, packages=(PYTHON, YES, a_package(), a_wheel()),
        installer=(), created_by="test",
    )  # fmt: skip


def test_conda_lock_reads_it_back(tmp_path: Path) -> None:
    from dlm_build.locking.condalock import parse_conda_lock_file

    path = tmp_path / "conda-lock.yml"
    path.write_text(conda_lock_yaml(a_lock()))
    found = {package.name: package for package in parse_conda_lock_file(path).package}
    assert set(found) == {"python", "yes", "numpy", "affine"}
    assert found["yes"].version == "1.10" and found["yes"].dependencies == {"python": ""}
    assert found["numpy"].dependencies == {"python": ">=3.11,<3.12.0a0", "__glibc": ">=2.17"}
    assert found["numpy"].hash.sha256 == "a" * 64 and found["affine"].hash.sha256 == "c" * 64
    assert found["affine"].manager == "pip"


def test_conda_lock_renders_it(tmp_path: Path) -> None:
    from dlm_build.locking.condalock import parse_conda_lock_file, render_lockfile_for_platform

    path = tmp_path / "conda-lock.yml"
    path.write_text(conda_lock_yaml(a_lock()))
    lines = render_lockfile_for_platform(
        lockfile=parse_conda_lock_file(path), include_dev_dependencies=False, extras=None, kind="explicit",
        platform="linux-64", suppress_warning_for_pip_and_explicit=True,
    )  # fmt: skip
    assert f"{at_home(PYTHON)}#{PYTHON.md5}" in lines
    assert lines[-1] == f"# pip affine @ {a_wheel().url}#sha256={'c' * 64}"
    assert lines.index(f"{at_home(PYTHON)}#{PYTHON.md5}") < lines.index(f"{at_home(YES)}#{YES.md5}")


def test_equal_locks_give_equal_bytes() -> None:
    assert conda_lock_yaml(a_lock()) == conda_lock_yaml(a_lock())
    shuffled = list(a_lock().packages)
    random.Random(1).shuffle(shuffled)
    other = Lock(
        plan=asking("numpy"), base=BASE, installer_base=BASE, packages=tuple(shuffled), installer=(), created_by="x"
    )
    assert conda_lock_yaml(other) == conda_lock_yaml(a_lock())


def test_the_explicit_list_is_in_install_order_and_pins_by_sha256() -> None:
    assert explicit_text(a_lock()).splitlines() == [
        "# platform: linux-64",
        "@EXPLICIT",
        f"{at_home(PYTHON)}#sha256:{'1' * 64}",
        f"{at_home(YES)}#sha256:{'3' * 64}",
        f"{at_home(a_package())}#sha256:{'a' * 64}",
        f"# pip affine @ {a_wheel().url}#sha256={'c' * 64}",
    ]


def test_rattler_reads_the_explicit_list(tmp_path: Path) -> None:
    from rattler.explicit_environment.environment import ExplicitEnvironmentSpec

    path = tmp_path / "explicit.txt"
    path.write_text(explicit_text(a_lock()))
    read = ExplicitEnvironmentSpec.from_path(path)
    assert [entry.url for entry in read.packages] == [
        f"{at_home(p)}#sha256:{p.sha256}" for p in a_lock().packages if p.manager == "conda"
    ]


def test_both_files_name_the_channels_home_whatever_mirror_was_asked() -> None:
    mirrored = Lock(
        plan=asking("numpy"), base=BASE, installer_base=BASE, installer=(), created_by="test",
        packages=tuple(
            replace(package, url=f"file:///srv/channel/{package.subdir}/{package.filename}")
            for package in (PYTHON, YES, a_package(version="1!2.1.3+cpu", filename="numpy-1!2.1.3+cpu-py311h0_0.conda"))
        ),
    )  # fmt: skip
    for written in (conda_lock_yaml(mirrored), explicit_text(mirrored)):
        assert "/srv/channel" not in written
        assert f"{HOME}linux-64/numpy-1!2.1.3+cpu-py311h0_0.conda" in written


def test_what_is_published_is_read_at_every_site() -> None:
    conda = tuple(package for package in a_lock().packages if package.manager == "conda")
    text = conda_lock_yaml(replace(a_lock(), packages=conda))
    mirror = Settings(channels=Channels(mirrors={"conda-forge": ("file:///srv/other",)}))
    for settings, base in ((Settings(), HOME), (mirror, "file:///srv/other/")):
        read = read_published(text, "archive:conda-lock.yml", settings)
        assert {package.url for package in read} == {f"{base}{p.subdir}/{p.filename}" for p in conda}
        assert {package.sha256 for package in read} == {package.sha256 for package in conda}
