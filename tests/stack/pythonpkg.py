"""The channel's ``python``: Debian's python3.11 and the libraries it needs, made relocatable."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tests.stack import apt, debs
from tests.stack.bytecode import bytecode
from tests.stack.condapkg import Content, Recipe, Row, write_package
from tests.stack.layout import State
from tests.stack.shell import StackError, run

_GLIBC = {f"lib{name}" for name in ("c.so.6", "m.so.6", "pthread.so.0", "dl.so.2", "rt.so.1", "util.so.1")}
_LOADER = "ld-linux-x86-64.so.2"
_LIBRARIES = "usr/lib/x86_64-linux-gnu/"
_LEFT_OUT = ("EXTERNALLY-MANAGED", "sitecustomize.py", "LICENSE.txt", "nis.cpython-311-x86_64-linux-gnu.so")
_SYSCONFIG = "lib/python3.11/sysconfig.py"
_SCHEMES = (b"prefix_scheme = 'posix_local'", b"prefix_scheme = 'posix_prefix'")  # Debian's, and everyone else's
_SITECUSTOMIZE = b'''\
"""Look for packages in site-packages. Debian's site module, which does not, is frozen into the program."""

import site


def getsitepackages(prefixes=None):
    return [f"{prefix}/lib/python3.11/site-packages" for prefix in dict.fromkeys(prefixes or site.PREFIXES)]


site.getsitepackages = getsitepackages
for _folder in getsitepackages():
    site.addsitedir(_folder)
'''
_UPLOADED = "2023-03-13T12:00:00Z"  # when 3.11.2-6 entered Debian


def write_python(state: State, channel: Path) -> Path:
    """Write the ``python`` package into the channel."""
    archives = apt.download(state, apt.BASE_SUITE, "main", debs.PYTHON + debs.PYTHON_LIBRARIES)
    version = next(debs.version(path) for path in archives if path.name.startswith("python3.11_"))
    recipe = Recipe("python", version, "h0_0_cpython", (), "PSF-2.0", _UPLOADED)
    with tempfile.TemporaryDirectory(prefix="dlm-stack-") as folder:
        prefix = Path(folder)
        _unpack(archives, prefix)
        _point_at_own_libraries(prefix)
        return write_package(recipe, _rows(prefix), channel)


def _unpack(archives: list[Path], prefix: Path) -> None:
    for archive in archives:
        for info, content in debs.members(archive):
            target = _target(info.name)
            if target is None:
                continue
            path = prefix / target
            path.parent.mkdir(parents=True, exist_ok=True)
            if info.issym():
                path.symlink_to(info.linkname)
            else:
                path.write_bytes(_patched(target, content))
                path.chmod(info.mode & 0o755)
    for name in ("python", "python3"):
        (prefix / "bin" / name).symlink_to("python3.11")
    (prefix / "lib/python3.11/sitecustomize.py").write_bytes(_SITECUSTOMIZE)
    shutil.rmtree(prefix / "lib/python3.11/test", ignore_errors=True)


def _target(name: str) -> str | None:
    path = PurePosixPath(name)
    if path.name in _LEFT_OUT:
        return None
    if name == "usr/bin/python3.11":
        return "bin/python3.11"
    if name.startswith("usr/lib/python3.11/"):
        return name.removeprefix("usr/")
    if name.startswith(_LIBRARIES) and path.parent == PurePosixPath(_LIBRARIES) and ".so" in path.name:
        return f"lib/{path.name}"
    return None


def _patched(target: str, content: bytes) -> bytes:
    if target != _SYSCONFIG:
        return content
    if content.count(_SCHEMES[0]) != 1:
        raise StackError(f"Debian's {target} is not as expected", "adapt tests/stack/pythonpkg.py")
    return content.replace(*_SCHEMES)


def _point_at_own_libraries(prefix: Path) -> None:
    """Give every program and library a search path inside the prefix, and check that nothing is missing there."""
    places = {"bin": "$ORIGIN/../lib", "lib": "$ORIGIN", "lib-dynload": "$ORIGIN/../.."}
    patchelf = apt.find_program("patchelf")
    offered = {path.name for path in (prefix / "lib").iterdir()} | _GLIBC | {_LOADER}
    for path in sorted(prefix.rglob("*")):
        if path.is_symlink() or not path.is_file() or not path.read_bytes().startswith(b"\x7fELF"):
            continue
        absent = set(run([patchelf, "--print-needed", path]).split()) - offered
        if absent:
            raise StackError(f"{path.name} needs {', '.join(absent)}", "add its package to debs.PYTHON_LIBRARIES")
        run([patchelf, "--set-rpath", places[path.parent.name], path])


def _rows(prefix: Path) -> Iterator[Row]:
    for path in sorted(prefix.rglob("*")):
        name = path.relative_to(prefix).as_posix()
        if path.is_symlink():
            yield Row(name, Content.of(b""), link=str(path.readlink()))
        elif path.is_file():
            with path.open("rb") as stream:
                yield Row(name, Content(stream, path.stat().st_size), path.stat().st_mode & 0o777)
            if made := bytecode(name, path.read_bytes()):
                yield made
