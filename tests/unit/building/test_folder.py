from __future__ import annotations

import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from dlm_build.building.folder import is_as_written, package_folder, write_context
from dlm_build.building.layout import EPOCH
from dlm_build.errors import InfraError, UsageError
from dlm_build.records import Context, Lock, Member
from dlm_build.store import Store
from tests.unit.building.locks import archive, package, rendered, tiny_lock


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store(tmp_path / "store")


def stored(store: Store, path: str, data: bytes) -> Member:
    found = store.add_bytes(data)
    return Member(path=path, size=found.size, sha256=found.sha256)


def lock_in(store: Store, weights: bytes = b"one", **plan: object) -> Lock:
    return tiny_lock(archive=archive(stored(store, "model.onnx", weights)), sample=None, source=None, **plan)


@pytest.fixture
def umask() -> Iterator[None]:
    kept = os.umask(0o022)
    yield
    os.umask(kept)


def listing(folder: Path) -> dict[str, tuple[int, int, bytes]]:
    """Mode, time and content of everything; `.` is the folder itself."""
    found = {}
    for path in [folder, *folder.rglob("*")]:
        told = path.stat()
        content = path.read_bytes() if path.is_file() else b""
        found[str(path.relative_to(folder))] = (stat.S_IMODE(told.st_mode), told.st_mtime_ns, content)
    return found


def test_what_is_written_is_what_was_rendered(store: Store, tmp_path: Path) -> None:
    context = rendered(lock_in(store))
    write_context(context, store, tmp_path / "context")
    for row in context.files:
        path = tmp_path / "context" / row.path
        assert stat.S_IMODE(path.stat().st_mode) == row.mode
        assert path.stat().st_size == row.size
        assert int(path.stat().st_mtime) == EPOCH


@pytest.mark.usefixtures("umask")
def test_umask_place_and_hour_do_not_matter(tmp_path: Path) -> None:
    seen = []
    for umask, name in ((0o022, "a"), (0o077, "b/c"), (0o000, "d e")):
        os.umask(umask)
        store = Store(tmp_path / f"store {umask}")
        folder = tmp_path / name / "context"
        write_context(rendered(lock_in(store)), store, folder)
        seen.append(listing(folder))
    assert seen[0] == seen[1] == seen[2]


def test_large_files_are_links_into_the_store(store: Store, tmp_path: Path) -> None:
    lock = lock_in(store)
    write_context(rendered(lock), store, tmp_path / "context")
    weights = next((tmp_path / "context").glob("model-*/opt/dlm/model/model.onnx"))
    assert weights.samefile(store.path(lock.plan.archive.members[0].sha256))


def test_other_bytes_of_the_same_size_are_another_folder_with_another_time(store: Store, tmp_path: Path) -> None:
    paths = []
    for data in (b"one", b"two"):
        write_context(rendered(lock_in(store, data)), store, tmp_path / "context")
        paths.append(next((tmp_path / "context").glob("model-*/opt/dlm/model/model.onnx")))
        dockerfile = (tmp_path / "context/Dockerfile").stat()
        paths.append(Path(f"{dockerfile.st_size} {dockerfile.st_mtime_ns}"))
    assert paths[0] != paths[2]
    assert paths[1].name.split()[0] == paths[3].name.split()[0], "else this test shows nothing"
    assert paths[1] != paths[3], "BuildKit would keep the old Dockerfile"


def test_an_older_context_is_replaced_whole(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "context"
    write_context(rendered(lock_in(store)), store, folder)
    (folder / "left over").write_text("x")
    write_context(rendered(lock_in(store, b"two")), store, folder)
    assert not (folder / "left over").exists()
    assert len(list(folder.glob("model-*"))) == 1
    assert [path.name for path in tmp_path.iterdir() if path.name != "store"] == ["context"]


def edit(path: Path) -> None:
    path.chmod(0o644)
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    path.chmod(0o444)


def opened(folder: Path) -> None:
    for path in folder.rglob("*"):
        path.chmod(0o777)


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: edit(next(folder.glob("model-*/opt/dlm/model/model.onnx"))),
        lambda folder: edit(folder / "Dockerfile"),
        lambda folder: next(folder.glob("model-*/opt")).joinpath("more.py").write_text("x"),
        lambda folder: (folder / "labels.json").unlink(),
        lambda folder: next(folder.glob("model-*/opt")).chmod(0o775),
        opened,
    ],
    ids=["model", "Dockerfile", "one more", "one less", "folder's mode", "all modes"],
)
def test_a_context_that_was_changed_is_not_as_written(
    change: Callable[[Path], object], store: Store, tmp_path: Path
) -> None:
    context, folder = rendered(lock_in(store)), tmp_path / "context"
    write_context(context, store, folder)
    assert is_as_written(context, folder)
    change(folder)
    assert not is_as_written(context, folder)
    store.add_bytes(b"one")  # an edit reaches the object itself; it is gathered anew
    write_context(context, store, folder)
    assert is_as_written(context, folder)


