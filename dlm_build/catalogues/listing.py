"""Ids and places in messages: the first ten, and how many more; the nearest to one that is not there."""

from __future__ import annotations

import difflib
import shlex

from dlm_build.errors import shown

LISTED = 10
COMPARED = 2_000
"""Ids among which the nearest are looked for."""


def listed(labels: list[str]) -> list[str]:
    """At most ten, escaped, and how many more."""
    more = [f"and {len(labels) - LISTED} more"] if len(labels) > LISTED else []
    return [*(shown(label, 80) for label in labels[:LISTED]), *more]


def nearest(wanted: str, ids: list[str]) -> list[str]:
    """Up to three that look like `wanted`."""
    return difflib.get_close_matches(wanted, ids[:COMPARED], n=3, cutoff=0.5)


def example(id_: str) -> str:
    """`--id …` as it can be pasted into a shell."""
    return f"`--id {shlex.quote(shown(id_, 80))}`"
