"""The parts of the environment installer that need no package; tests/engines installs whole environments."""

from __future__ import annotations

import base64
import hashlib
import json
import os
import py_compile
import stat
import zipfile
from pathlib import Path
from typing import Any

import pytest

from dlm_build.harness import install_environment as installer
from dlm_build.harness.install_environment import EXIT_HASH, EXIT_PACKAGE, Failed, Place

EPOCH = 315532800


def row(name: str, data: bytes, **more: Any) -> dict[str, Any]:
    return {
        "filename": name, "sha256": hashlib.sha256(data).hexdigest(), "url": f"file:///elsewhere/{name}", **more,
    }  # fmt: skip


def test_a_package_is_taken_from_the_folder_when_its_digest_fits(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"wheel")
    assert installer.obtain(row("a.whl", b"wheel"), tmp_path, tmp_path) == tmp_path / "a.whl"


def test_other_bytes_end_it_with_their_own_status(tmp_path: Path) -> None:
    (tmp_path / "a.whl").write_bytes(b"evil")
    with pytest.raises(Failed, match=r"a\.whl: sha256 is [0-9a-f]{64}, locked is") as caught:
        installer.obtain(row("a.whl", b"wheel"), tmp_path, tmp_path)
    assert caught.value.status == EXIT_HASH


def test_a_package_that_lies_on_another_machine_cannot_be_downloaded(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="not on the network: build with dlm-build"):
        installer.obtain(row("a.whl", b"wheel"), tmp_path / "empty", tmp_path)


def test_a_failure_is_one_line_and_a_status(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    lock = tmp_path / "lock.json"
    lock.write_text(json.dumps({"epoch": EPOCH, "installer": [row("a.whl", b"x")], "packages": []}))
    status = installer.main(["--lock", str(lock), "--packages", str(tmp_path), "--prefix", str(tmp_path / "env")])
    assert status == 1
    assert capsys.readouterr().err.startswith("install_environment: a.whl was locked from file://")


def test_where_wheels_go() -> None:
    python = {"name": "python", "version": "3.11.2"}
    assert installer.site_packages([python], Path("/p")) == Path("/p/lib/python3.11/site-packages")
    assert installer.site_packages([{"name": "zlib", "version": "1"}], Path("/p")) is None


def test_a_wheel_without_python_is_refused() -> None:
    with pytest.raises(Failed, match="needs a python package") as caught:
        installer.install_wheel(Path("a.whl"), Place(Path("/"), Path("/p")), None)
    assert caught.value.status == EXIT_PACKAGE


def test_a_wheel_that_lies_in_its_record_is_refused(tmp_path: Path) -> None:
    wheel = tmp_path / "a-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("a.py", "x = 1\n")
        archive.writestr("a-1.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\n")
        archive.writestr("a-1.dist-info/METADATA", "Name: a\nVersion: 1\n")
        archive.writestr(
            "a-1.dist-info/RECORD",
            "a.py,sha256=AAAA,6\na-1.dist-info/WHEEL,,\na-1.dist-info/METADATA,,\na-1.dist-info/RECORD,,\n",
        )
    with pytest.raises(Failed, match=r"a-1-py3-none-any\.whl cannot be installed") as caught:
        installer.install_wheel(wheel, Place(tmp_path, Path("/env")), tmp_path / "env/lib/python3.11/site-packages")
    assert caught.value.status == EXIT_PACKAGE
    assert not (tmp_path / "env").exists()


# --- links that a conda package brought --------------------------------------------------------------------------


class Linked:
    """A place of an environment on this host, and a folder outside of it with something precious."""

    def __init__(self, folder: Path) -> None:
        self.outside = folder / "outside"
        self.outside.mkdir()
        (self.outside / "precious").write_text("x")
        self.place = Place(folder / "root", Path("/opt/dlm/env"))
        self.site = self.place.target / "lib/python3.11/site-packages"
        for wanted in (self.site, self.place.target / "bin", self.place.target / "conda-meta"):
            wanted.mkdir(parents=True)

    def install(self, folder: Path, *names: str) -> None:
        """A wheel with those files."""
        files = {
            **dict.fromkeys(names, b"x = 1\n"),
            "a-1.dist-info/WHEEL": b"Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
            "a-1.dist-info/METADATA": b"Metadata-Version: 2.1\nName: a\nVersion: 1\n",
            "a-1.dist-info/entry_points.txt": b"[console_scripts]\ntool = a:main\n",
        }
        wheel = folder / "a-1-py3-none-any.whl"
        with zipfile.ZipFile(wheel, "w") as archive:
            for name, data in files.items():
                archive.writestr(name, data)
            archive.writestr(
                "a-1.dist-info/RECORD", "".join(map(_recorded, files.items())) + "a-1.dist-info/RECORD,,\n"
            )
        installer.install_wheel(wheel, self.place, self.site)

    def untouched(self) -> bool:
        return [(path.name, path.read_text()) for path in self.outside.iterdir()] == [("precious", "x")]


def _recorded(file: tuple[str, bytes]) -> str:
    name, data = file
    digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).rstrip(b"=").decode()
    return f"{name},sha256={digest},{len(data)}\n"


