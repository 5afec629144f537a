"""Both ways to a SIF: equal bytes, the image's own root file system, and nothing of user, place or hour in them."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import pytest
from blake3 import blake3
from msgspec.structs import replace

from dlm_build.building.docker_engine import DockerEngine
from dlm_build.errors import InfraError, SourceGone
from dlm_build.progress import Event, silent
from dlm_build.records import Image, Sif, from_json
from dlm_build.sif import image_rootfs_digest, is_still_there, labelled, sif_from_image, sif_from_packages
from dlm_build.sif.base import base_layers
from dlm_build.sif.make import Parts, Progress, make_sif
from dlm_build.sif.rootfs import RootfsDigest, counts
from dlm_build.store import Store
from dlm_build.unpacking.tar_entries import Entry
from tests.engines.conftest import rot
from tests.engines.sif.conftest import ROOT, Works, driver, layers_of

pytestmark = pytest.mark.engine


@pytest.fixture(scope="module")
def from_image(works: Works, image: Image, engine: DockerEngine) -> Sif:
    target = works.folder / "image.sif"
    return sif_from_image(image, works.request(target), engine, works.store, works.sources.programs, silent)


def test_both_ways_give_one_file(from_image: Sif, from_packages: Sif) -> None:
    assert [from_image.made_from, from_packages.made_from] == ["image", "packages"]
    assert from_image.sha256 == from_packages.sha256 == digest_of(Path(from_packages.path))
    assert from_image.rootfs_digest == from_packages.rootfs_digest
    assert is_still_there(from_image)


def digest_of(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


# --- the same root file system, seen by others --------------------------------------------------------------------


def test_the_image_has_the_same_root_file_system(
    works: Works, image: Image, engine: DockerEngine, from_packages: Sif
) -> None:
    assert image_rootfs_digest(image, engine, works.store, silent) == from_packages.rootfs_digest


def test_docker_itself_shows_the_same_files(docker: Any, image: Image, from_packages: Sif, tmp_path: Path) -> None:
    """A container as Docker unpacks and exports it, against what unsquashfs finds in the SIF."""
    exported = dict(rows_of_docker(docker, image))
    packed = dict(rows_of_sif(Path(from_packages.path), tmp_path))
    assert {path: row for path, row in exported.items() if packed.get(path) != row} == {}
    assert packed.keys() == exported.keys()
    assert digest_of_rows(packed) == from_packages.rootfs_digest


def rows_of_docker(docker: Any, image: Image) -> Iterator[tuple[str, tuple[str, int, str]]]:
    container = docker.containers.create(image.reference)
    stream = container.export()
    try:
        with tarfile.open(fileobj=_Chunks(stream), mode="r|") as archive:  # type: ignore[call-overload]
            yield from own_rows(archive)
    finally:
        container.remove()


def rows_of_sif(path: Path, folder: Path) -> Iterator[tuple[str, tuple[str, int, str]]]:
    from dlm_build.sif.sif_file import PARTITION, objects_of

    offset = next(item.offset for item in objects_of(path) if item.kind == PARTITION)
    tree, tarred = folder / "tree", folder / "tree.tar"
    subprocess.run(["unsquashfs", "-q", "-n", "-o", str(offset), "-d", tree, path], check=True, timeout=120)
    with tarfile.open(tarred, "w") as archive:
        archive.add(tree, ".")
    shutil.rmtree(tree)
    with tarfile.open(tarred) as archive:
        yield from own_rows(archive)


def own_rows(archive: tarfile.TarFile) -> Iterator[tuple[str, tuple[str, int, str]]]:
    """Kind, mode, and digest or target by path, of what is a model's own; Docker adds files to every container."""
    added = (".dockerenv", "etc/hostname", "etc/mtab")
    seen: dict[str, tuple[str, int, str]] = {}
    for info in archive:
        path = info.name.removeprefix("./").rstrip("/")
        if info.isreg():
            body = archive.extractfile(info)
            assert body is not None
            seen[path] = ("file", info.mode & 0o7777, blake3(body.read()).hexdigest())
        elif info.islnk():
            seen[path] = seen[info.linkname.removeprefix("./")]
        elif info.issym():
            seen[path] = ("symlink", 0o777, info.linkname)
        elif info.isdir():
            seen[path] = ("folder", info.mode & 0o7777, "")
    return ((path, row) for path, row in seen.items() if path != "." and counts(path) and path not in added)