def test_a_context_that_is_not_there_is_not_as_written(store: Store, tmp_path: Path) -> None:
    assert not is_as_written(rendered(lock_in(store)), tmp_path / "context")


def test_an_empty_folder_may_be_taken(store: Store, tmp_path: Path) -> None:
    (tmp_path / "context").mkdir()
    write_context(rendered(lock_in(store)), store, tmp_path / "context")
    assert (tmp_path / "context/Dockerfile").is_file()


@pytest.mark.parametrize("kind", ["folder", "their Dockerfile", "file", "link"])
def test_what_others_made_is_left_alone(kind: str, store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "precious"
    if kind == "file":
        folder.write_text("mine")
    elif kind == "link":
        folder.symlink_to(tmp_path)
    else:
        folder.mkdir()
        (folder / ("Dockerfile" if "Docker" in kind else "notes")).write_text("FROM mine\n")
    before = sorted(tmp_path.rglob("*"))
    with pytest.raises(UsageError, match="precious is not a folder dlm-build made"):
        write_context(rendered(tiny_lock()), store, folder)
    assert sorted(tmp_path.rglob("*")) == before


def test_a_store_without_a_file_leaves_the_old_context(store: Store, tmp_path: Path) -> None:
    folder = tmp_path / "context"
    write_context(rendered(lock_in(store)), store, folder)
    before = listing(folder)
    gone = tiny_lock(archive=archive(Member(path="model.onnx", size=3, sha256="9" * 64)), sample=None, source=None)
    with pytest.raises(InfraError, match=r"the store lacks model-\S+/opt/dlm/model/model\.onnx"):
        write_context(rendered(gone), store, folder)
    assert listing(folder) == before
    assert not list(tmp_path.glob(".context*"))


def test_what_a_killed_run_left_is_swept(store: Store, tmp_path: Path) -> None:
    left = tmp_path / ".context.0123456789abcdef.partial"
    left.mkdir()
    write_context(rendered(lock_in(store)), store, tmp_path / "context")
    assert not left.exists()


def test_a_path_that_leads_out_is_a_bug(store: Store) -> None:
    for path in ("../x", "/etc/x", "a//b", "a/./b", "a\nb", ""):
        bad = Member(path=path, size=1, sha256="a" * 64)
        with pytest.raises(AssertionError, match="not a path for a context"):
            rendered(tiny_lock(archive=archive(bad), sample=None))


def test_packages_lie_by_file_name_as_links(store: Store) -> None:
    found = store.add_bytes(b"wheel")
    wheel = package("typeguard", "pip", sha256=found.sha256, size=found.size)
    folder = package_folder((wheel, wheel), store)
    assert [path.name for path in folder.iterdir()] == [wheel.filename]
    assert (folder / wheel.filename).samefile(store.path(found.sha256))
    assert package_folder((wheel,), store) == folder


def test_another_set_of_packages_is_another_folder_of_the_same_name(store: Store) -> None:
    wheels = []
    for name in ("one", "two"):
        found = store.add_bytes(name.encode())
        wheels.append(package(name, "pip", sha256=found.sha256, size=found.size))
    first, second = package_folder((wheels[0],), store), package_folder(tuple(wheels), store)
    assert first != second
    assert first.name == second.name == "packages"


def test_two_packages_of_one_file_name_are_a_bug(store: Store) -> None:
    found = store.add_bytes(b"x")
    one = package("one", sha256=found.sha256, size=1)
    with pytest.raises(AssertionError, match="one file name"):
        package_folder((one, replace(one, sha256="0" * 64)), store)


def test_a_missing_package_leaves_no_folder(store: Store) -> None:
    with pytest.raises(InfraError, match=r"the store lacks one-1\.0\.conda"):
        package_folder((package("one"),), store)
    assert not list((store.root / "packages").rglob("*.conda"))


def test_a_context_knows_its_digest_without_being_written() -> None:
    assert len(Context(lock_digest="", files=()).digest) == 64