@pytest.fixture
def linked(tmp_path: Path) -> Linked:
    return Linked(tmp_path)


def test_of_two_files_at_one_place_the_later_wheel_s_stays(linked: Linked, tmp_path: Path) -> None:
    """As with opencv-python and opencv-python-headless; what a hard link shares with a cache is not written over."""
    cached, shared = tmp_path / "cached.py", linked.site / "cv2/__init__.py"
    cached.write_text("old")
    shared.parent.mkdir()
    shared.hardlink_to(cached)
    linked.install(tmp_path, "cv2/__init__.py")
    assert (shared.read_text(), cached.read_text()) == ("x = 1\n", "old")


@pytest.mark.parametrize(
    ("link", "leads_to"),
    [
        ("lib/python3.11/site-packages/evil", ""),
        ("lib/python3.11/site-packages/evil/deep", ""),
        ("lib/python3.11/site-packages/evil", "new/folder"),
        ("lib/python3.11/site-packages/evil/deep/keys.py", "keys"),
        ("lib/python3.11/site-packages/a-1.dist-info", ""),
        ("bin/tool", "tool"),
        ("share/evil", ""),
    ],
)
@pytest.mark.parametrize("relative", [False, True])
def test_a_wheel_writes_through_no_link_that_leaves(
    linked: Linked, tmp_path: Path, link: str, leads_to: str, relative: bool
) -> None:
    at, to = linked.place.target / link, linked.outside / leads_to
    at.parent.mkdir(parents=True, exist_ok=True)
    at.symlink_to(os.path.relpath(to, at.parent) if relative else to)
    with pytest.raises(Failed, match="leads out of the environment") as caught:
        linked.install(tmp_path, "a.py", "evil/deep/keys.py", "a-1.data/data/share/evil/keys")
    assert caught.value.status == EXIT_PACKAGE
    assert linked.untouched()


def test_a_wheel_follows_a_link_within_the_environment(linked: Linked, tmp_path: Path) -> None:
    (linked.site / "real").mkdir()
    (linked.site / "a").symlink_to("real")
    (linked.place.target / "share").symlink_to(linked.place.target / "lib")
    (linked.site / "unused").symlink_to(linked.outside)
    linked.install(tmp_path, "a/__init__.py", "a-1.data/data/share/file")
    assert (linked.site / "real/__init__.py").read_text() == "x = 1\n"
    assert (linked.place.target / "lib/file").is_file() and (linked.place.target / "bin/tool").is_file()
    assert linked.untouched()


def test_metadata_is_written_through_no_link_that_leaves(linked: Linked) -> None:
    rows = [{"name": "a", "version": "1", "build": "0", "url": "https://x/a", "channel": "c", "filename": "f"}]
    record = linked.outside / "precious"
    record.write_text("{}")
    (linked.place.target / "conda-meta/a-1-0.json").symlink_to(record)
    with pytest.raises(Failed, match=r"conda-meta/a-1-0\.json cannot be written"):
        installer.tidy_metadata(linked.place.target, rows)
    (linked.place.target / "conda-meta/a-1-0.json").unlink()
    (linked.place.target / "conda-meta").rmdir()
    (linked.place.target / "conda-meta").symlink_to(linked.outside)
    with pytest.raises(Failed, match="conda-meta cannot be written"):
        installer.tidy_metadata(linked.place.target, rows)
    assert record.read_text() == "{}"


@pytest.mark.parametrize("link", ["lib/python3.11/site-packages/m/__pycache__", "lib/python3.11"])
def test_bytecode_is_written_through_no_link_that_leaves(linked: Linked, link: str) -> None:
    outside = linked.outside
    if link.endswith("__pycache__"):
        (linked.site / "m").mkdir()
        (linked.site / "m/m.py").write_text("x = 1\n")
    else:
        linked.site.rmdir()
        linked.site.parent.rmdir()
        outside = linked.outside / "lib"
        outside.mkdir()
        (outside / "m.py").write_text("x = 1\n")
    (linked.place.target / link).symlink_to(outside)
    before = sorted(linked.outside.rglob("*"))
    with pytest.raises(Failed, match="leads out of the environment"):
        installer.compile_bytecode(linked.place, linked.site, Path("/nonexistent"))
    assert sorted(linked.outside.rglob("*")) == before