def digest_of_rows(rows: dict[str, tuple[str, int, str]]) -> str:
    made = RootfsDigest()
    for path, (kind, mode, told) in rows.items():
        file = kind == "file"
        made.add(Entry(path, kind, mode, 0, "" if file else told), told if file else "")  # type: ignore[arg-type]
    made.add(Entry("etc/hostname", "file", 0o644), blake3().hexdigest())  # the base has an empty one
    return made.digest()


class _Chunks:
    """A stream of chunks as a file."""

    def __init__(self, chunks: Iterator[bytes]) -> None:
        self._chunks, self._held = chunks, b""

    def read(self, size: int) -> bytes:
        while len(self._held) < size and (chunk := next(self._chunks, b"")):
            self._held += chunk
        data, self._held = self._held[:size], self._held[size:]
        return data


# --- nothing of user, place or hour -------------------------------------------------------------------------------


class Variation:
    """One other way to run the very same thing."""

    LOCALE: ClassVar = {"TZ": "Pacific/Kiritimati", "LC_ALL": "C", "LANG": "tr_TR.UTF-8", "PYTHONHASHSEED": "77"}
    PREFIXES: ClassVar = {
        "locale": (), "mask": ("sh", "-c", 'umask 077; exec "$@"', "sh"), "one-cpu": ("taskset", "1"),
        "no-docker": ("unshare", "--mount", "sh", "-c", 'mount -t tmpfs none "$0" && exec "$@"'),
    }  # fmt: skip


@pytest.mark.parametrize("varied", sorted(Variation.PREFIXES))
def test_place_mask_zone_and_processors_do_not_matter(
    varied: str, works: Works, from_packages: Sif, tmp_path: Path
) -> None:
    folder = own_copy(works, tmp_path / varied)
    prefix = Variation.PREFIXES[varied]
    hidden = (str(Path(works.program).parents[2]),) if varied == "no-docker" else ()  # engine, socket and all
    argv = [*prefix, *hidden, *driver("packages", folder, folder / "x.sif")]
    outer = {name: value for name, value in os.environ.items() if name != "DOCKER_HOST"}
    environment = {**outer, "PYTHONPATH": str(ROOT), **(Variation.LOCALE if varied == "locale" else {})}
    if varied == "no-docker":
        with_layers(works, folder)
    assert made_by(argv, environment) == from_packages.sha256


def test_an_ordinary_user_without_docker_makes_the_same_file(works: Works, from_packages: Sif) -> None:
    python = shutil.which("python3", path="/usr/bin:/usr/local/bin")
    site = next(Path(place) for place in sys.path if place.endswith("site-packages"))
    readable = (
        python and subprocess.run([python, "-c", "import sys; assert sys.version_info[:2] == (3, 11)"]).returncode
    )
    if readable != 0:
        pytest.skip("no Python that every user may start has the version of this one's packages")
    folder = own_copy(works, works.folder / "users")
    shutil.chown(folder, works.user)
    for path in folder.rglob("*"):
        shutil.chown(path, works.user)
    argv = ["runuser", "-u", works.user, "--", *driver("packages", folder, folder / "x.sif", python=str(python))]
    environment = {
        "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
        "HOME": "/nowhere",
        "PYTHONPATH": f"{ROOT}:{site}",
        "TMPDIR": str(folder),
    }
    assert made_by(argv, environment) == from_packages.sha256
    assert (folder / "x.sif").stat().st_uid == folder.stat().st_uid != 0


def own_copy(works: Works, folder: Path) -> Path:
    """The lock and an own store with its packages, to work in."""
    folder.mkdir()
    for name in ("lock.json", "context.json", "config.toml"):
        shutil.copyfile(works.folder / name, folder / name)
    wanted = {package.sha256 for package in works.lock.packages + works.lock.installer}
    wanted |= {row.sha256 for row in works.context.files if row.text is None}
    for sha256 in wanted:
        target = folder / "store/objects" / sha256[:2] / sha256[2:]
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(works.store.path(sha256), target)
    return folder


def with_layers(works: Works, folder: Path) -> None:
    """The base, too, so that no network is needed."""
    for path in (works.store.root / "objects").glob("*/*"):
        target = folder / "store/objects" / path.parent.name / path.name
        target.parent.mkdir(parents=True, exist_ok=True)
        if not target.exists():
            shutil.copyfile(path, target)


def made_by(argv: list[str], environment: dict[str, str]) -> str:
    ended = subprocess.run(
        argv, env=environment, capture_output=True, text=True, timeout=300, check=False, cwd="/var/tmp"
    )
    assert ended.returncode == 0, ended.stderr
    return from_json(Sif, ended.stdout.partition("\n")[2].encode()).sha256


