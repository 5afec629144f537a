"""The `mlm:` properties of an MLM item, made valid piece by piece: what the schema allows stays as it was written."""

from __future__ import annotations

import re
from functools import partial
from typing import Any, NamedTuple

from dlm_build.items.mlm.shapes import usual_order
from dlm_build.migrating.pruning import GONE, pruned
from dlm_build.migrating.records import Notes
from dlm_build.migrating.tensors import DATA_TYPES, TASKS, dimensions
from dlm_build.schemas import problems_of_item
from dlm_build.schemas.offline import fits, members_of

Document = dict[str, Any]
_REQUIRED = ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output")
_STRUCTURE = {"shape": ("shape",), "dim_order": ("dim_order", "dim_names", "axes"), "data_type": ("data_type", "dtype")}
"""Its members, and what they were called before."""
_CHANNELS = ("channel", "channels", "band", "spectral", "c", "features", "feature")


class _Side(NamedTuple):
    """Inputs, or outputs."""

    field: str
    definition: str
    structure: str
    """The member that has shape, dimensions and type."""
    name: str
    """Of one that has none."""


_SIDES = (_Side("mlm:input", "ModelInput", "input", "input"), _Side("mlm:output", "ModelOutput", "result", "output"))


def mend(made: Document, again: Document, notes: Notes) -> None:
    """`again`: every property as it was read, for what is missing or cannot be mended."""
    properties = made["properties"]
    for name in _REQUIRED:
        if properties.get(name) is None:
            properties[name] = again[name]
            notes.assumed(f"/properties/{name}", "MLM asks for it")
    for name in [name for name in properties if name.startswith("mlm:")]:
        if not fits(properties[name], name):
            _mend_property(properties, name, again, notes)
    _name_bands(made, notes)


def _mend_property(properties: Document, name: str, again: Document, notes: Notes) -> None:
    place, value = f"/properties/{name}", properties[name]
    side = next((side for side in _SIDES if side.field == name), None)
    if side:
        properties[name] = _entries(value, side, again, notes)
        return
    if name == "mlm:tasks":
        mended = _tasks(value, place, notes) or again[name]
    else:
        mended = pruned(value, partial(fits, place=name))
    if mended is not GONE:
        properties[name] = mended
        if name == "mlm:tasks" and mended == again[name]:
            notes.assumed(place, "what stood there breaks the schema; said again from what was read of it")
    elif name == "mlm:framework_version":
        del properties[name]
        notes.moved(place, "/properties/dlm:runtime/version")
    elif name in again:
        properties[name] = again[name]
        notes.assumed(place, f"{_told(value)} breaks the schema; said again from what was read of it")
    else:
        del properties[name]
        notes.dropped(place, f"{_told(value)} breaks the schema")


def _told(value: Any) -> str:
    return "what stood there" if isinstance(value, dict | list) else f"{value}"


def _tasks(value: Any, place: str, notes: Notes) -> list[str]:
    """Those that MLM has, in its spelling."""
    rows = value if isinstance(value, list) else [value]
    found = []
    for index, row in enumerate(rows):
        step = f"{place}/{index}" if isinstance(value, list) else place
        name = re.sub(r"[\s_-]+", "-", row.strip().lower()) if isinstance(row, str) else ""
        if name not in TASKS:
            notes.dropped(step, f"MLM has no task {_told(row)}")
            continue
        if name != row or not isinstance(value, list):
            notes.reworded(step)
        found.append(name)
    return list(dict.fromkeys(found))


def _entries(value: Any, side: _Side, again: Document, notes: Notes) -> list[Document]:
    """Every one that is an object, in its place; what was read of the first, where none is."""
    place, known = f"/properties/{side.field}", again[side.field]
    if isinstance(value, dict):
        notes.moved(place, f"{place}/0")
        value = [value]
    rows = [row for row in value if isinstance(row, dict)] if isinstance(value, list) else []
    if not rows:
        notes.assumed(place, "what stood there breaks the schema; said again from what was read of it")
        return list(known)
    tasks = again["mlm:tasks"]
    return [
        _entry(row, side, _Known(known[0] if known and not index else {}, tasks, f"{place}/{index}"), notes)
        for index, row in enumerate(rows)
    ]


class _Known(NamedTuple):
    """What to fill in."""

    entry: Document
    """As it was read; empty where nobody reads it."""
    tasks: list[str]
    place: str


def _entry(row: Document, side: _Side, known: _Known, notes: Notes) -> Document:
    made = _allowed(row, side)
    place = known.place
    if "name" not in made:
        made = {"name": known.entry.get("name") or side.name, **made}
        notes.assumed(f"{place}/name", "MLM asks for it")
    if side.field == "mlm:output" and "tasks" not in made:
        made["tasks"] = _tasks(row["tasks"], f"{place}/tasks", notes) if row.get("tasks") else []
        if not made["tasks"]:
            made["tasks"] = known.entry.get("tasks") or known.tasks
            notes.assumed(f"{place}/tasks", "those of the model")
    if not isinstance(row.get(side.structure), dict):
        row = {**row, side.structure: _beside(made, f"{place}/{side.structure}", place, notes)}
    made[side.structure] = _structure(row.get(side.structure), side, known, notes)
    for what in ("bands", "variables"):
        _agree(made, what, made[side.structure], f"{place}/{side.structure}/dim_order", notes)
    return made


def _beside(made: Document, inside: str, place: str, notes: Notes) -> Document:
    """The structure's members where it is not there and they stand in its entry, as reading finds them; moved."""
    found: Document = {}
    for own, names in _STRUCTURE.items():
        said = next((name for name in names if made.get(name) is not None), None)
        if said:
            found[own] = made.pop(said)
            notes.moved(f"{place}/{said}", f"{inside}/{own}")
    return found


