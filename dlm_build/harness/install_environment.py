"""Installs an environment from its lock, so that equal locks give equal trees to the last byte.

Runs in the Dockerfile's env stage, or on a host that has no Docker, with the standard library of Python 3.11 or newer;
everything else it needs is pinned in the lock as well. Packages come from a folder where they lie by file name, else by
download; either way the sha256 decides. No script of any package is run, and nothing but bytecode is made here.
A conda package may hold links to anywhere: nothing is written through one that leaves the environment.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import stat
import struct
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

EXIT_HASH = 10
"""A package is not the one that was locked."""
EXIT_PACKAGE = 6
"""A package is what was locked and cannot be installed."""
COMPILERS = 4
"""Fixed, not the machine's number of processors: what a compiler saw before can change the next file's bytes."""
UNCOMPILED = frozenset({"test", "tests", "idlelib", "turtledemo"})
CHUNK = 1 << 20
TRIES = 4
COMPILE = """\
import py_compile, sys
for line in sys.stdin.readlines():
    path, _, shown = line.rstrip("\\n").partition("\\0")
    try:
        mode = py_compile.PycInvalidationMode.UNCHECKED_HASH
        py_compile.compile(path, dfile=shown, doraise=True, invalidation_mode=mode)
    except (py_compile.PyCompileError, UnicodeError):
        pass  # some packages bring files for other Pythons
"""
"""Told files and the names they will have, one pair a line. compileall cannot rename before Python 3.9."""
NO_AUTHORITY = """\
-----BEGIN CERTIFICATE-----
MIIBkjCCATmgAwIBAgIULJFgN192uj7cllVP9t5cCyYH83wwCgYIKoZIzj0EAwIw
HjEcMBoGA1UEAwwTdm91Y2hlcyBmb3Igbm90aGluZzAgFw0yNjExMjIxNjEwMzda
GA8yMTI2MTAyOTE2MTAzN1owHjEcMBoGA1UEAwwTdm91Y2hlcyBmb3Igbm90aGlu
ZzBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABPazYhd3fGSm/YqMuC4MjdqMw3Ox
lMLBse5qbgqLvI8IGxFIelkV1n0HzPtwvCuDt+NHiOGQMoUiyPrcUtFlroajUzBR
MB0GA1UdDgQWBBSfsQCRgjRyU0gsM6vaSTDpH4MZCTAfBgNVHSMEGDAWgBSfsQCR
gjRyU0gsM6vaSTDpH4MZCTAPBgNVHRMBAf8EBTADAQH/MAoGCCqGSM49BAMCA0cA
MEQCIHRpVWTPqTQwBTZNEMqb5TdszBmScwg60SmzEgmQIMvoAiBy0uoj88GE7dzp
YttJXd1Jde8O94oiInajYFLGO5G7Tg==
-----END CERTIFICATE-----
"""
"""rattler does not start without a certificate authority, which a base may lack. The key of this one was never kept, so
it vouches for no server: rattler can read packages here and fetch none.
"""
Row = dict[str, Any]


class Failed(Exception):
    """Ends the installation with `status` and one line."""

    def __init__(self, message: str, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


def main(argv: Sequence[str]) -> int:
    options = _parser().parse_args(argv)
    try:
        install(json.loads(options.lock.read_text("utf-8")), options.packages, Place(options.root, options.prefix))
    except Failed as problem:
        print(f"install_environment: {problem}", file=sys.stderr)
        return problem.status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Install a locked environment.")
    parser.add_argument("--lock", type=Path, required=True, help="environment/lock.json of the build folder")
    parser.add_argument("--packages", type=Path, required=True, help="folder with packages by file name; may be empty")
    parser.add_argument("--prefix", type=Path, required=True, help="where the environment goes")
    parser.add_argument("--root", type=Path, default=Path("/"), help="folder that stands in for / while it is written")
    return parser


class Place:
    """Where an environment is written, and the prefix it will be used at."""

    def __init__(self, root: Path, prefix: Path) -> None:
        self.root, self.prefix = root, prefix
        self.target = root / prefix.relative_to("/")

    def shown(self, path: Path) -> str:
        """What `path` will be called when the environment is used."""
        return f"/{path.relative_to(self.root)}"


def install(lock: Row, packages: Path, place: Place) -> None:
    """Everything in `lock` into `place`, which must not exist yet, with fixed times, modes and bytecode."""
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = {row["filename"]: obtain(row, packages, folder) for row in lock["installer"] + lock["packages"]}
        sys.path[:0] = [str(unpacked(files[row["filename"]], folder)) for row in lock["installer"]]
        conda = [row for row in lock["packages"] if row["manager"] == "conda"]
        link_conda(conda, files, place, folder / "cache")
        site = site_packages(conda, place.target)
        for row in lock["packages"]:
            if row["manager"] == "pip":
                install_wheel(files[row["filename"]], place, site)
        tidy_metadata(place.target, conda)
        if site is not None:
            compile_bytecode(place, site, compiler(place, conda, files, folder))
    settle(place, lock["epoch"])


# --- bytes -------------------------------------------------------------------------------------------------------


def obtain(row: Row, packages: Path, scratch: Path) -> Path:
    """The package's file, checked. Raises Failed with EXIT_HASH when it is another one."""
    path = packages / str(row["filename"])
    if not path.is_file():
        path = scratch / path.name
        download(row["url"], path)
    found = sha256_of(path)
    if found != row["sha256"]:
        raise Failed(f"{row['filename']}: sha256 is {found}, locked is {row['sha256']}", EXIT_HASH)
    return path


