"""MLM items of any version as the newest: what is valid stays as it was written, the rest is said again."""

from __future__ import annotations

import re
from typing import Any

from dlm_build.migrating.assets import FILE, assets
from dlm_build.migrating.core import core
from dlm_build.migrating.kept import keep_unknown
from dlm_build.migrating.mend import mend
from dlm_build.migrating.model import mlm_properties, tell_architecture
from dlm_build.migrating.properties import common
from dlm_build.migrating.records import Notes, step
from dlm_build.migrating.said import other_extensions, said_in_mlm
from dlm_build.migrating.scalings import update_scaling
from dlm_build.migrating.source import Source, read_again
from dlm_build.schemas import MLM, problems_of_item
from dlm_build.schemas.offline import mlm_fields

Document = dict[str, Any]
_OF_ASSETS = ("mlm:artifact_type", "mlm:compile_method", "mlm:entrypoint")
_OF_ITEMS = ("mlm:name", "mlm:input", "mlm:output", "mlm:hyperparameters")
_BANDS = ("bands", "eo:bands", "raster:bands")
_HASH_COLOUR = re.compile(r"#[0-9A-Fa-f]{6}")


def refresh(source: Source, place: str, notes: Notes) -> Document:
    """Whatever cannot be mended so is written as for an item of another dialect."""
    attempt = Notes()
    made = _carried(source, place, attempt)
    mend(made, mlm_properties(read_again(source), [], Notes()), attempt)
    if [one for one in problems_of_item(made) if not one.pointer.startswith("/properties/") or "mlm:" in one.pointer]:
        notes.assumed("/properties", "the item keeps to no version of MLM that is known, so it is said anew")
        return said_in_mlm(source, place, notes)
    notes.take(attempt)
    return made


def _carried(source: Source, place: str, notes: Notes) -> Document:
    tell_architecture(source, notes)
    made = core(source, place, notes)
    made["assets"] = assets(source, place, notes, fields=True)
    own = {name: value for name, value in source.rest.items() if name.startswith("mlm:") or name in _BANDS}
    made["properties"] = {**common(source, notes), **own}
    made |= {name: value for name, value in source.beside.items() if name not in made and not name.startswith("mlm:")}
    keep_unknown(made, source, notes)
    _move(made, notes)
    _update(made["properties"], notes)
    _update_version(made["properties"], source.item.runtime.version, notes)
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
                notes.moved(f"/assets/{step(key)}/{name}", f"/properties/{name}")
            else:
                notes.dropped(f"/assets/{step(key)}/{name}", "MLM has no such field here")
        if "mlm:artifact_type" in asset and asset not in models:
            del asset["mlm:artifact_type"]
            notes.dropped(f"/assets/{step(key)}/mlm:artifact_type", "only of the model")
        if "mlm:entrypoint" in asset and "code" not in asset["roles"]:
            asset["roles"] = [*asset["roles"], "code"]
            notes.assumed(f"/assets/{step(key)}/roles", "code, since it has an entry point")
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


def _update(properties: Document, notes: Notes) -> None:
    """What MLM had under other names or in other forms."""
    for index, entry in enumerate(_objects(properties, "mlm:input")):
        update_scaling(entry, f"/properties/mlm:input/{index}", notes)
    for index, entry in enumerate(_objects(properties, "mlm:output")):
        place = f"/properties/mlm:output/{index}"
        if "classification_classes" in entry and "classification:classes" not in entry:
            entry["classification:classes"] = entry.pop("classification_classes")
            notes.moved(f"{place}/classification_classes", f"{place}/classification:classes")
        said = entry.get("classification:classes")
        rows: list[Any] = said if isinstance(said, list) else []
        for number, row in enumerate(rows):
            at = f"{place}/classification:classes/{number}"
            if isinstance(row, str):
                rows[number] = {"value": number, "name": row, "description": row}
                notes.moved(at, f"{at}/name")
            elif isinstance(row, dict):
                _update_class(row, at, notes)


def _update_version(properties: Document, read: str | None, notes: Notes) -> None:
    """Without the `v` of a tag, where the reader left that out."""
    written = properties.get("mlm:framework_version")
    if read and isinstance(written, str) and written != read and written.strip().removeprefix("v") == read:
        properties["mlm:framework_version"] = read
        notes.reworded("/properties/mlm:framework_version")


def _objects(properties: Document, name: str) -> list[Document]:
    rows = properties.get(name)
    rows = [rows] if isinstance(rows, dict) else rows
    return [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []


def _update_class(row: Document, place: str, notes: Notes) -> None:
    """A description, which is asked for, and a colour as six digits, not three numbers."""
    text = row.get("description") or row.get("title") or row.get("name")
    if isinstance(text, str):
        row["description"] = text
    colour = row.get("color_hint")
    if isinstance(colour, list) and len(colour) == 3 and all(isinstance(c, int) and 0 <= c < 256 for c in colour):
        row["color_hint"] = "".join(f"{channel:02X}" for channel in colour)
        notes.reworded(f"{place}/color_hint")
    elif isinstance(colour, str) and _HASH_COLOUR.fullmatch(colour):
        row["color_hint"] = colour.removeprefix("#")
        notes.reworded(f"{place}/color_hint")
