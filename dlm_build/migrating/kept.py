"""What MLM cannot say, kept under `dlm:`. Which that is, reading the new document back tells: nothing is guessed."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from dlm_build.items.reading import read_item
from dlm_build.migrating.records import Notes, step
from dlm_build.migrating.source import Source
from dlm_build.records import ArchiveEntry, ClassName, DeclaredSample, Item

Document = dict[str, Any]


class Field(NamedTuple):
    """One field of `Item`, and where DLM has it."""

    path: tuple[str, ...]
    home: tuple[str, ...]
    """Below the properties."""
    written: Callable[[Any], Any] = lambda value: list(value) if isinstance(value, tuple) else value
    why: str = "MLM has no field for it"
    group: str = ""
    """Fields that are kept together or not at all."""

    def of(self, item: Item) -> Any:
        value: Any = item
        for name in self.path:
            value = getattr(value, name)
        return value


def _rows(rows: tuple[ArchiveEntry, ...]) -> list[dict[str, Any]]:
    return [{"name": row.name, "roles": list(row.roles)} for row in rows]


def _mapping(classes: tuple[ClassName, ...]) -> list[dict[str, str]]:
    return [{str(one.index): one.name} for one in classes]


def _sample(sample: DeclaredSample) -> dict[str, Any]:
    told = {"filename": sample.input, "output": sample.expected, "atol": sample.atol, "rtol": sample.rtol}
    return {name: value for name, value in told.items() if value is not None}


_ROUNDS = 3
_NAMES_BANDS = "MLM names bands, and the names here do not tell which of the file's they are"
_NO_COMMIT = "its host is not known to have addresses with a commit in them"
_NO_REGISTRY = "no registry is named, so it has no address"
_NOT_NAMED = "it is not the number of the named classes"
_Z_SCORE = "the same is in value_scaling, as numbers made of these"
_RUNTIME, _DOCKER = ("dlm:runtime",), ("dlm:runtime", "docker")
_DATA, _INPUTS, _OUTPUTS = ("dlm:data",), ("dlm:inputs",), ("dlm:outputs",)
_TENSOR = ("dlm:inputs", "input_tensors")
FIELDS = (
    Field(("runtime", "framework"), (*_RUNTIME, "framework")),
    Field(("runtime", "version"), (*_RUNTIME, "version"), why="MLM asks for three numbers"),
    Field(("runtime", "handler"), (*_RUNTIME, "model_handler")),
    Field(("runtime", "source_url"), (*_RUNTIME, "model_src_url"), group="source"),
    Field(("runtime", "source_commit"), (*_RUNTIME, "model_commit_hash"), why=_NO_COMMIT, group="source"),
    Field(("runtime", "requirement_file"), (*_RUNTIME, "requirement_file")),
    Field(("runtime", "docker", "image_name"), (*_DOCKER, "image_name"), why=_NO_REGISTRY),
    Field(("runtime", "docker", "tag"), (*_DOCKER, "tag")),
    Field(("runtime", "docker", "docker_file"), (*_DOCKER, "docker_file")),
    Field(("runtime", "docker", "gpu"), (*_DOCKER, "gpu")),
    Field(("runtime", "docker", "working_dir"), (*_DOCKER, "working_dir")),
    Field(("runtime", "docker", "run"), (*_DOCKER, "run")),
    Field(("archive",), ("dlm:archive",), _rows),
    Field(("sample",), (*_DATA, "test_file"), _sample),
    Field(("inputs", "name"), (*_INPUTS, "name")),
    Field(("inputs", "batch"), (*_TENSOR, "batch")),
    Field(("inputs", "channels"), (*_TENSOR, "channels")),
    Field(("inputs", "height"), (*_TENSOR, "height")),
    Field(("inputs", "width"), (*_TENSOR, "width")),
    Field(("inputs", "scaling_factor"), (*_INPUTS, "scaling_factor"), why=_Z_SCORE),
    Field(("inputs", "mean"), (*_INPUTS, "normalization:mean"), why=_Z_SCORE),
    Field(("inputs", "std"), (*_INPUTS, "normalization:std"), why=_Z_SCORE),
    Field(("inputs", "selected_bands"), (*_INPUTS, "selected_bands"), why=_NAMES_BANDS),
    Field(("inputs", "dtype"), (*_DATA, "dtype")),
    Field(("inputs", "number_of_bands"), (*_DATA, "number_of_bands"), why="of the files, which MLM does not count"),
    Field(("inputs", "nodata"), (*_DATA, "nodata_value")),
    Field(("outputs", "task"), (*_OUTPUTS, "task"), why="it is none of the tasks of MLM"),
    Field(("outputs", "number_of_classes"), (*_OUTPUTS, "number_of_classes"), why=_NOT_NAMED),
    Field(("outputs", "dont_care_index"), (*_OUTPUTS, "dont_care_index"), why="classes have no such mark in MLM"),
    Field(("outputs", "final_layer_size"), (*_OUTPUTS, "final_layer_size")),
    Field(("outputs", "classes"), (*_OUTPUTS, "class_name_mapping"), _mapping),
)
_PARTS = {"runtime": "dlm:runtime", "data": "dlm:data", "inputs": "dlm:inputs", "outputs": "dlm:outputs"}
_SAID = frozenset(field.home for field in FIELDS) | {
    ("dlm:inputs", name) for name in ("batch", "channels", "height", "width", "test_file", "dtype", "data_type")
}
"""Members whose meaning is in the `Item`."""


def keep_unknown(document: Document, source: Source, notes: Notes) -> None:
    """Members of the parts that neither `Item` nor MLM has a field for, where they stood."""
    for part, name in _PARTS.items():
        kept = _unsaid(source.parts[part], (name,))
        if kept:
            document["properties"][name] = kept
            for key in kept:
                notes.kept(f"/properties/{name}/{step(key)}", "MLM has no such field")
    if kept := {key: value for key, value in source.architecture.items() if value is not None}:
        document["properties"]["dlm:architecture"] = kept
        notes.kept("/properties/dlm:architecture", f"MLM has no field for {', '.join(kept)}")


def _unsaid(value: dict[str, Any], home: tuple[str, ...]) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for key, member in value.items():
        place = (*home, key)
        if member is None or place in _SAID:
            continue
        if isinstance(member, dict) and any(said[: len(place)] == place for said in _SAID):
            member = _unsaid(member, place)
        if member not in ({}, []):
            made[key] = member
    return made


def keep_unsaid(document: Document, item: Item, origin: str, notes: Notes) -> None:
    """Puts what does not come back under `dlm:`, and says what does not come back even so.

    More than once, since a reader that finds one half of something there looks for the other half there too.
    """
    for _ in range(_ROUNDS):
        differing = list(_differing(item, reread(document, origin)))
        groups = {field.group for field in differing if field.group}
        told = [field for field in FIELDS if (field in differing or field.group in groups) and _says(field, item)]
        for field in told:
            _put(document["properties"], field.home, field.written(field.of(item)))
            notes.kept("".join(f"/{step(name)}" for name in ("properties", *field.home)), field.why)
        if not differing:
            return
    again = reread(document, origin)
    for field in _differing(item, again):
        _note_different(field, item, again, notes)


def _says(field: Field, item: Item) -> bool:
    return field.of(item) not in (None, (), "")


def reread(document: Document, origin: str) -> Item:
    return read_item(json.dumps(document), origin)


def model_of(item: Item) -> dict[tuple[str, ...], Any]:
    """What every field says, by its path; of the sample what it is, not where it stands."""
    told = {field.path: field.of(item) for field in FIELDS}
    return {path: _sample(one) if isinstance(one, DeclaredSample) else one for path, one in told.items()}


def _differing(item: Item, again: Item) -> Iterator[Field]:
    one, other = model_of(item), model_of(again)
    yield from (field for field in FIELDS if one[field.path] != other[field.path])


def _note_different(field: Field, item: Item, again: Item, notes: Notes) -> None:
    name = ".".join(field.path)
    if not _says(field, item):
        notes.assumed("", f"a reader of MLM will take {name} to be {field.of(again)}; the item did not say")
    else:
        notes.dropped("", f"{name} comes back as {field.of(again)}, not as {field.of(item)}")


def _put(fields: Document, home: tuple[str, ...], value: Any) -> None:
    for name in home[:-1]:
        fields = fields.setdefault(name, {})
    fields[home[-1]] = value