def sha256_of(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def download(url: str, target: Path) -> None:
    """Only http(s); another scheme names a place on the machine that made the lock."""
    if not url.startswith(("https://", "http://")):
        raise Failed(f"{target.name} was locked from {url}, which is not on the network: build with dlm-build")
    for attempt in range(TRIES):
        try:
            with urllib.request.urlopen(url, timeout=60) as answer, target.open("wb") as out:
                shutil.copyfileobj(answer, out, CHUNK)
            return
        except (urllib.error.URLError, OSError) as problem:
            print(f"{url}: {problem}", file=sys.stderr)
            if attempt == TRIES - 1:
                raise Failed(f"cannot download {target.name}: {problem}") from problem


def unpacked(wheel: Path, scratch: Path) -> Path:
    """The wheel's content, importable. Compiled modules cannot be loaded from inside a zip."""
    folder = scratch / "tools" / wheel.stem
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


# --- packages ----------------------------------------------------------------------------------------------------


def link_conda(rows: Sequence[Row], files: dict[str, Path], place: Place, cache: Path) -> None:
    """All conda packages in one transaction, without their link scripts."""
    import rattler
    from rattler.exceptions import ConversionError, ExtractError, InstallerError, IoError, LinkError, TransactionError

    refused = (ConversionError, ExtractError, InstallerError, IoError, LinkError, TransactionError)
    place.target.mkdir(parents=True)
    authority = cache.with_name("no-authority.pem")
    authority.write_text(NO_AUTHORITY, "ascii")
    os.environ["SSL_CERT_FILE"] = str(authority)
    try:
        records = [_conda_record(row, files[row["filename"]]) for row in rows]
        asyncio.run(
            rattler.install(
                records,
                target_prefix=place.target,
                alternative_target_prefix=place.prefix,
                cache_dir=cache,
                show_progress=False,
                execute_link_scripts=False,
            )
        )
    except (*refused, OSError, ValueError) as problem:
        raise Failed(f"conda packages cannot be installed: {problem}", EXIT_PACKAGE) from problem


def _conda_record(row: Row, path: Path) -> Any:
    from rattler import BuildString, PackageRecord, RepoDataRecord
    from rattler.package import IndexJson

    index = IndexJson.from_package_archive(path)
    record = PackageRecord(
        name=row["name"],
        version=row["version"],
        build=BuildString(row["build"]),
        build_number=index.build_number,
        subdir=row["subdir"],
        noarch=index.noarch,
        depends=row["depends"],
        python_site_packages_path=index.python_site_packages_path,
        sha256=bytes.fromhex(row["sha256"]),
        size=path.stat().st_size,
    )
    return RepoDataRecord(record, row["filename"], path.as_uri(), path.parent.as_uri())


def site_packages(rows: Sequence[Row], prefix: Path) -> Path | None:
    """Where conda's Python looks for packages; None in an environment without Python."""
    version = next((row["version"] for row in rows if row["name"] == "python"), None)
    if version is None:
        return None
    return prefix / "lib" / "python{}.{}".format(*version.split(".")[:2]) / "site-packages"


def install_wheel(path: Path, place: Place, site: Path | None) -> None:
    """One wheel, every file of it checked against its RECORD."""
    import installer
    from installer.exceptions import InstallerError
    from installer.sources import WheelFile

    if site is None:
        raise Failed(f"{path.name} needs a python package in the lock", EXIT_PACKAGE)
    try:
        with WheelFile.open(path) as source:
            source.validate_record(validate_contents=True)
            top = place.target
            schemes = {
                "purelib": str(site), "platlib": str(site), "scripts": str(top / "bin"), "data": str(top),
                "headers": str(top / "include" / site.parent.name / source.distribution),
            }  # fmt: skip
            target = _destination(schemes, place)
            installer.install(source, target, additional_metadata={"INSTALLER": b"dlm-build\n"})
    except (InstallerError, zipfile.BadZipFile, OSError, ValueError, KeyError) as problem:
        raise Failed(f"{path.name} cannot be installed: {problem}", EXIT_PACKAGE) from problem


def _destination(schemes: dict[str, str], place: Place) -> Any:
    """Where a wheel's files go; each is looked at before it is written.

    Wheels may hold the same file, such as those of OpenCV: the later one's stays, as with pip.
    """
    from installer.destinations import SchemeDictionaryDestination

    class Destination(SchemeDictionaryDestination):
        def write_to_fs(self, scheme: Any, path: str, stream: Any, is_executable: bool) -> Any:
            target = Path(schemes[scheme], path)
            refuse_way_out(target, place.target)
            target.unlink(missing_ok=True)  # not overwritten: it may be a hard link
            return super().write_to_fs(scheme, path, stream, is_executable)

    return Destination(schemes, interpreter=str(place.prefix / "bin/python"), script_kind="posix")


def refuse_way_out(path: Path, top: Path) -> None:
    """Raises Failed with EXIT_PACKAGE where writing to `path` would write elsewhere than below `top`."""
    plain = os.path.normpath(path)  # as the wheel installer reads `..`, whatever links there are
    if not Path(os.path.realpath(plain)).is_relative_to(os.path.realpath(top)):
        raise Failed(
            f"{os.path.relpath(plain, top)} cannot be written: a link there leads out of the environment", EXIT_PACKAGE
        )


# --- equal bytes -------------------------------------------------------------------------------------------------


def tidy_metadata(prefix: Path, rows: Sequence[Row]) -> None:
    """conda-meta: one file per package, saying what was locked and nothing of this machine or hour."""
    folder = prefix / "conda-meta"
    refuse_way_out(folder, prefix)
    locked = {f"{row['name']}-{row['version']}-{row['build']}": row for row in rows}
    for path in sorted(folder.iterdir()):
        row = locked.get(path.name.removesuffix(".json"))
        if row is None:
            _remove(path)
        else:
            refuse_way_out(path, prefix)
            kept = tidied(json.loads(path.read_text("utf-8")), row)
            path.write_text(json.dumps(kept, sort_keys=True, indent=2) + "\n", "utf-8")


def tidied(record: Row, row: Row) -> Row:
    """A conda-meta record without its places and times. An address on this machine shrinks to the file's name."""
    dropped = ("extracted_package_dir", "package_tarball_full_path", "requested_spec", "requested_specs", "link")
    kept = {key: value for key, value in record.items() if key not in dropped}
    kept["channel"] = row["channel"]
    kept["url"] = row["url"] if row["url"].startswith(("https://", "http://")) else row["filename"]
    kept["files"] = sorted(kept.get("files", []))
    paths = kept.get("paths_data")
    if isinstance(paths, dict):
        paths["paths"] = sorted(paths.get("paths", []), key=lambda entry: str(entry.get("_path")))
    return kept


def compiler(place: Place, rows: Sequence[Row], files: dict[str, Path], scratch: Path) -> Path:
    """The Python that makes the bytecode: the environment's own, where this is a container of one build.

    On a host the very same Python is linked apart, since anything may have been put over the environment's own by
    its packages, and would run here with the user's rights.
    """
    if place.root == Path("/"):
        return place.prefix / "bin/python"
    wanted, known = ["python"], {row["name"]: row for row in rows}
    for name in wanted:
        needed = (re.split(r"[\s<>=!~\[]", spec)[0] for spec in known[name]["depends"])
        wanted += [other for other in needed if other in known and other not in wanted]
    apart = Place(scratch / "interpreter", Path("/python"))
    link_conda([known[name] for name in wanted], files, apart, scratch / "cache")
    return apart.target / "bin/python"


def compile_bytecode(place: Place, site: Path, python: Path) -> None:
    """Bytecode that is never checked against times: the packages' own where it fits its source, else compiled here.

    Tests stay without: nobody imports them, and they are a third of the work. `-S`: no package's `.pth` file runs.
    """
    for path in sorted(place.target.rglob("*.py[co]")):
        freed_of_time(path)
    sources = [path for path in sorted(site.parent.rglob("*.py")) if path.is_file() and not path.is_symlink()]
    compiled = [path for path in sources if is_compiled(path.relative_to(place.target), path)]
    for path in compiled:
        refuse_way_out(path.parent / "__pycache__" / path.name, place.target)
    lines = [f"{path}\0{place.shown(path)}\n" for path in compiled]
    settings = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    with tempfile.TemporaryDirectory() as empty:
        started = [
            subprocess.Popen(
                [str(python), "-S", "-s", "-c", COMPILE], cwd=empty, env=settings, stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL, text=True, encoding="utf-8",
            )
            for _ in range(COMPILERS)
        ]  # fmt: skip
        feed([(child, lines[number::COMPILERS]) for number, child in enumerate(started)])


def is_compiled(inside: Path, source: Path) -> bool:
    """Whether bytecode is made for `source`, which lies at `inside` of the environment."""
    return not UNCOMPILED & set(inside.parts) and not has_bytecode(source)


def has_bytecode(source: Path) -> bool:
    """Whether unoptimised bytecode lies beside `source`."""
    return any(path.name.count(".") == 2 for path in source.parent.glob(f"__pycache__/{source.stem}.*.pyc"))


def freed_of_time(path: Path) -> None:
    """Make packaged bytecode such as is not checked, by its header alone; remove it where it is not its source's.

    Its source is another one where the prefix was written into it.
    """
    source = path.parent.parent / (path.name.partition(".")[0] + ".py")
    raw = path.read_bytes()
    path.unlink()  # not overwritten: it may be a hard link
    if path.parent.name != "__pycache__" or len(raw) < 16 or not source.is_file():
        return
    told = source.stat()
    if struct.unpack_from("<3I", raw, 4) == (0, int(told.st_mtime) & 0xFFFFFFFF, told.st_size & 0xFFFFFFFF):
        path.write_bytes(raw[:4] + struct.pack("<IQ", 1, 0) + raw[16:])


def feed(started: Sequence[tuple[subprocess.Popen[str], Sequence[str]]]) -> None:
    """Tell each compiler its lines. What it cannot compile it leaves, which is no error here."""
    for child, lines in started:
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError), child.stdin:
            child.stdin.write("".join(lines))
    for child, _ in started:
        if child.wait() != 0:
            raise Failed(f"the environment's python ended with {child.returncode} while compiling", EXIT_PACKAGE)


