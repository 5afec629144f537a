"""The story of migrating: carry the core, say the model in MLM, keep the rest, read it back, account for all of it."""

from __future__ import annotations

from dlm_build.findings.runtime import VersionOfPackage
from dlm_build.items.document import Document
from dlm_build.migrating.account import account_for
from dlm_build.migrating.kept import keep_unsaid
from dlm_build.migrating.records import Migrated, Notes
from dlm_build.migrating.refresh import refresh
from dlm_build.migrating.said import said_in_mlm
from dlm_build.migrating.secrets import all_without_userinfo
from dlm_build.migrating.source import read_source
from dlm_build.migrating.valid import demand_valid, without_faults
from dlm_build.records import Item

_ORDER = (
    "type", "stac_version", "stac_extensions", "id", "collection", "geometry", "bbox", "properties", "assets", "links",
)  # fmt: skip


def migrate(item: Item, document: Document, place: str | None = None) -> Migrated:
    """The item as a STAC 1.1 item with MLM, for any dialect it was read from. Pure; equal items give equal documents.

    `document` is what `item` was read from; `place` is where the new one will stand, for relative hrefs [where the
    old one stands]. Raises NotValid, which is a bug, where the result would break a schema.
    """
    notes = Notes()
    source = read_source(item, document)
    place = item.origin if place is None else place
    write = refresh if item.dialect == "mlm" else said_in_mlm
    made = write(source, place, notes)
    if write is said_in_mlm:  # the reader left it out, so that it has no place to be kept in
        for finding in item.findings:
            if finding.code == VersionOfPackage.code:
                notes.dropped(finding.pointer, finding.message)
    without_faults(made, notes)
    keep_unsaid(made, item, place, notes)
    made = all_without_userinfo(made)
    account_for(source, made, place, notes)
    made = {name: made[name] for name in (*_ORDER, *made) if name in made}
    demand_valid(made)
    return notes.migrated(made)
