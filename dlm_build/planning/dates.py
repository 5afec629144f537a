"""The instant the environment is solved as of."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta

from dlm_build.errors import UsageError, shown
from dlm_build.findings.identity import NoDate
from dlm_build.findings.planning import DateBeforeFramework, DateInTheFuture
from dlm_build.planning.decided import Decided, decided, invalid, noticed
from dlm_build.planning.tables import FrameworkRow
from dlm_build.records import Finding, Item

GRACE = timedelta(days=90)
"""How long after a framework's release its packages and their companions are taken to be published."""
FAR = timedelta(days=3653)
"""How long after its tables were collected this dlm-build is not taken to be in use any more."""


def decide_as_of(item: Item, wanted: str) -> Decided[datetime | None]:
    """`wanted` is `item` or an ISO date or instant. None where the item has no date. Raises UsageError, ItemInvalid."""
    if wanted != "item":
        asked = asked_instant(wanted)
        return decided("as-of", asked, iso(asked), "asked for with --as-of")
    if item.date is None:
        outcome: Decided[datetime | None] = decided("as-of", None, "no limit", "the item has no date")
        return noticed(outcome, NoDate.at("/properties/created"))
    instant = parse_instant(item.date)
    pointer = item.date_pointer or "/properties/datetime"
    if instant is None:
        raise invalid(pointer, f"{shown(item.date)} is not an ISO 8601 date", "write it as 2021-06-30T12:00:00Z")
    return decided("as-of", instant, iso(instant), "packages newer than the item are left out", pointer)


def asked_instant(wanted: str) -> datetime:
    """What --as-of names. Raises UsageError."""
    instant = parse_instant(wanted)
    if instant is None:
        raise UsageError(f"--as-of {shown(wanted)} is not a date", "write it as 2021-06-30, or `item`, or `now`")
    return instant


def in_the_future(item: Item, collected: str) -> Finding | None:
    """The finding that the item is dated so long after the tables were `collected` that nobody can have made it yet."""
    if item.date is None or item.date[:4] <= collected[:4]:
        return None
    instant, known = parse_instant(item.date), parse_instant(collected)
    if instant is None or known is None or instant <= known + FAR:
        return None
    return DateInTheFuture.at(item.date_pointer or "/properties/created", found=item.date[:10])


def settle_as_of(
    as_of: datetime | None, row: FrameworkRow, from_item: bool, pointer: str | None
) -> Decided[datetime | None] | None:
    """A new decision where the item is dated before the framework it names was released, else None."""
    released = parse_instant(row.released) if row.released else None
    if as_of is None or released is None or as_of >= released or not from_item:
        return None
    moved = released + GRACE
    reason = f"the item is dated {as_of.date()}, before the framework {row.version} it names was released"
    after = f"{reason}; {GRACE.days} days after that release"
    outcome: Decided[datetime | None] = decided("as-of", moved, iso(moved), after, f"released {row.released}")
    return noticed(outcome, DateBeforeFramework.at(pointer or "/properties/created", found=reason))


def parse_instant(text: str) -> datetime | None:
    """UTC; a date alone means its last second. None where it is neither."""
    try:
        instant = datetime.fromisoformat(text)
        if len(text) <= len("2021-06-30") and instant.time() == time():
            instant = datetime.combine(instant.date(), time(23, 59, 59))
        return instant.astimezone(UTC) if instant.tzinfo else instant.replace(tzinfo=UTC)
    except (ValueError, OverflowError):
        return None


def iso(instant: datetime) -> str:
    return instant.isoformat(timespec="seconds").replace("+00:00", "Z")
