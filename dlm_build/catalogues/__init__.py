"""Where an item may come from: its own file or address, or something larger that has it inside.

resolve(asked, outside) -> SourceText                       the one that is meant
every(asked, outside) -> Iterator[SourceText | Unread]      all of them, lazily

module       what it knows
asked        what is asked for, what comes back, how far a search may go
resolving    the story: read ITEM → tell its kind → look inside → one, or all
choosing     one of those found, or the refusal that lists them
reader       which places may be read, by whose word, and how much in all
documents    kinds of documents; items cut out of collections as the text they were published as
inside       which way of looking fits which kind
static       catalogues and collections that are plain files: `child` and `item` links
apis         ways into an API from whichever of its pages was given
stac_api     searches and pages, by pystac-client through our own door
ckan         resources of a dataset
found        one item inside something larger, read when it is wanted
listing      ids in messages
"""

from __future__ import annotations

from dlm_build.catalogues.asked import Asked, Bounds, SourceText, Unread
from dlm_build.catalogues.resolving import every, resolve

__all__ = ["Asked", "Bounds", "SourceText", "Unread", "every", "resolve"]
