"""STAC's common metadata, as STAC 1.1 wants it."""

from __future__ import annotations

import re
from typing import Any

from dlm_build.items.identity import instant
from dlm_build.items.node import Node
from dlm_build.migrating.records import Notes
from dlm_build.migrating.source import Source, plain
from dlm_build.schemas import problems
from dlm_build.schemas.offline import DATETIME

_LICENSE = re.compile(r"[\w\-.+]+")
_WHOLE_WITH_OFFSET = re.compile(r"[0-9T:-]{19}[+-][0-9:]{5}")
"""A moment to the second, which is the same in UTC."""
_PROVIDES = ("producer", "licensor", "processor", "host")
_TIMES = ("datetime", "start_datetime", "end_datetime")
_BANDS = ("bands", "eo:bands", "raster:bands")
_EO = ("cloud_cover", "snow_cover", "common_name", "center_wavelength", "full_width_half_max", "solar_illumination")
"""Fields of eo 2.0."""
_ALWAYS = {"start_datetime": "1900-01-01T00:00:00Z", "end_datetime": "9999-12-31T23:59:59Z"}


def common(source: Source, notes: Notes) -> dict[str, Any]:
    """All properties but those of the model and its bands."""
    rest = source.rest
    apart = (*_BANDS, *_TIMES)
    carried = {name: value for name, value in rest.items() if name not in apart and not name.startswith("mlm:")}
    _name(source, carried, notes)
    made = {**carried, **_times(source, notes)}
    for name in ("created", "updated"):
        if name in made:
            made[name] = moment(source.properties.at(name), notes) or moment(source.root.at(name), notes)
            if made[name] is None:
                del made[name]
                notes.dropped(f"/properties/{name}", "it is not a date and time")
    if "license" in made:
        _license(source, made, notes)
    if "providers" in made:
        made["providers"] = _providers(made["providers"], notes)
    _old_eo(source, made, notes)
    return made


def _name(source: Source, made: dict[str, Any], notes: Notes) -> None:
    for name, text in (("title", source.item.title), ("description", source.item.description)):
        own = made.pop(name, None)
        if text:
            made[name] = own.strip() if isinstance(own, str) and own.strip() else text
    if "name" in made and made["name"] == source.item.title:
        del made["name"]
        notes.moved("/properties/name", "/properties/title")


def _times(source: Source, notes: Notes) -> dict[str, Any]:
    """`datetime`, and the interval where the item has one."""
    when, start, end = (moment(source.properties.at(name), notes) for name in _TIMES)
    interval = {"start_datetime": start, "end_datetime": end} if start and end else {}
    if when or interval:
        return {"datetime": when, **interval}
    if source.item.date:
        notes.assumed("/properties/datetime", f"the date at {source.item.date_pointer}; the item gives none")
        return {"datetime": source.item.date}
    notes.assumed("/properties/datetime", "the item has no date of any kind: null, and an interval that says always")
    return {"datetime": None, **_ALWAYS}


def moment(node: Node, notes: Notes) -> str | None:
    """As it was written, where STAC takes it so; else in UTC, to the second. None where it is no date."""
    read, own = instant(node), plain(node.value)
    if read is None or (isinstance(own, str) and not problems({"datetime": own.strip()}, DATETIME)):
        return own.strip() if read else None
    if isinstance(own, str) and _WHOLE_WITH_OFFSET.fullmatch(own.strip()):
        notes.reworded(node.pointer)
    else:
        notes.assumed(
            f"/properties/{node.pointer.rpartition('/')[2]}", f"{own} in UTC to the second, as STAC writes it"
        )
    return read


def _license(source: Source, made: dict[str, Any], notes: Notes) -> None:
    text, published = source.item.license, made.pop("license")
    if text is None:
        return
    if _LICENSE.fullmatch(text):
        made["license"] = text
    else:
        made["license"] = "other"
        notes.assumed("/properties/license", "what the item says is no SPDX identifier")
    if published != made["license"]:
        made["dlm:license"] = published
        notes.moved("/properties/license", "/properties/dlm:license")
        notes.kept("/properties/dlm:license", "STAC's license is an SPDX identifier")


def _providers(value: Any, notes: Notes) -> list[dict[str, Any]]:
    rows = value if isinstance(value, list) else [value]
    made = []
    for index, row in enumerate(rows):
        place = f"/properties/providers/{index}"
        if not isinstance(row, dict) or not isinstance(row.get("name"), str) or not row["name"]:
            notes.dropped(place, "a provider needs a name")
            continue
        roles = row.get("roles")
        if roles is not None and (odd := [role for role in _listed(roles) if role not in _PROVIDES]):
            notes.dropped(f"{place}/roles", f"STAC has no role {', '.join(map(str, odd))}")
        kept = [role for role in _listed(roles) if role in _PROVIDES]
        made.append({**{key: one for key, one in row.items() if key != "roles"}, **({"roles": kept} if kept else {})})
    return made


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [] if value is None else [value]


def _old_eo(source: Source, made: dict[str, Any], notes: Notes) -> None:
    """Fields that eo had before STAC 1.0 are told in `dlm:data`, since eo 2.0 refuses them."""
    for name in [name for name in made if name.startswith("eo:") and name[3:] not in _EO]:
        value = made.pop(name)
        if name[3:] in source.parts["data"] or value is None:
            notes.dropped(f"/properties/{name}", "eo 2.0 has no such field")
        else:
            source.parts["data"][name[3:]] = value
            notes.moved(f"/properties/{name}", f"/properties/dlm:data/{name[3:]}")
