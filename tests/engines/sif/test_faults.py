"""What becomes of the SIF that was there when the making of a new one is killed or starved: nothing."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from dlm_build.building.docker_engine import DockerEngine
from dlm_build.errors import InfraError, UsageError
from dlm_build.progress import silent
from dlm_build.records import Image, Sif, from_json
from dlm_build.sif import is_still_there, sif_from_image, sif_from_packages
from dlm_build.sif.make import Parts, Progress, make_sif
from dlm_build.sif.sif_file import objects_of
from tests.engines.sif.conftest import ROOT, Works, driver, layers_of

pytestmark = pytest.mark.engine
KILLS = 50


def environment(folder: Path) -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(folder / "tmp"), "DLM_BUILD_CONFIG": ""}


def start(bench: Path, target: Path, folder: Path) -> subprocess.Popen[bytes]:
    """A making that has just begun its work."""
    (folder / "tmp").mkdir(exist_ok=True)
    child = subprocess.Popen(
        driver("image", bench, target), env=environment(folder), stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        start_new_session=True,
    )  # fmt: skip
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def finished(child: subprocess.Popen[bytes]) -> Sif:
    out, said = child.communicate(timeout=120)
    assert child.returncode == 0, said.decode()
    return from_json(Sif, out)


def old_file(target: Path) -> bytes:
    """A SIF that is there before: any whole one will do, its bytes must only stay what they are."""
    target.write_bytes(b"the old one, " * 1000)
    return target.read_bytes()


def test_a_making_killed_at_any_point_leaves_the_old_file_or_the_whole_new_one(light: Path, tmp_path: Path) -> None:
    target = tmp_path / "out" / "x.sif"
    target.parent.mkdir()
    child = start(light, target, tmp_path)
    started = time.monotonic()
    whole = finished(child)
    took = time.monotonic() - started
    new, old, seen = target.read_bytes(), old_file(target), set()
    for point in range(KILLS):
        child = start(light, target, tmp_path)
        time.sleep(took * 1.1 * point / KILLS)
        child.send_signal(signal.SIGKILL)
        child.communicate()
        found = target.read_bytes()
        assert found in (old, new), f"killed after {point} of {KILLS}"
        seen.add((found == new, len(list(target.parent.iterdir())) > 1))
        if found == new:
            objects_of(target)
            old_file(target)
    assert (False, True) in seen, "no kill came while a part was written: the points are not spread over the work"
    assert finished(start(light, target, tmp_path)).sha256 == whole.sha256
    assert [path.name for path in target.parent.iterdir()] == ["x.sif"], "parts of killed processes are gone"
    assert list((tmp_path / "tmp").iterdir()) == []
    assert target.read_bytes() == new


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of 24 MiB, a third of what the SIF needs."""
    place = tmp_path / "disk"
    place.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "none", place], check=True)
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_disk_that_fills_up_leaves_the_old_file(bench: Path, works: Works, small_disk: Path) -> None:
    target = small_disk / "x.sif"
    old = old_file(target)
    progress = Progress(silent)
    parts = Parts(layers_of(bench, progress), {}, "image")
    with pytest.raises(InfraError, match="no space left for the SIF") as caught:
        make_sif(parts, works.request(target), works.sources.programs, progress)
    assert "--output" in caught.value.hint
    assert target.read_bytes() == old
    assert [path.name for path in small_disk.iterdir()] == ["x.sif"]


def test_a_disk_that_is_too_small_is_said_before_anything_is_done(
    works: Works, image: Image, engine: DockerEngine, small_disk: Path
) -> None:
    request = works.request(small_disk / "x.sif")
    said = r"about \d+ MiB are needed for the SIF, 2\d MiB are free"
    with pytest.raises(InfraError, match=said):
        sif_from_packages(request, works.sources)
    with pytest.raises(InfraError, match=said):
        sif_from_image(image, request, engine, works.store, works.sources.programs, silent)
    assert list(small_disk.iterdir()) == []


def test_a_full_store_is_said_too(works: Works, bench: Path, small_disk: Path) -> None:
    from dlm_build.store import Store

    with pytest.raises(InfraError, match="are needed for the SIF"):
        sif_from_packages(works.request(works.folder / "x.sif"), works.sources._replace(store=Store(small_disk)))
    assert not (works.folder / "x.sif").exists()


def test_two_at_once_do_not_take_each_other_for_dead(light: Path, tmp_path: Path) -> None:
    target = tmp_path / "x.sif"
    children = [start(light, target, tmp_path) for _ in range(2)]
    first, second = (finished(child) for child in children)
    assert first.sha256 == second.sha256
    assert is_still_there(first)
    assert [path.name for path in tmp_path.glob("x.sif*")] == ["x.sif"]


def test_a_folder_in_its_place_is_not_replaced(works: Works, tmp_path: Path) -> None:
    (tmp_path / "x.sif").mkdir()
    with pytest.raises(UsageError, match="is a folder"):
        sif_from_packages(works.request(tmp_path / "x.sif"), works.sources)
    assert list(tmp_path.iterdir()) == [tmp_path / "x.sif"]
