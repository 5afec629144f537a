"""What git leaves in a file that two sides changed, until somebody decides."""

from __future__ import annotations

import re

from dlm_build.errors import ItemInvalid
from dlm_build.findings.documents import DocumentHasAConflict
from dlm_build.items.document import position, refused

_MARKER = re.compile(r"^(?:<{7} .*|\|{7} .*|={7}|>{7} .*)[ \t\r]*$", re.MULTILINE)
_SIDE = re.compile(r"^[<>]{7} ", re.MULTILINE)
"""A line of `=` alone may be anything."""


def conflict(text: str, origin: str, start: int, end: int) -> ItemInvalid | None:
    """The error, where the lines from that of `start` to that of `end` hold a marker.

    To be asked where a parser objected: a text of an item may hold such lines.
    """
    first = text.rfind("\n", 0, start) + 1
    last = text.find("\n", end)
    found = _MARKER.search(text[first : last if last >= 0 else len(text)])
    if found is None or not _SIDE.search(text):
        return None
    place = position(text, first + found.start())
    return refused(DocumentHasAConflict, origin, place, found=place.line)
