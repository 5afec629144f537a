"""The bands of an MLM input: names, objects or numbers, and their places in the list of the file's bands."""

from __future__ import annotations

from collections import Counter

from msgspec.structs import replace

from dlm_build.errors import shown
from dlm_build.findings.mlm_tensors import (
    BandDerived,
    BandsAmbiguous,
    BandsAsNumbers,
    BandsFromNames,
    BandsUnlisted,
    VariablesUnread,
)
from dlm_build.items.display import display_text, text_of
from dlm_build.items.document import Number
from dlm_build.items.mlm.fields import Where, rows_of, rows_of_list
from dlm_build.items.mlm.roles import Entry
from dlm_build.items.node import Node
from dlm_build.records import Record

_LISTS = ("bands", "eo:bands", "raster:bands")
_MORE = frozenset(("common_name", "eo:common_name", "data_type", "nodata"))
"""Of a band in them, besides its name."""
_MOST = 65_536


class Listing(Record, frozen=True, kw_only=True):
    """What the item says of the bands of the files that the model takes."""

    place: Node | None = None
    names: tuple[str, ...] = ()
    common_names: tuple[str, ...] = ()
    """One for each name, or "" where it has none."""
    data_type: str | None = None
    nodata: Node | None = None

    def places(self, names: tuple[str, ...]) -> dict[str, list[int]]:
        """Where each of these stands in the list, by its name, else by its common name."""
        exact, common = _places(self.names), _places(self.common_names)
        return {name: exact.get(name) or common.get(name, []) for name in names}


def _places(names: tuple[str, ...]) -> dict[str, list[int]]:
    places: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        places.setdefault(name, []).append(place)
    return places


def find_listing(where: Where, entries: tuple[Entry, ...]) -> Listing:
    """At the model's asset, else in the properties, else at another asset."""
    places = [where.model.node] if where.model else []
    places += [where.properties, *(entry.node for entry in entries if entry is not where.model)]
    listed = [node for place in places for node in place.every(_LISTS)]
    found = [listing for node in listed if (listing := _listing(node)).names]
    return found[0] if found else Listing()


def _listing(node: Node) -> Listing:
    rows = [row for row in node.rows() if isinstance(row.value, dict)]
    names = _texts(rows, "name")
    if not any(names):
        return Listing()
    listing = Listing(place=node, names=names, common_names=("",) * len(names))
    told: set[str] = set().union(*[row for row in node.values() if isinstance(row, dict)])
    return listing if told.isdisjoint(_MORE) else _told_more(listing, rows)


def _told_more(listing: Listing, rows: list[Node]) -> Listing:
    """With what its rows say besides their names."""
    common, kinds = _texts(rows, "common_name", "eo:common_name"), {*_texts(rows, "data_type")}
    nodata = [row.at("nodata") for row in rows if row.has("nodata")]
    same = len(nodata) == len(rows) and all(other.value == nodata[0].value for other in nodata)
    return replace(
        listing,
        common_names=common,
        data_type=(kinds.pop() or None) if len(kinds) == 1 else None,
        nodata=nodata[0] if same else None,
    )


def _texts(rows: list[Node], *names: str) -> tuple[str, ...]:
    """Of each row the first of these members that says something, else an empty text."""
    return tuple([text_of(row, *names) or "" for row in rows])


def band_names(node: Node) -> tuple[str, ...]:
    """Of one entry of `mlm:input`; what is to be computed, or is no band, is noted."""
    names = []
    for row in rows_of_list(node.at("bands")):
        if not isinstance(row.value, dict):
            names.append(display_text(row) or "")
            continue
        names.append(text_of(row, "name") or "")
        if (expression := row.at("expression").value) is not None:
            text = expression if isinstance(expression, str) else "an expression"
            row.find(BandDerived, found=names[-1], expression=text)
    variables = node.at("variables")
    if variables.value:
        labels = [display_text(row.at("name") if isinstance(row.value, dict) else row) for row in rows_of(variables)]
        variables.find(VariablesUnread, found=", ".join(label for label in labels if label))
    return tuple(names)


def selected_bands(node: Node, names: tuple[str, ...], listing: Listing) -> tuple[int, ...]:
    """0-based places in the file, in the model's order; empty where the file's bands are taken as they come."""
    bands = node.at("bands")
    if not names or names == listing.names:
        return ()
    places = listing.places(names)
    if all(isinstance(row.value, Number) for row in rows_of(bands)) and not all(places.values()):
        return _numbers(bands, names)
    if unlisted := [name for name in names if not places[name]]:
        if listing.names:  # without any list there is nothing that could disagree
            bands.find(BandsUnlisted, found=", ".join(unlisted))
        return ()
    where = listing.place.pointer if listing.place else ""
    if repeated := [name for name, found in places.items() if len(found) > 1]:
        bands.find(BandsAmbiguous, listing=where, found=", ".join(repeated))
        return ()
    chosen = tuple(places[name][0] for name in names)
    bands.find(BandsFromNames, found=", ".join(names), listing=where, indices=list(chosen))
    return chosen


def _numbers(bands: Node, names: tuple[str, ...]) -> tuple[int, ...]:
    numbers = [int(name) for name in names if name.isascii() and name.isdigit() and len(name) < 6]
    if len(numbers) < len(names) or max(Counter(numbers).values()) > 1 or max(numbers) > _MOST:
        raise bands.invalid(f"must be names of bands, but are {shown(', '.join(names))}", 'write ["red", "green"]')
    first = 0 if 0 in numbers else 1
    bands.find(BandsAsNumbers, found=", ".join(names), first=first)
    return tuple(number - first for number in numbers)
