"""The facts that decisions rest on, read from the data files beside this module and validated on the way in."""

from __future__ import annotations

from importlib import resources
from typing import Literal

import msgspec

from dlm_build.errors import InfraError
from dlm_build.oci import is_digest
from dlm_build.records import R, Record

Kind = Literal[
    "index", "index?", "platform", "platform-amd64", "platform-amd64?", "platform-arm64", "unknown", "suspect"
]
Trust = Literal["confirmed", "single-tool-output", "single-source", "suspect"]


class FrameworkRow(Record, frozen=True, kw_only=True):
    """What is known of one version of a framework."""

    version: str
    released: str | None = None
    """ISO date."""
    cuda: tuple[str, ...]
    cuda_default: str
    """What a plain install from the Python package index brings."""
    cuda_source: str = ""
    cudnn: dict[str, str] = {}
    """By CUDA version, where it differs by CUDA."""
    cudnn_note: str = ""
    """The one cuDNN of the row, or prose."""
    python: tuple[str, ...] = ()
    """Empty: not known, or never published as wheels."""
    torchvision: str | None = None
    conda_style: Literal["cudatoolkit", "pytorch-cuda"] | None = None
    """How the framework's own conda channel names the CUDA of a build; None: it has no build of this version."""
    conda_channels: tuple[str, ...] = ()
    conda_source: str = ""
    pip: str | None = None
    """The requirement to install for a GPU where it is not `name==version`."""
    pip_cuda_extra: bool = False
    """`[and-cuda]` brings the CUDA libraries as wheels."""
    note: str = ""

    @property
    def is_known(self) -> bool:
        """False where there is only a version, or not even that: see Framework.is_known."""
        return bool(self.cuda)


class Framework(Record, frozen=True, kw_only=True):
    name: str
    aliases: tuple[str, ...]
    """Spellings in lower case without separators."""
    distributions: tuple[str, ...]
    """Names under which conda or pip install it."""
    rows_are: Literal["releases", "minors"]
    """`releases`: a version that has no row does not exist; `minors`: one row stands for all its patches."""
    sources: tuple[str, ...]
    notes: tuple[str, ...] = ()
    rows: tuple[FrameworkRow, ...]

    @property
    def is_known(self) -> bool:
        """False for one of no table, made for an item whose own environment says what is installed: it has no rows."""
        return bool(self.rows)


class BaseRow(Record, frozen=True, kw_only=True):
    """One digest that an image tag was seen to have."""

    repository: str
    """With registry, e.g. `docker.io/nvidia/cuda`."""
    tag: str
    digest: str
    kind: Kind
    trust: Trust
    confirmations: int
    use_for_amd64: bool
    superseded: bool
    state: Literal["present", "deleted", "partly-deleted"]
    cuda: str | None = None
    flavour: str | None = None
    """`base`, `runtime`, `devel`, or with cuDNN in front: `cudnn8-runtime`."""
    os: str = ""
    note: str = ""
    sources: tuple[str, ...] = ()

    @property
    def usable(self) -> bool:
        """False for pins that may never be chosen: doubtful, of another architecture, or of a deleted tag."""
        return self.trust != "suspect" and self.use_for_amd64 and self.state == "present"


class Tables(Record, frozen=True, kw_only=True):
    frameworks: tuple[Framework, ...]
    python_releases: dict[str, str]
    """`X.Y` → ISO date of its first release."""
    bases: tuple[BaseRow, ...]
    collected: str = ""
    """ISO date of what is known of frameworks."""

    def framework(self, name: str) -> Framework:
        return next(table for table in self.frameworks if table.name == name)


class _FrameworksFile(Record, frozen=True, kw_only=True):
    generated: str
    collected: str
    frameworks: tuple[Framework, ...]
    python_releases: dict[str, str]
    python_source: str


class _BasesFile(Record, frozen=True, kw_only=True):
    generated: str
    collected: str
    rows: tuple[BaseRow, ...]


def load_tables() -> Tables:
    """The tables shipped with this version. Raises InfraError where a data file was damaged."""
    folder = resources.files(__package__) / "data"
    return parse_tables((folder / "frameworks.json").read_bytes(), (folder / "bases.json").read_bytes())


def parse_tables(frameworks: bytes, bases: bytes) -> Tables:
    """Both files, checked. Raises InfraError that names the file and the entry."""
    facts = _decoded(frameworks, _FrameworksFile, "frameworks.json")
    images = _decoded(bases, _BasesFile, "bases.json")
    for row in images.rows:
        if not is_digest(row.digest):
            raise InfraError(f"bases.json: {row.repository}:{row.tag} has no sha256 digest", "reinstall dlm-build")
    for table in facts.frameworks:
        if not table.rows:
            raise InfraError(f"frameworks.json: {table.name} has no rows", "reinstall dlm-build")
    return Tables(
        frameworks=facts.frameworks,
        python_releases=facts.python_releases,
        bases=images.rows,
        collected=facts.collected,
    )


def _decoded(raw: bytes, kind: type[R], name: str) -> R:
    try:
        return msgspec.json.decode(raw, type=kind)
    except (msgspec.ValidationError, msgspec.DecodeError) as problem:
        raise InfraError(f"{name} of dlm-build itself is damaged: {problem}", "reinstall dlm-build") from problem
