"""An item of DLM or ML-Model, said in MLM."""

from __future__ import annotations

import re
from typing import Any

from dlm_build.migrating.assets import FILE, assets
from dlm_build.migrating.core import core
from dlm_build.migrating.kept import keep_unknown
from dlm_build.migrating.model import mlm_properties, tell_architecture
from dlm_build.migrating.properties import common
from dlm_build.migrating.records import Notes
from dlm_build.migrating.source import Source, plain
from dlm_build.migrating.tensors import Bands, read_bands
from dlm_build.schemas import MLM
from dlm_build.schemas.offline import known

EO = "https://stac-extensions.github.io/eo/v2.0.0/schema.json"
_DIALECTS = re.compile(r"/(?:dl-model|dlm|dlm-extension|mlm|mlm-extension|ml-model)(?:/|$)")
_ADDRESS = re.compile(r"https?://[\x21-\x7e]+")
_REPLACED = re.compile(r"/(?:eo|file)/v?[0-9]")


def said_in_mlm(source: Source, place: str, notes: Notes) -> dict[str, Any]:
    tell_architecture(source, notes)
    bands = read_bands(source, notes)
    made = core(source, place, notes)
    made["assets"] = assets(source, place, notes)
    bands = _listed(made["assets"], bands, notes)
    made["properties"] = {
        **common(source, notes),
        **({"bands": bands.listing} if bands.listing else {}),
        **mlm_properties(source, bands.taken, notes),
    }
    made |= {name: value for name, value in source.beside.items() if name not in made and not name.startswith("mlm:")}
    keep_unknown(made, source, notes)
    made["stac_extensions"] = _extensions(source, made, notes)
    return made


def _listed(made: dict[str, Any], bands: Bands, notes: Notes) -> Bands:
    """STAC allows a list of bands in the properties only where an asset has one too: the model's."""
    model = next((asset for asset in made.values() if "mlm:model" in asset["roles"]), None)
    if model is None and bands.listing:
        notes.dropped("/properties/eo:bands", "there is no asset of a model that the bands could stand at")
        return Bands([], [])
    if model is not None and bands.listing:
        model["bands"] = bands.listing
    return bands


def _extensions(source: Source, made: dict[str, Any], notes: Notes) -> list[str]:
    fields = [*made["assets"].values(), made["properties"]]
    found = [MLM]
    if any(name.startswith("eo:") for one in (*fields, *made["properties"].get("bands", ())) for name in one):
        found.append(EO)
    if any(name.startswith("file:") for one in fields for name in one):
        found.append(FILE)
    others = [uri for uri in other_extensions(source, notes) if not _REPLACED.search(uri)]
    return list(dict.fromkeys([*found, *others]))


def is_replaced(uri: object) -> bool:
    """Whether the new item names another extension in its place, where it needs it."""
    return isinstance(uri, str) and bool(_DIALECTS.search(uri) or _REPLACED.search(uri))


def other_extensions(source: Source, notes: Notes) -> list[str]:
    """Those of the item besides its dialect's own."""
    found = []
    for row in source.root.at("stac_extensions").rows():
        uri = plain(row.value)
        if not isinstance(uri, str) or not _ADDRESS.fullmatch(uri):
            notes.dropped(row.pointer, "STAC 1.1 names extensions by the addresses of their schemas")
        elif _DIALECTS.search(uri) is None:
            found.append(uri)
            if uri not in known() and not _REPLACED.search(uri):
                notes.assumed("/stac_extensions", f"the item keeps to {uri}, whose schema is not here")
    return found
