"""One of the items that were found, or the refusal that lists them."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import msgspec

from dlm_build.catalogues.asked import SourceText, Unread
from dlm_build.catalogues.documents import Opened, kind_of
from dlm_build.catalogues.found import Found
from dlm_build.catalogues.inside import word_for
from dlm_build.catalogues.listing import COMPARED, LISTED, example, listed, nearest
from dlm_build.catalogues.reader import Text, is_url
from dlm_build.errors import ItemInvalid, SourceGone, shown
from dlm_build.fetching.urls import shown_place
from dlm_build.findings.sources import IdRepeated, OnlyOneInside

_COUNTED = 1_000
"""Items that are counted on this disk; on the network nothing is read only to be counted."""


def called(wanted: str, first: Text, document: Opened, found: Iterator[Found | Unread]) -> SourceText:
    """The one with that id. In an API ids are each collection's own, so there it must be the only one.

    Elsewhere it is the first of several, which is said where they are all in one file.
    """
    in_one_file = kind_of(document) == "features" and not is_url(first.place)
    ids: list[str] = []
    unread: list[Unread] = []
    matching: list[Found] = []
    for one in found:
        if isinstance(one, Unread):
            unread.append(one)
            continue
        names = one.names()
        ids += names[:1] if len(ids) < COMPARED else ()
        matching += [one] if wanted in names else []
        if matching and one.collection is None and not in_one_file:
            break
    collections = sorted({one.collection for one in matching if one.collection is not None})
    if len(collections) > 1:
        what = f"the id {shown(wanted, 60)} is in the collections {', '.join(listed(collections))}"
        raise ItemInvalid(f"{shown_place(first.place)}: {what}", "say which with --collection")
    if not matching:
        raise _not_there(wanted, first, ids, unread)
    if len(matching) > 1:
        note = IdRepeated.at("", found=wanted, count=len(matching), place=shown_place(first.place))
        return msgspec.structs.replace(matching[0].read(), notes=(note,))
    return matching[0].read()


def _not_there(wanted: str, first: Text, ids: list[str], unread: list[Unread]) -> SourceGone:
    near = nearest(wanted, ids)
    there = f"the nearest there: {', '.join(listed(near))}" if near else f"there are {', '.join(listed(ids))}"
    if not ids:
        there = "no item was found there"
    missed = f"; {len(unread)} could not be read, first: {unread[0].problem.message}" if unread else ""
    hint = f"correct it, e.g. {example((near or ids)[0])}" if ids else "give the item's own address"
    return SourceGone(f"{shown_place(first.place)}: no item with the id {shown(wanted, 60)}; {there}{missed}", hint)


def only(first: Text, document: Opened, found: Iterator[Found | Unread]) -> SourceText:
    """The only item of an answer; of a catalogue, and of several, a refusal that lists them."""
    enough = LISTED + 1 if is_url(first.place) else _COUNTED
    unread: list[Unread] = []
    rows: list[Found] = []
    for one in islice(found, enough):
        if isinstance(one, Unread):
            unread.append(one)
        else:
            rows.append(one)
    if len(rows) == 1 and kind_of(document) in ("features", "ckan"):
        return msgspec.structs.replace(rows[0].read(), notes=(OnlyOneInside.at("", found=shown_place(first.place)),))
    labels = [one.label() for one in rows[:LISTED]]
    names = rows[0].names() if rows else ()
    inside = _inside(labels, _left(document, rows, enough), unread)
    hint = f"choose one with --id, e.g. {example(names[0])}" if names else "give the item's own address"
    raise ItemInvalid(f"{shown_place(first.place)}: this is {word_for(document)}, not one model item; {inside}", hint)


def _inside(labels: list[str], left: str, unread: list[Unread]) -> str:
    if labels:
        return f"inside: {', '.join(labels)}{left}"
    return f"no item is inside{f': {unread[0].problem.message}' if unread else ''}"


def _left(document: Opened, rows: list[Found], enough: int) -> str:
    """How many more there are than are listed, as far as that is known."""
    told = document.head.get("numberMatched", document.head.get("numMatched"))
    if isinstance(told, int) and told >= len(rows):
        return f" and {told - LISTED} more" if told > LISTED else ""
    if len(rows) >= enough:
        return " and more"
    return f" and {len(rows) - LISTED} more" if len(rows) > LISTED else ""
