"""The parent's side of decoding: starts the sandboxed child and maps the arrays it wrote."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, NamedTuple

from dlm_build.disk import IN_TEMPORARY, more_space
from dlm_build.errors import DlmBuildError, InfraError, ResourceExceeded, shown
from dlm_build.judging.decoder import TOO_LARGE, UNWRITTEN
from dlm_build.proc import own_program

if TYPE_CHECKING:
    import numpy.typing as npt

    from dlm_build.proc import Programs

DEADLINE = 300.0
"""Seconds of wall time for one pair of files."""


class NotDecodable(DlmBuildError):
    """The bytes are not what any decoder reads; the caller says whose they are."""


class Decoded(NamedTuple):
    """One file as arrays. `arrays` maps names to (C-ordered) numpy arrays; pictures are (bands, height, width)."""

    kind: str
    """`geotiff`, `png`, `jpeg`, `npy`, `npz`, `json`, `XML`, `GeoPackage`, `HDF5`, `table`, `text` or `bytes`."""
    arrays: dict[str, npt.NDArray[Any]]
    nodata: str | None = None
    crs: str | None = None
    transform: tuple[float, ...] | None = None
    scaling: str = ""
    """Scales and offsets by which the numbers of a GeoTIFF are to be read; empty where they are what they are."""
    value: Any = None
    """Of a JSON file; of XML an object; of a table a list of rows, each an object; of a text its lines; of a GeoPackage
    its layers by name; of HDF5 and NetCDF what is said of each variable, by its name, and the texts that it holds."""
    coordinates: frozenset[str] = frozenset()
    """Of HDF5 the arrays that tell where the values of others lie."""
    voids: Mapping[str, float] = MappingProxyType({})
    """Of HDF5 the number that stands for none in an array, by its name."""

    def void(self, name: str) -> float | None:
        return self.voids.get(name) if self.nodata is None else float(self.nodata)


def decode(path: Path, scratch: Path, programs: Programs, name: str = "") -> Decoded:
    """Raises NotDecodable, ResourceExceeded when the decoder passed its memory or time, InfraError for a full disk.

    `name` is what messages call it, where its path is one of the store.
    """
    name = shown(name or path.name)
    scratch.mkdir(parents=True, exist_ok=True)
    argv: Sequence[str] = (*own_program("dlm_build.judging.decoder"), str(scratch), str(path))
    ended = programs.run(argv, timeout=DEADLINE)
    if ended.timed_out or ended.status in (-9, -24, TOO_LARGE) or "MemoryError" in ended.stderr:
        raise ResourceExceeded(f"decoding {name} passed its limit of memory or time", "is it what it claims to be?")
    if ended.status == UNWRITTEN:
        raise InfraError(
            f"{scratch.parent} takes no decoded file: {shown(ended.tail(1), 300)}",
            more_space(IN_TEMPORARY),
        )
    if ended.status != 0:
        raise NotDecodable(f"{name} cannot be decoded: {shown(ended.tail(1), 300)}")
    return _mapped(scratch)


def _mapped(scratch: Path) -> Decoded:
    import numpy as np

    told = json.loads((scratch / "0.json").read_text())
    arrays = {
        str(name): np.load(scratch / f"0-{index}.npy", mmap_mode="r", allow_pickle=False)
        for index, name in enumerate(told["names"])
    }
    transform = told.get("transform")
    return Decoded(
        kind=str(told["kind"]),
        arrays=arrays,
        nodata=told.get("nodata"),
        crs=told.get("crs"),
        transform=tuple(map(float, transform)) if transform else None,
        scaling=told.get("scaling", ""),
        value=told.get("value"),
        coordinates=frozenset(told.get("coordinates", ())),
        voids={name: float(void) for name, void in told.get("voids", {}).items()},
    )
