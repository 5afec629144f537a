"""Locks made from the stack's channel and registry and the real package index."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from msgspec.structs import replace

from dlm_build.config import Channels, Index, Network, Settings
from dlm_build.errors import EnvironmentUnsolvable, InfraError
from dlm_build.fetch import HttpFetcher
from dlm_build.locking import Outside, conda_lock_yaml, explicit_text, fill_store, make_lock
from dlm_build.locking.channels import home_url
from dlm_build.locking.conda import solve_conda
from dlm_build.locking.lock import environment_packages
from dlm_build.locking.pip import solve_pip
from dlm_build.locking.uv import Uv
from dlm_build.proc import RealPrograms
from dlm_build.progress import silent
from dlm_build.records import BaseImage, EnvironmentSpec, Lock, Package, Plan
from dlm_build.registry import Registry
from dlm_build.store import Store
from tests.unit.locking.worlds import a_package
from tests.unit.plans import tiny_plan

pytestmark = pytest.mark.engine
CLOSED = "http://127.0.0.1:9/nothing-listens-here"


def plan_for(stack: dict[str, Any], *conda: str, as_of: str | None = None, **spec: Any) -> Plan:
    """A plan on the stack's own base images."""

    def base(repository: str) -> BaseImage:
        known = stack["bases"][repository]
        return BaseImage(repository=f"docker.io/{repository}", tag=known["tags"][0], index_digest=known["index"])

    environment = EnvironmentSpec(origin="inferred", conda=conda, **spec)
    return tiny_plan(
        base=base("nvidia/cuda"), installer_base=base("library/python"), environment=environment, as_of=as_of
    )


def lock_of(plan: Plan, settings: Settings, folder: Path) -> Lock:
    programs, store = RealPrograms(settings.environment), Store(folder)
    with closing(HttpFetcher(settings)) as fetch:
        return make_lock(plan, Outside(fetch, programs, Registry(fetch, settings), store, settings, silent))


def uv_for(settings: Settings, folder: Path) -> Uv:
    return Uv(RealPrograms({**settings.environment, "UV_HTTP_RETRIES": "0"}), Store(folder), settings)


def mirrored(settings: Settings, *urls: str) -> Settings:
    return replace(settings, channels=Channels(mirrors={"conda-forge": urls}))


def names(packages: tuple[Package, ...]) -> dict[str, str]:
    return {package.name: package.version for package in packages}


