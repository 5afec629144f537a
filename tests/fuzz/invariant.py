"""What must hold for any text: an Item or one of two errors, printable words, records that survive JSON, in time.

What was read can be said again in MLM, by a valid item that is read as MLM.
"""

from __future__ import annotations

import json
import time

from dlm_build.checking.check import check_text
from dlm_build.checking.formats.encoding import json_text
from dlm_build.checking.records import Checked
from dlm_build.errors import ItemHostile, ItemInvalid
from dlm_build.items import read_item
from dlm_build.items.reading import load
from dlm_build.migrating import migrate
from dlm_build.records import Finding, Item, from_json, to_json

LIMIT = 5.0
"""Seconds of processor time; more than the two that a user may meet, since a fuzzer's instruments cost some."""


class Broken(AssertionError):
    """What a text must not bring about."""


def must_hold(data: bytes) -> None:
    """Raises Broken, or whatever a bug raises."""
    text = data.decode("utf-8", "replace")
    started = time.process_time()
    item = _read(text)
    checked = check_text(text, "item")
    _hold(checked == from_json(Checked, json_text(checked).encode()), "a check that JSON changes")
    _hold((item is None) == (checked.outcome is not None), "read by one and not by the other")
    _printable(checked.findings)
    _hold(all(finding.line for finding in checked.findings) or item is None, "a finding without a line")
    if item is not None:
        _migrates(item, text)
    spent = time.process_time() - started
    _hold(spent < LIMIT, f"{spent:.1f} s")


def _read(text: str) -> Item | None:
    try:
        item = read_item(text, "item")
    except (ItemInvalid, ItemHostile) as error:
        _hold(error.message.startswith("item"), f"an error without its place: {error.message!r}")
        _hold(all(line.isprintable() for line in str(error).split("\n")), f"unprintable: {str(error)!r}")
        _hold(len(str(error)) < 2000, f"an error of {len(str(error))} characters")
        return None
    _hold(from_json(Item, to_json(item)) == item, "an item that JSON changes")
    _printable(item.findings)
    return item


def _migrates(item: Item, text: str) -> None:
    """`migrate` itself holds what it made to the schemas."""
    made = json.dumps(migrate(item, load(text, "item")).document)
    _hold(read_item(made, "made").dialect == "mlm", "migrated to something else than MLM")


def _printable(findings: tuple[Finding, ...]) -> None:
    for finding in findings:
        words = (finding.message, finding.pointer, finding.hint, finding.evidence)
        _hold(all(word.isprintable() for word in words), f"unprintable: {finding}")


def _hold(condition: bool, what: str) -> None:
    if not condition:
        raise Broken(what)
