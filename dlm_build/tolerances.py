"""How far an item may go with tolerances of its own: the plan holds it to this, and so does whoever judges."""

from __future__ import annotations

from dlm_build.records import Record


class Tolerance(Record, frozen=True, kw_only=True):
    default: float
    """What is looser marks a verdict as relaxed."""
    ceiling: float


RTOL = Tolerance(default=1e-3, ceiling=2e-2)
"""Relative to the expected value."""
ATOL = Tolerance(default=1e-2, ceiling=5e-2)
"""Absolute. Of probabilities; for other numbers a share of their largest, which is not known before they are read."""
