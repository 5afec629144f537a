"""Apptainer, and the ordinary user who runs it.

Debian 12 has no Apptainer, and unstable's wants a newer libc than Debian 12's. Installing that one would raise the C
library, dpkg and the compiler of the whole machine; so both packages are unpacked into the state folder, where the
program finds its own C library, and nothing else on the machine changes.
"""

from __future__ import annotations

import pwd
import re
import shutil
import stat
from dataclasses import dataclass
from pathlib import Path

from tests.stack import apt
from tests.stack.layout import State, read_json, write_json
from tests.stack.shell import run, say, step

SUITE = "sid"
PACKAGES = ("apptainer", "libc6")
OLDEST = (1, 3)  # what users have
USER = "dlm-tester"
FUSE = Path("/dev/fuse")
PRIVATE = "apptainer"
_PROGRAMS = ("bin/apptainer", "lib/x86_64-linux-gnu/apptainer/bin/starter")


@dataclass(frozen=True)
class Apptainer:
    """What a stack tells of it."""

    program: str
    version: str
    user: str


def ensure_apptainer(state: State) -> Apptainer:
    """The machine's own program where it is recent, else the unpacked one; with a user who may run it."""
    program = _own_program() or _unpacked(state)
    _ensure_user()
    _open_fuse(state)
    return Apptainer(program, ".".join(map(str, _version(program))), USER)


def give_fuse_back(state: State) -> None:
    """Undo what `ensure_apptainer` did to /dev/fuse."""
    note = state.path("fuse.json")
    mode = read_json(note).get("mode")
    if isinstance(mode, int) and FUSE.exists():
        FUSE.chmod(mode)
    note.unlink(missing_ok=True)


def _own_program() -> str | None:
    found = shutil.which("apptainer", path="/usr/bin:/usr/local/bin")
    return found if found and _version(found) >= OLDEST else None


def _version(program: str) -> tuple[int, ...]:
    told = re.search(r"(\d+)\.(\d+)\.(\d+)", run([program, "--version"]))
    return tuple(map(int, told.groups())) if told else (0,)


def _unpacked(state: State) -> str:
    folder = state.path(PRIVATE)
    program = folder / _PROGRAMS[0]
    if not program.exists():
        debs = apt.download(state, SUITE, "main", PACKAGES)
        with step("unpacking apptainer"):
            _unpack(debs, folder)
    return str(program)


def _unpack(debs: list[Path], folder: Path) -> None:
    """Complete or not at all: made beside, tried, then renamed; the loader's path is that of the final place."""
    fresh, spare = folder.with_name(f"{PRIVATE}.new"), folder.with_name(f"{PRIVATE}.debs")
    for place in (fresh, spare):
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
    for deb in debs:
        run(["dpkg-deb", "-x", deb, spare])
    for name in ("usr/bin", "usr/lib", "etc"):
        (spare / name).rename(fresh / Path(name).name)
    _arrange(fresh)
    for name in _PROGRAMS:
        libraries = folder / "lib/x86_64-linux-gnu"
        loader = libraries / "ld-linux-x86-64.so.2"
        run([apt.find_program("patchelf"), "--set-interpreter", loader, "--set-rpath", libraries, fresh / name])
    shutil.rmtree(spare)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def _arrange(root: Path) -> None:
    """The folders where a relocated Apptainer looks; its starter takes `lib` for the top, as Debian nests it deeper."""
    (root / "var/lib/apptainer/mnt/session").mkdir(parents=True)
    for name in ("etc", "var"):
        (root / "lib" / name).symlink_to(f"../{name}")


def _ensure_user() -> None:
    try:
        pwd.getpwnam(USER)
    except KeyError:
        run(["useradd", "--create-home", "--shell", "/bin/sh", USER], hint=f"make an ordinary user named {USER}")


def _open_fuse(state: State) -> None:
    """As udev leaves it on machines that have udev: readable and writable for everybody."""
    if not FUSE.exists():
        say("  this machine has no /dev/fuse: Apptainer will unpack every SIF file before it runs it")
        return
    mode = stat.S_IMODE(FUSE.stat().st_mode)
    if mode & 0o006 != 0o006:
        write_json(state.path("fuse.json"), {"mode": mode})
        FUSE.chmod(0o666)