def test_another_hour_and_other_times_of_files_do_not_matter(works: Works, from_packages: Sif, tmp_path: Path) -> None:
    time.sleep(1.1)
    again = sif_from_packages(works.request(tmp_path / "again.sif"), works.sources)
    assert again.sha256 == from_packages.sha256


# --- compression, progress, errors --------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def packed(works: Works, light: Path) -> Callable[[Path, str | None], Sif]:
    def pack(target: Path, compression: str | None) -> Sif:
        progress = Progress(silent)
        parts = Parts(layers_of(light, progress), {}, "image")
        return make_sif(parts, works.request(target, compression), works.sources.programs, progress)

    return pack


@pytest.fixture(scope="module")
def by_default(works: Works, packed: Callable[[Path, str | None], Sif]) -> Sif:
    return packed(works.folder / "default.sif", None)


@pytest.mark.parametrize("compression", ["gzip:1", "zstd:9", "xz", "lz4"])
def test_compression_is_as_asked_for_and_changes_nothing_inside(
    compression: str, packed: Callable[[Path, str | None], Sif], by_default: Sif, tmp_path: Path
) -> None:
    made = packed(tmp_path / "x.sif", compression)
    assert made.compression == compression
    assert made.rootfs_digest == by_default.rootfs_digest
    assert made.sha256 != by_default.sha256


def test_progress_is_told_in_bytes(from_packages: Sif, progress: list[Event]) -> None:
    moves = [event for event in progress if event.text == "packing the SIF"]
    assert len(moves) > 3
    assert [event.done for event in moves] == sorted(event.done or 0 for event in moves)
    assert all(event.done and event.total and event.done <= event.total for event in moves)


def test_a_damaged_base_in_the_store_is_not_packed(works: Works, tmp_path: Path) -> None:
    folder = own_copy(works, tmp_path / "copy")
    base = base_layers(works.lock.base, works.sources.registry, works.store)
    base.fetch(works.sources.registry, works.store, silent)
    with_layers(works, folder)
    layer = Store(folder / "store").path(base.sha256s[-1]).read_bytes()
    rot(folder / "store", base.sha256s[-1], gzip.compress(gzip.decompress(layer), 1))  # the same tar, another layer
    argv = driver("packages", folder, folder / "x.sif")
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    ended = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=300, check=False)
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    assert f"promised was {base.sha256s[-1]}" in ended.stderr
    assert not list(folder.glob("x.sif*"))


def test_a_package_with_other_bytes_is_named(works: Works, tmp_path: Path) -> None:
    folder = own_copy(works, tmp_path / "copy")
    victim = next(package for package in works.lock.packages if package.name == "filelock")
    rot(folder / "store", victim.sha256, Store(folder / "store").path(victim.sha256).read_bytes()[:-1] + b"!")
    argv = driver("packages", folder, folder / "x.sif")
    ended = subprocess.run(
        argv, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, timeout=300, check=False
    )
    assert ended.returncode == 1
    assert victim.filename in ended.stderr
    assert "Traceback" not in ended.stderr


def test_a_layer_the_registry_does_not_have_is_said(works: Works, tmp_path: Path) -> None:
    lost = replace(works.lock.base, platform_digest="sha256:" + "0" * 64)
    request = works.request(tmp_path / "x.sif")._replace(lock=replace(works.lock, base=lost))
    with pytest.raises((SourceGone, InfraError), match="sha256:0000"):  # gone, or the one that has it is out of reach
        sif_from_packages(request, works.sources)
    assert not list(tmp_path.iterdir())


# --- what the file says of itself ---------------------------------------------------------------------------------


def test_labels_can_be_added_and_nothing_else_changes(works: Works, from_packages: Sif, tmp_path: Path) -> None:
    made = replace(from_packages, path=str(tmp_path / "x.sif"))
    shutil.copyfile(from_packages.path, made.path)
    told = labelled(made, {"dlm.verdict": "matches on cpu"})
    assert (told.rootfs_digest, told.sha256 != made.sha256) == (made.rootfs_digest, True)
    assert is_still_there(told)
    ended = subprocess.run([works.program, "inspect", "--json", told.path], capture_output=True, text=True, check=True)
    labels = json.loads(ended.stdout)["data"]["attributes"]["labels"]
    assert labels["dlm.verdict"] == "matches on cpu"
    assert labels["dlm.lock"] == works.lock.digest
