"""The core of a STAC 1.1 item: who, where, links. What STAC asks for and the item does not say is left open."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

from dlm_build.fetching.urls import LONE_PERCENT, joined
from dlm_build.hrefs import read_href
from dlm_build.items.locations import is_no_path
from dlm_build.migrating.records import Notes
from dlm_build.migrating.source import Source, plain
from dlm_build.schemas import problems
from dlm_build.schemas.offline import GEOMETRY, is_reference

_NO_LETTER = re.compile(r"[\s\"<>\\^`{|}\[\]]")
_MAY_STAY = "/?#%&=+,;@!$'()*"
STAC_VERSION = "1.1.0"
_PLACE_RELS = ("self", "root", "parent")
"""Links that say where the old document is."""


def core(source: Source, place: str, notes: Notes) -> dict[str, Any]:
    """Everything but properties, assets and extensions."""
    links = dict(_links(source, place, notes))
    return {
        "type": "Feature",
        "stac_version": STAC_VERSION,
        "id": source.item.id,
        **_where(source, notes),
        **_collection(source, links, notes),
        "links": list(links.values()),
    }


def moved(href: str, origin: str, place: str) -> str:
    """An href published at `origin`, as it is written at `place`. Both are paths, URLs or `-`."""
    if not href or "://" in href or href.startswith("/") or is_no_path(href) or "-" in (origin, place):
        return href
    if read_href(href).url is None:  # a path of one machine, which is beside nothing
        return href
    if "://" in origin:
        return joined(origin, href)
    there = posixpath.join(posixpath.dirname(origin), href)
    here = posixpath.relpath(there, posixpath.dirname(place) or ".")
    return posixpath.normpath(here)


def as_reference(href: str) -> str:
    """The href, percent-encoded where it is no IRI reference as it stands. No address of a host becomes a path.

    So are the bytes of a folder's name that are no UTF-8.
    """
    encoded = _NO_LETTER.sub(lambda found: quote(found.group()), LONE_PERCENT.sub("%25", href))
    scheme, of_host, rest = encoded.partition("://")
    colons = f"{scheme}://{_quoted(rest, _MAY_STAY)}" if of_host else f"./{encoded}"
    tries = (href, encoded, colons, _quoted(href, "/"))
    return next((one for one in tries if is_reference(one)), _quoted(href, ""))


def _quoted(text: str, safe: str) -> str:
    return quote(text, safe, errors="surrogateescape")


def _where(source: Source, notes: Notes) -> dict[str, Any]:
    geometry, bbox = (plain(source.root.at(name).value) for name in ("geometry", "bbox"))
    if isinstance(geometry, dict) and not problems(geometry, GEOMETRY):
        given = _is_bbox(bbox)
        if not given:
            notes.assumed("/bbox", "the bounds of the geometry")
        return {"geometry": geometry, "bbox": bbox if given else _bounds(geometry)}
    if geometry is not None:
        notes.dropped("/geometry", "it is no GeoJSON geometry")
    if _is_bbox(bbox) and len(bbox) == 4:
        notes.assumed("/geometry", "the box of /bbox")
        west, south, east, north = bbox
        ring = [[west, south], [east, south], [east, north], [west, north], [west, south]]
        return {"geometry": {"type": "Polygon", "coordinates": [ring]}, "bbox": bbox}
    if bbox is not None:
        notes.dropped("/bbox", "STAC has none where the geometry is null, and it is not a box of four numbers")
    notes.assumed("/geometry", "null: the item does not say where the model applies")
    return {"geometry": None}


def _is_bbox(value: Any) -> bool:
    return isinstance(value, list) and len(value) in (4, 6) and all(_is_number(side) for side in value)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bounds(geometry: dict[str, Any]) -> list[float]:
    points = list(_points(geometry))
    sides = range(min(3, min(len(point) for point in points)))
    low = [min(point[side] for point in points) for side in sides]
    return low + [max(point[side] for point in points) for side in sides]


def _points(value: Any) -> Iterator[list[float]]:
    if isinstance(value, dict):
        yield from _points(value.get("coordinates", value.get("geometries")))
    elif isinstance(value, list) and value and all(_is_number(one) for one in value):
        yield value
    elif isinstance(value, list):
        for one in value:
            yield from _points(one)


def _links(source: Source, place: str, notes: Notes) -> Iterator[tuple[str, dict[str, Any]]]:
    """By the pointers into the old item."""
    published = source.root.at("links")
    if not published.absent and not isinstance(published.value, list):
        notes.dropped("/links", "it is not a list")
    count = 0
    for row in published.rows():
        link = plain(row.value)
        rel, href = (link.get(name) if isinstance(link, dict) else None for name in ("rel", "href"))
        if not isinstance(rel, str) or not isinstance(href, str) or not rel or not href.strip():
            notes.dropped(row.pointer, "a link needs `rel` and `href`")
        elif rel in _PLACE_RELS:
            notes.dropped(row.pointer, f"rel {rel} says where the old item stands in its catalogue")
        else:
            notes.reworded(f"{row.pointer}/href")
            there = moved(href.strip(), source.item.origin, place)
            if (written := as_reference(there)) != there:
                notes.assumed(f"/links/{count}/href", "what an address cannot have is written with % escapes")
            count += 1
            yield row.pointer, {**link, "href": written}


def _collection(source: Source, links: dict[str, dict[str, Any]], notes: Notes) -> dict[str, Any]:
    """STAC has the id and the link, or neither."""
    name = plain(source.root.at("collection").value)
    linked = [pointer for pointer, link in links.items() if link["rel"] == "collection"]
    if isinstance(name, str) and linked:
        return {"collection": name}
    if name is not None:
        notes.dropped("/collection", "STAC asks for a link with rel collection beside it")
    for pointer in linked:
        del links[pointer]
        notes.dropped(pointer, "rel collection: STAC asks for the id of the collection beside it")
    return {}