def test_a_copy_is_made_through_no_link(linked: Linked) -> None:
    prefix = linked.place.target
    (prefix / "a").write_text("evil")
    os.link(prefix / "a", prefix / "b")
    for name in ("a.dlm-copy", "b.dlm-copy"):
        (prefix / name).symlink_to(linked.outside / "precious")
    installer.unshare(prefix)
    assert linked.untouched()
    assert (prefix / "b").read_text() == "evil" and (prefix / "b").stat().st_nlink == 1
    assert {path.name for path in prefix.iterdir()} >= {"a", "b", "a.dlm-copy", "b.dlm-copy"}


# --- equal bytes -------------------------------------------------------------------------------------------------


def test_metadata_keeps_no_place_and_no_hour() -> None:
    record = {
        "name": "a", "files": ["z", "b"], "extracted_package_dir": "/tmp/x", "package_tarball_full_path": "/tmp/y",
        "link": {"source": "/tmp/x", "type": 1}, "requested_specs": [], "url": "file:///packages/a-1-0.conda",
        "channel": "file:///packages", "paths_data": {"paths": [{"_path": "z"}, {"_path": "b"}]},
    }  # fmt: skip
    locked = {"url": "https://conda.example/noarch/a-1-0.conda", "channel": "conda-forge", "filename": "a-1-0.conda"}
    made = installer.tidied(record, locked)
    assert made == {
        "name": "a", "files": ["b", "z"], "url": locked["url"], "channel": "conda-forge",
        "paths_data": {"paths": [{"_path": "b"}, {"_path": "z"}]},
    }  # fmt: skip
    assert installer.tidied(record, {**locked, "url": "file:///srv/a-1-0.conda"})["url"] == "a-1-0.conda"


def test_metadata_folder_holds_one_file_per_locked_package(tmp_path: Path) -> None:
    folder = tmp_path / "conda-meta"
    (folder / "sub").mkdir(parents=True)
    (folder / "history").write_text("==> now <==")
    (folder / "other-1-0.json").write_text("{}")
    (folder / "a-1-0.json").write_text('{"name": "a"}')
    rows = [{"name": "a", "version": "1", "build": "0", "url": "https://x/a", "channel": "c", "filename": "f"}]
    installer.tidy_metadata(tmp_path, rows)
    assert [path.name for path in folder.iterdir()] == ["a-1-0.json"]


def module(folder: Path, text: str = "x = 1\n") -> tuple[Path, Path]:
    folder.mkdir(parents=True, exist_ok=True)
    source = folder / "m.py"
    source.write_text(text)
    os.utime(source, (1_000_000_000, 1_000_000_000))
    made = py_compile.compile(str(source), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    assert made is not None
    return source, Path(made)


def test_packaged_bytecode_of_this_source_stays_and_forgets_the_time(tmp_path: Path) -> None:
    source, compiled = module(tmp_path)
    before = compiled.read_bytes()
    kept = tmp_path / "cache"
    os.link(compiled, kept)
    installer.freed_of_time(compiled)
    after = compiled.read_bytes()
    assert (after[:4], after[16:]) == (before[:4], before[16:])
    assert after[4:16] == b"\x01\0\0\0" + bytes(8)
    assert kept.read_bytes() == before, "a hard link elsewhere is left alone"
    assert installer.has_bytecode(source)


@pytest.mark.parametrize("change", ["time", "size", "gone", "short", "elsewhere"])
def test_packaged_bytecode_of_another_source_is_removed(change: str, tmp_path: Path) -> None:
    source, compiled = module(tmp_path)
    if change == "time":
        os.utime(source, (1_000_000_001, 1_000_000_001))
    elif change == "size":
        source.write_text("x = 1  \n")
        os.utime(source, (1_000_000_000, 1_000_000_000))
    elif change == "gone":
        source.unlink()
    elif change == "short":
        compiled.write_bytes(b"short")
    else:
        compiled = compiled.rename(tmp_path / "m.pyc")
    installer.freed_of_time(compiled)
    assert not compiled.exists()


def test_settling_fixes_times_and_modes_and_follows_no_link(tmp_path: Path) -> None:
    prefix = tmp_path / "opt" / "env"
    (prefix / "bin").mkdir(parents=True, mode=0o700)
    outside = tmp_path / "outside"
    outside.write_text("x")
    before = outside.stat().st_mtime_ns
    for name, mode in (("bin/tool", 0o4750), ("data", 0o600)):
        (prefix / name).write_text("x")
        (prefix / name).chmod(mode)
    (prefix / "link").symlink_to(outside)
    installer.settle_below(prefix, EPOCH)
    modes = {str(path.relative_to(prefix)): stat.S_IMODE(path.lstat().st_mode) for path in prefix.rglob("*")}
    assert (modes["bin"], modes["bin/tool"], modes["data"]) == (0o755, 0o755, 0o644)
    assert {path.lstat().st_mtime for path in prefix.rglob("*")} == {EPOCH}
    assert outside.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("mode", "plain"),
    [(stat.S_IFDIR | 0o700, 0o755), (stat.S_IFREG | 0o6711, 0o755), (stat.S_IFREG | 0o666, 0o644)],
)
def test_plain_modes(mode: int, plain: int) -> None:
    assert installer.plain_mode(mode) == plain


