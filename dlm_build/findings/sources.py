"""How an item was found."""

from __future__ import annotations

from dlm_build.findings.kinds import HYGIENE, VERIFICATION, Kind


class OnlyOneInside(Kind):
    """is the only item in the answer of {found}, and was taken from there"""

    severity = HYGIENE
    fix = "give the item's own address: the answer may hold others tomorrow"
    more = (
        "ITEM was no item but an answer with items in it: a search, a page of a collection, a dataset of CKAN. It held "
        "just one, so that one was read. The same question may be answered with more items later, and then it is "
        "refused; an item's own address always means the same item."
    )


class IdRepeated(Kind):
    """is the first of {count} items with the id "{found}" in {place}"""

    severity = VERIFICATION
    fix = "give every item an id of its own, or give the file of the one that is meant"
    more = """
    Within one collection an id stands for one item. Of several, the first is taken; another program may take the last,
    and then builds another model.

    Before: two features with `"id": "coast"`. After: `"id": "coast-1"` and `"id": "coast-2"`.
    """