def test_a_lock_is_whole_and_the_second_look_fetches_nothing(
    stack: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    lock = lock_of(plan_for(stack, "onnxruntime", as_of="2025-01-15T00:00:00Z"), settings, tmp_path)
    store = Store(tmp_path)
    assert {"python", "onnxruntime", "numpy"} <= names(lock.packages).keys()
    for package in (*lock.packages, *lock.installer):
        assert store.path(package.sha256).stat().st_size == package.size
    assert lock.base.platform_digest == stack["bases"]["nvidia/cuda"]["platform"]
    assert lock.base.index_digest == stack["bases"]["nvidia/cuda"]["index"]

    class NoFetch:
        def download(self, url: str, *_: Any, **__: Any) -> Any:
            raise AssertionError(f"fetched again: {url}")

    fill_store(lock, NoFetch(), store, silent)
    assert lock_of(lock.plan, settings, tmp_path).digest == lock.digest


def test_conda_lock_itself_renders_the_lock(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    lock = lock_of(plan_for(stack, "numpy", pip=("affine<3",)), settings, tmp_path / "store")
    (tmp_path / "conda-lock.yml").write_text(conda_lock_yaml(lock))
    program = Path(sys.executable).with_name("conda-lock")
    subprocess.run(
        [program, "render", "--kind", "explicit", "--platform", "linux-64", "conda-lock.yml"],
        cwd=tmp_path, check=True, timeout=120, capture_output=True,
    )  # fmt: skip
    rendered = (tmp_path / "conda-linux-64.lock").read_text()
    for package in lock.packages:
        url = f"{home_url('conda-forge')}{package.subdir}/{package.filename}" if package.subdir else package.url
        assert url in rendered and f"{url}#sha256" in explicit_text(lock)


def test_the_same_packages_over_http(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    plan = plan_for(stack, "numpy", as_of="2025-01-15")
    by_file = solve_conda(plan, settings, tmp_path / "a")
    by_http = solve_conda(plan, mirrored(settings, stack["channel"]["http"]), tmp_path / "b")
    assert [(p.name, p.sha256) for p in by_file] == [(p.name, p.sha256) for p in by_http]
    assert all(package.url.startswith(stack["channel"]["http"]) for package in by_http)


def test_the_next_mirror_serves_when_the_first_is_down(
    stack: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    both = mirrored(settings, CLOSED, stack["channel"]["http"])
    assert "numpy" in names(solve_conda(plan_for(stack, "numpy"), both, tmp_path))


def test_the_date_decides_in_both_worlds(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    old = plan_for(stack, "numpy", pip=("affine", "click"), as_of="2024-07-01T00:00:00Z")
    found = names(environment_packages(old, uv_for(settings, tmp_path), Store(tmp_path), settings))
    assert found["numpy"] == "1.26.4"
    assert found["affine"] == "2.4.0" and found["click"] == "8.1.7"


def test_conda_wins_over_pip(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    plan = plan_for(stack, "numpy<2", pip=("rasterio", "numpy"))
    packages = environment_packages(plan, uv_for(settings, tmp_path), Store(tmp_path), settings)
    assert [p.manager for p in packages if p.name == "numpy"] == ["conda"]
    assert any(p.name == "rasterio" and p.filename.endswith("x86_64.whl") for p in packages)


def test_what_the_index_has_no_wheel_of_is_no_hindrance_where_conda_has_it(
    stack: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    conda = [a_package(name="python", version="3.11.9", depends=()), a_package(name="gdal", version="3.6.2")]
    plan = plan_for(stack, pip=("GDAL>=3", "affine"), as_of="2025-01-15T00:00:00Z")
    assert names(solve_pip(plan, conda, uv_for(settings, tmp_path))) == {"affine": "2.4.0"}


@pytest.mark.parametrize("written", [conda_lock_yaml, explicit_text])
def test_a_published_lock_gives_its_own_packages(
    stack: dict[str, Any], settings: Settings, tmp_path: Path, written: Callable[[Lock], str]
) -> None:
    first = lock_of(plan_for(stack, "numpy", pip=("affine<3",)), settings, tmp_path / "first")
    plan = plan_for(stack, lock_text=written(first))
    # a stranger's wheel comes from public addresses only; a site whose index is elsewhere says so
    hosts = {str(urlsplit(p.url).hostname) for p in first.packages if p.manager == "pip"}
    at_home = replace(settings, network=Network(allow_hosts=tuple(hosts)))
    again = lock_of(plan, at_home, tmp_path / "second")
    assert [(p.name, p.sha256) for p in again.packages] == [(p.name, p.sha256) for p in first.packages]


def test_an_unsolvable_environment_names_what_is_missing(
    stack: dict[str, Any], settings: Settings, tmp_path: Path
) -> None:
    with pytest.raises(EnvironmentUnsolvable, match="package-that-does-not-exist"):
        solve_conda(plan_for(stack, "dlm-unsatisfiable"), settings, tmp_path)
    with pytest.raises(EnvironmentUnsolvable, match="affine>=1000"):
        plan = plan_for(stack, "numpy", pip=("affine>=1000",))
        environment_packages(plan, uv_for(settings, tmp_path), Store(tmp_path), settings)


def test_a_dead_channel_and_a_dead_index_are_infra(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    with pytest.raises(InfraError, match=r"127\.0\.0\.1:9") as caught:
        solve_conda(plan_for(stack, "numpy"), mirrored(settings, CLOSED), tmp_path)
    assert "[channels.mirrors] conda-forge" in caught.value.hint
    offline = replace(settings, index=Index(url=CLOSED))
    with pytest.raises(InfraError, match=r"127\.0\.0\.1:9") as caught:
        plan = plan_for(stack, "numpy", pip=("affine",))
        environment_packages(plan, uv_for(offline, tmp_path), Store(tmp_path), offline)
    assert "[index] url" in caught.value.hint


CHILD = """
    import json, sys
    from pathlib import Path
    import msgspec
    from dlm_build.config import Settings
    from dlm_build.errors import DlmBuildError
    from dlm_build.locking.conda import solve_conda
    from dlm_build.records import Plan
    told = json.loads(sys.stdin.read())
    try:
        plan, settings = msgspec.convert(told["plan"], Plan), msgspec.convert(told["settings"], Settings)
        solve_conda(plan, settings, Path(told["cache"]))
    except DlmBuildError as problem:
        sys.exit(problem.exit_code)
    status = Path('/proc/self/status').read_text()  # not getrusage, which counts the parent's memory before exec
    print(status.split('VmHWM:')[1].split()[0])
"""


def in_a_child(plan: Plan, settings: Settings, cache: Path) -> subprocess.CompletedProcess[str]:
    import msgspec

    told = {"plan": plan, "settings": settings, "cache": str(cache)}
    return subprocess.run(
        [sys.executable, "-c", textwrap.dedent(CHILD)], input=msgspec.json.encode(told).decode(), text=True,
        capture_output=True, timeout=120, check=False,
    )  # fmt: skip


def test_a_failed_solve_ends_with_its_own_exit_code(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    """The solver's threads must have come to rest when the interpreter goes; without that some exits crash."""
    plan = plan_for(stack, "dlm-unsatisfiable")
    assert {in_a_child(plan, settings, tmp_path).returncode for _ in range(25)} == {6}


def test_a_solve_stays_small(stack: dict[str, Any], settings: Settings, tmp_path: Path) -> None:
    ended = in_a_child(plan_for(stack, "onnxruntime", "pytorch"), settings, tmp_path)
    assert ended.returncode == 0, ended.stderr
    assert json.loads(ended.stdout) < 300 << 10
