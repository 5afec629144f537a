"""The uv program: names and versions in, a pylock.toml out. It never builds, and reads no configuration of its own."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path

from dlm_build.config import Settings
from dlm_build.disk import is_full, more_space
from dlm_build.errors import InfraError
from dlm_build.locking.stand_ins import LOCAL, version_of, write_stand_ins
from dlm_build.locking.talk import trimmed
from dlm_build.locking.wheels import Entry, Target, read_pylock
from dlm_build.proc import RAISE_LIMITS, Finished, Programs
from dlm_build.records import Record
from dlm_build.store import Store

TIMEOUT = 900.0
GLIBC_MINORS = (17, 28, *range(31, 41))
"""The glibc versions uv has a platform for."""


class Unsolvable(Exception):
    """uv found no set of packages; the text is its explanation."""


class Request(Record, frozen=True, kw_only=True):
    """One question to uv."""

    requirements: tuple[str, ...]
    target: Target
    constraints: Mapping[str, str] = {}
    """Distribution → the only version allowed, should it be needed."""
    bounds: tuple[str, ...] = ()
    """The publisher's own constraints."""
    stand_ins: frozenset[str] = frozenset()
    """Those of the constraints that need nothing else, whatever the index has of them."""
    as_of: datetime | None = None
    dependencies: bool = True


class Uv:
    """uv with this site's index, its cache in the store."""

    def __init__(self, programs: Programs, store: Store, settings: Settings) -> None:
        self._programs = programs
        self._store = store
        self._settings = settings

    def lock(self, request: Request, origin: str) -> tuple[Entry, ...]:
        """Raises Unsolvable, or InfraError when the index cannot be reached or uv fails otherwise."""
        with self._store.scratch_folder() as folder:
            argv = self._argv(request, folder)
            lines = "".join(f"{line}\n" for line in request.requirements)
            finished = self._programs.run(argv, cwd=folder, stdin=lines.encode(), timeout=TIMEOUT)
        if finished.status == 0:
            return read_pylock(finished.stdout, origin)
        if "No solution found" in finished.stderr and "could not be queried" not in finished.stderr:
            raise Unsolvable(trimmed(finished.stderr.removeprefix("error: ").replace(LOCAL, "")))
        raise self._broken(finished)

    def _argv(self, request: Request, folder: Path) -> list[str]:
        from uv import find_uv_bin

        cache = ["--cache-dir", str(self._store.root / "uv")]
        argv = [find_uv_bin(), "pip", "compile", "-", *STEADY, *cache, "--python", sys.executable]
        argv += ["--python-version", request.target.python, "--python-platform", platform(request.target.glibc)]
        if constraints := (*pinned(_constraints(request)), *request.bounds):
            path = folder / "constraints.txt"
            path.write_text("".join(f"{line}\n" for line in constraints))
            argv += ["--constraints", str(path)]
        if request.stand_ins:
            write_stand_ins([(name, request.constraints[name]) for name in sorted(request.stand_ins)], folder / "conda")
            argv += ["--find-links", str(folder / "conda")]
        if request.as_of:
            argv += ["--exclude-newer", request.as_of.strftime("%Y-%m-%dT%H:%M:%SZ")]
        if not request.dependencies:
            argv.append("--no-deps")
        return [*argv, *self._index()]

    def _index(self) -> list[str]:
        index = self._settings.index
        argv = ["--default-index", index.url] if index.url else []
        for place in index.find_links:
            argv += ["--find-links", place]
        return argv

    def _broken(self, finished: Finished) -> InfraError:
        where = self._settings.index.url or "the default package index"
        if finished.timed_out:
            hint = "check the network, or set `[index] url` in the settings to a nearer index"
            return InfraError(f"uv could not resolve Python packages from {where} within {TIMEOUT:.0f} s", hint)
        if finished.signal:
            return InfraError(f"uv was ended by {finished.signal} while it resolved Python packages", RAISE_LIMITS)
        said = trimmed(finished.stderr, lines=8)
        if any(word in said for word in ("UnknownIssuer", "invalid peer certificate")):
            hint = "a proxy opens this site's https: set SSL_CERT_FILE to the file with its authority's certificate"
            return InfraError(f"the certificate of {where} is of an authority not known here:\n{said}", hint)
        if is_full(said):
            return InfraError(f"uv could not keep what {where} told it:\n{said}", more_space())
        return InfraError(
            f"cannot resolve Python packages from {where}:\n{said}",
            "check the network, or set `[index] url` (or `find_links`) in the settings",
        )


def _constraints(request: Request) -> list[tuple[str, str]]:
    return [
        (name, version_of(version) if name in request.stand_ins else version)
        for name, version in sorted(request.constraints.items())
    ]


STEADY = (
    "--no-config", "--no-build", "--generate-hashes", "--format", "pylock.toml", "--no-header", "--no-python-downloads",
    "--no-progress", "--color", "never",
)  # fmt: skip


def platform(glibc: str) -> str:
    """uv's platform for the newest glibc it knows that is not newer than `glibc`."""
    minor = int(glibc.split(".")[1])
    fitting = [known for known in GLIBC_MINORS if known <= minor]
    return f"x86_64-manylinux_2_{max(fitting, default=GLIBC_MINORS[0])}"


def pinned(pins: Sequence[tuple[str, str]]) -> tuple[str, ...]:
    """Requirements for exactly these names and versions."""
    return tuple(f"{name}=={version}" for name, version in pins)
