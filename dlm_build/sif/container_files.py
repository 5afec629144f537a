"""What Apptainer and Singularity look for inside a SIF: scripts, labels and help, with nothing of this hour or machine.

The definition of the context is their one source: each of its sections becomes the file that `apptainer build` would
make of it, so that a SIF of either kind behaves the same.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping

from dlm_build.container_layout import INPUT, OUTPUT
from dlm_build.errors import ItemHostile, shown
from dlm_build.oci import PRELOADS
from dlm_build.records import Record
from dlm_build.sif.layers import FixedLayer
from dlm_build.unpacking.tar_entries import Entry

_HOME = ".singularity.d"
_SHELL = "#!/bin/sh\n"
_SECTION = re.compile(r"^%([a-z]+)([^\n]*)\n", re.MULTILINE)
_EXPORT = re.compile(r"\bexport ([A-Z_a-z][A-Z_a-z0-9]*)=")
_NAME = re.compile(r"[A-Z_a-z][A-Z_a-z0-9]*")
_START = f'{_SHELL}for script in /{_HOME}/env/*.sh; do\n    if [ -f "$script" ]; then . "$script"; fi\ndone\n'
_ACTIONS = {
    "exec": 'exec "$@"\n',
    "run": f'exec /{_HOME}/runscript "$@"\n',
    "shell": 'exec /bin/sh "$@"\n',
    "start": f"exec /{_HOME}/startscript\n",
    "test": f'exec /{_HOME}/test "$@"\n',
}
"""For old Singularity; a newer one and Apptainer have their own."""
_LAST = (
    _SHELL + f'LD_LIBRARY_PATH="${{LD_LIBRARY_PATH:+$LD_LIBRARY_PATH:}}/{_HOME}/libs"\n'
    'PATH="${SING_USER_DEFINED_PREPEND_PATH:+$SING_USER_DEFINED_PREPEND_PATH:}$PATH"\n'
    'PATH="$PATH${SING_USER_DEFINED_APPEND_PATH:+:$SING_USER_DEFINED_APPEND_PATH}"\n'
    'PATH="${SING_USER_DEFINED_PATH:-$PATH}"\n'
    "export LD_LIBRARY_PATH PATH\n"
)
"""The driver's libraries, which --nv puts into `libs`; and the paths that users may set by Apptainer's own options."""


class Described(Record, frozen=True, kw_only=True):
    """What a SIF says of itself."""

    definition: str
    environment: dict[str, str]
    """The image's variables."""
    labels: dict[str, str]


def container_files(described: Described) -> FixedLayer:
    """Lies above everything else. Raises ItemHostile for variables that load code into programs."""
    folders = [Entry(f"{_HOME}{path}", "folder", 0o755) for path in ("", "/actions", "/env", "/libs")]
    links = [(f".{name}", f"{_HOME}/actions/{name}") for name in ("exec", "run", "shell", "test")]
    rows = [(folder, b"") for folder in folders]
    rows += [(Entry(path, "symlink", 0o777, 0, target), b"") for path, target in links]
    rows += [_file(f"{_HOME}/{path}", text, mode) for path, text, mode in _texts(described)]
    return FixedLayer(tuple(sorted(rows, key=lambda row: row[0].path)))


def mount_points() -> FixedLayer:
    """Lies below everything else: what Apptainer, or a run, wants to be there, where the image has nothing."""
    folders = {
        "dev": 0o755,
        "home": 0o755,
        "proc": 0o755,
        "root": 0o700,
        "sys": 0o755,
        "tmp": 0o1777,
        "var/tmp": 0o1777,
    }
    places = {**folders, INPUT.strip("/"): 0o755, OUTPUT.strip("/"): 0o755}
    links = {"environment": f"{_HOME}/env/90-environment.sh", "singularity": f"{_HOME}/runscript"}
    rows = [(Entry(path, "folder", mode), b"") for path, mode in places.items()]
    rows += [_file(path, "", 0o644) for path in ("etc/hosts", "etc/resolv.conf")]
    rows += [(Entry(path, "symlink", 0o777, 0, target), b"") for path, target in links.items()]
    return FixedLayer(tuple(sorted(rows, key=lambda row: row[0].path)))


def inspect_metadata(described: Described) -> bytes:
    """What `apptainer inspect` reads from the file, so that it need not start the container."""
    texts = {path: text for path, text, _ in _texts(described)}
    attributes = {
        "deffile": described.definition,
        "environment": {f"/{_HOME}/{path}": text for path, text in texts.items() if path.startswith("env/")},
        "helpfile": texts["runscript.help"],
        "labels": described.labels,
        "runscript": texts["runscript"],
        "startscript": texts["startscript"],
        "test": texts["test"],
    }
    return _json({"data": {"attributes": attributes}, "type": "container"})


def with_labels(metadata: bytes, labels: Mapping[str, str]) -> bytes:
    """The same metadata with more labels."""
    told = json.loads(metadata)
    told["data"]["attributes"]["labels"].update(labels)
    return _json(told)


def _json(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()


def _texts(described: Described) -> list[tuple[str, str, int]]:
    sections = _sections(described.definition)
    own = sections["environment"]
    return [
        ("Singularity", described.definition, 0o644),
        *((f"actions/{name}", _START + text, 0o755) for name, text in _ACTIONS.items()),
        ("env/10-docker2singularity.sh", _exports(described.environment, set(_EXPORT.findall(own))), 0o755),
        ("env/90-environment.sh", _SHELL + own, 0o755),
        ("env/99-base.sh", _LAST, 0o755),
        ("labels.json", json.dumps(described.labels, sort_keys=True, indent=1) + "\n", 0o644),
        ("runscript", _SHELL + sections["runscript"], 0o755),
        ("runscript.help", sections["help"], 0o644),
        ("startscript", _SHELL, 0o755),
        ("test", _SHELL + sections["test"], 0o755),
    ]


def _sections(definition: str) -> dict[str, str]:
    """The last section of each name that has no argument, its indent taken off."""
    parts = _SECTION.split(definition)
    found = zip(parts[1::3], parts[2::3], parts[3::3], strict=True)
    return {name: re.sub(r"(?m)^    ", "", text).strip("\n") + "\n" for name, rest, text in found if not rest}


def _exports(environment: Mapping[str, str], own: set[str]) -> str:
    """The image's variables as a script, without those the definition sets itself."""
    for name in environment:
        if name in PRELOADS or not _NAME.fullmatch(name):
            raise ItemHostile(f"the base image sets {shown(name)}", "use a base that does not; see --base")
    rows = (f"export {name}={shlex.quote(value)}\n" for name, value in sorted(environment.items()) if name not in own)
    return _SHELL + "".join(rows)


def _file(path: str, text: str, mode: int) -> tuple[Entry, bytes]:
    data = text.encode()
    return Entry(path, "file", mode, len(data)), data
