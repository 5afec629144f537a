"""Files of a folder that are no STAC items: they are counted and named, and graded by nobody.

A folder of items has other files beside them: schemas, packages, maps. Whoever names such a file itself means it to be
an item, and is told that it is none.
"""

from __future__ import annotations

import re

from dlm_build.catalogues import SourceText
from dlm_build.catalogues.documents import may_hold_items
from dlm_build.checking.records import Checked, LeftOut
from dlm_build.errors import Outcome

_OF_DRAFTS = re.compile(r"\b(?:properties|assets|archive|engine)\b|\bmodel:[a-z]")
"""Words of the drafts from before STAC, where a text cannot be read."""
_OTHER = "not-an-item"
_OF_MANY = tuple(f"this is {what}" for what in (
    "a STAC C", "a FeatureCollection", "a list of collections", "the landing page of an API",
))  # fmt: skip
"""What is made to hold items, of which each has a file of its own or none is there."""
_NO_MODEL = frozenset(("not-a-model-item", "field-invalid"))
_NO_DOCUMENT = frozenset((
    "not-json", "not-yaml", "duplicate-key", "document-is-a-page", "document-is-a-pointer", "document-empty",
    "character-refused", "number-refused", "second-document", "yaml-alias", "yaml-tag", "key-not-text",
    "document-has-a-conflict",
))  # fmt: skip


def left_out(source: SourceText, checked: Checked) -> LeftOut | None:
    """What a file of a folder is, where it is no STAC item; None for an item, and for what may be a broken one."""
    if not source.in_folder or checked.outcome != Outcome.ITEM_INVALID:
        return None
    finding = checked.findings[0]
    if may_hold_items(source.text) and not (finding.code == _OTHER and finding.message.startswith(_OF_MANY)):
        return None
    if finding.code == _OTHER:
        what = finding.message.removeprefix("this is ").partition(", not a model item")[0]
    elif finding.code in _NO_MODEL and not _is_feature(source.text):
        what = "another document"
    elif finding.code in _NO_DOCUMENT and not _OF_DRAFTS.search(source.text):
        what = "no document that can be read"
    else:
        return None
    return LeftOut(origin=source.origin, what=what)


def _is_feature(text: str) -> bool:
    """Whether a feature has assets, as items have: then it may be one."""
    return "Feature" in text and "assets" in text
