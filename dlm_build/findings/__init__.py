"""Everything that may be found in an item and what lies behind it: one small class each.

module            what it knows
kinds             what a kind of finding is; how one is made; all of them by code

The other modules hold the kinds, by the part of the work that notices them. A class's docstring is its message, and
docs/findings.md is made from all of them.
"""

from __future__ import annotations

from dlm_build.findings.kinds import BUILD, HYGIENE, VERIFICATION, Kind

__all__ = ["BUILD", "HYGIENE", "VERIFICATION", "Kind"]