def settle(place: Place, epoch: int) -> None:
    """One time and plain modes for the prefix, what is below it, and the folders above it but the root."""
    unshare(place.target)
    settle_below(place.target, epoch)
    above = len(place.prefix.parents) - 1
    for folder in [place.target, *place.target.parents[:above]]:
        folder.chmod(0o755)
        os.utime(folder, (epoch, epoch))


def unshare(folder: Path) -> None:
    """Every file one of its own: whether a package's two equal files share their bytes depends on the disk."""
    seen = set()
    for path in entries(folder):
        told = path.lstat()
        if stat.S_ISREG(told.st_mode) and told.st_nlink > 1:
            if (told.st_dev, told.st_ino) in seen:
                _replace_by_copy(path)
            seen.add((told.st_dev, told.st_ino))


def _replace_by_copy(path: Path) -> None:
    """By way of a name that nobody could foresee: a package may have put a link at any other."""
    with path.open("rb") as stream, tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as copy:
        shutil.copyfileobj(stream, copy, CHUNK)
    shutil.copymode(path, copy.name)
    Path(copy.name).replace(path)


def settle_below(folder: Path, epoch: int) -> None:
    for path in entries(folder):
        if not path.is_symlink():
            path.chmod(plain_mode(path.stat().st_mode))
        os.utime(path, (epoch, epoch), follow_symlinks=False)


def entries(folder: Path) -> Iterator[Path]:
    """Everything below `folder`, what is inside a folder before the folder itself."""
    for path in sorted(folder.iterdir()):
        if path.is_dir() and not path.is_symlink():
            yield from entries(path)
        yield path


def plain_mode(mode: int) -> int:
    """0755 for folders and programs, 0644 for the rest: no owner's choice, no set-user-id."""
    return 0o755 if stat.S_ISDIR(mode) or mode & 0o100 else 0o644


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink()


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
