"""Installs an environment from its lock, so that equal locks give equal trees to the last byte.

Runs in the Dockerfile's env stage with the standard library of Python 3.11 or newer; everything else it needs is
pinned in the lock as well. Packages come from a folder where they lie by file name, else by download; either way the
sha256 decides. No script of any package is run, and nothing but bytecode is made here.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import os
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
        install(json.loads(options.lock.read_text("utf-8")), options.packages, options.prefix)
    except Failed as problem:
        print(f"install_environment: {problem}", file=sys.stderr)
        return problem.status
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Install a locked environment.")
    parser.add_argument("--lock", type=Path, required=True, help="environment/lock.json of the build folder")
    parser.add_argument("--packages", type=Path, required=True, help="folder with packages by file name; may be empty")
    parser.add_argument("--prefix", type=Path, required=True, help="where the environment goes")
    return parser


def install(lock: Row, packages: Path, prefix: Path) -> None:
    """Everything in `lock` into `prefix`, which must not exist yet, with fixed times, modes and bytecode."""
    os.umask(0o022)
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        files = {row["filename"]: obtain(row, packages, folder) for row in lock["installer"] + lock["packages"]}
        sys.path[:0] = [str(unpacked(files[row["filename"]], folder)) for row in lock["installer"]]
        conda = [row for row in lock["packages"] if row["manager"] == "conda"]
        link_conda(conda, files, prefix, folder / "cache")
        site = site_packages(conda, prefix)
        for row in lock["packages"]:
            if row["manager"] == "pip":
                install_wheel(files[row["filename"]], prefix, site)
    tidy_metadata(prefix, conda)
    compile_bytecode(prefix, site)
    settle(prefix, lock["epoch"])


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


def link_conda(rows: Sequence[Row], files: dict[str, Path], prefix: Path, cache: Path) -> None:
    """All conda packages in one transaction, without their link scripts."""
    import rattler
    from rattler.exceptions import ConversionError, ExtractError, InstallerError, IoError, LinkError, TransactionError

    refused = (ConversionError, ExtractError, InstallerError, IoError, LinkError, TransactionError)
    prefix.mkdir(parents=True)
    authority = cache.with_name("no-authority.pem")
    authority.write_text(NO_AUTHORITY, "ascii")
    os.environ["SSL_CERT_FILE"] = str(authority)
    try:
        records = [_conda_record(row, files[row["filename"]]) for row in rows]
        asyncio.run(
            rattler.install(
                records,
                target_prefix=prefix,
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


def install_wheel(path: Path, prefix: Path, site: Path | None) -> None:
    """One wheel, every file of it checked against its RECORD."""
    import installer
    from installer.destinations import SchemeDictionaryDestination
    from installer.exceptions import InstallerError
    from installer.sources import WheelFile

    if site is None:
        raise Failed(f"{path.name} needs a python package in the lock", EXIT_PACKAGE)
    try:
        with WheelFile.open(path) as source:
            source.validate_record(validate_contents=True)
            schemes = {
                "purelib": str(site), "platlib": str(site), "scripts": str(prefix / "bin"), "data": str(prefix),
                "headers": str(prefix / "include" / site.parent.name / source.distribution),
            }  # fmt: skip
            target = SchemeDictionaryDestination(schemes, interpreter=str(prefix / "bin/python"), script_kind="posix")
            installer.install(source, target, additional_metadata={"INSTALLER": b"dlm-build\n"})
    except (InstallerError, zipfile.BadZipFile, OSError, ValueError, KeyError) as problem:
        raise Failed(f"{path.name} cannot be installed: {problem}", EXIT_PACKAGE) from problem


# --- equal bytes -------------------------------------------------------------------------------------------------


def tidy_metadata(prefix: Path, rows: Sequence[Row]) -> None:
    """conda-meta: one file per package, saying what was locked and nothing of this machine or hour."""
    folder = prefix / "conda-meta"
    locked = {f"{row['name']}-{row['version']}-{row['build']}": row for row in rows}
    for path in sorted(folder.iterdir()):
        row = locked.get(path.name.removesuffix(".json"))
        if row is None:
            _remove(path)
        else:
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


def compile_bytecode(prefix: Path, site: Path | None) -> None:
    """Bytecode that is never checked against times: the packages' own where it fits its source, else compiled here.

    Tests stay without: nobody imports them, and they are a third of the work. `-S`: no package's `.pth` file runs.
    """
    if site is None:
        return
    for path in sorted(prefix.rglob("*.py[co]")):
        freed_of_time(path)
    sources = [path for path in sorted(site.parent.rglob("*.py")) if path.is_file() and not path.is_symlink()]
    files = [str(path) for path in sources if not UNCOMPILED & set(path.parts) and not has_bytecode(path)]
    settings = {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8", "PYTHONHASHSEED": "0"}
    argv = [str(prefix / "bin/python"), "-S", "-s", "-m", "compileall", "-q", "-f"]
    argv += ["--invalidation-mode", "unchecked-hash", "-i", "-"]
    started = []
    for number in range(COMPILERS):
        child = subprocess.Popen(
            argv, cwd="/", env=settings, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True
        )
        started.append((child, files[number::COMPILERS]))
    feed(started)


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
    """Tell each compiler its files. A compiler ends with 1 where a file has an error, which is no error here."""
    for child, files in started:
        assert child.stdin is not None
        child.stdin.write("".join(f"{name}\n" for name in files))
        child.stdin.close()
    for child, _ in started:
        if child.wait() not in (0, 1):
            raise Failed(f"the environment's python ended with {child.returncode} while compiling", EXIT_PACKAGE)


def settle(prefix: Path, epoch: int) -> None:
    """One time and plain modes for `prefix`, what is below it, and the folders above it but the root."""
    settle_below(prefix, epoch)
    for folder in [prefix, *prefix.parents][:-1]:
        folder.chmod(0o755)
        os.utime(folder, (epoch, epoch))


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
