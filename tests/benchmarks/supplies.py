"""What MLflow's Dockerfile downloads while it builds, kept on this machine and served from it.

dlm-build's cold build finds its packages in its store; so that the comparison is of building and not of this hour's
network, pip and apt inside MLflow's build find theirs in a folder served on the stack's own bridge. The python image
MLflow asks for is the stack's stand-in with two files more, which say where that is.
"""

from __future__ import annotations

import functools
import hashlib
import http.server
import shutil
import socket
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from threading import Thread

from tests.benchmarks import engine
from tests.benchmarks.place import Bench
from tests.stack.daemons import registry_url
from tests.stack.layout import read_json, write_json
from tests.stack.network import gateway
from tests.stack.settings import stack_facts
from tests.stack.shell import StackError, run, step

PYTHON = "3.11.2"
"""The stand-in's python; the image with our two files is served as the tag MLflow then asks for, and no other does."""
STAND_IN = "python:3.11-slim-bookworm"
SERVED_AS = f"python:{PYTHON}-slim"
_APT = ["apt-get", "-y", "-q", "install", "--no-install-recommends", "--download-only"]


def stock(bench: Bench, pip: Path, wanted: Sequence[Sequence[str]], packages: Sequence[str]) -> None:
    """Download the wheels of each set in ``wanted`` and the Debian packages, unless they are there."""
    note = bench.path("supplies.json")
    asked = {"wheels": [list(one) for one in wanted], "debs": list(packages), "base": _stand_in(bench)}
    if read_json(note) == asked:
        return
    shutil.rmtree(bench.path("supplies"), ignore_errors=True)
    for one in wanted:
        _download_wheels(pip, one, bench.path("supplies", "wheels"))
    _download_debs(bench, packages, bench.path("supplies", "debs"))
    write_json(note, asked)


def _stand_in(bench: Bench) -> str:
    """What the registry serves as the stand-in: another one may ask for other packages."""
    bases = stack_facts(bench.state)["bases"]
    assert isinstance(bases, dict)
    return str(bases["library/python"]["index"])


def _download_wheels(pip: Path, wanted: Sequence[str], folder: Path) -> None:
    target = ["--only-binary", ":all:", "--python-version", "3.11", "--implementation", "cp", "--abi", "cp311"]
    target += ["--abi", "abi3", "--abi", "none"]
    for minor in (28, 27, 24, 17):
        target += ["--platform", f"manylinux_2_{minor}_x86_64"]
    target += ["--platform", "manylinux2014_x86_64"]
    with step(f"downloading the wheels of {' '.join(wanted)}"):
        run([pip, "download", "--quiet", *target, "--dest", folder, *wanted], hint="check pip's configuration")


def _download_debs(bench: Bench, packages: Sequence[str], folder: Path) -> None:
    """The packages and what they need on top of the stand-in, as its own apt sees it, as a flat repository."""
    folder.mkdir(parents=True)
    script = f"apt-get -q update && {' '.join(_APT)} -o Dir::Cache::archives=/debs {' '.join(packages)}"
    with step(f"downloading {' '.join(packages)} and what it needs"):
        there = engine.has(bench, STAND_IN)
        bench.docker("run", "--rm", "--volume", f"{folder}:/debs", STAND_IN, "sh", "-c", script)
        if not there:
            engine.remove(bench, STAND_IN)  # or a cold build would find its base in the engine
    for path in folder.glob("*%3a*"):
        path.rename(path.with_name(path.name.replace("%3a", "-")))
    rows = [_index_row(path) for path in sorted(folder.glob("*.deb"))]
    if not rows:
        raise StackError(f"apt in {STAND_IN} downloaded nothing", "check that containers reach the Debian mirror")
    (folder / "Packages").write_text("\n".join(rows))


def _index_row(path: Path) -> str:
    data = path.read_bytes()
    said = run(["dpkg-deb", "--field", path])
    return f"{said}Filename: ./{path.name}\nSize: {len(data)}\nSHA256: {hashlib.sha256(data).hexdigest()}\n"


# --- serving -----------------------------------------------------------------------------------------------------


class _Quiet(http.server.SimpleHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, format: str, *arguments: object) -> None:
        """Say nothing."""


@contextmanager
def served(bench: Bench) -> Iterator[None]:
    """Serve the supplies where the python image looks for them; the image is made first where it is missing."""
    port = _port(bench)
    _ensure_base(bench, port)
    handler = functools.partial(_Quiet, directory=str(bench.path("supplies")))
    with http.server.ThreadingHTTPServer((gateway(bench.choices), port), handler) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown()


def _port(bench: Bench) -> int:
    """The port of earlier runs, because the image names it; another where that is taken."""
    note = bench.path("port.json")
    known = read_json(note).get("port")
    if isinstance(known, int) and _free(bench, known):
        return known
    with socket.create_server((gateway(bench.choices), 0)) as probe:
        port = int(probe.getsockname()[1])
    write_json(note, {"port": port})
    return port


def _free(bench: Bench, port: int) -> bool:
    try:
        with socket.create_server((gateway(bench.choices), port)):
            return True
    except OSError:
        return False


def _ensure_base(bench: Bench, port: int) -> None:
    """Build the stand-in with our two files and push it; the engine's build cache is not asked, as it gets emptied."""
    host, note = gateway(bench.choices), bench.path("base.json")
    asked = {"port": port, "base": _stand_in(bench), "registry": registry_url(bench.choices)}
    if read_json(note) == asked:
        return
    folder = bench.fresh("base")
    folder.mkdir()
    (folder / "pip.conf").write_text(
        f"[global]\nno-index = true\nfind-links = http://{host}:{port}/wheels/\ntrusted-host = {host}\n"
        "disable-pip-version-check = true\n"
    )
    (folder / "sources.list").write_text(f"deb [trusted=yes] http://{host}:{port}/debs ./\n")
    (folder / "Dockerfile").write_text(
        f"FROM {STAND_IN}\nCOPY pip.conf /etc/pip.conf\nCOPY sources.list /etc/apt/sources.list\n"
    )
    pushed = f"{registry_url(bench.choices).removeprefix('http://')}/library/{SERVED_AS}"
    with step(f"making {SERVED_AS} for MLflow"):
        bench.docker("build", "--quiet", "--provenance=false", "--tag", pushed, folder)
        bench.docker("push", "--quiet", pushed)
        bench.docker("image", "rm", pushed)
    write_json(note, asked)