def _allowed(row: Document, side: _Side) -> Document:
    """Every member but the structure, or the part of it that the schema allows."""
    members = members_of(side.definition)
    made = {}
    for name, value in row.items():
        where = f"{side.definition}/properties/{name}"
        if name == side.structure or name not in members or fits(value, where):
            made[name] = value
        elif name != "tasks" and (part := pruned(value, partial(fits, place=where))) is not GONE:
            made[name] = part
    return made


def _structure(value: Any, side: _Side, known: _Known, notes: Notes) -> Document:
    place = f"{known.place}/{side.structure}"
    given = value if isinstance(value, dict) else {}
    read = known.entry.get(side.structure) or {}
    shape = _shape(given.get("shape"), read.get("shape"), f"{place}/shape", notes)
    known_order = None if given.get("shape") else read.get("dim_order")
    order = _order(given.get("dim_order"), shape, side, known_order, f"{place}/dim_order", notes)
    data_type = _data_type(given.get("data_type"), read.get("data_type"), f"{place}/data_type", notes)
    return {**given, "shape": shape, "dim_order": order, "data_type": data_type}


def _shape(value: Any, read: Any, place: str, notes: Notes) -> list[int]:
    if fits(value, "DimensionShape"):
        return list(value)
    if not isinstance(value, list) or not value:
        notes.assumed(place, "-1, which is any size, where the item says none")
        return read or [-1, -1, -1, -1]
    for index, side in enumerate(value):
        if not fits([side], "DimensionShape"):
            notes.assumed(f"{place}/{index}", f"-1, which is any size: {_told(side)} is none that MLM has")
    return [side if fits([side], "DimensionShape") else -1 for side in value]


def _order(value: Any, shape: list[int], side: _Side, read: Any, place: str, notes: Notes) -> list[str]:
    if fits(value, "DimensionOrder"):
        return list(value)
    if isinstance(value, list) and value:
        names: list[str] = []
        for index, row in enumerate(value):
            text = re.sub(r"[^a-z_-]+", "-", row.lower()).strip("-") if isinstance(row, str) else ""
            names.append(_another(text or "axis", names))
            if names[-1] != row:
                notes.assumed(f"{place}/{index}", f"{_told(row)} in the letters that MLM allows, each name once")
        return names
    notes.assumed(place, "MLM asks for names of the dimensions")
    if read and len(read) == len(shape):
        return list(read)
    usual = {"bands": "class" if side.field == "mlm:output" else "channel"}
    return [usual.get(name, name) for name in usual_order(shape)] or dimensions(len(shape), side.field)


def _another(name: str, taken: list[str]) -> str:
    while name in taken:
        name += "-too"
    return name


def _data_type(value: Any, read: Any, place: str, notes: Notes) -> str:
    if fits(value, "DataType"):
        return str(value)
    name = value.strip().lower().rpartition(".")[2] if isinstance(value, str) else ""
    name = {"float": "float32", "double": "float64", "half": "float16"}.get(name, name)
    found = name if name in DATA_TYPES else read or "float32"
    notes.assumed(place, "the item does not say" if value is None else f"{_told(value)} is none of MLM's types")
    return str(found)


def _agree(entry: Document, what: str, structure: Document, place: str, notes: Notes) -> None:
    """Names of bands go with a dimension `bands`; neither without the other."""
    order = structure["dim_order"]
    if entry.get(what) and what not in order:
        channel = next((name for name in _CHANNELS if name in order), None)
        if channel is None:
            entry[what] = []
            return
        structure["dim_order"] = [what if name == channel else name for name in order]
        notes.assumed(
            f"{place}/{order.index(channel)}", f"{what}, not {channel}: MLM asks for it where they have names"
        )
    elif not entry.get(what) and what in order:
        other = _another("channel", order)
        structure["dim_order"] = [other if name == what else name for name in order]
        notes.assumed(f"{place}/{order.index(what)}", f"{other}: MLM has {what} only where they have names")


def _name_bands(made: Document, notes: Notes) -> None:
    """A list of the bands that inputs and outputs name, where MLM asks for it; no names, where there can be none."""
    if _lacks_a_list(made):
        _list_bands(made, notes)
    if _lacks_a_list(made):
        _drop_names(made["properties"], notes)


def _lacks_a_list(made: Document) -> bool:
    """MLM's schema asks for one by the whole item, and not by a place in it."""
    return any(not problem.pointer for problem in problems_of_item(made))


def _list_bands(made: Document, notes: Notes) -> None:
    properties = made["properties"]
    entries = [entry for side in _SIDES for entry in properties[side.field]]
    rows = [row for entry in entries for row in entry.get("bands") or ()]
    names = list(dict.fromkeys(row["name"] if isinstance(row, dict) else row for row in rows))
    models = [asset for asset in made["assets"].values() if "mlm:model" in asset["roles"]]
    if names and models:
        properties["bands"] = [{"name": name} for name in names]
        models[0].setdefault("bands", properties["bands"])
        notes.assumed("/properties/bands", "the bands that inputs and outputs name: MLM asks for a list of them")


def _drop_names(properties: Document, notes: Notes) -> None:
    for side in _SIDES:
        for index, entry in enumerate(properties[side.field]):
            place = f"/properties/{side.field}/{index}"
            for what in [what for what in ("bands", "variables") if entry.get(what)]:
                del entry[what]
                notes.dropped(f"{place}/{what}", f"MLM asks for a list of {what}, which the item does not have")
                _agree(entry, what, entry[side.structure], f"{place}/{side.structure}/dim_order", notes)