# --- somewhere else than at / ------------------------------------------------------------------------------------


def test_what_is_written_below_another_root_is_called_by_its_final_name(tmp_path: Path) -> None:
    place = Place(tmp_path, Path("/opt/dlm/env"))
    assert place.target == tmp_path / "opt/dlm/env"
    assert place.shown(place.target / "lib/m.py") == "/opt/dlm/env/lib/m.py"


def test_settling_stops_below_the_root_that_stands_in(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    place = Place(tmp_path, Path("/opt/dlm/env"))
    (place.target / "bin").mkdir(parents=True)
    before = tmp_path.stat()
    installer.settle(place, EPOCH)
    assert {path.stat().st_mtime for path in (tmp_path / "opt", tmp_path / "opt/dlm", place.target)} == {EPOCH}
    assert (tmp_path.stat().st_mode, tmp_path.stat().st_mtime_ns) == (before.st_mode, before.st_mtime_ns)


def test_two_files_of_one_inode_become_two(tmp_path: Path) -> None:
    for name in ("a", "b", "other"):
        (tmp_path / name).mkdir()
    (tmp_path / "other/cached").write_text("x")
    for name in ("a/one", "b/two"):
        os.link(tmp_path / "other/cached", tmp_path / name)
    (tmp_path / "a/one").chmod(0o755)
    for name in ("a", "b"):
        installer.unshare(tmp_path / name)
    assert (tmp_path / "a/one").stat().st_ino == (tmp_path / "b/two").stat().st_ino, "other trees do not count"
    installer.unshare(tmp_path)
    inodes = {(tmp_path / name).stat().st_ino for name in ("a/one", "b/two", "other/cached")}
    assert len(inodes) == 3
    assert (tmp_path / "b/two").read_text() == "x"
    assert stat.S_IMODE((tmp_path / "b/two").stat().st_mode) == 0o755


def test_in_a_container_the_environments_own_python_compiles() -> None:
    assert installer.compiler(Place(Path("/"), Path("/opt/env")), [], {}, Path("/s")) == Path("/opt/env/bin/python")


def test_on_a_host_only_python_and_what_it_needs_is_linked_to_compile(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"name": "evil", "depends": ["python"]}, {"name": "python", "depends": ["zlib >=1.2,<2", "ssl[x]", "__glibc"]},
        {"name": "zlib", "depends": ["base=1"]}, {"name": "base", "depends": []},
        {"name": "ssl", "depends": ["python"]},
    ]  # fmt: skip
    linked: list[Any] = []
    monkeypatch.setattr(installer, "link_conda", lambda *told: linked.append(told))
    place = Place(tmp_path / "root", Path("/opt/env"))
    python = installer.compiler(place, rows, {}, tmp_path / "scratch")
    assert [row["name"] for row in linked[0][0]] == ["python", "zlib", "ssl", "base"]
    assert python == tmp_path / "scratch/interpreter/python/bin/python"


def test_tests_stay_uncompiled_wherever_the_tree_lies(tmp_path: Path) -> None:
    source = tmp_path / "tests" / "env" / "lib" / "m.py"
    source.parent.mkdir(parents=True)
    source.touch()
    assert installer.is_compiled(Path("lib/m.py"), source)
    assert not installer.is_compiled(Path("lib/tests/m.py"), source)
