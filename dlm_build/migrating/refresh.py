"""MLM items of any version as the newest: what is valid stays as it was written, the rest is said again."""

from __future__ import annotations

from typing import Any

from dlm_build.migrating.assets import FILE, assets
from dlm_build.migrating.core import core
from dlm_build.migrating.kept import keep_unknown
from dlm_build.migrating.model import mlm_properties
from dlm_build.migrating.properties import common
from dlm_build.migrating.records import Notes
from dlm_build.migrating.said import other_extensions, said_in_mlm
from dlm_build.migrating.source import Source, read_again
from dlm_build.schemas import MLM, problems_of_item
from dlm_build.schemas.offline import mlm_fields

Document = dict[str, Any]
_OF_ASSETS = ("mlm:artifact_type", "mlm:compile_method", "mlm:entrypoint")
_OF_ITEMS = ("mlm:name", "mlm:input", "mlm:output", "mlm:hyperparameters")
_OLD_SCALING = ("norm_by_channel", "norm_type", "norm_clip", "norm_with_clip_values", "statistics")
_BANDS = ("bands", "eo:bands", "raster:bands")
_AGAIN = "what stood there breaks the schema; said again from what was read of it"


def refresh(source: Source, place: str, notes: Notes) -> Document:
    """Whatever cannot be mended so is written as for an item of another dialect."""
    attempt = Notes()
    made = _carried(source, place, attempt)
    _mend(made, mlm_properties(read_again(source), [], Notes()), attempt)
    if [one for one in problems_of_item(made) if not one.pointer.startswith("/properties/") or "mlm:" in one.pointer]:
        notes.assumed("/properties", "the item keeps to no version of MLM that is known, so it is said anew")
        return said_in_mlm(source, place, notes)
    notes.take(attempt)
    return made


def _carried(source: Source, place: str, notes: Notes) -> Document:
    made = core(source, place, notes)
    made["assets"] = assets(source, place, notes, fields=True)
    own = {name: value for name, value in source.rest.items() if name.startswith("mlm:") or name in _BANDS}
    made["properties"] = {**common(source, notes), **own}
    made |= {name: value for name, value in source.beside.items() if name not in made and not name.startswith("mlm:")}
    keep_unknown(made, source, notes)
    _move(made, notes)
    _update_inputs(made, source, notes)
    uris = [MLM, *other_extensions(source, notes)]
    has_file = any(name.startswith("file:") for asset in made["assets"].values() for name in asset)
    made["stac_extensions"] = list(dict.fromkeys([*uris, *([FILE] if has_file else [])]))
    return made


def _move(made: Document, notes: Notes) -> None:
    """Fields of MLM to where it allows them; those it does not have go."""
    properties, models = made["properties"], [one for one in made["assets"].values() if "mlm:model" in one["roles"]]
    for key, asset in made["assets"].items():
        for name in [name for name in asset if name in _OF_ITEMS or (name.startswith("mlm:") and not _is_known(name))]:
            value = asset.pop(name)
            if name in _OF_ITEMS and name not in properties:
                properties[name] = value
            else:
                notes.dropped(f"/assets/{key}/{name}", "MLM has no such field here")
        if "mlm:artifact_type" in asset and asset not in models:
            del asset["mlm:artifact_type"]
            notes.dropped(f"/assets/{key}/mlm:artifact_type", "only of the model")
        if "mlm:entrypoint" in asset and "code" not in asset["roles"]:
            asset["roles"] = [*asset["roles"], "code"]
            notes.assumed(f"/assets/{key}/roles", "code, since it has an entry point")
    for name in [name for name in properties if name.startswith("mlm:")]:
        if name in _OF_ASSETS or not _is_known(name):
            del properties[name]
            notes.dropped(f"/properties/{name}", "MLM has no such field here")
    _list_bands(properties, models, notes)


def _list_bands(properties: Document, models: list[Document], notes: Notes) -> None:
    """STAC has the list at an asset, and may have it in the properties besides; MLM asks for it there."""
    listed = next((asset for asset in models if isinstance(asset.get("bands"), list)), None)
    if listed is not None and "bands" not in properties:
        properties["bands"] = listed["bands"]
        notes.assumed("/properties/bands", "the list at the model's asset")
    elif listed is None and models and isinstance(properties.get("bands"), list):
        models[0]["bands"] = properties["bands"]
        notes.assumed("/assets", "the model's has the list of bands in the properties")


def _is_known(name: str) -> bool:
    return name in mlm_fields()


def _update_inputs(made: Document, source: Source, notes: Notes) -> None:
    """`norm_type` and `statistics` of before 1.4 as `value_scaling`; classes under their one name."""
    inputs, outputs = (made["properties"].get(name) for name in ("mlm:input", "mlm:output"))
    again = mlm_properties(read_again(source), [], Notes())["mlm:input"]
    for index, entry in enumerate(inputs if isinstance(inputs, list) else []):
        old = [name for name in _OLD_SCALING if isinstance(entry, dict) and name in entry]
        if not old:
            continue
        for name in old:
            del entry[name]
        place = f"/properties/mlm:input/{index}/value_scaling"
        if index == 0 and again and "value_scaling" in again[0]:
            entry.setdefault("value_scaling", again[0]["value_scaling"])
            notes.assumed(place, f"from {', '.join(old)}")
        elif index:
            notes.dropped(place, f"{', '.join(old)}: only those of the first input are understood")
    for entry in outputs if isinstance(outputs, list) else []:
        if isinstance(entry, dict) and "classification_classes" in entry and "classification:classes" not in entry:
            entry["classification:classes"] = entry.pop("classification_classes")
        rows = entry.get("classification:classes") if isinstance(entry, dict) else None
        for row in rows if isinstance(rows, list) else []:
            if isinstance(row, dict):
                _update_class(row)


def _update_class(row: Document) -> None:
    """A description, which is asked for, and a colour as six digits, not three numbers."""
    text = row.get("description") or row.get("title") or row.get("name")
    if isinstance(text, str):
        row["description"] = text
    colour = row.get("color_hint")
    if isinstance(colour, list) and len(colour) == 3 and all(isinstance(c, int) and 0 <= c < 256 for c in colour):
        row["color_hint"] = "".join(f"{channel:02X}" for channel in colour)


def _mend(made: Document, again: Document, notes: Notes) -> None:
    """Every property of MLM that is missing or wrong, from what was read; what nobody asks for goes."""
    properties = made["properties"]
    for name in ("mlm:name", "mlm:architecture", "mlm:tasks", "mlm:input", "mlm:output"):
        if name not in properties:
            properties[name] = again[name]
            notes.assumed(f"/properties/{name}", "MLM asks for it")
    wrong = {problem.pointer.split("/")[2] for problem in problems_of_item(made) if _in_mlm(problem.pointer)}
    for name in sorted(wrong):
        if name in again:
            properties[name] = again[name]
            notes.assumed(f"/properties/{name}", _AGAIN)
        else:
            del properties[name]
            notes.dropped(f"/properties/{name}", "it breaks the schema")
    if any(problem.pointer == "" for problem in problems_of_item(made)) and again["mlm:input"]:
        properties["mlm:input"] = again["mlm:input"]
        notes.assumed("/properties/mlm:input", _AGAIN)


def _in_mlm(pointer: str) -> bool:
    return pointer.startswith("/properties/mlm:")
