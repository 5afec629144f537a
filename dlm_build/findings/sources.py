"""How an item was found."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, Kind


class OnlyOneInside(Kind):
    """is the only item in the answer of {found}, and was taken from there"""

    severity = HYGIENE
    fix = "give the item's own address: the answer may hold others tomorrow"
    more = (
        "ITEM was no item but an answer with items in it: a search, a page of a collection, a dataset of CKAN. It held "
        "just one, so that one was read. The same question may be answered with more items later, and then it is "
        "refused; an item's own address always means the same item."
    )
